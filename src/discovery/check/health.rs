//! Health checks, as they are wanted and as they will be done.

use crate::config::value::Wrong;
use crate::dynamic::decode::below;
use crate::dynamic::http;
use crate::model::{HealthCheck, HealthMode, PassiveHealthCheck, Scheme, Severity, Span};

use super::voice::{Given, Voice};

/// Traefik's.
const INTERVAL: Span = Span::seconds(30);
const TIMEOUT: Span = Span::seconds(5);
const WINDOW: Span = Span::seconds(10);

/// The check, or `None` with a complaint where it cannot be done: then the servers are taken for
/// healthy, as Traefik does it.
pub fn active(place: &str, wanted: &http::HealthCheck, voice: &mut Voice) -> Option<HealthCheck> {
    let given =
        |field: &str, value: &str| Given { label: below(place, field), value: value.to_owned() };
    let undone = "the servers are taken for healthy";
    let mode = match wanted.mode.trim().to_ascii_lowercase().as_str() {
        "http" | "" => HealthMode::Http,
        "grpc" => {
            voice.not_yet(&given("mode", &wanted.mode));
            return None;
        }
        _ => {
            let wrong = Wrong::new("is not a kind of health check", "use http or grpc");
            voice.reject(&given("mode", &wanted.mode), wrong, undone);
            return None;
        }
    };
    if !wanted.path.starts_with('/') || wanted.path.starts_with("//") {
        let wrong = Wrong::new("is not a path", "use one that begins with a slash: /health");
        voice.reject(&given("path", &wanted.path), wrong, undone);
        return None;
    }
    let scheme = match wanted.scheme.trim().to_ascii_lowercase().as_str() {
        "" => None,
        "http" => Some(Scheme::Http),
        "https" => {
            voice.not_yet(&given("scheme", &wanted.scheme));
            return None;
        }
        _ => {
            let wrong = Wrong::new("is not a protocol", "use http or https");
            voice.reject(&given("scheme", &wanted.scheme), wrong, undone);
            return None;
        }
    };
    let mut span = |field: &str, wanted: Option<Span>, usual: Span| {
        let span = wanted.unwrap_or(usual);
        if span > Span::default() {
            return span;
        }
        let problem = format!("is no time at all, and {usual} are taken");
        voice.say_of(
            Severity::Warning,
            &given(field, &span.to_string()),
            problem,
            "use one such as 10s",
        );
        usual
    };
    let interval = span("interval", wanted.interval, INTERVAL);
    let unhealthy_interval = span("unhealthyInterval", wanted.unhealthy_interval, interval);
    let timeout = span("timeout", wanted.timeout, TIMEOUT);
    Some(HealthCheck {
        mode,
        path: wanted.path.clone(),
        method: match wanted.method.trim() {
            "" => "GET".to_owned(),
            method => method.to_ascii_uppercase(),
        },
        status: Some(wanted.status).filter(|status| *status != 0),
        scheme,
        port: Some(wanted.port).filter(|port| *port != 0),
        interval: interval.duration(),
        unhealthy_interval: unhealthy_interval.duration(),
        timeout: timeout.duration(),
        hostname: wanted.hostname.trim().to_owned(),
        follow_redirects: wanted.follow_redirects.unwrap_or(true),
        headers: wanted.headers.clone(),
    })
}

pub fn passive(wanted: &http::PassiveHealthCheck) -> PassiveHealthCheck {
    PassiveHealthCheck {
        failure_window: wanted.failure_window.unwrap_or(WINDOW).duration(),
        max_failed_attempts: wanted.max_failed_attempts,
    }
}
