//! What a path comes to, by rewriting it step by step instead of taking it apart.

/// `None` where there is no one reading of it.
pub fn normal(path: &[u8]) -> Option<Vec<u8>> {
    let mut path = decoded(path)?;
    let starts = |segment: &[u8]| segment.starts_with(b".;") || segment.starts_with(b"..;");
    if path.split(|&b| b == b'/').any(starts) {
        return None;
    }
    let find = |path: &[u8], what: &[u8]| path.windows(what.len()).position(|part| part == what);
    while let Some(at) = find(&path, b"//") {
        path.remove(at);
    }
    // A dot segment at the end names a folder.
    if path.ends_with(b"/.") || path.ends_with(b"/..") {
        path.push(b'/');
    }
    while let Some(at) = find(&path, b"/./") {
        path.drain(at..at + 2);
    }
    while let Some(at) = find(&path, b"/../") {
        let from = path[..at].iter().rposition(|&b| b == b'/').unwrap_or(at);
        path.drain(from..at + 3);
    }
    Some(path)
}

/// Unreserved characters in clear, all other escapes in upper case (RFC 3986 section 6.2.2).
fn decoded(path: &[u8]) -> Option<Vec<u8>> {
    if path.contains(&b'#') {
        return None;
    }
    let mut parts = path.split(|&b| b == b'%');
    let mut all = plain(parts.next()?);
    for part in parts {
        let digits = part.get(..2).filter(|two| two.iter().all(u8::is_ascii_hexdigit))?;
        let digits = std::str::from_utf8(digits).ok()?;
        let byte = u8::from_str_radix(digits, 16).ok()?;
        if byte == 0 {
            return None;
        } else if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            all.push(byte);
        } else {
            all.extend(format!("%{}", digits.to_uppercase()).bytes());
        }
        all.extend(plain(&part[2..]));
    }
    Some(all)
}

/// What no path may hold is escaped.
fn plain(part: &[u8]) -> Vec<u8> {
    let stands = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/[]".contains(&b);
    escaped(part, stands)
}

/// What is beyond ASCII is escaped.
pub fn ascii(text: &[u8]) -> Vec<u8> {
    escaped(text, |b| b.is_ascii())
}

fn escaped(text: &[u8], stands: impl Fn(u8) -> bool) -> Vec<u8> {
    let one = |&b: &u8| if stands(b) { vec![b] } else { format!("%{b:02X}").into_bytes() };
    text.iter().flat_map(one).collect()
}
