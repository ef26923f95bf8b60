//! Values that mean the same wherever they stand.

use std::ops::RangeInclusive;

use crate::config::value::{self, Wrong};
use crate::model::{SameSite, Scheme, Severity};

use super::voice::{Given, Voice, below_traefik};

/// Whether a label is of the later dialects' family.
pub fn is_later(label: &str) -> bool {
    let head = below_traefik(label).and_then(|path| path.split('.').next());
    head.is_some_and(|head| {
        ["http", "tcp", "udp", "tls"].iter().any(|known| head.eq_ignore_ascii_case(known))
    })
}

/// Whether a label is of the first dialect's family.
pub fn is_first(label: &str) -> bool {
    let Some(path) = label.strip_prefix("traefik.") else {
        return false;
    };
    let head = path.split('.').next().unwrap_or_default();
    ["frontend", "backend", "port", "protocol", "weight", "domain", "tags"].contains(&head)
}

/// Traefik takes any text and fails on connecting; here it costs the service its place at once.
pub fn scheme(given: &Given, voice: &mut Voice) -> Option<Scheme> {
    let scheme = match given.value.trim().to_ascii_lowercase().as_str() {
        "http" => return Some(Scheme::Http),
        "https" => Scheme::Https,
        "h2c" => Scheme::H2c,
        _ => {
            let wrong = Wrong::new("is not a protocol", "use http, https or h2c");
            voice.reject(given, wrong, "the service is left out");
            return None;
        }
    };
    let problem = "is not supported yet, so its routers are disabled";
    voice.say_of(Severity::Error, given, problem, "use http");
    Some(scheme)
}

/// Zero and less means that the server gets no client.
pub fn weight(text: &str) -> Result<u32, Wrong> {
    weight_of(value::whole(text)?)
}

/// The same as a number.
pub fn weight_of(weight: i64) -> Result<u32, Wrong> {
    u32::try_from(weight.max(0)).map_err(|_| Wrong::new("is too great a weight", "use 1 to 100"))
}

/// Another word leaves the attribute out, as in Traefik.
pub fn same_site(given: &Given, voice: &mut Voice) -> Option<SameSite> {
    match given.value.trim().to_ascii_lowercase().as_str() {
        "none" => Some(SameSite::None),
        "lax" => Some(SameSite::Lax),
        "strict" => Some(SameSite::Strict),
        "" => None,
        _ => {
            let problem = "is not a SameSite mode, and the attribute is left out";
            voice.say_of(Severity::Warning, given, problem, "use none, lax or strict");
            None
        }
    }
}

/// The path or domain of a cookie: what could end it, or the whole field line, is left out.
pub fn attribute(given: &Given, voice: &mut Voice) -> Option<String> {
    let text = given.value.trim();
    if text.bytes().all(|b| matches!(b, b' '..=b'~') && b != b';') {
        return Some(text.to_owned());
    }
    let problem = "cannot stand in a cookie, and the attribute is left out";
    voice.say_of(Severity::Warning, given, problem, "use visible ASCII without a semicolon");
    None
}

/// `404` or `500-599`.
pub fn statuses(text: &str) -> Result<RangeInclusive<u16>, Wrong> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let status = |text: &str| text.trim().parse().ok().filter(|status| (100..600).contains(status));
    match (status(from), status(to)) {
        (Some(from), Some(to)) if from <= to => Ok(from..=to),
        _ => Err(Wrong::new("is not a range of statuses", "use a form such as 404 or 500-599")),
    }
}
