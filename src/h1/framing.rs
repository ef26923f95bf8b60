//! Where a message's body ends: a type, decided once per message from its head.

use super::chunked::{ChunkError, Chunked};

/// How the end of a body is found (RFC 9112 section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// No body, whatever the header fields say.
    None,
    Length(u64),
    Chunked,
    /// Responses only: the body ends with the connection.
    UntilClose,
}

/// A body on its way.
#[derive(Debug)]
pub struct Body {
    rest: Rest,
    payload: u64,
}

/// How much of a body is still to come.
#[derive(Debug)]
enum Rest {
    Done,
    Length(u64),
    Chunked(Chunked),
    UntilClose,
}

impl Body {
    pub fn new(framing: Framing) -> Self {
        let rest = match framing {
            Framing::None | Framing::Length(0) => Rest::Done,
            Framing::Length(n) => Rest::Length(n),
            Framing::Chunked => Rest::Chunked(Chunked::new()),
            Framing::UntilClose => Rest::UntilClose,
        };
        Self { rest, payload: 0 }
    }

    /// Bytes of content so far, without what only frames them.
    pub fn payload(&self) -> u64 {
        self.payload
    }

    #[inline]
    pub fn is_done(&self) -> bool {
        match &self.rest {
            Rest::Done => true,
            Rest::Chunked(chunked) => chunked.is_done(),
            Rest::Length(_) | Rest::UntilClose => false,
        }
    }

    /// Takes what belongs to the body from the front of `bytes`; gives how many bytes that is.
    ///
    /// Less than all of them only when the body ends within them.
    #[inline]
    pub fn take(&mut self, bytes: &[u8]) -> Result<usize, ChunkError> {
        let taken = match &mut self.rest {
            Rest::Done => 0,
            Rest::Length(left) => {
                let n = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left -= n as u64;
                if *left == 0 {
                    self.rest = Rest::Done;
                }
                n
            }
            Rest::Chunked(chunked) => {
                let payload = &mut self.payload;
                return chunked.take(bytes, |range| *payload += range.len() as u64);
            }
            Rest::UntilClose => bytes.len(),
        };
        self.payload += taken as u64;
        Ok(taken)
    }

    /// What the end of the stream means here: the end of the body, or a truncated one.
    pub fn ends_with_stream(&self) -> bool {
        self.is_done() || matches!(self.rest, Rest::UntilClose)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_ends_where_it_says() {
        let mut body = Body::new(Framing::Length(5));
        assert_eq!(body.take(b"abc").unwrap(), 3);
        assert!(!body.is_done() && !body.ends_with_stream());
        assert_eq!(body.take(b"defg").unwrap(), 2);
        assert!(body.is_done());
        assert_eq!(body.take(b"x").unwrap(), 0);
        assert_eq!(body.payload(), 5);
        let mut body = Body::new(Framing::Chunked);
        assert_eq!(body.take(b"3\r\nabc\r\n0\r\n\r\n").unwrap(), 13);
        assert_eq!(body.payload(), 3);
    }

    #[test]
    fn nothing_is_done_at_once() {
        assert!(Body::new(Framing::None).is_done());
        assert!(Body::new(Framing::Length(0)).is_done());
    }

    #[test]
    fn only_an_unframed_body_ends_with_the_stream() {
        assert!(Body::new(Framing::UntilClose).ends_with_stream());
        assert!(!Body::new(Framing::Chunked).ends_with_stream());
    }
}
