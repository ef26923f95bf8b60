//! Heads of hostile responses (RFC 9112 sections 4, 5 and 6.3, RFC 9110 section 15.2).

use super::responses::{Case, bad_gateway, either, passed, passed_and_reused};

const STATUS: &str = "RFC 9112 4";
const FIELD: &str = "RFC 9112 5";
const VALUE: &str = "RFC 9110 5.5";
const BOTH: &str = "RFC 9112 6.3 item 3";
const LENGTH: &str = "RFC 9112 6.3 item 5";
const CODING: &str = "RFC 9112 6.1";
const INTERIM: &str = "RFC 9110 15.2";
const SIZE: &str = "failure.md, limits";

pub const CASES: &[Case] = &[
    bad_gateway("HTTP/2.0", b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok", STATUS),
    bad_gateway("HTTP/1.2", b"HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok", STATUS),
    bad_gateway("a version in lower case", b"http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", STATUS),
    bad_gateway("another protocol", b"ICY 200 OK\r\nContent-Length: 2\r\n\r\nok", STATUS),
    bad_gateway("a status of two digits", b"HTTP/1.1 99 OK\r\nContent-Length: 2\r\n\r\nok", STATUS),
    bad_gateway("a status of four digits", b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok", STATUS),
    bad_gateway("a status below 100", b"HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nok", STATUS),
    bad_gateway("a status beyond 599", b"HTTP/1.1 600 OK\r\nContent-Length: 2\r\n\r\nok", STATUS),
    bad_gateway("a status with a sign", b"HTTP/1.1 +20 OK\r\nContent-Length: 2\r\n\r\nok", STATUS),
    bad_gateway("no space before the status", b"HTTP/1.1200 OK\r\nContent-Length: 2\r\n\r\nok", STATUS),
    bad_gateway("no space behind the status", b"HTTP/1.1 200OK\r\nContent-Length: 2\r\n\r\nok", STATUS),
    bad_gateway("two spaces before the status", b"HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\nok", STATUS),
    bad_gateway("a space before the version", b" HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", STATUS),
    bad_gateway("NUL in the reason", b"HTTP/1.1 200 O\x00K\r\nContent-Length: 2\r\n\r\nok", STATUS),
    bad_gateway("a bare CR in the reason", b"HTTP/1.1 200 O\rK\r\nContent-Length: 2\r\n\r\nok", STATUS),
    bad_gateway("HTTP/0.9", b"<html>hello</html>\n{close}", STATUS),
    bad_gateway("another service's greeting", b"SSH-2.0-OpenSSH_9.2\r\n", STATUS),
    bad_gateway("a request", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", STATUS),
    bad_gateway("a bare LF as line end", b"HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok", "RFC 9112 2.2"),
    bad_gateway("bare LF everywhere", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "RFC 9112 2.2"),
    bad_gateway("an early end in the status line", b"HTTP/1.1 20{close}", "RFC 9112 8"),
    bad_gateway("an early end in a field", b"HTTP/1.1 200 OK\r\nContent-Le{close}", "RFC 9112 8"),
    bad_gateway("a reset in the head", b"HTTP/1.1 200 OK\r\nA: b\r\n{pause}{reset}", "RFC 9112 8"),
    bad_gateway("no word at all", b"{close}", "RFC 9112 8"),
    bad_gateway("a space before the colon", b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok", FIELD),
    bad_gateway("no colon", b"HTTP/1.1 200 OK\r\nA\r\nContent-Length: 2\r\n\r\nok", FIELD),
    bad_gateway("no name", b"HTTP/1.1 200 OK\r\n: b\r\nContent-Length: 2\r\n\r\nok", FIELD),
    bad_gateway("a space in a name", b"HTTP/1.1 200 OK\r\nA B: c\r\nContent-Length: 2\r\n\r\nok", FIELD),
    bad_gateway("a space before the first field", b"HTTP/1.1 200 OK\r\n A: b\r\nContent-Length: 2\r\n\r\nok", FIELD),
    bad_gateway("a folded line", b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 2\r\n\r\nok", "RFC 9112 5.2"),
    bad_gateway("NUL in a value", b"HTTP/1.1 200 OK\r\nA: \x00\r\nContent-Length: 2\r\n\r\nok", VALUE),
    bad_gateway("a control character in a value", b"HTTP/1.1 200 OK\r\nA: \x07\r\nContent-Length: 2\r\n\r\nok", VALUE),
    bad_gateway("a bare LF behind a value", b"HTTP/1.1 200 OK\r\nA: b\nContent-Length: 2\r\n\r\nok", "RFC 9112 2.2"),
    bad_gateway("a cookie behind a bare CR", b"HTTP/1.1 200 OK\r\nA: b\rSet-Cookie: evil=1\r\nContent-Length: 2\r\n\r\nok", VALUE),
    bad_gateway("a cookie behind a bare LF", b"HTTP/1.1 200 OK\r\nA: b\nSet-Cookie: evil=1\r\nContent-Length: 2\r\n\r\nok", "RFC 9112 2.2"),
    bad_gateway("a head longer than 32 KiB", b"HTTP/1.1 200 OK\r\nA: {33000*a}\r\nContent-Length: 2\r\n\r\nok", SIZE),
    bad_gateway("a head without an end", b"HTTP/1.1 200 OK\r\n{9000*A: b\r\n}", SIZE),
    bad_gateway("101 fields", b"HTTP/1.1 200 OK\r\n{100*A: b\r\n}Content-Length: 2\r\n\r\nok", SIZE),
    bad_gateway("a length and chunks", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", BOTH),
    bad_gateway("chunks and a length of zero", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n", BOTH),
    bad_gateway("two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\nok", LENGTH),
    bad_gateway("the same length twice", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", LENGTH),
    bad_gateway("a list of lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", LENGTH),
    bad_gateway("a length with a sign", b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", LENGTH),
    bad_gateway("a negative length", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok", LENGTH),
    bad_gateway("a length that overflows", b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551618\r\n\r\nok", LENGTH),
    bad_gateway("a length of nothing", b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nok", LENGTH),
    bad_gateway("a bad length on a 304", b"HTTP/1.1 304 Not Modified\r\nContent-Length: x\r\n\r\n", LENGTH),
    bad_gateway("gzip", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok{close}", CODING),
    bad_gateway("chunked twice", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", CODING),
    bad_gateway("chunked in two lines", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", CODING),
    bad_gateway("chunked, but not last", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", CODING),
    bad_gateway("chunked behind a vertical tab", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", CODING),
    bad_gateway("chunks in HTTP/1.0", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", CODING),
    bad_gateway("a 101 that nobody asked for", b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL", "RFC 9110 15.2.2"),
    bad_gateway("a 101 to HTTP/2, stripped from the request", b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "RFC 9110 15.2.2")
        .to("GET", "Connection: Upgrade\r\nUpgrade: h2c\r\n"),
    bad_gateway("a 100 with a body", b"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", INTERIM),
    bad_gateway("a 103 whose body is a response", b"HTTP/1.1 103 Early Hints\r\nContent-Length: 42\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVILHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", INTERIM),
    bad_gateway("a 103 in chunks", b"HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", INTERIM),
    bad_gateway("17 interim responses", b"{17*HTTP/1.1 100 Continue\r\n\r\n}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", INTERIM),
    passed_and_reused(
        "16 interim responses",
        b"{16*HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"{16*HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        INTERIM,
    ),
    passed_and_reused(
        "obs-text is opaque",
        b"HTTP/1.1 200 \xfc\r\nA: \xff\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 \xfc\r\nA: \xff\r\nContent-Length: 2\r\n\r\nok",
        VALUE,
    ),
    passed_and_reused(
        "an upgrade without a 101",
        b"HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "RFC 9110 7.8",
    )
    .to("GET", "Connection: Upgrade\r\nUpgrade: websocket\r\n"),
    passed_and_reused(
        "fields for this hop, and those that Connection names",
        b"HTTP/1.1 200 OK\r\nConnection: X-A, Content-Length\r\nX-A: 1\r\nKeep-Alive: 5\r\nProxy-Authenticate: a\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "RFC 9110 7.6.1",
    ),
    passed(
        "close from a backend that stays",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok{pause}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "RFC 9112 9.6",
    ),
    passed(
        "close beside keep-alive",
        b"HTTP/1.1 200 OK\r\nConnection: keep-alive, close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "RFC 9112 9.3",
    ),
    passed(
        "keep-alive from a backend that closes",
        b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok{idle}{close}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "RFC 9112 9.3",
    ),
    either(
        "a response before there is a request",
        b"{unasked}HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nEARLY{close}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nEARLY",
        "RFC 9112 9.2",
    ),
];
