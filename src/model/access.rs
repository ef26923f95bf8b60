//! What an access log tells, and of which requests.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// A line for each request, as Traefik writes it.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessLog {
    /// Standard output without it.
    pub path: Option<PathBuf>,
    pub format: AccessFormat,
    pub filters: AccessFilters,
    /// What becomes of a field of JSON that `fields` does not name.
    pub keeps_fields: bool,
    /// By name in lower case.
    pub fields: BTreeMap<String, bool>,
    pub header_mode: HeaderMode,
    /// By name in lower case.
    pub headers: BTreeMap<String, HeaderMode>,
    pub keeps_query: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessFormat {
    /// The Common Log Format, with what Traefik puts behind it.
    Common,
    /// The Combined Log Format, without that.
    GenericClf,
    Json,
}

/// What becomes of a header field in a line of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderMode {
    Keep,
    Drop,
    /// Its name stays, its value does not.
    Redact,
}

/// Which requests are told of: with any of them set, those that one of them lets through.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AccessFilters {
    /// First and last status of each range.
    pub statuses: Vec<(u16, u16)>,
    /// More than one try was made.
    pub retries: bool,
    /// It took longer than this; zero for no such wish.
    pub min_duration: Duration,
}

impl AccessFilters {
    pub fn admit(&self, status: u16, retries: u32, took: Duration) -> bool {
        let has_none = self.statuses.is_empty() && !self.retries && self.min_duration.is_zero();
        has_none
            || self.statuses.iter().any(|(first, last)| (*first..=*last).contains(&status))
            || (self.retries && retries > 0)
            || (!self.min_duration.is_zero() && took > self.min_duration)
    }
}

impl Default for AccessLog {
    fn default() -> Self {
        Self {
            path: None,
            format: AccessFormat::Common,
            filters: AccessFilters::default(),
            keeps_fields: true,
            fields: BTreeMap::new(),
            header_mode: HeaderMode::Drop,
            headers: BTreeMap::new(),
            keeps_query: true,
        }
    }
}

impl AccessLog {
    pub fn keeps(&self, field: &str) -> bool {
        self.fields.get(&field.to_ascii_lowercase()).copied().unwrap_or(self.keeps_fields)
    }

    pub fn mode(&self, header: &str) -> HeaderMode {
        self.headers.get(&header.to_ascii_lowercase()).copied().unwrap_or(self.header_mode)
    }

    /// Nothing of a head is ever told.
    pub fn drops_headers(&self) -> bool {
        self.header_mode == HeaderMode::Drop
            && self.headers.values().all(|mode| *mode == HeaderMode::Drop)
    }
}

/// The fields of a line of JSON, with Traefik's names.
pub const ACCESS_FIELDS: [&str; 28] = [
    "ClientAddr",
    "ClientHost",
    "ClientPort",
    "ClientUsername",
    "DownstreamContentSize",
    "DownstreamStatus",
    "Duration",
    "OriginContentSize",
    "OriginDuration",
    "OriginStatus",
    "Overhead",
    "RequestAddr",
    "RequestContentSize",
    "RequestCount",
    "RequestHost",
    "RequestMethod",
    "RequestPath",
    "RequestPort",
    "RequestProtocol",
    "RequestScheme",
    "RetryAttempts",
    "RouterName",
    "ServiceAddr",
    "ServiceName",
    "ServiceURL",
    "StartLocal",
    "StartUTC",
    "entryPointName",
];

/// Fields of Traefik that are never there: no TLS, no compression, no tracing yet. They may be
/// dropped all the same.
const ABSENT: [&str; 6] =
    ["GzipRatio", "TLSVersion", "TLSCipher", "TLSClientSubject", "TraceId", "SpanId"];

pub fn access_fields() -> impl Iterator<Item = &'static str> {
    ACCESS_FIELDS.into_iter().chain(ABSENT)
}
