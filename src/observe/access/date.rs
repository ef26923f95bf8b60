//! Dates in UTC as access logs write them, without the allocation of a formatter.

use std::time::{SystemTime, UNIX_EPOCH};

const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// A second in UTC, of the years 1970 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    year: u16,
    /// From 1.
    month: u8,
    /// From 1.
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

impl Date {
    /// From seconds since 1970 (Unix time). What lies beyond the year 9999 is its last second.
    pub fn from_unix(seconds: u64) -> Self {
        let seconds = seconds.min(253_402_300_799);
        let (days, within) = (seconds / 86_400, seconds % 86_400);
        // Years that begin in March have their leap day at the end; eras of 400 years are alike.
        let days = days + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        Self {
            year: (era * 400 + year + u64::from(month <= 2)) as u16,
            month: month as u8,
            day: (of_year - (153 * from_march + 2) / 5 + 1) as u8,
            hour: (within / 3_600) as u8,
            minute: (within / 60 % 60) as u8,
            second: (within % 60) as u8,
        }
    }

    /// Appends `02/Jan/2006:15:04:05 +0000`, the date of the Common Log Format.
    pub fn common(self, line: &mut Vec<u8>) {
        two(line, self.day);
        line.push(b'/');
        line.extend_from_slice(MONTHS[usize::from(self.month) - 1]);
        line.push(b'/');
        self.year(line);
        line.push(b':');
        self.time(line);
        line.extend_from_slice(b" +0000");
    }

    fn seconds(self, line: &mut Vec<u8>) {
        self.year(line);
        line.push(b'-');
        two(line, self.month);
        line.push(b'-');
        two(line, self.day);
        line.push(b'T');
        self.time(line);
    }

    fn year(self, line: &mut Vec<u8>) {
        two(line, (self.year / 100) as u8);
        two(line, (self.year % 100) as u8);
    }

    fn time(self, line: &mut Vec<u8>) {
        two(line, self.hour);
        line.push(b':');
        two(line, self.minute);
        line.push(b':');
        two(line, self.second);
    }
}

fn fraction(nanoseconds: u32, line: &mut Vec<u8>) {
    let mut rest = nanoseconds.min(999_999_999);
    let mut digit = 100_000_000;
    if rest > 0 {
        line.push(b'.');
    }
    while rest > 0 {
        line.push(b'0' + (rest / digit) as u8);
        rest %= digit;
        digit /= 10;
    }
    line.push(b'Z');
}

fn two(line: &mut Vec<u8>, number: u8) {
    line.extend_from_slice(&[b'0' + number / 10, b'0' + number % 10]);
}

/// Dates of the present second, written once in it: lines come in thousands a second.
#[derive(Debug, Default)]
pub struct Clock {
    second: Option<u64>,
    /// `2006-01-02T15:04:05`
    rfc3339: Vec<u8>,
    /// `02/Jan/2006:15:04:05 +0000`
    common: Vec<u8>,
}

impl Clock {
    fn set(&mut self, time: SystemTime) -> u32 {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        if self.second != Some(since.as_secs()) {
            self.second = Some(since.as_secs());
            let date = Date::from_unix(since.as_secs());
            self.rfc3339.clear();
            date.seconds(&mut self.rfc3339);
            self.common.clear();
            date.common(&mut self.common);
        }
        since.subsec_nanos()
    }

    /// Appends `2006-01-02T15:04:05.999Z` (RFC 3339) with up to nine digits after the point and
    /// no zeros at their end, as Traefik writes `StartUTC`.
    pub fn rfc3339(&mut self, time: SystemTime, line: &mut Vec<u8>) {
        let nanoseconds = self.set(time);
        line.extend_from_slice(&self.rfc3339);
        fraction(nanoseconds, line);
    }

    /// The same without a fraction of a second.
    pub fn whole_second(&mut self, time: SystemTime, line: &mut Vec<u8>) {
        self.set(time);
        line.extend_from_slice(&self.rfc3339);
        line.push(b'Z');
    }

    /// Appends what [`Date::common`] does.
    pub fn common(&mut self, time: SystemTime, line: &mut Vec<u8>) {
        self.set(time);
        line.extend_from_slice(&self.common);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn common(seconds: u64) -> String {
        let mut line = Vec::new();
        Date::from_unix(seconds).common(&mut line);
        String::from_utf8(line).expect("ASCII")
    }

    fn rfc3339(seconds: u64, nanoseconds: u32) -> String {
        let mut line = Vec::new();
        let time = UNIX_EPOCH + Duration::new(seconds, nanoseconds);
        Clock::default().rfc3339(time, &mut line);
        String::from_utf8(line).expect("ASCII")
    }

    #[test]
    fn writes_both_forms() {
        assert_eq!(common(0), "01/Jan/1970:00:00:00 +0000");
        assert_eq!(common(1_136_214_245), "02/Jan/2006:15:04:05 +0000");
        assert_eq!(rfc3339(1_136_214_245, 0), "2006-01-02T15:04:05Z");
        assert_eq!(rfc3339(951_782_400, 1), "2000-02-29T00:00:00.000000001Z");
        assert_eq!(rfc3339(0, 120_000_000), "1970-01-01T00:00:00.12Z");
        assert_eq!(rfc3339(0, 100_000_007), "1970-01-01T00:00:00.100000007Z");
        assert_eq!(rfc3339(253_402_300_799, 999_999_999), "9999-12-31T23:59:59.999999999Z");
    }

    #[test]
    fn a_clock_goes_on() {
        let mut clock = Clock::default();
        let mut at = |millis| {
            let (mut line, time) = (Vec::new(), UNIX_EPOCH + Duration::from_millis(millis));
            clock.rfc3339(time, &mut line);
            clock.whole_second(time, &mut line);
            String::from_utf8(line).expect("ASCII")
        };
        assert_eq!(at(1_500), "1970-01-01T00:00:01.5Z1970-01-01T00:00:01Z");
        assert_eq!(at(2_000), "1970-01-01T00:00:02Z1970-01-01T00:00:02Z");
        assert_eq!(at(1_999), "1970-01-01T00:00:01.999Z1970-01-01T00:00:01Z");
    }

    #[test]
    fn agrees_with_the_dates_of_http_on_every_day_of_five_centuries() {
        for day in 0..182_622_u64 {
            let seconds = day * 86_400 + day % 86_400;
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            // `Sun, 06 Nov 1994 08:49:37 GMT`
            let http = httpdate::fmt_http_date(time);
            let (date, clock) = (http[5..16].replace(' ', "/"), &http[17..25]);
            assert_eq!(common(seconds), format!("{date}:{clock} +0000"));
        }
    }
}
