//! `traefik.backend.healthcheck.…`: the health check of a backend of Traefik 1.

use std::collections::BTreeMap;

use crate::config::value::{self, Wrong};
use crate::discovery::check::{Given, Voice, first};
use crate::dynamic::first::HealthCheck;
use crate::model::{self, Severity, Span};

use super::fall_back;

/// What the labels name in front of each of these.
const PLACE: &str = "traefik.backend.healthcheck";

#[derive(Default)]
pub(super) struct Raw {
    pub path: Option<Given>,
    pub scheme: Option<Given>,
    pub port: Option<Given>,
    pub interval: Option<Given>,
    pub timeout: Option<Given>,
    pub hostname: Option<Given>,
    pub headers: Option<Given>,
}

/// The check; none without a path, as in Traefik. `interval` is the static configuration's.
pub(super) fn check(raw: &Raw, interval: Span, voice: &mut Voice) -> Option<model::HealthCheck> {
    if raw.path.is_none() {
        let Raw { path: _, scheme, port, interval, timeout, hostname, headers } = raw;
        let others = [scheme, port, interval, timeout, hostname, headers];
        if let Some(given) = others.into_iter().flatten().next() {
            let remedy = format!("add the label {PLACE}.path");
            voice.say_of(Severity::Warning, given, "checks nothing without a path", remedy);
        }
        return None;
    }
    let mut span = |given: &Option<Given>, usual: Span| {
        let given = given.as_ref()?;
        let read = value::time(&given.value).map(Span::from);
        fall_back(read, given, &usual.to_string(), voice)
    };
    let wanted = HealthCheck {
        path: text(&raw.path),
        scheme: text(&raw.scheme),
        hostname: text(&raw.hostname),
        interval: span(&raw.interval, interval),
        timeout: span(&raw.timeout, Span::seconds(5)),
        port: raw.port.as_ref().map_or(0, |given| {
            fall_back(value::port(&given.value), given, "port of the server", voice).unwrap_or(0)
        }),
        headers: raw.headers.as_ref().map_or_else(BTreeMap::new, |given| {
            fall_back(pairs(&given.value), given, "to send none", voice).unwrap_or_default()
        }),
    };
    first::health_check(PLACE, &wanted, interval, voice)
}

fn text(given: &Option<Given>) -> String {
    given.as_ref().map(|given| given.value.trim().to_owned()).unwrap_or_default()
}

/// `name:value||name:value`, as Traefik 1 writes maps into one label.
fn pairs(text: &str) -> Result<BTreeMap<String, String>, Wrong> {
    let pair = |part: &str| match part.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => {
            let problem = format!("holds {part:?}, which is not a name with a value");
            Err(Wrong::new(problem, "write name:value||name:value"))
        }
    };
    text.split("||").map(pair).collect()
}
