//! Chunks, their extensions, trailers (RFC 9112 section 7.1).

use super::case::{Case, broken, passed};

const CHUNK: &str = "RFC 9112 7.1";
const EXTENSION: &str = "RFC 9112 7.1.1";
const TRAILER: &str = "RFC 9112 7.1.2";
const NEVER: &str = "RFC 9110 6.5.1";

/// A chunked request with this body.
macro_rules! chunked {
    ($body:literal) => {
        concat!("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", $body)
            .as_bytes()
    };
}

/// What must arrive of it.
macro_rules! arrives {
    ($body:literal) => {
        &[concat!(
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{origin}\r\n",
            $body
        )
        .as_bytes()]
    };
}

pub const CASES: &[Case] = &[
    passed(
        "two chunks",
        chunked!("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
        arrives!("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
        CHUNK,
    ),
    passed("no chunk", chunked!("0\r\n\r\n"), arrives!("0\r\n\r\n"), CHUNK),
    passed(
        "digits in both cases",
        chunked!("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"),
        arrives!("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"),
        CHUNK,
    ),
    passed(
        "zeros in front",
        chunked!("0003\r\nabc\r\n000\r\n\r\n"),
        arrives!("0003\r\nabc\r\n000\r\n\r\n"),
        CHUNK,
    ),
    passed(
        "data that looks like an end",
        chunked!("5\r\n0\r\n\r\n\r\n0\r\n\r\n"),
        arrives!("5\r\n0\r\n\r\n\r\n0\r\n\r\n"),
        CHUNK,
    ),
    passed(
        "an extension",
        chunked!("3;a=b;c\r\nabc\r\n0;d\r\n\r\n"),
        arrives!("3;a=b;c\r\nabc\r\n0;d\r\n\r\n"),
        EXTENSION,
    ),
    passed(
        "a quoted extension",
        chunked!("3;a=\"b;\\\"c\"\r\nabc\r\n0\r\n\r\n"),
        arrives!("3;a=\"b;\\\"c\"\r\nabc\r\n0\r\n\r\n"),
        EXTENSION,
    ),
    passed(
        "a trailer",
        chunked!("3\r\nabc\r\n0\r\nA: b\r\nX-Sum: 1\r\n\r\n"),
        arrives!("3\r\nabc\r\n0\r\nA: b\r\nX-Sum: 1\r\n\r\n"),
        TRAILER,
    ),
    broken("no size", chunked!("\r\nabc\r\n0\r\n\r\n"), 400, CHUNK),
    broken("no size but an extension", chunked!(";a\r\nabc\r\n0\r\n\r\n"), 400, CHUNK),
    broken("a space before the size", chunked!(" 3\r\nabc\r\n0\r\n\r\n"), 400, CHUNK),
    broken("a space behind the size", chunked!("3 \r\nabc\r\n0\r\n\r\n"), 400, CHUNK),
    broken("a space before the extension", chunked!("3 ;a\r\nabc\r\n0\r\n\r\n"), 400, EXTENSION),
    broken("a tab behind the size", chunked!("3\t\r\nabc\r\n0\r\n\r\n"), 400, CHUNK),
    broken("0x before the size", chunked!("0x3\r\nabc\r\n0\r\n\r\n"), 400, CHUNK),
    broken("a sign before the size", chunked!("+3\r\nabc\r\n0\r\n\r\n"), 400, CHUNK),
    broken("a negative size", chunked!("-1\r\nabc\r\n0\r\n\r\n"), 400, CHUNK),
    broken("no digit", chunked!("g\r\nabc\r\n0\r\n\r\n"), 400, CHUNK),
    broken("a digit group", chunked!("0_3\r\nabc\r\n0\r\n\r\n"), 400, CHUNK),
    broken("a list of sizes", chunked!("3,3\r\nabc\r\n0\r\n\r\n"), 400, CHUNK),
    broken("NUL behind the size", chunked!("3\x00\r\nabc\r\n0\r\n\r\n"), 400, CHUNK),
    broken("2^64", chunked!("10000000000000000\r\nabc\r\n0\r\n\r\n"), 400, CHUNK),
    broken("2^64 + 3", chunked!("10000000000000003\r\nabc\r\n0\r\n\r\n"), 400, CHUNK),
    broken("2^64 - 1", chunked!("ffffffffffffffff\r\nabc\r\n0\r\n\r\n"), 400, CHUNK),
    broken(
        "2^32 + 3 with zeros to overflow",
        chunked!("00000000100000003\r\nabc\r\n0\r\n\r\n"),
        400,
        CHUNK,
    ),
    broken("a bare LF behind the size", chunked!("3\nabc\r\n0\r\n\r\n"), 400, "RFC 9112 2.2"),
    broken("a bare CR behind the size", chunked!("3\rabc\r\n0\r\n\r\n"), 400, "RFC 9112 2.2"),
    broken("two CR behind the size", chunked!("3\r\r\nabc\r\n0\r\n\r\n"), 400, "RFC 9112 2.2"),
    broken("a bare LF in the extension", chunked!("3;a\nabc\r\n0\r\n\r\n"), 400, EXTENSION),
    broken("a bare CR in the extension", chunked!("3;a\rb\r\nabc\r\n0\r\n\r\n"), 400, EXTENSION),
    broken("NUL in the extension", chunked!("3;a\x00\r\nabc\r\n0\r\n\r\n"), 400, EXTENSION),
    broken(
        "a bare LF in a quoted extension",
        chunked!("3;a=\"\n\"\r\nabc\r\n0\r\n\r\n"),
        400,
        EXTENSION,
    ),
    broken(
        "a line end in a quoted extension",
        chunked!("3;a=\"\r\nabc\r\n0\r\n\r\n"),
        400,
        EXTENSION,
    ),
    broken("an escaped line end", chunked!("3;a=\"\\\r\nabc\r\n0\r\n\r\n"), 400, EXTENSION),
    broken(
        "a quote that an escape keeps open",
        chunked!("3;a=\"b\\\"\r\nabc\r\n0\r\n\r\n"),
        400,
        EXTENSION,
    ),
    broken(
        "letters beyond ASCII in the extension",
        chunked!("3;ä\r\nabc\r\n0\r\n\r\n"),
        400,
        EXTENSION,
    ),
    broken("more data than the size", chunked!("3\r\nabcd\r\n0\r\n\r\n"), 400, CHUNK),
    broken("less data than the size", chunked!("5\r\nabc\r\n0\r\n\r\n"), 400, CHUNK),
    broken("no line end behind the data", chunked!("3\r\nabc0\r\n\r\n"), 400, CHUNK),
    broken("a bare LF behind the data", chunked!("3\r\nabc\n0\r\n\r\n"), 400, CHUNK),
    broken("a bare CR behind the data", chunked!("3\r\nabc\r0\r\n\r\n"), 400, CHUNK),
    broken("an empty line between chunks", chunked!("3\r\nabc\r\n\r\n0\r\n\r\n"), 400, CHUNK),
    broken("a bare LF at the end", chunked!("3\r\nabc\r\n0\r\n\n"), 400, CHUNK),
    broken("a bare LF behind the last size", chunked!("3\r\nabc\r\n0\n\r\n"), 400, CHUNK),
    broken(
        "a size that two parsers read differently, and a request behind",
        chunked!("0x0\r\n\r\nGET /evil HTTP/1.1\r\nHost: x\r\n\r\n"),
        400,
        CHUNK,
    ),
    broken(
        "a bad chunk behind a good one that was read",
        chunked!("3\r\nabc\r\n{pause}x\r\nabc\r\n0\r\n\r\n"),
        400,
        CHUNK,
    ),
    broken(
        "a bad end behind data that was read",
        chunked!("3\r\nabc{pause}\n0\r\n\r\n"),
        400,
        CHUNK,
    ),
    broken(
        "a bad trailer behind an end that was read",
        chunked!("3\r\nabc\r\n0\r\n{pause}Host: y\r\n\r\n"),
        400,
        NEVER,
    ),
    broken(
        "a request for a trailer",
        chunked!("0\r\nGET /evil HTTP/1.1\r\nHost: x\r\n\r\n"),
        400,
        TRAILER,
    ),
    broken("a trailer without a colon", chunked!("0\r\nA\r\n\r\n"), 400, TRAILER),
    broken("a trailer without a name", chunked!("0\r\n: b\r\n\r\n"), 400, TRAILER),
    broken("a trailer with a space before the colon", chunked!("0\r\nA : b\r\n\r\n"), 400, TRAILER),
    broken("a trailer behind a space", chunked!("0\r\n A: b\r\n\r\n"), 400, TRAILER),
    broken("a folded trailer", chunked!("0\r\nA: b\r\n c\r\n\r\n"), 400, TRAILER),
    broken("a trailer with a bare LF", chunked!("0\r\nA: b\nC: d\r\n\r\n"), 400, TRAILER),
    broken("a trailer with a bare CR", chunked!("0\r\nA: b\rC: d\r\n\r\n"), 400, TRAILER),
    broken("a trailer with NUL", chunked!("0\r\nA: \x00\r\n\r\n"), 400, TRAILER),
    broken("Content-Length in a trailer", chunked!("0\r\nContent-Length: 5\r\n\r\n"), 400, NEVER),
    broken("content_length in a trailer", chunked!("0\r\ncontent_length: 5\r\n\r\n"), 400, NEVER),
    broken(
        "Transfer-Encoding in a trailer",
        chunked!("0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        400,
        NEVER,
    ),
    broken("Host in a trailer", chunked!("0\r\nA: b\r\nHOST: y\r\n\r\n"), 400, NEVER),
    broken("Connection in a trailer", chunked!("0\r\nConnection: close\r\n\r\n"), 400, NEVER),
    broken("TE in a trailer", chunked!("0\r\nTE: trailers\r\n\r\n"), 400, NEVER),
    broken("Expect in a trailer", chunked!("0\r\nExpect: 100-continue\r\n\r\n"), 400, NEVER),
    broken("Cookie in a trailer", chunked!("0\r\nCookie: a=b\r\n\r\n"), 400, NEVER),
    broken(
        "Authorization in a trailer",
        chunked!("0\r\nAuthorization: Basic YTpi\r\n\r\n"),
        400,
        NEVER,
    ),
    broken(
        "X-Forwarded-For in a trailer",
        chunked!("0\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n"),
        400,
        NEVER,
    ),
    broken(
        "x_forwarded_for in a trailer",
        chunked!("0\r\nx_forwarded_for: 6.6.6.6\r\n\r\n"),
        400,
        NEVER,
    ),
    broken("X-Real-Ip in a trailer", chunked!("0\r\nX-REAL-IP: 6.6.6.6\r\n\r\n"), 400, NEVER),
    broken(
        "X-Forwarded-Tls-Client-Cert-Info in a trailer",
        chunked!("0\r\nX-Forwarded-Tls-Client-Cert-Info: a\r\n\r\n"),
        400,
        NEVER,
    ),
];
