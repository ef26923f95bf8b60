//! A request head: parsed where it was read, checked, nothing copied.
//!
//! The rules of RFC 9112, with the strict choice wherever it leaves one; what breaks one is refused
//! before a backend sees a byte:
//! - section 2.2: every line ends in CRLF (a recipient may be lax; we are not), nothing stands
//!   before the first field, no NUL, no bare CR; empty lines before the request line are skipped;
//! - section 2.3: `HTTP/1.1` or `HTTP/1.0`, in capitals; another version is 505;
//! - section 3: one space between the three parts of the request line; a target beyond its bound
//!   is 414, a head beyond its own 431;
//! - section 3.2: exactly one `Host` in HTTP/1.1, at most one in HTTP/1.0, and a valid one (RFC
//!   3986 section 3.2.2), without userinfo (RFC 9110 section 4.2.4);
//! - section 3.2.2: a target in absolute form overrules `Host`; the schemes are `http` and
//!   `https`;
//! - section 3.2.3: CONNECT is not for us: 501;
//! - section 3.2.4: `*` is a target of OPTIONS alone;
//! - section 5.1: no white space before a field's colon, no empty name; section 5.2: no folded
//!   line;
//! - section 6.1: `Transfer-Encoding` is an error in HTTP/1.0;
//! - section 6.3 item 3: `Transfer-Encoding` beside `Content-Length` is refused (it permits to
//!   handle it; smuggling lives there);
//! - section 6.3 item 4: a coding that does not end in `chunked` is 400, one that has others
//!   within is 501 (section 6.1), so `chunked`, once, is the only one;
//! - section 6.3 item 5: `Content-Length` is one line of digits that fits a signed number (also
//!   where all values are equal, which it permits);
//! - section 9.3: HTTP/1.1 stays open unless it says `close`, HTTP/1.0 only if it says
//!   `keep-alive`;
//! - RFC 9110 section 7.8: an upgrade needs `Connection: upgrade`, HTTP/1.1 and no body; h2c has
//!   been withdrawn by RFC 9113 section 3.1.

use std::borrow::Cow;
use std::mem::MaybeUninit;

use httparse::Header;

use super::fields::{self, ConnectionOptions, Field, classify};
use super::framing::Framing;
use crate::fault::Fault;
use crate::limits::{HeadLimits, MAX_HEAD_FIELDS};
use crate::request::{self, BadPath};

/// Room for the field lines of one head; lives on the caller's stack.
pub type Fields<'b> = [MaybeUninit<Header<'b>>; MAX_HEAD_FIELDS];

/// A checked request head, borrowing from the buffer that it was read into.
#[derive(Debug)]
pub struct RequestHead<'h, 'b> {
    /// The bytes of the head, from the request line to the empty line.
    pub bytes: &'b [u8],
    pub method: &'b str,
    /// Normalised; for routing and forwarding alike. `*` for a request about the server itself.
    pub path: Cow<'b, [u8]>,
    /// From the `?` on, as it came but for bytes beyond ASCII; may be empty.
    pub query: Cow<'b, [u8]>,
    /// Of the absolute target, or of `Host`; empty where HTTP/1.0 has none.
    pub authority: &'b [u8],
    /// `Host` does not say what `authority` says, or says it oddly: it must be written anew.
    pub host_differs: bool,
    pub headers: &'h [Header<'b>],
    pub framing: Framing,
    /// HTTP/1.1 rather than HTTP/1.0.
    pub http11: bool,
    /// The client wants to send more requests on this connection.
    pub keep_alive: bool,
    pub connection: ConnectionOptions,
    /// `Connection: upgrade` and an `Upgrade` field: the protocol may change with a 101.
    pub upgrade: bool,
}

impl<'b> RequestHead<'_, 'b> {
    /// May be sent twice without harm (RFC 9110 section 9.2.2).
    pub fn is_idempotent(&self) -> bool {
        matches!(self.method, "GET" | "HEAD" | "OPTIONS" | "TRACE" | "PUT" | "DELETE")
    }

    /// The client waits for a word before it sends its body (RFC 9110 section 10.1.1).
    pub fn expects_continue(&self) -> bool {
        let waits = |h: &Header<'_>| h.value.eq_ignore_ascii_case(b"100-continue");
        self.http11 && self.headers.iter().any(|h| classify(h.name) == Field::Expect && waits(h))
    }

    /// The values of the `Cookie` field lines.
    pub fn cookies(&self) -> impl Iterator<Item = &'b [u8]> + Clone {
        self.headers.iter().filter(|h| classify(h.name) == Field::Cookie).map(|h| h.value)
    }
}

/// Parses the head at the front of `buffer`; `None` while it is not complete.
pub fn parse<'h, 'b>(
    buffer: &'b [u8],
    fields: &'h mut Fields<'b>,
    limits: &HeadLimits,
) -> Result<Option<RequestHead<'h, 'b>>, Fault> {
    let mut raw = httparse::Request::new(&mut []);
    let fields = &mut fields[..limits.fields.min(MAX_HEAD_FIELDS)];
    let length = match raw.parse_with_uninit_headers(buffer, fields) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Fault::HeadTooLarge),
        Err(httparse::Error::Version) => return wrong_version(buffer),
        Err(error) => return Err(Fault::BadRequest(describe(error))),
    };
    let (Some(method), Some(target), Some(minor)) = (raw.method, raw.path, raw.version) else {
        return Err(Fault::Internal);
    };
    let bytes = &buffer[..length];
    let headers: &'h [Header<'b>] = raw.headers;
    if !fields::lines_end_in_crlf(bytes) {
        return Err(Fault::BadRequest("a line of the head does not end in CRLF"));
    }
    if target.len() > limits.target {
        return Err(Fault::TargetTooLong);
    }
    if length > limits.bytes {
        return Err(Fault::HeadTooLarge);
    }
    let http11 = minor == 1;
    let seen = gather(bytes, headers, http11)?;
    let target = split_target(method, target.as_bytes())?;
    let host = seen.host;
    if http11 && host.is_none() {
        return Err(Fault::BadRequest("HTTP/1.1 needs a Host"));
    }
    let authority = target.authority.or(host).unwrap_or_default();
    let overrules = host != Some(authority);
    let overruled = host.filter(|_| overrules).unwrap_or_default();
    if !request::is_authority(authority) || !request::is_authority(overruled) {
        return Err(Fault::BadRequest("Host is not valid"));
    }
    let path = match target.path {
        b"*" => Cow::Borrowed(target.path),
        path => request::normalise(path).map_err(|bad| match bad {
            BadPath::Escape => Fault::BadRequest("bad percent-encoding in the path"),
            BadPath::Nul => Fault::BadRequest("the path holds NUL"),
            BadPath::DotParameter => Fault::BadRequest("a dot segment has parameters"),
            BadPath::Fragment => Fault::BadRequest("a target must not hold a fragment"),
        })?,
    };
    // A body on its way and a new protocol behind the same head would have to share the stream.
    let has_body = !matches!(seen.framing, Framing::None | Framing::Length(0));
    Ok(Some(RequestHead {
        bytes,
        method,
        path,
        query: request::escape_beyond_ascii(target.query),
        authority,
        host_differs: overrules || !seen.host_is_plain,
        headers,
        framing: seen.framing,
        http11,
        keep_alive: !seen.connection.close && (http11 || seen.connection.keep_alive),
        upgrade: http11 && seen.connection.upgrade && seen.upgrade && !has_body,
        connection: seen.connection,
    }))
}

/// What one pass over the field lines finds.
struct Seen<'b> {
    host: Option<&'b [u8]>,
    host_is_plain: bool,
    framing: Framing,
    connection: ConnectionOptions,
    /// An `Upgrade` that may be passed on.
    upgrade: bool,
}

fn gather<'b>(head: &[u8], headers: &[Header<'b>], http11: bool) -> Result<Seen<'b>, Fault> {
    let mut seen = Seen {
        host: None,
        host_is_plain: false,
        framing: Framing::None,
        connection: ConnectionOptions::default(),
        upgrade: false,
    };
    let (mut length, mut chunked, mut http2) = (None, false, false);
    for header in headers {
        match classify(header.name) {
            Field::Host if seen.host.is_some() => {
                return Err(Fault::BadRequest("more than one Host"));
            }
            Field::Host => {
                seen.host = Some(header.value);
                seen.host_is_plain = fields::is_plain(head, header);
            }
            Field::ContentLength => {
                if length.is_some() {
                    return Err(Fault::BadRequest("more than one Content-Length"));
                }
                let value = fields::parse_length(header.value);
                length = Some(value.ok_or(Fault::BadRequest("Content-Length is not a number"))?);
            }
            Field::TransferEncoding => {
                if !http11 {
                    return Err(Fault::BadRequest("Transfer-Encoding in HTTP/1.0"));
                }
                if chunked {
                    return Err(Fault::BadRequest("more than one Transfer-Encoding"));
                }
                if !header.value.eq_ignore_ascii_case(b"chunked") {
                    return Err(wrong_coding(header.value));
                }
                chunked = true;
            }
            Field::Connection => seen.connection.add(header.value),
            Field::Upgrade => {
                seen.upgrade = true;
                http2 |= is_http2(header.value);
            }
            _ => {}
        }
    }
    // One line that asks for it spoils the others: all of them go on, or none.
    seen.upgrade &= !http2;
    seen.framing = match (length, chunked) {
        (Some(_), true) => {
            return Err(Fault::BadRequest("Content-Length beside Transfer-Encoding"));
        }
        (None, true) => Framing::Chunked,
        (Some(length), false) => Framing::Length(length),
        (None, false) => Framing::None,
    };
    Ok(seen)
}

struct Target<'b> {
    authority: Option<&'b [u8]>,
    path: &'b [u8],
    query: &'b [u8],
}

/// Takes the four forms of a target apart (RFC 9112 section 3.2).
fn split_target<'b>(method: &str, target: &'b [u8]) -> Result<Target<'b>, Fault> {
    if method == "CONNECT" {
        return Err(Fault::NotImplemented("CONNECT is not supported"));
    }
    if target == b"*" {
        return if method == "OPTIONS" {
            Ok(Target { authority: None, path: target, query: b"" })
        } else {
            Err(Fault::BadRequest("only OPTIONS may ask for *"))
        };
    }
    let (authority, rest) = if target.first() == Some(&b'/') {
        (None, target)
    } else {
        let scheme = target.iter().position(|&b| b == b':').unwrap_or(0);
        let known = target[..scheme].eq_ignore_ascii_case(b"http")
            || target[..scheme].eq_ignore_ascii_case(b"https");
        let rest = target[scheme..].strip_prefix(b"://").filter(|_| known);
        let rest = rest.ok_or(Fault::BadRequest("the target is neither a path nor a URL"))?;
        let end = rest.iter().position(|b| b"/?#".contains(b)).unwrap_or(rest.len());
        if end == 0 {
            return Err(Fault::BadRequest("the target's URL has no host"));
        }
        (Some(&rest[..end]), &rest[end..])
    };
    let query = memchr::memchr(b'?', rest).unwrap_or(rest.len());
    let path = if query == 0 { &b"/"[..] } else { &rest[..query] };
    if memchr::memchr(b'#', &rest[query..]).is_some() {
        return Err(Fault::BadRequest("a target must not hold a fragment"));
    }
    Ok(Target { authority, path, query: &rest[query..] })
}

/// HTTP/2 behind an upgrade would reach the backend past routing and forwarding fields; RFC 9113
/// has withdrawn it.
fn is_http2(upgrade: &[u8]) -> bool {
    fields::members(upgrade)
        .any(|member| member.eq_ignore_ascii_case(b"h2c") || member.eq_ignore_ascii_case(b"h2"))
}

/// The end of a body is certain only where `chunked` comes last, and once (RFC 9112 section 6.3
/// item 4); then it is the other codings that we do not know.
fn wrong_coding(value: &[u8]) -> Fault {
    let is_chunked = |coding: &&[u8]| coding.eq_ignore_ascii_case(b"chunked");
    let count = fields::members(value).count();
    let last = fields::members(value).last().filter(is_chunked);
    if count > 1 && last.is_some() && fields::members(value).filter(is_chunked).count() == 1 {
        Fault::NotImplemented("unknown Transfer-Encoding")
    } else {
        Fault::BadRequest("Transfer-Encoding is not chunked")
    }
}

/// Tells another version of HTTP from garbage. That takes the whole line, or the answer would
/// depend on how it was cut.
fn wrong_version<'h, 'b>(buffer: &'b [u8]) -> Result<Option<RequestHead<'h, 'b>>, Fault> {
    let start = buffer.iter().position(|b| !b"\r\n".contains(b)).unwrap_or(0);
    let Some(length) = memchr::memchr(b'\n', &buffer[start..]) else { return Ok(None) };
    let mut words = buffer[start..start + length].split(|&b| b == b' ').skip(2);
    Err(match (words.next(), words.next()) {
        (Some(&[b'H', b'T', b'T', b'P', b'/', major, b'.', minor, b'\r']), None)
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Fault::VersionNotSupported
        }
        _ => Fault::BadRequest("unknown HTTP version"),
    })
}

/// What to say of a head that does not fit: the target has a status of its own (RFC 9110 section
/// 15.5.15).
pub fn too_large(head: &[u8], limits: &HeadLimits) -> Fault {
    let line = head.split(|&b| b == b'\r').next().unwrap_or_default();
    let target = line.split(|&b| b == b' ').nth(1).unwrap_or_default();
    if target.len() > limits.target { Fault::TargetTooLong } else { Fault::HeadTooLarge }
}

fn describe(error: httparse::Error) -> &'static str {
    match error {
        httparse::Error::HeaderName => "bad character in a field name",
        httparse::Error::HeaderValue => "bad character in a field value",
        httparse::Error::NewLine => "bad line end",
        _ => "malformed request line",
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
