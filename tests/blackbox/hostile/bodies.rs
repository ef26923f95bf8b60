//! Bodies of hostile responses: broken chunks, ends that lie, bytes behind an end (RFC 9112
//! sections 6.3, 7.1 and 8).

use super::responses::{Case, bad_gateway, cut, passed, passed_and_reused};

const CHUNK: &str = "RFC 9112 7.1";
const TRAILER: &str = "RFC 9110 6.5.1";
const END: &str = "RFC 9112 8";
const BEHIND: &str = "RFC 9112 9.2";
const NONE: &str = "RFC 9112 6.3 item 1";

/// Would be somebody else's answer.
macro_rules! evil {
    ($before:literal) => {
        concat!($before, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL").as_bytes()
    };
}

macro_rules! chunked {
    ($body:literal) => {
        concat!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", $body).as_bytes()
    };
}

pub const CASES: &[Case] = &[
    bad_gateway("no chunk size", chunked!("hello\r\n0\r\n\r\n"), CHUNK),
    bad_gateway("a space behind a chunk size", chunked!("2 \r\nok\r\n0\r\n\r\n"), CHUNK),
    bad_gateway("a negative chunk size", chunked!("-2\r\nok\r\n0\r\n\r\n"), CHUNK),
    bad_gateway("0x before a chunk size", chunked!("0x2\r\nok\r\n0\r\n\r\n"), CHUNK),
    bad_gateway("a chunk size that overflows", chunked!("10000000000000002\r\nok\r\n0\r\n\r\n"), CHUNK),
    bad_gateway("a bare LF behind a chunk size", chunked!("2\nok\r\n0\r\n\r\n"), CHUNK),
    bad_gateway("a bare LF behind the data", chunked!("2\r\nok\n0\r\n\r\n"), CHUNK),
    bad_gateway("a bare LF in an extension", chunked!("2;a\nok\r\n0\r\n\r\n"), "RFC 9112 7.1.1"),
    bad_gateway("more data than the chunk size", chunked!("2\r\nokay\r\n0\r\n\r\n"), CHUNK),
    bad_gateway("a length in a trailer", chunked!("2\r\nok\r\n0\r\nContent-Length: 2\r\n\r\n"), TRAILER),
    bad_gateway("a trailer without a colon", chunked!("2\r\nok\r\n0\r\nA\r\n\r\n"), TRAILER),
    bad_gateway("a long extension", chunked!("2;{2000*a}\r\nok\r\n0\r\n\r\n"), "RFC 9112 7.1.1"),
    bad_gateway("long trailers", chunked!("2\r\nok\r\n0\r\n{2000*A: b\r\n}\r\n"), TRAILER),
    cut("a bad chunk behind a good one", chunked!("2\r\nok\r\n{begun}x\r\nok\r\n0\r\n\r\n"), CHUNK),
    cut("a bad end behind good data", chunked!("2\r\nok{begun}\n0\r\n\r\n"), CHUNK),
    cut("a bad trailer behind the last chunk", chunked!("2\r\nok\r\n0\r\n{begun}Content-Length: 2\r\n\r\n"), TRAILER),
    cut("an early end by length", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello{close}", END),
    cut("a reset before the length", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello{begun}{reset}", END),
    cut("an early end before any data", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{begun}{close}", END),
    cut("an early end in a chunk", chunked!("a\r\nhello{close}"), END),
    cut("an early end between chunks", chunked!("2\r\nok\r\n{close}"), END),
    cut("an early end behind the last size", chunked!("2\r\nok\r\n0\r\n{close}"), END),
    cut("an early end before the very last LF", chunked!("2\r\nok\r\n0\r\n\r{close}"), END),
    cut("a reset in a chunk", chunked!("a\r\nhello{begun}{reset}"), END),
    cut("a reset where closing would be the end", b"HTTP/1.1 200 OK\r\n\r\nhello{begun}{reset}", END),
    cut("a status in a body that is cut", b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok{close}", END),
    passed(
        "a response behind the length",
        evil!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        BEHIND,
    ),
    passed(
        "a response behind the last chunk",
        evil!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        BEHIND,
    ),
    passed(
        "a line end behind the length",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        BEHIND,
    ),
    passed(
        "more data than a length of zero",
        evil!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        BEHIND,
    ),
    passed(
        "a response while idle",
        evil!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok{idle}"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        BEHIND,
    ),
    passed(
        "a byte while idle",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok{idle}x",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        BEHIND,
    ),
    passed(
        "a timeout's answer while idle",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok{idle}HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n{close}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        BEHIND,
    ),
    passed(
        "a reset while idle",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok{idle}{reset}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        BEHIND,
    ),
    passed(
        "a body behind a HEAD's length",
        evil!("HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n",
        NONE,
    )
    .to("HEAD", ""),
    passed(
        "a late body behind a HEAD's length",
        evil!("HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n{pause}"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n",
        NONE,
    )
    .to("HEAD", ""),
    passed(
        "a late body behind a HEAD's chunks",
        evil!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{pause}"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        NONE,
    )
    .to("HEAD", ""),
    passed_and_reused(
        "a HEAD of nothing",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        NONE,
    )
    .to("HEAD", ""),
    passed(
        "a body behind a 304",
        evil!("HTTP/1.1 304 Not Modified\r\n\r\n"),
        b"HTTP/1.1 304 Not Modified\r\n\r\n",
        NONE,
    ),
    passed(
        "a late body behind a 304's length",
        evil!("HTTP/1.1 304 Not Modified\r\nContent-Length: 42\r\n\r\n{pause}"),
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 42\r\n\r\n",
        NONE,
    ),
    passed(
        "a late body behind a 304's chunks",
        evil!("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n{pause}"),
        b"HTTP/1.1 304 Not Modified\r\n\r\n",
        NONE,
    ),
    passed_and_reused(
        "a 304 without a length",
        b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n",
        NONE,
    ),
    passed(
        "a late body behind a 204's length",
        evil!("HTTP/1.1 204 No Content\r\nContent-Length: 42\r\n\r\n{pause}"),
        b"HTTP/1.1 204 No Content\r\n\r\n",
        NONE,
    ),
    passed(
        "a body behind a 204",
        evil!("HTTP/1.1 204 No Content\r\n\r\n"),
        b"HTTP/1.1 204 No Content\r\n\r\n",
        NONE,
    ),
    passed(
        "a body that ends by closing, from HTTP/1.0",
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhello{pause}{close}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "RFC 9112 6.3 item 8",
    ),
    passed_and_reused(
        "a trailer",
        chunked!("2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"),
        chunked!("2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"),
        "RFC 9112 7.1.2",
    ),
];
