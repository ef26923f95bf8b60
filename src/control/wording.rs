//! Moments, spans and addresses in the words of those who read them: Go, Prometheus, a browser.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serializer;

pub fn unix_seconds(moment: SystemTime) -> f64 {
    moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

pub fn unix_millis(moment: SystemTime) -> u64 {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

pub fn unix_millis_or_none<S: Serializer>(
    moment: &Option<SystemTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match moment {
        Some(moment) => serializer.serialize_some(&unix_millis(*moment)),
        None => serializer.serialize_none(),
    }
}

/// One digit behind the point: more is noise in a rate, and the document is sent every second.
pub fn rounded(figure: f64) -> f64 {
    (figure * 10.0).round() / 10.0
}

/// `2026-01-31T09:05:00Z`, as RFC 3339 and Go's `time.Time` want it.
pub fn rfc3339(moment: SystemTime) -> String {
    let seconds = unix_millis(moment) / 1000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days since 0000-03-01: years that begin in March have the leap day at their end, which
    // makes months and years plain divisions (Howard Hinnant's civil-from-days).
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// A span as Go prints a `time.Duration`: `1h2m3s`, `1.5s`, `250ms`, `90µs`, `0s`.
pub fn go_duration(span: Duration) -> String {
    let nanos = span.as_nanos();
    if nanos == 0 {
        return "0s".to_owned();
    }
    if nanos < 1_000_000_000 {
        let (unit, scale) = match nanos {
            0..1_000 => ("ns", 1),
            1_000..1_000_000 => ("µs", 1_000),
            _ => ("ms", 1_000_000),
        };
        return format!("{}{unit}", decimal(nanos, scale));
    }
    let seconds = span.as_secs();
    let mut text = String::new();
    // Writing into a String cannot fail.
    if seconds >= 3_600 {
        let _ = write!(text, "{}h", seconds / 3_600);
    }
    if seconds >= 60 {
        let _ = write!(text, "{}m", seconds / 60 % 60);
    }
    let _ = write!(text, "{}s", decimal(nanos % 60_000_000_000, 1_000_000_000));
    text
}

/// `nanos / scale` without trailing zeros.
fn decimal(nanos: u128, scale: u128) -> String {
    let (whole, mut part) = (nanos / scale, nanos % scale);
    if part == 0 {
        return whole.to_string();
    }
    let mut width = scale.ilog10() as usize;
    while part % 10 == 0 {
        part /= 10;
        width -= 1;
    }
    format!("{whole}.{part:0width$}")
}

/// `:80` for every address of the host, as people write entry points.
pub fn entry_point_address(address: SocketAddr) -> String {
    if address.ip().is_unspecified() { format!(":{}", address.port()) } else { address.to_string() }
}

/// Values of these settings are not shown: the API may be open to more people than the swarm is.
const SECRETS: [&str; 8] =
    ["password", "secret", "token", "users", "auth.basic", "auth.digest", "tls.key", "credentials"];

/// The value of a setting as it may be shown: never a password, in no place.
pub fn shown_value(setting: &str, value: &str) -> String {
    let name = setting.to_ascii_lowercase();
    if !value.is_empty() && SECRETS.iter().any(|secret| name.contains(secret)) {
        return "(hidden)".to_owned();
    }
    without_credentials(value)
}

/// `tcp://user:password@host` without what stands before the `@`.
pub fn without_credentials(url: &str) -> String {
    if let Some((scheme, rest)) = url.split_once("://") {
        let authority = rest.split('/').next().unwrap_or(rest);
        if let Some((_, host)) = authority.rsplit_once('@') {
            return format!("{scheme}://{host}{}", &rest[authority.len()..]);
        }
    }
    url.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_rfc_3339() {
        let at = |seconds| rfc3339(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(at(1_709_164_799), "2024-02-28T23:59:59Z");
        assert_eq!(at(1_709_164_800), "2024-02-29T00:00:00Z");
        assert_eq!(at(4_102_444_799), "2099-12-31T23:59:59Z");
    }

    #[test]
    fn spans_are_written_as_go_does() {
        for (nanos, text) in [
            (0, "0s"),
            (90_000, "90µs"),
            (1_500_000, "1.5ms"),
            (1_000_000_000, "1s"),
            (1_050_000_000, "1.05s"),
            (62_000_000_000, "1m2s"),
            (3_600_000_000_000, "1h0m0s"),
        ] {
            assert_eq!(go_duration(Duration::from_nanos(nanos)), text);
        }
    }

    #[test]
    fn no_secret_is_shown() {
        assert_eq!(shown_value("traefik.port", "http"), "http");
        assert_eq!(shown_value("traefik.frontend.auth.basic.users", "a:$apr1$x"), "(hidden)");
        assert_eq!(without_credentials("tcp://me:pw@[::1]:2375/a@b"), "tcp://[::1]:2375/a@b");
        assert_eq!(
            without_credentials("unix:///var/run/docker.sock"),
            "unix:///var/run/docker.sock"
        );
    }

    #[test]
    fn addresses_are_written_as_people_do() {
        assert_eq!(entry_point_address(([0, 0, 0, 0], 80).into()), ":80");
        assert_eq!(entry_point_address(([127, 0, 0, 1], 80).into()), "127.0.0.1:80");
    }
}
