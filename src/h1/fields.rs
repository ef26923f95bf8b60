//! The header fields that a proxy itself has to understand; one identity for each name.

/// What a field name means to us. Everything else passes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Host,
    ContentLength,
    TransferEncoding,
    Connection,
    /// Meant for the next hop only (RFC 9110 section 7.6.1, and Go's list where it says more).
    HopByHop,
    Upgrade,
    Te,
    Expect,
    Cookie,
    ForwardedFor,
    ForwardedHost,
    ForwardedPort,
    ForwardedProto,
    ForwardedServer,
    RealIp,
    /// Managed by proxies in front of us, written by none of our steps yet.
    ForwardedOther,
    /// A managed or framing name with `_` for `-`: many servers cannot tell it from the real one.
    Alias,
    Other,
}

/// Classifies a field name. The length decides first: for nearly all fields of a request it is
/// the only thing that is looked at.
#[inline]
pub fn classify(name: &str) -> Field {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    match name.len() {
        2 if is("te") => Field::Te,
        4 if is("host") => Field::Host,
        6 if is("cookie") => Field::Cookie,
        6 if is("expect") => Field::Expect,
        7 if is("upgrade") => Field::Upgrade,
        10 if is("connection") => Field::Connection,
        10 if is("keep-alive") => Field::HopByHop,
        14 if is("content-length") => Field::ContentLength,
        14 if is("content_length") || is("http2-settings") => hidden(name),
        16 if is("proxy-connection") => Field::HopByHop,
        17 if is("transfer-encoding") => Field::TransferEncoding,
        17 if is("transfer_encoding") => Field::Alias,
        18 if is("proxy-authenticate") => Field::HopByHop,
        19 if is("proxy-authorization") => Field::HopByHop,
        9 | 15..=18 | 27 | 32 if name.as_bytes()[0] | 0x20 == b'x' => classify_managed(name),
        _ => Field::Other,
    }
}

/// Length of the longest name that [`classify`] knows.
pub const LONGEST_KNOWN: usize = 32;

/// Whether a field frames, addresses or vouches for its message, or is managed by us: as a trailer
/// it would go past all that (RFC 9110 section 6.5.1).
pub fn belongs_into_a_head(name: &str) -> bool {
    classify(name) != Field::Other || name.eq_ignore_ascii_case("authorization")
}

fn hidden(name: &str) -> Field {
    if name.contains('_') { Field::Alias } else { Field::HopByHop }
}

fn classify_managed(name: &str) -> Field {
    const MANAGED: [(&str, Field); 11] = [
        ("x-real-ip", Field::RealIp),
        ("x-forwarded-for", Field::ForwardedFor),
        ("x-forwarded-host", Field::ForwardedHost),
        ("x-forwarded-port", Field::ForwardedPort),
        ("x-forwarded-proto", Field::ForwardedProto),
        ("x-forwarded-server", Field::ForwardedServer),
        ("x-forwarded-uri", Field::ForwardedOther),
        ("x-forwarded-method", Field::ForwardedOther),
        ("x-forwarded-prefix", Field::ForwardedOther),
        ("x-forwarded-tls-client-cert", Field::ForwardedOther),
        ("x-forwarded-tls-client-cert-info", Field::ForwardedOther),
    ];
    let same = |known: &str| {
        known.len() == name.len()
            && known.bytes().zip(name.bytes()).all(|(k, n)| {
                let n = if n == b'_' { b'-' } else { n.to_ascii_lowercase() };
                k == n
            })
    };
    match MANAGED.iter().find(|(known, _)| same(known)) {
        Some(_) if name.contains('_') => Field::Alias,
        Some(&(_, field)) => field,
        None => Field::Other,
    }
}

/// The members of a comma-separated list (RFC 9110 section 5.6.1), without empty ones.
pub fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&b| b == b',').map(<[u8]>::trim_ascii).filter(|member| !member.is_empty())
}

/// What the `Connection` fields of a message say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConnectionOptions {
    pub close: bool,
    pub keep_alive: bool,
    pub upgrade: bool,
    /// Names other fields, which then end here too.
    pub names_fields: bool,
}

impl ConnectionOptions {
    pub fn add(&mut self, value: &[u8]) {
        for member in members(value) {
            match member.len() {
                5 if member.eq_ignore_ascii_case(b"close") => self.close = true,
                10 if member.eq_ignore_ascii_case(b"keep-alive") => self.keep_alive = true,
                7 if member.eq_ignore_ascii_case(b"upgrade") => self.upgrade = true,
                _ => self.names_fields = true,
            }
        }
    }
}

/// Whether some `Connection` field of the message names this field.
pub fn is_named_by_connection(headers: &[httparse::Header<'_>], name: &str) -> bool {
    headers
        .iter()
        .filter(|h| classify(h.name) == Field::Connection)
        .any(|h| members(h.value).any(|m| m.eq_ignore_ascii_case(name.as_bytes())))
}

/// Whether every line of a head ends in CRLF: a bare LF is where parsers start to disagree.
pub fn lines_end_in_crlf(head: &[u8]) -> bool {
    memchr::memchr_iter(b'\n', head).all(|at| at > 0 && head[at - 1] == b'\r')
}

/// Whether a field line is written as nearly everybody writes it: one space before the value,
/// nothing behind it. `head` is what `header` was parsed from.
pub fn is_plain(head: &[u8], header: &httparse::Header<'_>) -> bool {
    let at = |part: &[u8]| part.as_ptr() as usize - head.as_ptr() as usize;
    let colon = at(header.name.as_bytes()) + header.name.len();
    let line = head.get(colon..).and_then(|rest| rest.strip_prefix(b": "));
    let line_end = line.and_then(|line| line.strip_prefix(header.value));
    line_end.is_some_and(|end| end.starts_with(b"\r\n"))
}

/// A `Content-Length` (RFC 9112 section 6.2): digits only, one value.
pub fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 19 {
        return None;
    }
    let length = value
        .iter()
        .try_fold(0_u64, |n, &b| b.is_ascii_digit().then(|| n * 10 + u64::from(b - b'0')));
    // What does not fit into a signed number overflows in some backend.
    length.filter(|&length| i64::try_from(length).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_any_case() {
        assert_eq!(classify("HOST"), Field::Host);
        assert_eq!(classify("x-ForWarded-for"), Field::ForwardedFor);
        assert_eq!(classify("X-Real-IP"), Field::RealIp);
        assert_eq!(classify("X-Forwarded-Tls-Client-Cert-Info"), Field::ForwardedOther);
        assert_eq!(classify("Accept"), Field::Other);
        assert_eq!(classify("x-forwarded-fox"), Field::Other);
    }

    #[test]
    fn underscores_make_aliases_of_managed_names_only() {
        assert_eq!(classify("X_Forwarded_For"), Field::Alias);
        assert_eq!(classify("X-Forwarded_Proto"), Field::Alias);
        assert_eq!(classify("X_Custom_Header"), Field::Other);
        assert_eq!(classify("Content_Length"), Field::Alias);
        assert_eq!(classify("transfer_encoding"), Field::Alias);
        assert_eq!(classify("HTTP2-Settings"), Field::HopByHop);
    }

    #[test]
    fn connection_options_are_gathered() {
        let mut options = ConnectionOptions::default();
        options.add(b"Keep-Alive,, Upgrade");
        assert!(options.keep_alive && options.upgrade && !options.close && !options.names_fields);
        options.add(b"x-secret");
        assert!(options.names_fields);
    }

    #[test]
    fn lengths_are_digits() {
        assert_eq!(parse_length(b"0"), Some(0));
        assert_eq!(parse_length(b"0042"), Some(42));
        for bad in [
            &b""[..],
            b"+1",
            b"-1",
            b"1,1",
            b"1 1",
            b"0x1",
            b"99999999999999999999",
            b"9999999999999999999",
        ] {
            assert_eq!(parse_length(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn bare_line_feeds_are_seen() {
        assert!(lines_end_in_crlf(b"GET / HTTP/1.1\r\nA: b\r\n\r\n"));
        assert!(!lines_end_in_crlf(b"GET / HTTP/1.1\nA: b\r\n\r\n"));
        assert!(!lines_end_in_crlf(b"\nGET"));
    }
}
