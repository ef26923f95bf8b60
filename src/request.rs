//! What every protocol's request has in common: one host, one path, computed once.
//!
//! The path that is matched is the path that is forwarded. Traefik's known holes come from two
//! forms of it living side by side.

use std::borrow::Cow;
use std::net::Ipv6Addr;

/// The host that routing compares: lower case, without port, one trailing dot and the brackets of
/// an IPv6 address.
///
/// Borrows when nothing has to change, which is the common case.
pub fn routing_host(authority: &[u8]) -> Cow<'_, [u8]> {
    let host = without_port(authority);
    let host = host.strip_suffix(b".").unwrap_or(host);
    let host = host.strip_prefix(b"[").and_then(|h| h.strip_suffix(b"]")).unwrap_or(host);
    if host.iter().any(u8::is_ascii_uppercase) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    }
}

/// The port written in an authority, if any.
pub fn port(authority: &[u8]) -> Option<&[u8]> {
    let rest = &authority[without_port(authority).len()..];
    rest.strip_prefix(b":").filter(|port| !port.is_empty())
}

fn without_port(authority: &[u8]) -> &[u8] {
    // A colon inside brackets belongs to an IPv6 address.
    let from = authority.iter().rposition(|&b| b == b']').unwrap_or(0);
    match memchr::memchr(b':', &authority[from..]) {
        Some(at) => &authority[..from + at],
        None => authority,
    }
}

/// Whether an authority can stand in `Host` (RFC 9110 section 7.2; RFC 3986 section 3.2.2).
///
/// No user information, no white space, no delimiters, no escapes, brackets only around an IPv6
/// address: a value that a backend could take for something else is refused. An empty one is
/// allowed.
pub fn is_authority(value: &[u8]) -> bool {
    if value.is_empty() {
        return true;
    }
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let host = without_port(value);
    let port = &value[host.len()..];
    let port_is_number = match port.strip_prefix(b":") {
        None | Some(b"") => true,
        Some(digits) => {
            digits[0].is_ascii_digit() && text(digits).is_some_and(|d| d.parse::<u16>().is_ok())
        }
    };
    let address = host.strip_prefix(b"[").and_then(|h| h.strip_suffix(b"]"));
    let host_is_name = match address {
        Some(address) => text(address).is_some_and(|a| a.parse::<Ipv6Addr>().is_ok()),
        None => host.iter().all(|&b| b.is_ascii_alphanumeric() || b"-._~!$&'()*+;=".contains(&b)),
    };
    port_is_number && host_is_name && !host.is_empty()
}

/// Why a path cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadPath {
    /// `%` without two hexadecimal digits.
    Escape,
    /// `%00`: a server in C would cut the path there (RFC 3986 section 7.3).
    Nul,
    /// `..;a`: some servers drop parameters and only then go up.
    DotParameter,
    /// `#`: a fragment is never sent; two parsers would cut the path in different places.
    Fragment,
}

/// Normalises a path as Traefik 3 does by default (`normalize`, then `sanitizePath`):
/// unreserved characters are decoded, other escapes get upper-case digits, dot segments and
/// repeated slashes go, a trailing slash stays. Reserved characters stay encoded (`%2F`); what no
/// path may hold, such as `\` and bytes beyond ASCII, gets encoded, as Go does it.
///
/// `path` starts with `/` and holds no query. Borrows when nothing has to change.
pub fn normalise(path: &[u8]) -> Result<Cow<'_, [u8]>, BadPath> {
    if memchr::memchr(b'#', path).is_some() {
        return Err(BadPath::Fragment);
    }
    if is_normal(path) {
        return Ok(Cow::Borrowed(path));
    }
    let decoded = one_form(path)?;
    let mut segments: Vec<&[u8]> = Vec::new();
    let mut trailing = false;
    for segment in decoded.split(|&b| b == b'/').skip(1) {
        trailing = matches!(segment, b"" | b"." | b"..");
        match segment {
            b"" | b"." => {}
            b".." => {
                segments.pop();
            }
            [b'.', b';', ..] | [b'.', b'.', b';', ..] => return Err(BadPath::DotParameter),
            _ => segments.push(segment),
        }
    }
    let mut normal = Vec::with_capacity(decoded.len() + 1);
    for segment in segments {
        normal.push(b'/');
        normal.extend_from_slice(segment);
    }
    // `/a/.` and `/a/..` name a folder too (RFC 3986 section 5.2.4).
    if trailing || normal.is_empty() {
        normal.push(b'/');
    }
    Ok(Cow::Owned(normal))
}

/// Escapes bytes beyond ASCII. No target may hold any (RFC 3986 section 2), some clients send them
/// all the same, and of the servers behind us some take and some refuse them.
pub fn escape_beyond_ascii(text: &[u8]) -> Cow<'_, [u8]> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len() * 3);
    for &byte in text {
        if byte.is_ascii() {
            out.push(byte);
        } else {
            out.extend(escape(byte));
        }
    }
    Cow::Owned(out)
}

/// A normal path as Traefik's expressions see it: without escapes, but for those of reserved
/// characters (RFC 3986 section 2.2) and of `%` itself, which mean something else.
///
/// Borrows when there is no escape, which is the common case.
pub fn without_escapes(path: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(b'%', path) else { return Cow::Borrowed(path) };
    let mut plain = path[..first].to_vec();
    let mut rest = &path[first..];
    while let Some((&byte, tail)) = rest.split_first() {
        match rest {
            &[b'%', high, low, ref behind @ ..] if let Some(value) = escaped(high, low) => {
                plain.push(value);
                rest = behind;
            }
            _ => {
                plain.push(byte);
                rest = tail;
            }
        }
    }
    Cow::Owned(plain)
}

/// What an escape stands for, if that is not reserved.
fn escaped(high: u8, low: u8) -> Option<u8> {
    let value = hex(high)? << 4 | hex(low)?;
    (!b":/?#[]@!$&'()*+,;=%".contains(&value)).then_some(value)
}

/// The values of a parameter of this name, without escapes. `query` begins with its `?`, if there
/// is one. A semicolon separates like an ampersand (traefik `AllowQuerySemicolons`).
pub fn parameters<'a>(query: &'a [u8], name: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
    let query = query.strip_prefix(b"?").unwrap_or(query);
    query
        .split(|b| b"&;".contains(b))
        .flat_map(form_urlencoded::parse)
        .filter(move |(key, _)| key == name)
        .map(|(_, value)| value)
}

/// One pass that proves that [`normalise`] would change nothing, without looking for what.
#[inline]
fn is_normal(path: &[u8]) -> bool {
    path.iter().all(|&byte| stands(byte))
        && !path.windows(2).any(|pair| pair == b"//" || pair == b"/.")
}

/// What may stand in a path as it is (RFC 3986 section 3.3). Brackets may not, but Go and browsers
/// leave them alone.
fn stands(byte: u8) -> bool {
    const STANDS: [bool; 256] = {
        let (mut table, mut byte) = ([false; 256], 0);
        let others = b"-._~!$&'()*+,;=:@/[]";
        while byte < 256 {
            table[byte] = (byte as u8).is_ascii_alphanumeric();
            byte += 1;
        }
        let mut at = 0;
        while at < others.len() {
            table[others[at] as usize] = true;
            at += 1;
        }
        table
    };
    STANDS[byte as usize]
}

/// Each character of a path in one form: itself, or its escape.
pub fn one_form(path: &[u8]) -> Result<Vec<u8>, BadPath> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, tail)) = rest.split_first() {
        if byte != b'%' {
            if stands(byte) {
                decoded.push(byte);
            } else {
                decoded.extend(escape(byte));
            }
            rest = tail;
            continue;
        }
        let &[high, low, ref tail @ ..] = tail else { return Err(BadPath::Escape) };
        let value = hex(high).zip(hex(low)).map(|(h, l)| h << 4 | l).ok_or(BadPath::Escape)?;
        if value == 0 {
            return Err(BadPath::Nul);
        }
        if value.is_ascii_alphanumeric() || b"-._~".contains(&value) {
            decoded.push(value);
        } else {
            decoded.extend([b'%', high.to_ascii_uppercase(), low.to_ascii_uppercase()]);
        }
        rest = tail;
    }
    Ok(decoded)
}

fn escape(byte: u8) -> [u8; 3] {
    [b'%', digit(byte >> 4), digit(byte & 15)]
}

fn digit(value: u8) -> u8 {
    b"0123456789ABCDEF"[usize::from(value & 15)]
}

fn hex(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).and_then(|d| u8::try_from(d).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normal(path: &str) -> String {
        String::from_utf8(normalise(path.as_bytes()).expect(path).into_owned()).unwrap()
    }

    #[test]
    fn paths_have_one_form() {
        for (path, expected) in [
            ("/", "/"),
            ("/a/b", "/a/b"),
            ("//a///b/", "/a/b/"),
            ("/a/./b/../c", "/a/c"),
            ("/../../etc", "/etc"),
            ("/a/..", "/"),
            ("/a/b/..", "/a/"),
            ("/a/.", "/a/"),
            ("/%61%2e%2E/b", "/a../b"),
            ("/x/%2e%2e/b", "/b"),
            ("/a%2fb", "/a%2Fb"),
            ("/foo%20bar", "/foo%20bar"),
            ("/ä/%c3%a4", "/%C3%A4/%C3%A4"),
            ("/.hidden", "/.hidden"),
            ("/a/...", "/a/..."),
            ("/a\\..\\b", "/a%5C..%5Cb"),
            ("/\"<>^`{|}", "/%22%3C%3E%5E%60%7B%7C%7D"),
            ("/ä", "/%C3%A4"),
            ("/a;b/[c]", "/a;b/[c]"),
        ] {
            assert_eq!(normal(path), expected, "{path}");
        }
        assert_eq!(normalise(b"/a#b"), Err(BadPath::Fragment));
        assert_eq!(normalise(b"/a%00"), Err(BadPath::Nul));
        for bad in ["/a/..;/b", "/.;x", "/%2e.;"] {
            assert_eq!(normalise(bad.as_bytes()), Err(BadPath::DotParameter), "{bad}");
        }
        for bad in ["/%", "/%2", "/%zz", "/a%+1"] {
            assert_eq!(normalise(bad.as_bytes()), Err(BadPath::Escape), "{bad}");
        }
    }

    #[test]
    fn nothing_beyond_ascii_stays() {
        assert_eq!(&*escape_beyond_ascii(b"?a=%41/"), b"?a=%41/");
        assert_eq!(&*escape_beyond_ascii(b"?\xff=\xc3\xa4b"), b"?%FF=%C3%A4b");
    }

    #[test]
    fn hosts_are_compared_without_port_dot_and_case() {
        assert_eq!(&*routing_host(b"A.b:80"), b"a.b");
        assert_eq!(&*routing_host(b"a.b."), b"a.b");
        assert_eq!(&*routing_host(b"[::1]:80"), b"::1");
        assert_eq!(&*routing_host(b"[::1]"), b"::1");
        assert_eq!(port(b"a:81"), Some(&b"81"[..]));
        assert_eq!(port(b"[::1]:81"), Some(&b"81"[..]));
        assert_eq!(port(b"[::1]"), None);
    }

    #[test]
    fn authorities_hold_no_surprises() {
        for good in ["", "a.b", "a.b:80", "[::1]:80", "xn--a", "127.0.0.1"] {
            assert!(is_authority(good.as_bytes()), "{good}");
        }
        for bad in [
            "a b", "u@h", "a/b", "a,b", "a?b", "a#b", "a:b", "a:8x", "a\t", "a:b]", "[:80",
            "[::1]x", "a]b", "[", ":80", "a%zz", "a%41", "[zz]:80", "a:99999", "a:+1", "[::1]:x",
            "::1",
        ] {
            assert!(!is_authority(bad.as_bytes()), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(path in "/[a./%2eE5F;ä\\\\|]{0,20}") {
            if let Ok(once) = normalise(path.as_bytes()) {
                let twice = normalise(&once).expect("a normal path is a path").into_owned();
                prop_assert_eq!(&*once, &*twice);
                prop_assert!(once.starts_with(b"/"));
            }
        }
    }
}
