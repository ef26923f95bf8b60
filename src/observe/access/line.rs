//! A line of the access log, in the two steps in which its request goes by: what the client asked
//! is written when the head is there, what became of it behind that when it is over.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use httparse::Header;

use super::date::Clock;
use super::json;
use crate::model::{ACCESS_FIELDS, AccessFormat, AccessLog, HeaderMode};

/// What a head says, and who sent it.
pub struct Asked<'a> {
    pub entry_point: &'a str,
    /// Address of the peer without port.
    pub peer: &'a str,
    pub port: u16,
    pub method: &'a str,
    pub path: &'a [u8],
    /// From the `?` on; may be empty.
    pub query: &'a [u8],
    pub protocol: &'a str,
    /// As the client named it, with its port.
    pub authority: &'a [u8],
    pub headers: &'a [Header<'a>],
}

/// What became of it.
pub struct Became {
    pub status: u16,
    pub took: Duration,
    /// Of which its service took this; nothing where none was asked.
    pub origin: Option<Duration>,
    /// The answer came from a backend.
    pub is_origins: bool,
    /// Bytes of the bodies.
    pub received: u64,
    pub sent: u64,
    pub retries: u32,
}

/// A request that is on its way. Kept by its worker and used again.
pub struct Entry {
    began: SystemTime,
    /// What stands before the outcome, and in the formats of one line also what stands behind it.
    head: Vec<u8>,
    tail: Vec<u8>,
    /// Names of the router and service, and the URL of the backend; empty while there is none.
    pub router: String,
    pub service: String,
    pub url: String,
}

impl Entry {
    pub(super) fn new() -> Self {
        let (router, service, url) = (String::new(), String::new(), String::new());
        let (head, tail) = (Vec::with_capacity(512), Vec::with_capacity(256));
        Self { began: UNIX_EPOCH, head, tail, router, service, url }
    }

    fn clear(&mut self) {
        self.head.clear();
        self.tail.clear();
        self.router.clear();
        self.service.clear();
        self.url.clear();
    }
}

/// How lines are written, worked out once.
pub struct Style {
    settings: AccessLog,
    /// `,"Name":` of each field of JSON that is kept.
    keys: [Option<Box<[u8]>>; ACCESS_FIELDS.len()],
}

/// The fields of JSON, in the order of [`ACCESS_FIELDS`].
#[derive(Clone, Copy)]
enum Field {
    ClientAddr,
    ClientHost,
    ClientPort,
    ClientUsername,
    DownstreamContentSize,
    DownstreamStatus,
    Duration,
    OriginContentSize,
    OriginDuration,
    OriginStatus,
    Overhead,
    RequestAddr,
    RequestContentSize,
    RequestCount,
    RequestHost,
    RequestMethod,
    RequestPath,
    RequestPort,
    RequestProtocol,
    RequestScheme,
    RetryAttempts,
    RouterName,
    ServiceAddr,
    ServiceName,
    ServiceUrl,
    StartLocal,
    StartUtc,
    EntryPointName,
}

impl Style {
    pub fn new(settings: AccessLog) -> Self {
        let key = |name: &&str| {
            let key = || format!(",\"{name}\":").into_bytes().into_boxed_slice();
            settings.keeps(name).then(key)
        };
        let keys = ACCESS_FIELDS.each_ref().map(key);
        Self { settings, keys }
    }

    pub fn settings(&self) -> &AccessLog {
        &self.settings
    }

    /// Begins an entry with what was asked; `count` is the number of the request.
    pub fn begin(
        &self,
        entry: &mut Entry,
        asked: &Asked<'_>,
        count: u64,
        (now, clock): (SystemTime, &mut Clock),
    ) {
        entry.clear();
        entry.began = now;
        let query = if self.settings.keeps_query { asked.query } else { b"" };
        match self.settings.format {
            AccessFormat::Json => self.begin_json(entry, asked, (query, count), clock),
            AccessFormat::Common => begin_common(entry, asked, (query, Some(count)), clock),
            AccessFormat::GenericClf => begin_common(entry, asked, (query, None), clock),
        }
    }

    pub fn keeps_headers(&self) -> bool {
        self.settings.format == AccessFormat::Json && !self.settings.drops_headers()
    }

    /// Header fields of an answer as they came, and as the client gets them with the lines `added`.
    pub fn answer(&self, entry: &mut Entry, headers: &[Header<'_>], added: &[u8]) {
        let origins = headers.iter().map(|header| (header.name, header.value));
        self.headers(&mut entry.head, "origin_", origins.clone());
        let added = added.split(|byte| *byte == b'\n').filter_map(|line| {
            let (name, value) = line.split_at_checked(line.iter().position(|b| *b == b':')?)?;
            Some((std::str::from_utf8(name).ok()?, value[1..].trim_ascii()))
        });
        self.headers(&mut entry.head, "downstream_", origins.chain(added));
    }

    /// Appends the whole line with its end.
    pub fn end(&self, entry: &Entry, became: &Became, line: &mut Vec<u8>, clock: &mut Clock) {
        match self.settings.format {
            AccessFormat::Json => self.end_json(entry, became, line, clock),
            AccessFormat::Common => {
                end_common(entry, became, line, clock);
                for name in [&entry.router, &entry.url] {
                    line.push(b' ');
                    quoted(line, name.as_bytes());
                }
                line.push(b' ');
                number(line, u64::try_from(became.took.as_millis()).unwrap_or(u64::MAX));
                line.extend_from_slice(b"ms\n");
            }
            AccessFormat::GenericClf => {
                end_common(entry, became, line, clock);
                line.push(b'\n');
            }
        }
    }

    fn key(&self, line: &mut Vec<u8>, field: Field) -> bool {
        let Some(key) = &self.keys[field as usize] else { return false };
        // The first field has nothing to be parted from.
        let key = if line.len() == 1 { &key[1..] } else { key };
        line.extend_from_slice(key);
        true
    }

    fn text(&self, line: &mut Vec<u8>, field: Field, parts: &[&[u8]]) {
        if self.key(line, field) {
            json::string(line, parts);
        }
    }

    fn number(&self, line: &mut Vec<u8>, field: Field, value: u64) {
        if self.key(line, field) {
            number(line, value);
        }
    }

    fn begin_json(
        &self,
        entry: &mut Entry,
        asked: &Asked<'_>,
        (query, count): (&[u8], u64),
        clock: &mut Clock,
    ) {
        let line = &mut entry.head;
        line.push(b'{');
        let mut digits = itoa::Buffer::new();
        let port = digits.format(asked.port).as_bytes();
        let peer = asked.peer.as_bytes();
        let (open, close): (&[u8], &[u8]) =
            if asked.peer.contains(':') { (b"[", b"]:") } else { (b"", b":") };
        self.text(line, Field::ClientAddr, &[open, peer, close, port]);
        self.text(line, Field::ClientHost, &[forwarded_for(asked).unwrap_or(peer)]);
        self.text(line, Field::ClientPort, &[port]);
        self.text(line, Field::ClientUsername, &[b"-"]);
        if !asked.authority.is_empty() {
            let (host, port) = split_port(asked.authority);
            self.text(line, Field::RequestAddr, &[asked.authority]);
            self.text(line, Field::RequestHost, &[host]);
            self.text(line, Field::RequestPort, &[port]);
        }
        self.number(line, Field::RequestCount, count);
        self.text(line, Field::RequestMethod, &[asked.method.as_bytes()]);
        self.text(line, Field::RequestPath, &[asked.path, query]);
        self.text(line, Field::RequestProtocol, &[asked.protocol.as_bytes()]);
        self.text(line, Field::RequestScheme, &[b"http"]);
        // Both in UTC: an image without a base knows no other time.
        for field in [Field::StartLocal, Field::StartUtc] {
            if self.key(line, field) {
                line.push(b'"');
                clock.rfc3339(entry.began, line);
                line.push(b'"');
            }
        }
        self.text(line, Field::EntryPointName, &[asked.entry_point.as_bytes()]);
        if self.keeps_headers() {
            let headers = asked.headers.iter().map(|header| (header.name, header.value));
            self.headers(&mut entry.head, "request_", headers);
        }
    }

    fn end_json(&self, entry: &Entry, became: &Became, line: &mut Vec<u8>, clock: &mut Clock) {
        let start = line.len();
        line.extend_from_slice(&entry.head);
        // An entry that was never begun: nothing of its request could be read.
        if entry.head.is_empty() {
            line.push(b'{');
        }
        debug_assert_eq!(start, 0, "a line begins in an empty buffer");
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let origin = became.origin.unwrap_or_default();
        self.number(line, Field::RequestContentSize, became.received);
        self.number(line, Field::DownstreamContentSize, became.sent);
        self.number(line, Field::DownstreamStatus, became.status.into());
        self.number(line, Field::Duration, nanos(became.took));
        self.number(line, Field::Overhead, nanos(became.took.saturating_sub(origin)));
        self.number(line, Field::RetryAttempts, became.retries.into());
        if !entry.router.is_empty() {
            self.text(line, Field::RouterName, &[entry.router.as_bytes()]);
        }
        if !entry.service.is_empty() {
            self.text(line, Field::ServiceName, &[entry.service.as_bytes()]);
            let (status, size) =
                if became.is_origins { (became.status.into(), became.sent) } else { (0, 0) };
            self.number(line, Field::OriginContentSize, size);
            self.number(line, Field::OriginDuration, nanos(origin));
            self.number(line, Field::OriginStatus, status);
        }
        if !entry.url.is_empty() {
            self.text(line, Field::ServiceUrl, &[entry.url.as_bytes()]);
            let address = entry.url.split("://").nth(1).unwrap_or_default();
            let address = address.split('/').next().unwrap_or_default();
            self.text(line, Field::ServiceAddr, &[address.as_bytes()]);
        }
        if line.len() > 1 {
            line.push(b',');
        }
        line.extend_from_slice(b"\"level\":\"info\",\"msg\":\"\",\"time\":\"");
        let began = if entry.began == UNIX_EPOCH { SystemTime::now() } else { entry.began };
        clock.whole_second(began + became.took, line);
        line.extend_from_slice(b"\"}\n");
    }

    /// Lines of the same name are one field, their values parted by commas.
    fn headers<'h>(
        &self,
        line: &mut Vec<u8>,
        prefix: &str,
        headers: impl Iterator<Item = (&'h str, &'h [u8])> + Clone,
    ) {
        for (at, (name, _)) in headers.clone().enumerate() {
            let mut before = headers.clone().take(at);
            let mode = self.settings.mode(name);
            if mode == HeaderMode::Drop || before.any(|(n, _)| n.eq_ignore_ascii_case(name)) {
                continue;
            }
            line.extend_from_slice(if line.len() == 1 { b"\"" } else { b",\"" });
            line.extend_from_slice(prefix.as_bytes());
            canonical(line, name);
            line.extend_from_slice(b"\":");
            if mode == HeaderMode::Redact {
                line.extend_from_slice(b"\"REDACTED\"");
                continue;
            }
            let mut values = Vec::new();
            for (_, value) in headers.clone().filter(|(n, _)| n.eq_ignore_ascii_case(name)) {
                if !values.is_empty() {
                    values.push(b',');
                }
                values.extend_from_slice(value);
            }
            json::string(line, &[&values]);
        }
    }
}

/// `user-agent` as Go has it: `User-Agent`.
fn canonical(line: &mut Vec<u8>, name: &str) {
    let mut is_first = true;
    for byte in name.bytes() {
        let byte = if is_first { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() };
        // A field name is a token, and of those that need an escape there are none.
        line.push(byte);
        is_first = byte == b'-';
    }
}

/// The whole value of a client's `X-Forwarded-For`, which Traefik takes for the client's address.
fn forwarded_for<'a>(asked: &Asked<'a>) -> Option<&'a [u8]> {
    Some(header(asked, "x-forwarded-for")).filter(|value| !value.is_empty())
}

fn header<'a>(asked: &Asked<'a>, name: &str) -> &'a [u8] {
    let found = asked.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
    found.map_or(b"", |header| header.value)
}

/// Host and port; `-` where there is no port.
fn split_port(authority: &[u8]) -> (&[u8], &[u8]) {
    let at = authority.iter().rposition(|byte| *byte == b':');
    match at {
        Some(at) if authority[at + 1..].iter().all(u8::is_ascii_digit) => {
            let host = &authority[..at];
            let bare = host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]"));
            (bare.unwrap_or(host), &authority[at + 1..])
        }
        _ => (authority, b"-"),
    }
}

fn begin_common(
    entry: &mut Entry,
    asked: &Asked<'_>,
    (query, count): (&[u8], Option<u64>),
    clock: &mut Clock,
) {
    let line = &mut entry.head;
    let host = forwarded_for(asked).unwrap_or(asked.peer.as_bytes());
    plain(line, host);
    line.extend_from_slice(b" - - [");
    clock.common(entry.began, line);
    line.extend_from_slice(b"] \"");
    plain(line, asked.method.as_bytes());
    line.push(b' ');
    plain(line, asked.path);
    plain(line, query);
    line.push(b' ');
    line.extend_from_slice(asked.protocol.as_bytes());
    line.extend_from_slice(b"\" ");
    let line = &mut entry.tail;
    line.push(b' ');
    quoted(line, header(asked, "referer"));
    line.push(b' ');
    quoted(line, header(asked, "user-agent"));
    if let Some(count) = count {
        line.push(b' ');
        number(line, count);
    }
}

fn end_common(entry: &Entry, became: &Became, line: &mut Vec<u8>, clock: &mut Clock) {
    if entry.head.is_empty() {
        line.extend_from_slice(b"- - - [");
        clock.common(SystemTime::now(), line);
        line.extend_from_slice(b"] \"- - -\" ");
    }
    line.extend_from_slice(&entry.head);
    number(line, became.status.into());
    line.push(b' ');
    number(line, became.sent);
    if entry.head.is_empty() {
        line.extend_from_slice(b" \"-\" \"-\" -");
    }
    line.extend_from_slice(&entry.tail);
}

/// What would end a line or a column is written as `\x0a`: a client must not forge lines.
fn plain(line: &mut Vec<u8>, bytes: &[u8]) {
    for &byte in bytes {
        if byte < b' ' || byte == 0x7f {
            let digits = b"0123456789abcdef";
            let (high, low) = (digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]);
            line.extend_from_slice(&[b'\\', b'x', high, low]);
        } else {
            line.push(byte);
        }
    }
}

/// In quotes, or `"-"`; quotes inside are escaped as Traefik does.
fn quoted(line: &mut Vec<u8>, bytes: &[u8]) {
    line.push(b'"');
    if bytes.is_empty() {
        line.push(b'-');
    }
    for (at, part) in bytes.split(|byte| *byte == b'"').enumerate() {
        if at > 0 {
            line.extend_from_slice(b"\\\"");
        }
        plain(line, part);
    }
    line.push(b'"');
}

fn number(line: &mut Vec<u8>, number: u64) {
    line.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

#[cfg(test)]
mod tests;
