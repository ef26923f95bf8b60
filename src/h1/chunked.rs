//! The chunked transfer coding (RFC 9112 section 7.1), as a machine that finds boundaries.
//!
//! ```text
//! chunked-body = *chunk last-chunk trailer-section CRLF
//! chunk        = chunk-size [ chunk-ext ] CRLF chunk-data CRLF
//! last-chunk   = 1*("0") [ chunk-ext ] CRLF
//! chunk-ext    = *( ";" token [ "=" ( token / quoted-string ) ] )
//! ```
//!
//! Strict where two parsers could differ: every line ends in CRLF (never a bare LF or CR), a size
//! has at least one and at most 15 digits (more overflow a signed number in some backend), control
//! characters are refused, no quoted string goes over a line end, lines and trailers are bounded.
//! A trailer section passes as it came, past everything that writes heads anew, so it must not
//! hold what belongs into a head (RFC 9110 section 6.5.1). Any split of the same bytes gives the
//! same result.

use std::ops::Range;

use super::fields;
use crate::limits::{CHUNK_LINE_BYTES, TRAILER_BYTES};

/// Progress through one chunked body.
#[derive(Debug, Clone)]
pub struct Chunked {
    state: State,
    /// Size of the chunk whose line is being read, or what is left of its data.
    size: u64,
    /// Bytes of the current size line, or of the whole trailer section.
    line: usize,
    trailer: TrailerName,
}

/// The name of the current trailer field, as far as it can be one that we know.
#[derive(Debug, Clone)]
struct TrailerName {
    bytes: [u8; fields::LONGEST_KNOWN],
    /// As it came; may be more than fits.
    length: usize,
}

impl TrailerName {
    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
        }
        self.length += 1;
    }

    /// Whether the field means something in a head. Behind the body it is too late for that, but
    /// not every server knows: to Node a `Connection: close` there ends the connection, and it
    /// refuses the next request, which may be another client's (RFC 9110 section 6.5.1).
    fn belongs_in_head(&self) -> bool {
        let name = self.bytes.get(..self.length).and_then(|name| std::str::from_utf8(name).ok());
        name.is_some_and(fields::belongs_into_a_head)
    }
}

/// The sender broke the coding; nothing after this point can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed chunked body: {0}")]
pub struct ChunkError(pub &'static str);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first digit.
    SizeStart,
    Size {
        digits: u8,
    },
    /// Behind `;`.
    ExtensionStart,
    ExtensionName,
    /// Behind `=`.
    ExtensionValueStart,
    ExtensionToken,
    ExtensionQuoted,
    /// Behind `\` in a quoted string.
    ExtensionEscaped,
    /// Behind a quoted string.
    ExtensionEnd,
    SizeLineFeed,
    Data,
    DataReturn,
    DataLineFeed,
    /// At the start of a trailer line, or of the empty line that ends everything.
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLineFeed,
    EndLineFeed,
    Done,
}

impl Chunked {
    pub fn new() -> Self {
        let trailer = TrailerName { bytes: [0; fields::LONGEST_KNOWN], length: 0 };
        Self { state: State::SizeStart, size: 0, line: 0, trailer }
    }

    #[inline]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Takes what belongs to the body from the front of `bytes`; gives how many bytes that is.
    /// Each piece of payload is shown to `data` as a range of `bytes`.
    pub fn take(
        &mut self,
        bytes: &[u8],
        mut data: impl FnMut(Range<usize>),
    ) -> Result<usize, ChunkError> {
        let mut at = 0;
        while at < bytes.len() && self.state != State::Done {
            if self.state == State::Data {
                let left = bytes.len() - at;
                let n = usize::try_from(self.size).map_or(left, |size| size.min(left));
                data(at..at + n);
                at += n;
                self.size -= n as u64;
                if self.size == 0 {
                    self.state = State::DataReturn;
                }
            } else {
                self.state = self.step(bytes[at])?;
                at += 1;
            }
        }
        Ok(at)
    }

    /// One byte outside of payload.
    fn step(&mut self, byte: u8) -> Result<State, ChunkError> {
        self.line += 1;
        match self.state {
            State::SizeStart => {
                self.line = 1;
                self.size =
                    digit(byte).ok_or(ChunkError("a chunk size must start with a digit"))?;
                Ok(State::Size { digits: 1 })
            }
            State::Size { digits } => match (digit(byte), byte) {
                (Some(_), _) if digits == 15 => Err(ChunkError("chunk size too long")),
                (Some(value), _) => {
                    self.size = self.size << 4 | value;
                    Ok(State::Size { digits: digits + 1 })
                }
                (None, b';') => Ok(State::ExtensionStart),
                (None, b'\r') => Ok(State::SizeLineFeed),
                (None, _) => Err(ChunkError("bad character in a chunk size")),
            },
            State::ExtensionStart
            | State::ExtensionName
            | State::ExtensionValueStart
            | State::ExtensionToken
            | State::ExtensionQuoted
            | State::ExtensionEscaped
            | State::ExtensionEnd => self.step_in_extension(byte),
            State::SizeLineFeed => {
                expect(byte, b'\n')?;
                self.line = 0;
                Ok(if self.size == 0 { State::TrailerStart } else { State::Data })
            }
            State::DataReturn => expect(byte, b'\r').map(|()| State::DataLineFeed),
            State::DataLineFeed => expect(byte, b'\n').map(|()| State::SizeStart),
            State::TrailerStart if byte == b'\r' => Ok(State::EndLineFeed),
            State::TrailerStart if is_token(byte) => {
                self.trailer.length = 0;
                self.trailer.push(byte);
                Ok(State::TrailerName)
            }
            State::TrailerStart => Err(ChunkError("bad trailer field name")),
            _ if self.line > TRAILER_BYTES => Err(ChunkError("trailer section too long")),
            State::TrailerName => match byte {
                b':' if self.trailer.belongs_in_head() => {
                    Err(ChunkError("a trailer field that belongs in the head"))
                }
                b':' => Ok(State::TrailerValue),
                _ if is_token(byte) => {
                    self.trailer.push(byte);
                    Ok(State::TrailerName)
                }
                _ => Err(ChunkError("bad trailer field name")),
            },
            State::TrailerValue => match byte {
                b'\r' => Ok(State::TrailerLineFeed),
                _ if is_text(byte) => Ok(State::TrailerValue),
                _ => Err(ChunkError("bad character in a trailer field")),
            },
            State::TrailerLineFeed => expect(byte, b'\n').map(|()| State::TrailerStart),
            State::EndLineFeed => expect(byte, b'\n').map(|()| State::Done),
            // `take` handles payload in bulk and stops at the end.
            State::Data | State::Done => Err(ChunkError("internal: no step here")),
        }
    }

    /// An extension means nothing to us and passes. But servers differ in how much of it they
    /// look at, so it must at least be one.
    fn step_in_extension(&self, byte: u8) -> Result<State, ChunkError> {
        if self.line > CHUNK_LINE_BYTES {
            return Err(ChunkError("chunk extension too long"));
        }
        match (self.state, byte) {
            (State::ExtensionQuoted, b'"') => Ok(State::ExtensionEnd),
            (State::ExtensionQuoted, b'\\') => Ok(State::ExtensionEscaped),
            (State::ExtensionQuoted | State::ExtensionEscaped, _) if is_text(byte) => {
                Ok(State::ExtensionQuoted)
            }
            (State::ExtensionStart | State::ExtensionName, _) if is_token(byte) => {
                Ok(State::ExtensionName)
            }
            (State::ExtensionName, b'=') => Ok(State::ExtensionValueStart),
            (State::ExtensionValueStart, b'"') => Ok(State::ExtensionQuoted),
            (State::ExtensionValueStart | State::ExtensionToken, _) if is_token(byte) => {
                Ok(State::ExtensionToken)
            }
            (State::ExtensionName | State::ExtensionToken | State::ExtensionEnd, b';') => {
                Ok(State::ExtensionStart)
            }
            (State::ExtensionName | State::ExtensionToken | State::ExtensionEnd, b'\r') => {
                Ok(State::SizeLineFeed)
            }
            _ => Err(ChunkError("bad character in a chunk extension")),
        }
    }
}

impl Default for Chunked {
    fn default() -> Self {
        Self::new()
    }
}

fn expect(byte: u8, wanted: u8) -> Result<(), ChunkError> {
    if byte == wanted { Ok(()) } else { Err(ChunkError("a line must end in CRLF")) }
}

fn digit(byte: u8) -> Option<u64> {
    (byte as char).to_digit(16).map(u64::from)
}

/// Field content: visible, obs-text, space and tab (RFC 9110 section 5.5).
fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// `tchar` (RFC 9110 section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Payload, bytes used and whether the body ended.
    fn run(pieces: &[&[u8]]) -> Result<(Vec<u8>, usize, bool), ChunkError> {
        let (mut chunked, mut payload, mut used) = (Chunked::new(), Vec::new(), 0);
        for piece in pieces {
            used += chunked.take(piece, |range| payload.extend_from_slice(&piece[range]))?;
        }
        Ok((payload, used, chunked.is_done()))
    }

    #[test]
    fn a_body_ends_behind_its_trailers() {
        let body = b"4\r\nWiki\r\n5;a=\"b\"\r\npedia\r\n0\r\nA: b\r\nC: \r\n\r\n";
        let mut all = body.to_vec();
        all.extend_from_slice(b"GET / HTTP/1.1");
        assert_eq!(run(&[&all]).unwrap(), (b"Wikipedia".to_vec(), body.len(), true));
        let extended = b"1;a;b=c;d=\"e;\\\"=\"\r\nx\r\n0;f\r\n\r\n";
        assert_eq!(run(&[extended]).unwrap(), (b"x".to_vec(), extended.len(), true));
        assert_eq!(run(&[b"000\r\n\r\nx"]).unwrap(), (vec![], 7, true));
        assert!(!run(&[b"4\r\nWiki\r\n"]).unwrap().2);
    }

    #[test]
    fn what_two_parsers_could_read_differently_is_refused() {
        for bad in [
            &b"4\nWiki\r\n"[..],
            b"4\r\nWiki\n",
            b"4\r\nWikix\r\n",
            b"\r\n",
            b"-4\r\n",
            b"+4\r\n",
            b" 4\r\n",
            b"4 \r\n",
            b"0x4\r\n",
            b"4\r\r\n",
            b"g\r\n",
            b"4;a\nb\r\n",
            b"4;\r\n",
            b"4;;a\r\n",
            b"4; a\r\n",
            b"4;a \r\n",
            b"4;=b\r\n",
            b"4;a=\r\n",
            b"4;a=\"b\r\n",
            b"4;a=\"b\"c\r\n",
            b"4;a=\"\\\r\n",
            b"4;\x00\r\n",
            b"1111111111111111\r\n",
            b"0\r\n\n",
            b"0\r\nA b: c\r\n\r\n",
            b"0\r\n b\r\n\r\n",
            b"0\r\nA\r\n\r\n",
            b"0\r\n: b\r\n\r\n",
            b"0\r\nA: b\nC: d\r\n\r\n",
            b"4,\r\n",
            b"0\r\nContent-Length: 5\r\n\r\n",
            b"0\r\nA: b\r\nconnection: close\r\n\r\n",
            b"0\r\nX-Forwarded-Tls-Client-Cert-Info: a\r\n\r\n",
            b"4;a=\"b\r\n\"\r\n",
            b"4;a=\"b\\\"\r\n",
            b"4;\xe4\r\n",
        ] {
            assert!(run(&[bad]).is_err(), "{:?} was accepted", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn lines_and_trailers_are_bounded() {
        let long = [&b"4;"[..], &[b'a'; 2 * CHUNK_LINE_BYTES], b"\r\n"].concat();
        assert!(run(&[&long]).is_err());
        let many = [&b"0\r\n"[..], &b"A: b\r\n".repeat(TRAILER_BYTES), b"\r\n"].concat();
        assert!(run(&[&many]).is_err());
        assert_eq!(run(&[b"fffffffffffffff\r\nx"]).unwrap(), (b"x".to_vec(), 18, false));
    }

    #[test]
    fn trailers_say_nothing_that_a_head_says() {
        for name in [
            "Content-Length",
            "content_length",
            "TRANSFER-ENCODING",
            "Host",
            "Cookie",
            "Authorization",
            "X-Forwarded-For",
            "x_forwarded_for",
            "X-Forwarded-Tls-Client-Cert-Info",
        ] {
            let wire = format!("0\r\nA: b\r\n{name}: c\r\n\r\n");
            assert!(run(&[wire.as_bytes()]).is_err(), "{name}");
            let bytes: Vec<&[u8]> = wire.as_bytes().chunks(1).collect();
            assert!(run(&bytes).is_err(), "{name} byte by byte");
        }
        for name in ["X-Forwarded-Fox", "Digest", &"X".repeat(100)] {
            let wire = format!("0\r\n{name}: c\r\n\r\n");
            assert!(run(&[wire.as_bytes()]).unwrap().2, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..5),
            cuts in prop::collection::vec(0_usize..200, 0..6),
        ) {
            let mut wire = Vec::new();
            for chunk in &chunks {
                wire.extend(format!("{:x};e\r\n", chunk.len()).bytes());
                wire.extend(chunk);
                wire.extend(b"\r\n");
            }
            wire.extend(b"0\r\nT: v\r\n\r\nNEXT");
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(wire.len())).collect();
            cuts.sort_unstable();
            cuts.push(wire.len());
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&wire[from..cut]);
                from = cut;
            }
            // Bytes behind the end are left to the next message, in whatever piece they are.
            prop_assert_eq!(run(&pieces).unwrap(), (chunks.concat(), wire.len() - 4, true));
        }

        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = run(&[&bytes]);
        }
    }
}
