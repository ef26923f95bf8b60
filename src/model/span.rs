//! Durations as Go writes and reads them.

use std::fmt::{self, Write as _};
use std::str::FromStr;
use std::time::Duration;

/// A duration, which may be negative where that has a meaning of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Span {
    nanoseconds: i64,
}

/// A text that is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotASpan;

impl Span {
    pub const fn seconds(seconds: u32) -> Self {
        Self { nanoseconds: seconds as i64 * 1_000_000_000 }
    }

    pub const fn milliseconds(milliseconds: u32) -> Self {
        Self { nanoseconds: milliseconds as i64 * 1_000_000 }
    }

    /// The longest that there is, where it is longer.
    pub const fn of_milliseconds(milliseconds: i64) -> Self {
        Self { nanoseconds: milliseconds.saturating_mul(1_000_000) }
    }

    pub const fn as_nanoseconds(self) -> i64 {
        self.nanoseconds
    }

    /// A negative one is none at all.
    pub fn duration(self) -> Duration {
        Duration::from_nanos(u64::try_from(self.nanoseconds).unwrap_or(0))
    }
}

impl From<Duration> for Span {
    /// The longest that there is, where it is longer.
    fn from(duration: Duration) -> Self {
        Self { nanoseconds: i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX) }
    }
}

impl FromStr for Span {
    type Err = NotASpan;

    /// A bare number is seconds, otherwise Go's form: `500ms`, `1m30s`, `-1.5h`.
    fn from_str(text: &str) -> Result<Self, NotASpan> {
        let text = text.trim();
        if let Ok(seconds) = text.parse::<i64>() {
            let nanoseconds = seconds.checked_mul(1_000_000_000).ok_or(NotASpan)?;
            return Ok(Self { nanoseconds });
        }
        let (sign, body) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        units(body).map(|nanoseconds| Self { nanoseconds: sign * nanoseconds }).ok_or(NotASpan)
    }
}

fn units(body: &str) -> Option<i64> {
    let mut total = 0_i64;
    let mut rest = body;
    while !rest.is_empty() || body.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let amount: f64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let letters = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let nanoseconds = match rest.get(..letters)? {
            "h" => 3600e9,
            "m" => 60e9,
            "s" => 1e9,
            "ms" => 1e6,
            "us" | "µs" | "μs" => 1e3,
            "ns" => 1.0,
            _ => return None,
        };
        rest = rest.get(letters..)?;
        // Rounded: 0.3 s is not a binary number.
        let part = (amount * nanoseconds).round();
        if !(0.0..9.2e18).contains(&part) {
            return None;
        }
        total = total.checked_add(part as i64)?;
    }
    Some(total)
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.nanoseconds.unsigned_abs();
        if self.nanoseconds < 0 {
            f.write_char('-')?;
        }
        if nanos == 0 {
            return f.write_str("0s");
        }
        if nanos < 1_000_000_000 {
            let (unit, scale) = match nanos {
                0..1_000 => ("ns", 1),
                1_000..1_000_000 => ("µs", 1_000),
                _ => ("ms", 1_000_000),
            };
            return write!(f, "{}{unit}", decimal(nanos, scale));
        }
        let seconds = nanos / 1_000_000_000;
        if seconds >= 3_600 {
            write!(f, "{}h", seconds / 3_600)?;
        }
        if seconds >= 60 {
            write!(f, "{}m", seconds / 60 % 60)?;
        }
        write!(f, "{}s", decimal(nanos % 60_000_000_000, 1_000_000_000))
    }
}

/// `1500` of a scale of `1000` is `1.5`.
fn decimal(amount: u64, scale: u64) -> String {
    let (whole, part) = (amount / scale, amount % scale);
    if part == 0 {
        return whole.to_string();
    }
    let digits = scale.ilog10() as usize;
    format!("{whole}.{part:0digits$}").trim_end_matches('0').to_owned()
}

impl fmt::Display for NotASpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is not a duration; use seconds or a form such as 500ms, 1m30s")
    }
}

impl serde::Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_and_written_as_go_does() {
        for (text, written) in [
            ("30", "30s"),
            ("-1", "-1s"),
            ("0", "0s"),
            ("500ms", "500ms"),
            ("1m30s", "1m30s"),
            ("1.5h", "1h30m0s"),
            ("-1.5h", "-1h30m0s"),
            ("90m", "1h30m0s"),
            ("1500us", "1.5ms"),
            ("0.3s", "300ms"),
            ("3ns", "3ns"),
            ("+2m", "2m0s"),
        ] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), written, "{text}");
        }
        for text in
            ["", "x", "5x", "1m-3s", "1..5s", "10000000000h", "s", "-", "9223372036854775807"]
        {
            assert_eq!(text.parse::<Span>(), Err(NotASpan), "{text}");
        }
    }

    #[test]
    fn negative_is_no_duration() {
        assert_eq!("-5s".parse::<Span>().unwrap().duration(), Duration::ZERO);
        assert_eq!(Span::seconds(2).duration(), Duration::from_secs(2));
        assert_eq!(Span::from(Duration::from_millis(100)), Span::milliseconds(100));
    }
}
