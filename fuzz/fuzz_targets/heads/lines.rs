//! A head as a person reads it, without any of the parsers' code.

use std::borrow::Cow;

/// The first line, and the fields in their order.
#[derive(Debug)]
pub struct Head<'b> {
    pub start: Cow<'b, str>,
    pub fields: Vec<(&'b str, &'b [u8])>,
}

/// Reads a whole head; panics where two readers could disagree.
pub fn read(bytes: &[u8]) -> Head<'_> {
    let lines = bytes.strip_suffix(b"\r\n\r\n").expect("a head ends in an empty line");
    let mut lines = split(lines).into_iter();
    // A reason may hold any bytes from 0x80 on.
    let start = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let fields = lines.map(|line| {
        let colon = line.iter().position(|&b| b == b':').expect("a field has a colon");
        let name = std::str::from_utf8(&line[..colon]).expect("a name is ASCII");
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        assert!(!name.is_empty() && name.bytes().all(token), "{name:?} is no name");
        (name, blanks_off(&line[colon + 1..]))
    });
    Head { start, fields: fields.collect() }
}

/// Lines without their CRLF, and without any other control byte but the tab.
fn split(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    loop {
        let end = bytes.windows(2).position(|pair| pair == b"\r\n").unwrap_or(bytes.len());
        let line = &bytes[..end];
        let bad = line.iter().find(|&&b| (b < b' ' && b != b'\t') || b == 0x7f);
        assert_eq!(bad, None, "a control byte in {:?}", String::from_utf8_lossy(line));
        lines.push(line);
        match bytes.get(end + 2..) {
            Some(rest) => bytes = rest,
            None => return lines,
        }
    }
}

fn blanks_off(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

impl<'b> Head<'b> {
    pub fn values(&self, name: &str) -> Vec<&'b [u8]> {
        let named = self.fields.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        named.map(|(_, value)| *value).collect()
    }

    pub fn count(&self, name: &str) -> usize {
        self.values(name).len()
    }

    /// Whether some line of a comma-separated field has this member.
    pub fn lists(&self, name: &str, member: &str) -> bool {
        let member = member.as_bytes();
        let mut all = self.values(name).into_iter().flat_map(|value| value.split(|&b| b == b','));
        all.any(|own| blanks_off(own).eq_ignore_ascii_case(member))
    }

    /// In lower case, and in an order that does not depend on the one in which they came.
    pub fn sorted(&self) -> Vec<(String, Vec<u8>)> {
        let lower = |(name, value): &(&str, &[u8])| (name.to_ascii_lowercase(), value.to_vec());
        let mut all: Vec<_> = self.fields.iter().map(lower).collect();
        all.sort();
        all
    }

    /// The length that the one `Content-Length` says.
    pub fn length(&self) -> Option<u64> {
        let values = self.values("content-length");
        assert!(values.len() < 2, "several lengths");
        let value = values.first()?;
        assert!(value.iter().all(u8::is_ascii_digit), "a length is digits");
        std::str::from_utf8(value).ok()?.parse().ok()
    }

    /// Whether the one `Transfer-Encoding` says chunked.
    pub fn is_chunked(&self) -> bool {
        let values = self.values("transfer-encoding");
        assert!(values.len() + self.count("content-length") < 2, "framed twice");
        values.first().is_some_and(|value| value.eq_ignore_ascii_case(b"chunked"))
    }

    pub fn same_fields(&self, parsed: &[httparse::Header<'_>]) {
        let parsed: Vec<_> = parsed.iter().map(|h| (h.name, h.value)).collect();
        assert_eq!(self.fields, parsed);
    }
}

/// Fields that concern one hop, in the spelling of [`Head::sorted`].
pub fn is_hop(name: &str) -> bool {
    const HOP: [&str; 8] = [
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "upgrade",
        "http2-settings",
    ];
    HOP.iter().any(|known| name.eq_ignore_ascii_case(known))
}
