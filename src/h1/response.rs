//! A response head from a backend: parsed where it was read, checked, nothing copied.
//!
//! The backend is ours but its mistakes must not become the client's. The rules of RFC 9112, for a
//! gateway; what breaks one is a 502, and the end of the backend's connection:
//! - section 2.2: every line ends in CRLF, nothing stands before the status line or the first
//!   field;
//! - section 4: `HTTP/1.1` or `HTTP/1.0`, a status from 100 to 599 (RFC 9110 section 15);
//! - section 5.1 and 5.2: no white space before a colon, no folded line, no control character;
//! - section 6.1: no `Transfer-Encoding` in HTTP/1.0 or in an interim response;
//! - section 6.3 item 1: no body behind an answer to HEAD, 1xx, 204 and 304; where one is announced
//!   all the same, nobody can tell whether it follows, and the connection is not used again;
//! - section 6.3 item 3: not both `Transfer-Encoding` and `Content-Length`;
//! - section 6.3 item 4: `chunked`, once, is the only coding;
//! - section 6.3 item 5: one `Content-Length`, of digits;
//! - section 6.3 item 8: without either the body ends with the connection;
//! - section 9.3: whether the connection stays follows the version and `Connection`.

use httparse::Header;

use super::fields::{self, ConnectionOptions, Field, classify};
use super::framing::Framing;
use super::request::Fields;
use crate::fault::Fault;
use crate::limits::{HeadLimits, MAX_HEAD_FIELDS};

/// A checked response head, borrowing from the buffer that it was read into.
#[derive(Debug)]
pub struct ResponseHead<'h, 'b> {
    /// The bytes of the head, from the status line to the empty line.
    pub bytes: &'b [u8],
    pub status: u16,
    pub reason: &'b str,
    pub headers: &'h [Header<'b>],
    pub framing: Framing,
    /// HTTP/1.1 rather than HTTP/1.0.
    pub http11: bool,
    /// The backend will take another request on this connection, and nothing of this one's answer
    /// can be mistaken for that one's.
    pub keep_alive: bool,
    pub connection: ConnectionOptions,
    /// Some field must not go to the client, so the head cannot pass as it is.
    pub has_hop_fields: bool,
}

/// Parses the head at the front of `buffer`; `None` while it is not complete.
///
/// `to_head` says that the request was a HEAD: its response never has a body.
pub fn parse<'h, 'b>(
    buffer: &'b [u8],
    fields: &'h mut Fields<'b>,
    limits: &HeadLimits,
    to_head: bool,
) -> Result<Option<ResponseHead<'h, 'b>>, Fault> {
    // Only a server may skip empty lines (RFC 9112 section 2.2); passed on as they came, they would
    // stand before the status line that the client waits for.
    if matches!(buffer.first(), Some(b'\r' | b'\n')) {
        return Err(Fault::BadResponse("an empty line before the status line"));
    }
    let mut raw = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let fields = &mut fields[..limits.fields.min(MAX_HEAD_FIELDS)];
    let length = match config.parse_response_with_uninit_headers(&mut raw, buffer, fields) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Fault::BadResponse("too many header fields"));
        }
        Err(_) => return Err(Fault::BadResponse("malformed head")),
    };
    let (Some(status), Some(minor)) = (raw.code, raw.version) else {
        return Err(Fault::Internal);
    };
    let bytes = &buffer[..length];
    let headers: &'h [Header<'b>] = raw.headers;
    if !fields::lines_end_in_crlf(bytes) {
        return Err(Fault::BadResponse("a line of the head does not end in CRLF"));
    }
    if length > limits.bytes {
        return Err(Fault::BadResponse("head too large"));
    }
    if !(100..=599).contains(&status) {
        return Err(Fault::BadResponse("status out of range"));
    }
    let mut head = ResponseHead {
        bytes,
        status,
        reason: raw.reason.unwrap_or_default(),
        headers,
        framing: Framing::None,
        http11: minor == 1,
        keep_alive: false,
        connection: ConnectionOptions::default(),
        has_hop_fields: false,
    };
    gather(&mut head, to_head)?;
    Ok(Some(head))
}

fn gather(head: &mut ResponseHead<'_, '_>, to_head: bool) -> Result<(), Fault> {
    let (mut length, mut chunked) = (None, false);
    for header in head.headers {
        match classify(header.name) {
            Field::ContentLength => {
                let value = fields::parse_length(header.value)
                    .ok_or(Fault::BadResponse("Content-Length is not a number"))?;
                if length.replace(value).is_some() {
                    return Err(Fault::BadResponse("more than one Content-Length"));
                }
            }
            Field::TransferEncoding => {
                if chunked || !header.value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Fault::BadResponse("unknown Transfer-Encoding"));
                }
                chunked = true;
            }
            Field::Connection => {
                head.connection.add(header.value);
                head.has_hop_fields = true;
            }
            Field::HopByHop | Field::Upgrade | Field::Te => head.has_hop_fields = true,
            _ => {}
        }
    }
    if chunked && length.is_some() {
        return Err(Fault::BadResponse("Content-Length beside Transfer-Encoding"));
    }
    if chunked && !head.http11 {
        return Err(Fault::BadResponse("Transfer-Encoding in HTTP/1.0"));
    }
    let bodiless = to_head || matches!(head.status, 100..=199 | 204 | 304);
    // A body that is announced but must not come (RFC 9112 section 6.3 item 1): a backend that
    // sends it all the same, perhaps late, would have it taken for the answer to the next request.
    let announces = chunked || length.is_some_and(|length| length > 0);
    if announces && matches!(head.status, 100..=199) {
        return Err(Fault::BadResponse("an interim response with a body"));
    }
    let may_follow = bodiless && announces;
    head.framing = match (bodiless, chunked, length) {
        (true, ..) => Framing::None,
        (false, true, _) => Framing::Chunked,
        (false, false, Some(length)) => Framing::Length(length),
        (false, false, None) => Framing::UntilClose,
    };
    // Not even a length of nothing (RFC 9110 section 8.6); many a backend sends it with a 204.
    let idle = head.status == 204 && length.is_some();
    head.has_hop_fields |= idle || (chunked && matches!(head.status, 204 | 304));
    head.keep_alive = !may_follow
        && !head.connection.close
        && (head.http11 || head.connection.keep_alive)
        && head.framing != Framing::UntilClose;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::MaybeUninit;

    fn read(wire: &str, to_head: bool) -> Result<Option<(u16, Framing, bool)>, Fault> {
        let mut fields = [const { MaybeUninit::uninit() }; MAX_HEAD_FIELDS];
        parse(wire.as_bytes(), &mut fields, &HeadLimits::default(), to_head)
            .map(|head| head.map(|h| (h.status, h.framing, h.keep_alive)))
    }

    #[test]
    fn framing_follows_the_rules() {
        for (wire, expected) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", (200, Framing::Length(3), true)),
            ("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", (200, Framing::Length(0), true)),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                (200, Framing::Chunked, true),
            ),
            ("HTTP/1.1 200 OK\r\n\r\n", (200, Framing::UntilClose, false)),
            ("HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n", (204, Framing::None, true)),
            ("HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\n", (204, Framing::None, false)),
            ("HTTP/1.1 304 No\r\nContent-Length: 3\r\n\r\n", (304, Framing::None, false)),
            ("HTTP/1.1 304 No\r\n\r\n", (304, Framing::None, true)),
            ("HTTP/1.1 100 Go\r\n\r\n", (100, Framing::None, true)),
            ("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n", (200, Framing::Length(3), false)),
            (
                "HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 3\r\n\r\n",
                (200, Framing::Length(3), false),
            ),
        ] {
            assert_eq!(read(wire, false), Ok(Some(expected)), "{wire:?}");
        }
        assert_eq!(
            read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true),
            Ok(Some((200, Framing::None, false)))
        );
    }

    #[test]
    fn what_could_be_read_twice_is_refused() {
        for wire in [
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\nContent-Length: 3\r\n\r\n",
            "HTTP/1.1 099 No\r\n\r\n",
            "HTTP/1.1 103 Hints\r\nContent-Length: 3\r\n\r\n",
            "HTTP/1.1 100 Go\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 600 No\r\n\r\n",
            "HTTP/1.1 abc\r\n\r\n",
            "garbage\r\n\r\n",
            "\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
            "\r",
            "HTTP/1.1 200 OK\r\nA: \x01\r\n\r\n",
        ] {
            assert!(read(wire, false).is_err(), "{wire:?}");
        }
        assert_eq!(read("HTTP/1.1 200 OK\r\nA: b\r\n", false), Ok(None));
    }
}
