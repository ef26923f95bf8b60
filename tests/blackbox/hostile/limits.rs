//! Bounds: what is just within passes, what is just beyond is refused (`src/limits.rs`).

use super::case::{Case, broken, passed, passed_then_refused, refused};

const TARGET: &str = "RFC 9112 3, RFC 9110 15.5.15";
const HEAD: &str = "RFC 6585 5";
const CHUNK: &str = "RFC 9112 7.1.1";
const TRAILER: &str = "RFC 9112 7.1.2";

pub const CASES: &[Case] = &[
    passed(
        "a target of 8 KiB",
        b"GET /{8191*a} HTTP/1.1\r\nHost: x\r\n\r\n",
        &[b"GET /{8191*a} HTTP/1.1\r\nHost: x\r\n{origin}\r\n"],
        TARGET,
    ),
    refused("a target longer than 8 KiB", b"GET /{8192*a} HTTP/1.1\r\nHost: x\r\n\r\n", 414, TARGET),
    refused("a query longer than 8 KiB", b"GET /?{8192*a} HTTP/1.1\r\nHost: x\r\n\r\n", 414, TARGET),
    refused("a target longer than a head", b"GET /{40000*a} HTTP/1.1\r\nHost: x\r\n\r\n", 414, TARGET),
    refused("a long target without an end", b"GET /{33000*a}", 414, TARGET),
    passed(
        "100 fields",
        b"GET / HTTP/1.1\r\nHost: x\r\n{99*A: b\r\n}\r\n",
        &[b"GET / HTTP/1.1\r\nHost: x\r\n{99*A: b\r\n}{origin}\r\n"],
        HEAD,
    ),
    refused("101 fields", b"GET / HTTP/1.1\r\nHost: x\r\n{100*A: b\r\n}\r\n", 431, HEAD),
    refused("1000 fields", b"GET / HTTP/1.1\r\nHost: x\r\n{1000*A: b\r\n}\r\n", 431, HEAD),
    passed(
        "a head of 32 KiB",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: {32736*a}\r\n\r\n",
        &[b"GET / HTTP/1.1\r\nHost: x\r\nA: {32736*a}\r\n{origin}\r\n"],
        HEAD,
    ),
    refused("a head longer than 32 KiB", b"GET / HTTP/1.1\r\nHost: x\r\nA: {32737*a}\r\n\r\n", 431, HEAD),
    refused("a long value without an end", b"GET / HTTP/1.1\r\nHost: x\r\nA: {33000*a}", 431, HEAD),
    refused("a long name without a colon", b"GET / HTTP/1.1\r\nHost: x\r\n{33000*A}", 431, HEAD),
    refused("a long method", b"{33000*A} / HTTP/1.1\r\nHost: x\r\n\r\n", 431, HEAD),
    passed_then_refused(
        "a long head behind a good request",
        b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nA: {33000*a}\r\n\r\n",
        &[b"GET /a HTTP/1.1\r\nHost: x\r\n{origin}\r\n"],
        431,
        HEAD,
    ),
    passed(
        "an extension within its bound",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;{1000*a}\r\nabc\r\n0\r\n\r\n",
        &[b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{origin}\r\n3;{1000*a}\r\nabc\r\n0\r\n\r\n"],
        CHUNK,
    ),
    broken(
        "a long extension",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;{1024*a}\r\nabc\r\n0\r\n\r\n",
        400,
        CHUNK,
    ),
    broken(
        "a long quoted extension",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\"{1024*a}\"\r\nabc\r\n0\r\n\r\n",
        400,
        CHUNK,
    ),
    broken(
        "an extension without an end",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;{40000*a}",
        400,
        CHUNK,
    ),
    broken(
        "many zeros before a size",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{2000*0}3\r\nabc\r\n0\r\n\r\n",
        400,
        CHUNK,
    ),
    passed(
        "trailers within their bound",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: {8000*a}\r\n\r\n",
        &[b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{origin}\r\n0\r\nA: {8000*a}\r\n\r\n"],
        TRAILER,
    ),
    broken(
        "a long trailer",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: {8192*a}\r\n\r\n",
        400,
        TRAILER,
    ),
    broken(
        "many trailers",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n{2000*A: b\r\n}\r\n",
        400,
        TRAILER,
    ),
    broken(
        "a long name of a trailer",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n{9000*A}: b\r\n\r\n",
        400,
        TRAILER,
    ),
    passed(
        "many empty lines first",
        b"{5000*\r\n}GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        &[b"GET / HTTP/1.1\r\nHost: x\r\n{origin}\r\n"],
        "RFC 9112 2.2",
    ),
    refused("a head that never ends", b"GET / HTTP/1.1\r\nHost: x\r\n", 408, "RFC 9110 15.5.9"),
];
