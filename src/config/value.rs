//! Values of options: what Traefik's Go code accepts for each kind, and what to say otherwise.
//!
//! Label values are read by the same functions, so a duration is a duration everywhere.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::model::{Network, NotANetwork, NotASpan, Span};

/// A value that is none: what is wrong with it and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    pub problem: String,
    pub remedy: String,
}

impl Wrong {
    pub fn new(problem: impl Into<String>, remedy: impl Into<String>) -> Wrong {
        Wrong { problem: problem.into(), remedy: remedy.into() }
    }
}

/// The words of Go's `strconv.ParseBool`, in any case.
pub fn switch(text: &str) -> Result<bool, Wrong> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "t" | "true" => Ok(true),
        "0" | "f" | "false" => Ok(false),
        _ => Err(Wrong::new("is neither true nor false", "use true or false")),
    }
}

/// A whole number with a sign or without.
pub fn whole(text: &str) -> Result<i64, Wrong> {
    text.trim().parse().map_err(|_| Wrong::new("is not a whole number", "use digits such as 5"))
}

/// A number, with a fraction or without.
pub fn number(text: &str) -> Result<f64, Wrong> {
    let wrong = || Wrong::new("is not a number", "use a form such as 1 or 0.5");
    text.trim().parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(wrong)
}

/// A number within bounds.
pub fn count(text: &str, least: usize, most: usize) -> Result<usize, Wrong> {
    let wrong = |problem| match most {
        usize::MAX => Wrong::new(problem, format!("use a number from {least} on")),
        _ => Wrong::new(problem, format!("use a number from {least} to {most}")),
    };
    let number: usize = text.trim().parse().map_err(|_| wrong("is not a number"))?;
    if (least..=most).contains(&number) { Ok(number) } else { Err(wrong("is out of range")) }
}

/// An amount of memory in bytes: a number with or without a unit (`k`, `MB`, `GiB`), all of them
/// powers of 1024.
pub fn size(text: &str) -> Result<usize, Wrong> {
    let wrong = || Wrong::new("is not an amount of memory", "use a form such as 256MB or 1GB");
    let text = text.trim().to_ascii_lowercase();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        _ => return Err(wrong()),
    };
    let number: usize = number.parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

/// A port that can be connected to.
pub fn port(text: &str) -> Result<u16, Wrong> {
    match text.trim().parse() {
        Ok(port) if port != 0 => Ok(port),
        _ => Err(Wrong::new("is not a port number", "use a number from 1 to 65535")),
    }
}

/// A duration: a bare number is seconds, otherwise Go's form (`500ms`, `1m30s`, `1.5h`).
///
/// A negative one is none at all, as Traefik takes it where it takes it.
pub fn time(text: &str) -> Result<Duration, Wrong> {
    let remedy = "use seconds or a form such as 500ms, 1m30s";
    text.parse().map(Span::duration).map_err(|NotASpan| Wrong::new("is not a duration", remedy))
}

/// What a listener binds: `:80` is every address of both families, `1.2.3.4:80`, `[::1]:80`.
///
/// `/tcp` behind it says nothing; `localhost` is understood; other names are not looked up.
pub fn address(text: &str) -> Result<SocketAddr, Wrong> {
    let remedy = "use :80, 127.0.0.1:80 or [::1]:80";
    let bare = text.trim();
    let bare = bare.strip_suffix("/tcp").unwrap_or(bare);
    let Some((host, port)) = bare.rsplit_once(':') else {
        return Err(Wrong::new("is not an address with a port", remedy));
    };
    let Ok(port) = port.parse::<u16>() else {
        return Err(Wrong::new("does not end in a port number", remedy));
    };
    let ip = match host {
        // Dual stack: `::` takes IPv4 as well, as Go's listener does.
        "" => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        _ => {
            let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
            match inner.unwrap_or(host).parse() {
                Ok(IpAddr::V6(_)) if inner.is_none() => {
                    return Err(Wrong::new("is ambiguous", "write IPv6 as [::1]:80"));
                }
                Ok(ip) => ip,
                Err(_) => return Err(Wrong::new("does not start with an IP address", remedy)),
            }
        }
    };
    Ok(SocketAddr::new(ip, port))
}

/// `10.0.0.0/8`, or one address.
pub fn network(text: &str) -> Result<Network, Wrong> {
    let wrong = || Wrong::new(format!("holds {text:?}, which is no network"), "use 10.0.0.0/8");
    text.parse().map_err(|NotANetwork| wrong())
}

/// Each text is one network.
pub fn networks(texts: &[String]) -> Result<Vec<Network>, Wrong> {
    texts.iter().map(|text| network(text)).collect()
}

/// Entries between commas, trimmed, blanks dropped.
pub fn list(text: &str) -> Vec<String> {
    let entries = text.split(',').map(str::trim);
    entries.filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
}

/// A log level in any case; Traefik's two worst are our worst.
pub fn level(text: &str) -> Result<tracing::Level, Wrong> {
    match text.trim().to_ascii_lowercase().as_str() {
        "trace" => Ok(tracing::Level::TRACE),
        "debug" => Ok(tracing::Level::DEBUG),
        "info" => Ok(tracing::Level::INFO),
        "warn" | "warning" => Ok(tracing::Level::WARN),
        "error" | "fatal" | "panic" => Ok(tracing::Level::ERROR),
        _ => Err(Wrong::new("is not a log level", "use DEBUG, INFO, WARN or ERROR")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations() {
        for (text, milliseconds) in [
            ("10", 10_000),
            ("0", 0),
            ("-1", 0),
            ("500ms", 500),
            ("1m30s", 90_000),
            ("1.5h", 5_400_000),
            ("0.3s", 300),
            ("-5s", 0),
        ] {
            assert_eq!(time(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in ["", "s", "10 s", "5d", "1m30", "99999999999h", "é", "-"] {
            assert!(time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses() {
        assert_eq!(address(":80").unwrap().to_string(), "[::]:80");
        assert_eq!(address("0.0.0.0:80/tcp").unwrap().to_string(), "0.0.0.0:80");
        assert_eq!(address("[::1]:8080").unwrap().to_string(), "[::1]:8080");
        assert_eq!(address("localhost:1").unwrap().to_string(), "127.0.0.1:1");
        for text in ["80", "", ":http", "a.example:80", "::1:80", ":70000", ":80/udp"] {
            assert!(address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn networks() {
        let found = network("10.0.0.0/8").unwrap();
        assert_eq!((found.address.to_string().as_str(), found.prefix), ("10.0.0.0", 8));
        assert_eq!(network("::1").unwrap().prefix, 128);
        for text in ["", "10.0.0.0/33", "x/8", "::/129", "10.0.0.0/"] {
            assert!(network(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC*") {
            let _ = (switch(&text), whole(&text), port(&text), time(&text), level(&text));
            let _ = (address(&text), network(&text), list(&text));
        }

        #[test]
        fn nothing_like_a_duration_panics(text in "-?([0-9.]{0,25}(h|m|s|ms|us|ns|µs)?){0,4}") {
            let _ = time(&text);
        }
    }
}
