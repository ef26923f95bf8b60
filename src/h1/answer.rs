//! The response as the client gets it: the backend's head with as little changed as possible, or
//! our own.

use std::io::Write as _;
use std::time::SystemTime;

use super::fields::{self, Field, classify};
use super::forward::{copy_fields, field};
use super::framing::Framing;
use super::response::ResponseHead;
use crate::fault::{self, Fault};
use crate::model::Dialect;

/// How a body that the backend frames in one way goes on to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// Byte for byte, with the backend's own framing.
    Same,
    /// The client cannot read chunks: their payload, ended by closing.
    Unchunked,
    /// The backend ends by closing: in chunks, so that the client can tell the end from a cut.
    Chunked,
}

impl Transfer {
    pub fn choose(framing: Framing, client_http11: bool) -> Self {
        match framing {
            Framing::Chunked if !client_http11 => Self::Unchunked,
            Framing::UntilClose if client_http11 => Self::Chunked,
            _ => Self::Same,
        }
    }
}

/// What has to be changed in a backend's head.
pub struct Changes<'a> {
    pub transfer: Transfer,
    /// Field lines to add, each with its line end; may be empty.
    pub added: &'a [u8],
    /// The client's connection ends with this response.
    pub close: bool,
    /// The client speaks HTTP/1.0 and must be told that the connection stays.
    pub say_keep_alive: bool,
}

impl Changes<'_> {
    /// The head may pass as it came.
    pub fn are_none(&self, head: &ResponseHead<'_, '_>) -> bool {
        self.transfer == Transfer::Same
            && self.added.is_empty()
            && !self.close
            && !self.say_keep_alive
            && !head.has_hop_fields
            && head.http11
    }
}

/// Appends the head for the client to `out`.
pub fn write(out: &mut Vec<u8>, head: &ResponseHead<'_, '_>, changes: &Changes<'_>) {
    write_status(out, head);
    copy_fields(out, head.bytes, head.headers, |header| match classify(header.name) {
        Field::Connection | Field::HopByHop | Field::Upgrade | Field::Te => false,
        // A 204 must not announce a body, a 304 not frame one (RFC 9110 sections 15.3.5, 8.6).
        Field::TransferEncoding => {
            changes.transfer == Transfer::Same && !matches!(head.status, 204 | 304)
        }
        // Framing cannot be removed by being named in `Connection`.
        Field::ContentLength => head.status != 204,
        _ => {
            !head.connection.names_fields
                || !fields::is_named_by_connection(head.headers, header.name)
        }
    });
    if changes.transfer == Transfer::Chunked {
        out.extend_from_slice(b"Transfer-Encoding: chunked\r\n");
    }
    out.extend_from_slice(changes.added);
    if changes.close {
        out.extend_from_slice(b"Connection: close\r\n");
    } else if changes.say_keep_alive {
        out.extend_from_slice(b"Connection: keep-alive\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends an interim response, or a 101 with the protocol that it changes to.
pub fn write_interim(out: &mut Vec<u8>, head: &ResponseHead<'_, '_>) {
    write_status(out, head);
    let switching = head.status == 101;
    copy_fields(out, head.bytes, head.headers, |header| match classify(header.name) {
        Field::Upgrade => switching,
        Field::Connection | Field::HopByHop | Field::Te => false,
        // An interim response has no body, whatever it says.
        Field::ContentLength | Field::TransferEncoding => false,
        _ => true,
    });
    if switching {
        out.extend_from_slice(b"Connection: Upgrade\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

fn write_status(out: &mut Vec<u8>, head: &ResponseHead<'_, '_>) {
    // Writing to a Vec cannot fail.
    let _ = write!(out, "HTTP/1.1 {} {}\r\n", head.status, head.reason);
}

/// Appends a whole response of our own. `with_body` is false for a HEAD.
pub fn write_fault(
    out: &mut Vec<u8>,
    fault: Fault,
    dialect: Dialect,
    close: bool,
    with_body: bool,
) {
    let (status, body) = (fault.status(), fault.body(dialect));
    let _ = write!(out, "HTTP/1.1 {status} {}\r\n", fault::reason(status));
    field(out, "Content-Type", &[b"text/plain; charset=utf-8"]);
    field(out, "X-Content-Type-Options", &[b"nosniff"]);
    // We are the origin of this one, so it carries a date (RFC 9110 section 6.6.1).
    field(out, "Date", &[httpdate::fmt_http_date(SystemTime::now()).as_bytes()]);
    field(out, "Content-Length", &[body.len().to_string().as_bytes()]);
    if close {
        field(out, "Connection", &[b"close"]);
    }
    out.extend_from_slice(b"\r\n");
    if with_body {
        out.extend_from_slice(body.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{HeadLimits, MAX_HEAD_FIELDS};
    use std::mem::MaybeUninit;

    fn answer(wire: &str, changes: &Changes<'_>) -> (bool, String) {
        let mut fields = [const { MaybeUninit::uninit() }; MAX_HEAD_FIELDS];
        let limits = HeadLimits::default();
        let head = super::super::response::parse(wire.as_bytes(), &mut fields, &limits, false);
        let head = head.unwrap().unwrap();
        let mut out = Vec::new();
        write(&mut out, &head, changes);
        (changes.are_none(&head), String::from_utf8(out).unwrap())
    }

    fn same(added: &[u8]) -> Changes<'_> {
        Changes { transfer: Transfer::Same, added, close: false, say_keep_alive: false }
    }

    #[test]
    fn a_plain_head_passes_as_it_is() {
        let wire = "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 3\r\n\r\n";
        assert_eq!(answer(wire, &same(b"")), (true, wire.to_owned()));
    }

    #[test]
    fn hop_by_hop_fields_go_and_ours_come() {
        let wire = "HTTP/1.0 404 Not Here\r\nConnection: keep-alive, X-A\r\nKeep-Alive: 5\r\nX-A: b\r\n\
                    Content-Length: 3\r\nX-B: c\r\n\r\n";
        let mut changes = same(b"Set-Cookie: a=b\r\n");
        changes.close = true;
        assert_eq!(
            answer(wire, &changes),
            (
                false,
                "HTTP/1.1 404 Not Here\r\nContent-Length: 3\r\nX-B: c\r\nSet-Cookie: a=b\r\n\
                 Connection: close\r\n\r\n"
                    .to_owned()
            )
        );
    }

    #[test]
    fn bodies_change_their_framing_where_the_client_needs_it() {
        let changes = |transfer| Changes { transfer, ..same(b"") };
        let (_, out) = answer("HTTP/1.1 200 OK\r\n\r\n", &changes(Transfer::Chunked));
        assert_eq!(out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        let wire = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(answer(wire, &changes(Transfer::Unchunked)).1, "HTTP/1.1 200 OK\r\n\r\n");
        assert_eq!(answer(wire, &changes(Transfer::Same)).1, wire);
        assert_eq!(Transfer::choose(Framing::Chunked, false), Transfer::Unchunked);
        assert_eq!(Transfer::choose(Framing::UntilClose, true), Transfer::Chunked);
        assert_eq!(Transfer::choose(Framing::UntilClose, false), Transfer::Same);
    }

    #[test]
    fn our_own_answers_are_complete() {
        let mut out = Vec::new();
        write_fault(&mut out, Fault::NoRoute, Dialect::V1, false, true);
        let out = String::from_utf8(out).unwrap();
        assert!(
            out.starts_with("HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8")
        );
        assert!(out.contains("Content-Length: 19\r\n"), "{out}");
        assert!(out.ends_with("\r\n\r\n404 page not found\n"), "{out}");
    }
}
