//! JSON strings (RFC 8259, section 7) from whatever bytes a client has sent.

/// Appends the parts, one behind the other, as a JSON string with its quotes.
///
/// A byte that is not part of valid UTF-8 becomes U+FFFD, one for each byte, as in Go's
/// `encoding/json` and so in Traefik's access log.
pub fn string(line: &mut Vec<u8>, parts: &[&[u8]]) {
    line.push(b'"');
    for part in parts {
        // Without an early end, so that the compiler looks at many bytes at a time.
        if part.iter().fold(true, |plain, byte| plain & is_plain(*byte)) {
            line.extend_from_slice(part);
            continue;
        }
        for chunk in part.utf8_chunks() {
            escape(line, chunk.valid().as_bytes());
            for _ in chunk.invalid() {
                line.extend_from_slice("\u{fffd}".as_bytes());
            }
        }
    }
    line.push(b'"');
}

/// Stands for itself in a string.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

/// Copies runs that need no escape at once: nearly every value is a single one.
fn escape(line: &mut Vec<u8>, mut rest: &[u8]) {
    while let Some(at) = rest.iter().position(|b| *b < b' ' || matches!(b, b'"' | b'\\')) {
        line.extend_from_slice(&rest[..at]);
        match rest[at] {
            quoted @ (b'"' | b'\\') => line.extend_from_slice(&[b'\\', quoted]),
            b'\n' => line.extend_from_slice(b"\\n"),
            b'\r' => line.extend_from_slice(b"\\r"),
            b'\t' => line.extend_from_slice(b"\\t"),
            control => {
                let digits = b"0123456789abcdef";
                let high = digits[usize::from(control >> 4)];
                let low = digits[usize::from(control & 15)];
                line.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            }
        }
        rest = &rest[at + 1..];
    }
    line.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(bytes: &[u8]) -> String {
        let mut line = Vec::new();
        string(&mut line, &[bytes]);
        String::from_utf8(line).expect("UTF-8")
    }

    #[test]
    fn escapes_what_json_forbids_and_nothing_else() {
        assert_eq!(written(b""), r#""""#);
        assert_eq!(written(br#"a"b\c/"#), r#""a\"b\\c/""#);
        assert_eq!(written(b"\n\r\t\x00\x1f"), r#""\n\r\t\u0000\u001f""#);
        assert_eq!(written("ä€\u{7f}".as_bytes()), "\"ä€\u{7f}\"");
    }

    #[test]
    fn replaces_every_byte_that_is_not_utf8() {
        assert_eq!(written(b"a\xffb\xe2\x82"), "\"a\u{fffd}b\u{fffd}\u{fffd}\"");
    }

    #[test]
    fn every_byte_is_read_back_by_a_json_parser() {
        let all: Vec<u8> = (0..=127).collect();
        let read: String = serde_json::from_str(&written(&all)).expect("JSON");
        assert_eq!(read.as_bytes(), all);
        for byte in 128..=255 {
            let read: String = serde_json::from_str(&written(&[byte])).expect("JSON");
            assert_eq!(read, "\u{fffd}");
        }
    }
}
