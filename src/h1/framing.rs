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

/// A body on its way: how much of it is still to come.
#[derive(Debug)]
pub enum Body {
    Done,
    Length(u64),
    Chunked(Chunked),
    UntilClose,
}

impl Body {
    pub fn new(framing: Framing) -> Self {
        match framing {
            Framing::None | Framing::Length(0) => Self::Done,
            Framing::Length(n) => Self::Length(n),
            Framing::Chunked => Self::Chunked(Chunked::new()),
            Framing::UntilClose => Self::UntilClose,
        }
    }

    #[inline]
    pub fn is_done(&self) -> bool {
        match self {
            Self::Done => true,
            Self::Chunked(chunked) => chunked.is_done(),
            Self::Length(_) | Self::UntilClose => false,
        }
    }

    /// Takes what belongs to the body from the front of `bytes`; gives how many bytes that is.
    ///
    /// Less than all of them only when the body ends within them.
    #[inline]
    pub fn take(&mut self, bytes: &[u8]) -> Result<usize, ChunkError> {
        match self {
            Self::Done => Ok(0),
            Self::Length(left) => {
                let n = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left -= n as u64;
                if *left == 0 {
                    *self = Self::Done;
                }
                Ok(n)
            }
            Self::Chunked(chunked) => chunked.take(bytes, |_| {}),
            Self::UntilClose => Ok(bytes.len()),
        }
    }

    /// What the end of the stream means here: the end of the body, or a truncated one.
    pub fn ends_with_stream(&self) -> bool {
        self.is_done() || matches!(self, Self::UntilClose)
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
