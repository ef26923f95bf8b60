//! Middlewares: checked, shown, and not run yet.

use crate::config::value::Wrong;
use crate::dynamic::decode::{Flaw, below};
use crate::dynamic::middleware as language;
use crate::model::{Middleware, Network};

use super::voice::{Given, Voice};
use super::{Origin, values};

/// The middleware with this qualified name; what is wrong with it disables it.
pub fn middleware(
    origin: &Origin,
    name: &str,
    place: &str,
    wanted: &Result<language::Middleware, Flaw>,
    voice: &mut Voice,
) -> Middleware {
    let mut found = Middleware {
        name: name.to_owned(),
        provider: origin.provider.to_owned(),
        dialect: origin.dialect,
        kind: String::new(),
        options: serde_json::Value::Null,
        disabled: None,
    };
    let cost = "the routers that use it are disabled";
    match wanted {
        Err(flaw) => {
            voice.flaw(flaw, cost);
            found.disabled = Some(flaw.to_string());
        }
        Ok(wanted) => {
            let shape = serde_json::to_value(wanted).unwrap_or_default();
            let kinds: Vec<(String, serde_json::Value)> = match shape {
                serde_json::Value::Object(kinds) => kinds.into_iter().collect(),
                _ => Vec::new(),
            };
            let names: Vec<&str> = kinds.iter().map(|(kind, _)| kind.as_str()).collect();
            let wrong = match names.as_slice() {
                [_] => check(wanted),
                [] => {
                    let remedy = "name one of Traefik's kinds, such as headers or stripPrefix";
                    Some((String::new(), Wrong::new("says no kind of middleware", remedy)))
                }
                names => {
                    let problem = format!("is of several kinds at once: {}", names.join(", "));
                    let remedy = "give each its own name, and name both in the router";
                    Some((String::new(), Wrong::new(problem, remedy)))
                }
            };
            if let Some((field, wrong)) = wrong {
                let label = if field.is_empty() { place.to_owned() } else { below(place, &field) };
                found.disabled = Some(format!("{label} {}", wrong.problem));
                voice.reject(&Given { label, value: String::new() }, wrong, cost);
            }
            if let [(kind, options)] = <[_; 1]>::try_from(kinds).as_ref().map_or(&[][..], |one| one)
            {
                (found.kind, found.options) = (kind.clone(), options.clone());
            }
        }
    }
    found
}

/// The first option that makes no sense. Values are left out: they may be secrets.
fn check(wanted: &language::Middleware) -> Option<(String, Wrong)> {
    let mut checks = Checks { wrong: None };
    checks.paths(wanted);
    checks.addresses(wanted);
    checks.authentication(wanted);
    checks.traffic(wanted);
    checks.wrong
}

struct Checks {
    wrong: Option<(String, Wrong)>,
}

impl Checks {
    fn require(&mut self, holds: bool, field: &str, problem: &str, remedy: &str) {
        if !holds && self.wrong.is_none() {
            self.wrong = Some((field.to_owned(), Wrong::new(problem, remedy)));
        }
    }

    fn present(&mut self, field: &str, text: &str) {
        self.require(!text.trim().is_empty(), field, "is missing", "set it");
    }

    fn expression(&mut self, field: &str, text: &str) {
        let problem = match crate::route::expression(text) {
            Ok(_) => return,
            Err(problem) => problem,
        };
        self.require(false, field, &problem, "write it in the syntax of Go (RE2)");
    }

    fn paths(&mut self, wanted: &language::Middleware) {
        if let Some(add) = &wanted.add_prefix {
            self.present("addPrefix.prefix", &add.prefix);
        }
        if let Some(strip) = &wanted.strip_prefix_regex {
            strip.regex.iter().for_each(|text| self.expression("stripPrefixRegex.regex", text));
        }
        if let Some(replace) = &wanted.replace_path_regex {
            self.expression("replacePathRegex.regex", &replace.regex);
        }
        if let Some(redirect) = &wanted.redirect_regex {
            self.expression("redirectRegex.regex", &redirect.regex);
        }
        if let Some(redirect) = &wanted.redirect_scheme {
            self.present("redirectScheme.scheme", &redirect.scheme);
        }
        if let Some(chain) = &wanted.chain {
            let some = !chain.middlewares.is_empty();
            self.require(some, "chain.middlewares", "is empty", "name the middlewares");
        }
        if let Some(headers) = &wanted.headers {
            let field = "headers.accessControlAllowOriginListRegex";
            let expressions = &headers.access_control_allow_origin_list_regex;
            expressions.iter().for_each(|text| self.expression(field, text));
        }
        if let Some(errors) = &wanted.errors {
            self.statuses("errors.status", &errors.status);
            self.present("errors.service", &errors.service);
        }
    }

    fn statuses(&mut self, field: &str, texts: &[String]) {
        for text in texts {
            if let Err(wrong) = values::statuses(text) {
                let problem = format!("{text:?} {}", wrong.problem);
                self.require(false, field, &problem, &wrong.remedy);
            }
        }
    }

    fn addresses(&mut self, wanted: &language::Middleware) {
        for (kind, list) in
            [("ipAllowList", &wanted.ip_allow_list), ("ipWhiteList", &wanted.ip_white_list)]
        {
            let Some(list) = list else { continue };
            let field = format!("{kind}.sourceRange");
            self.require(!list.source_range.is_empty(), &field, "is empty", "use 10.0.0.0/8");
            self.networks(&field, &list.source_range);
            self.strategy(kind, list.ip_strategy.as_ref());
            let status = list.reject_status_code;
            self.require(
                status == 0 || (100..600).contains(&status),
                &format!("{kind}.rejectStatusCode"),
                "is not a status",
                "use one such as 403",
            );
        }
        for (kind, criterion) in [
            ("rateLimit", wanted.rate_limit.as_ref().and_then(|r| r.source_criterion.as_ref())),
            (
                "inFlightReq",
                wanted.in_flight_req.as_ref().and_then(|r| r.source_criterion.as_ref()),
            ),
        ] {
            let strategy = criterion.and_then(|criterion| criterion.ip_strategy.as_ref());
            self.strategy(&format!("{kind}.sourceCriterion"), strategy);
        }
    }

    fn strategy(&mut self, place: &str, strategy: Option<&language::IpStrategy>) {
        let Some(strategy) = strategy else { return };
        self.networks(&format!("{place}.ipStrategy.excludedIPs"), &strategy.excluded_ips);
        let subnet = strategy.ipv6_subnet.is_none_or(|bits| (1..=128).contains(&bits));
        let field = format!("{place}.ipStrategy.ipv6Subnet");
        self.require(subnet, &field, "is not a prefix", "use a number from 1 to 128");
    }

    fn networks(&mut self, field: &str, texts: &[String]) {
        for text in texts {
            if text.trim().parse::<Network>().is_err() {
                let problem = format!("{text:?} is no address and no network");
                self.require(false, field, &problem, "use 10.0.0.0/8");
            }
        }
    }

    fn authentication(&mut self, wanted: &language::Middleware) {
        for (kind, auth, parts) in
            [("basicAuth", &wanted.basic_auth, 2), ("digestAuth", &wanted.digest_auth, 3)]
        {
            let Some(auth) = auth else { continue };
            let some = !auth.users.is_empty() || !auth.users_file.is_empty();
            self.require(some, &format!("{kind}.users"), "are missing", "set users or usersFile");
            let whole =
                |user: &String| user.splitn(parts, ':').filter(|p| !p.is_empty()).count() == parts;
            let form = if parts == 2 { "name:hash" } else { "name:realm:hash" };
            self.require(
                auth.users.iter().all(whole),
                &format!("{kind}.users"),
                "holds one that is not whole",
                &format!("write {form}, and $$ for each $ in a stack file"),
            );
        }
        if let Some(forward) = &wanted.forward_auth {
            self.present("forwardAuth.address", &forward.address);
            let text = &forward.auth_response_headers_regex;
            self.expression("forwardAuth.authResponseHeadersRegex", text);
        }
    }

    fn traffic(&mut self, wanted: &language::Middleware) {
        if let Some(limit) = &wanted.rate_limit {
            let burst = limit.burst >= 1 || limit.average == 0;
            self.require(burst, "rateLimit.burst", "is less than 1", "use at least 1");
        }
        if let Some(limit) = &wanted.in_flight_req {
            self.require(limit.amount > 0, "inFlightReq.amount", "is missing", "use at least 1");
        }
        if let Some(retry) = &wanted.retry {
            self.require(retry.attempts > 0, "retry.attempts", "is missing", "use at least 1");
            self.statuses("retry.status", &retry.status);
        }
        if let Some(breaker) = &wanted.circuit_breaker {
            self.present("circuitBreaker.expression", &breaker.expression);
        }
        if let Some(compress) = &wanted.compress {
            let both = !compress.excluded_content_types.is_empty()
                && !compress.included_content_types.is_empty();
            let problem = "stands beside includedContentTypes";
            self.require(!both, "compress.excludedContentTypes", problem, "use one of them");
            let known = |name: &String| ["gzip", "br", "zstd"].contains(&name.as_str());
            let remedy = "use gzip, br and zstd";
            self.require(
                compress.encodings.iter().all(known),
                "compress.encodings",
                "holds one that is not known",
                remedy,
            );
        }
    }
}
