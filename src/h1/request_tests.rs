//! Request heads that must be read in one way, and those that must not be read at all.

use super::*;
use crate::limits::{HEAD_FIELDS, TARGET_BYTES};

/// Parses and shows what matters of the head, so that cases fit on a line.
fn read(wire: &str) -> Result<Option<String>, u16> {
    let mut fields = [const { MaybeUninit::uninit() }; MAX_HEAD_FIELDS];
    parse(wire.as_bytes(), &mut fields, &HeadLimits::default()).map_err(Fault::status).map(|head| {
        head.map(|h| {
            let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
            format!(
                "{} {} {}{} {:?}{}{}",
                h.method,
                text(h.authority),
                text(&h.path),
                text(&h.query),
                h.framing,
                if h.keep_alive { "" } else { " close" },
                if h.upgrade { " upgrade" } else { "" },
            )
        })
    })
}

#[test]
fn good_heads_are_understood() {
    for (wire, expected) in [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET a / None"),
        ("GET /a?b=c HTTP/1.1\r\nhost: a:8\r\n\r\nrest", "GET a:8 /a?b=c None"),
        ("GET /?a?b HTTP/1.1\r\nHost:\r\n\r\n", "GET  /?a?b None"),
        ("GET http://b/x?y HTTP/1.1\r\nHost: a\r\n\r\n", "GET b /x?y None"),
        ("GET http://b?y HTTP/1.1\r\nHost: a\r\n\r\n", "GET b /?y None"),
        ("GET /ä?ö HTTP/1.1\r\nHost: a\r\n\r\n", "GET a /%C3%A4?%C3%B6 None"),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS a * None"),
        ("GET / HTTP/1.0\r\n\r\n", "GET  / None close"),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET  / None"),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET a / None close"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", "POST a / Length(3)"),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", "POST a / Chunked"),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Upgrade\r\nUpgrade: websocket\r\n\r\n",
            "GET a / None upgrade",
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\
             Upgrade: websocket\r\n\r\n",
            "GET a / None",
        ),
        ("GET //a/../b/%2e HTTP/1.1\r\nHost: a\r\n\r\n", "GET a /b/ None"),
        ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET a / None"),
    ] {
        assert_eq!(read(wire), Ok(Some(expected.to_owned())), "{wire:?}");
    }
}

#[test]
fn bad_heads_are_refused() {
    let h = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (wire, status) in [
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400),
        (format!("{h}Host: a\r\n\r\n"), 400),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n".into(), 400),
        ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n".into(), 400),
        ("GET / HTTP/1.1\nHost: a\r\n\r\n".into(), 400),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n".into(), 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n".into(), 505),
        ("GET / HTTP/1.2\r\n".into(), 505),
        ("GET / HTTP/2\r\n".into(), 400),
        ("GET / a HTTP/2.0\r\n".into(), 400),
        ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n".into(), 400),
        ("GET /?a#b HTTP/1.1\r\nHost: a\r\n\r\n".into(), 400),
        ("GET a HTTP/1.1\r\nHost: a\r\n\r\n".into(), 400),
        ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n".into(), 400),
        ("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n".into(), 400),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n".into(), 400),
        ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n".into(), 400),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n".into(), 501),
        (format!("{h}Content-Length: 3\r\nContent-Length: 3\r\n\r\n"), 400),
        (format!("{h}Content-Length: 3, 3\r\n\r\n"), 400),
        (format!("{h}Content-Length: -3\r\n\r\n"), 400),
        (format!("{h}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"), 400),
        (format!("{h}Transfer-Encoding: gzip, chunked\r\n\r\n"), 501),
        (format!("{h}Transfer-Encoding: chunked, gzip\r\n\r\n"), 400),
        (format!("{h}Transfer-Encoding: chunked, chunked\r\n\r\n"), 400),
        (format!("{h}Transfer-Encoding: identity\r\n\r\n"), 400),
        (format!("{h}Transfer-Encoding: ,chunked\r\n\r\n"), 400),
        (format!("{h}Transfer-Encoding:\r\n\r\n"), 400),
        (format!("{h}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), 400),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".into(), 400),
        (format!("{h}A : b\r\n\r\n"), 400),
        (format!("{h}A: b\r\n c\r\n\r\n"), 400),
        (format!("{h}A: b\x00\r\n\r\n"), 400),
        (format!("{h}{}\r\n", "A: b\r\n".repeat(HEAD_FIELDS)), 431),
        (format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(TARGET_BYTES)), 414),
    ] {
        assert_eq!(read(&wire), Err(status), "{wire:?}");
    }
}

#[test]
fn a_version_is_judged_when_its_line_is_whole() {
    assert_eq!(read("GET / HTTP/2"), Ok(None));
    assert_eq!(read("\r\nGET / http/1.1\r"), Ok(None));
}

#[test]
fn what_is_too_large_is_named() {
    let long = "a".repeat(TARGET_BYTES + 1);
    assert_eq!(too_large(format!("GET /{long}").as_bytes(), &HeadLimits::default()).status(), 414);
    assert_eq!(
        too_large(format!("GET / HTTP/1.1\r\nA: {long}").as_bytes(), &HeadLimits::default())
            .status(),
        431
    );
    assert_eq!(too_large(long.as_bytes(), &HeadLimits::default()).status(), 431);
}

#[test]
fn no_line_upgrades_to_http2() {
    let h = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n";
    for lines in [["h2c", "websocket"], ["websocket", "h2c"]] {
        let lines = lines.map(|protocol| format!("Upgrade: {protocol}\r\n")).concat();
        assert_eq!(read(&format!("{h}{lines}\r\n")), Ok(Some("GET a / None".to_owned())));
    }
}

#[test]
fn a_head_is_incomplete_until_its_last_byte() {
    let wire = "GET /a HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\n";
    for cut in 0..wire.len() {
        assert_eq!(read(&wire[..cut]), Ok(None), "cut at {cut}");
    }
}
