//! Services made of services.

use crate::config::value::Wrong;
use crate::dynamic::decode::below;
use crate::dynamic::http;
use crate::model::{Group, GroupKind, Member, Mirror};

use super::voice::{Given, Voice};
use super::{Origin, service, values};

/// A group of whatever kind was said; a bad number disables it.
pub fn group(
    origin: &Origin,
    name: &str,
    place: &str,
    wanted: &http::Service,
    voice: &mut Voice,
) -> Group {
    let mut builder = Builder { origin, voice, disabled: None };
    let (kind, health_check) = builder.kind(name, place, wanted);
    Group {
        name: name.to_owned(),
        provider: origin.provider.to_owned(),
        dialect: origin.dialect,
        kind,
        health_check,
        disabled: builder.disabled,
    }
}

struct Builder<'a, 'v> {
    origin: &'a Origin<'a>,
    voice: &'a mut Voice<'v>,
    disabled: Option<String>,
}

impl Builder<'_, '_> {
    fn kind(&mut self, name: &str, place: &str, wanted: &http::Service) -> (GroupKind, bool) {
        if let Some(weighted) = &wanted.weighted {
            let place = below(place, "weighted");
            let members = self.members(&place, &weighted.services);
            let sticky = weighted.sticky.as_ref();
            let sticky = sticky
                .and_then(|sticky| service::sticky(self.origin, name, &place, sticky, self.voice));
            (GroupKind::Weighted { members, sticky }, weighted.health_check.is_some())
        } else if let Some(mirroring) = &wanted.mirroring {
            let kind = self.mirroring(&below(place, "mirroring"), mirroring);
            (kind, mirroring.health_check.is_some())
        } else if let Some(failover) = &wanted.failover {
            let kind = self.failover(&below(place, "failover"), failover);
            (kind, failover.health_check.is_some())
        } else {
            let random = wanted.highest_random_weight.clone().unwrap_or_default();
            let members = self.members(&below(place, "highestRandomWeight"), &random.services);
            (GroupKind::HighestRandomWeight { members }, random.health_check.is_some())
        }
    }

    fn members(&mut self, place: &str, wanted: &[http::Member]) -> Vec<Member> {
        let mut members = Vec::with_capacity(wanted.len());
        for (index, member) in wanted.iter().enumerate() {
            let place = below(&below(place, "services"), &format!("[{index}]"));
            let service = self.name(&place, "name", &member.name);
            let written = member.weight.unwrap_or(1);
            match values::weight_of(written) {
                Ok(weight) => members.push(Member { service, weight }),
                Err(wrong) => self.reject(&place, "weight", &written.to_string(), wrong),
            }
        }
        members
    }

    fn mirroring(&mut self, place: &str, wanted: &http::Mirroring) -> GroupKind {
        let service = self.name(place, "service", &wanted.service);
        let mut mirrors = Vec::with_capacity(wanted.mirrors.len());
        for (index, mirror) in wanted.mirrors.iter().enumerate() {
            let place = below(&below(place, "mirrors"), &format!("[{index}]"));
            let service = self.name(&place, "name", &mirror.name);
            match u8::try_from(mirror.percent).ok().filter(|percent| *percent <= 100) {
                Some(percent) => mirrors.push(Mirror { service, percent }),
                None => {
                    let wrong = Wrong::new("is not a percentage", "use a number from 0 to 100");
                    self.reject(&place, "percent", &mirror.percent.to_string(), wrong);
                }
            }
        }
        GroupKind::Mirroring {
            service,
            mirrors,
            mirror_body: wanted.mirror_body.unwrap_or(true),
            max_body_size: wanted.max_body_size.unwrap_or(-1),
        }
    }

    fn failover(&mut self, place: &str, wanted: &http::Failover) -> GroupKind {
        let errors = wanted.errors.clone().unwrap_or_default();
        let mut statuses = Vec::new();
        for text in &errors.status {
            match values::statuses(text) {
                Ok(range) => statuses.push(range),
                Err(wrong) => self.reject(&below(place, "errors"), "status", text, wrong),
            }
        }
        GroupKind::Failover {
            service: self.name(place, "service", &wanted.service),
            fallback: self.name(place, "fallback", &wanted.fallback),
            statuses,
            max_request_body: errors.max_request_body_bytes.unwrap_or(-1),
        }
    }

    fn name(&mut self, place: &str, field: &str, name: &str) -> String {
        if name.trim().is_empty() {
            self.reject(place, field, "", Wrong::new("is missing", "name a service"));
        }
        self.origin.qualified(name)
    }

    fn reject(&mut self, place: &str, field: &str, value: &str, wrong: Wrong) {
        let given = Given { label: below(place, field), value: value.to_owned() };
        self.disabled.get_or_insert_with(|| format!("{} {}", given.label, wrong.problem));
        self.voice.reject(&given, wrong, "the service is left out");
    }
}
