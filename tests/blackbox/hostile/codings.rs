//! `Transfer-Encoding` (RFC 9112 sections 6.1, 6.3 and 7).

use super::case::{Case, passed, refused};

const CODING: &str = "RFC 9112 6.1";
const LAST: &str = "RFC 9112 6.3 item 4";
const TWICE: &str = "RFC 9112 7.1";
const OLD: &str = "RFC 9112 6.1, HTTP/1.0";
const SYNTAX: &str = "RFC 9110 5.6";

pub const CASES: &[Case] = &[
    refused("in HTTP/1.0", b"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, OLD),
    refused("in HTTP/1.0 that stays", b"POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, OLD),
    refused("in HTTP/1.0 beside a length", b"POST / HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, OLD),
    refused("chunked in two lines", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, TWICE),
    refused("chunked twice in a line", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400, TWICE),
    refused("chunked and then gzip", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 400, LAST),
    refused("gzip alone", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n", 400, LAST),
    refused("identity", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400, LAST),
    refused("chunked in one line, identity in the next", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400, LAST),
    refused("identity in one line, chunked in the next", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, LAST),
    refused("almost chunked", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400, LAST),
    refused("more than chunked", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n", 400, LAST),
    refused("chunked in quotes", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 400, LAST),
    refused("chunked with a parameter", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n", 400, TWICE),
    refused("chunked apart", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chun ked\r\n\r\n0\r\n\r\n", 400, LAST),
    refused("nothing", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n\r\n0\r\n\r\n", 400, SYNTAX),
    refused("a comma", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: ,\r\n\r\n0\r\n\r\n", 400, SYNTAX),
    refused("a comma behind chunked", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked,\r\n\r\n0\r\n\r\n", 400, SYNTAX),
    refused("a comma before chunked", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: , chunked\r\n\r\n0\r\n\r\n", 400, SYNTAX),
    refused("a vertical tab before chunked", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400, SYNTAX),
    refused("a form feed behind chunked", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\x0c\r\n\r\n0\r\n\r\n", 400, SYNTAX),
    refused("NUL behind chunked", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\x00\r\n\r\n0\r\n\r\n", 400, SYNTAX),
    refused("a space without a break before chunked", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \xa0chunked\r\n\r\n0\r\n\r\n", 400, SYNTAX),
    refused("a bare CR before chunked", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \rchunked\r\n\r\n0\r\n\r\n", 400, SYNTAX),
    refused("folded", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400, "RFC 9112 5.2"),
    refused("a space before the colon", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400, "RFC 9112 5.1"),
    refused("behind a fold of another field", b"POST / HTTP/1.1\r\nHost: x\r\nA: b\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "RFC 9112 5.2"),
    refused("gzip and then chunked", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, CODING),
    refused("an unknown coding and then chunked", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: a;b=c, chunked\r\n\r\n0\r\n\r\n", 501, CODING),
    refused("identity and then chunked", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n", 501, CODING),
    passed(
        "chunked in capitals is one form",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: CHUNKED\r\nA: b\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        &[
            b"POST / HTTP/1.1\r\nHost: x\r\nA: b\r\nTransfer-Encoding: chunked\r\n{origin}\r\n3\r\nabc\r\n0\r\n\r\n",
        ],
        "RFC 9112 7",
    ),
    passed(
        "chunked behind a tab is one form",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\tchunked \r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        &[
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{origin}\r\n3\r\nabc\r\n0\r\n\r\n",
        ],
        "RFC 9112 5.1",
    ),
    passed(
        "a GET in chunks",
        b"GET /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
        &[
            b"GET /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{origin}\r\n0\r\n\r\n",
            b"GET /b HTTP/1.1\r\nHost: x\r\n{origin}\r\n",
        ],
        "RFC 9112 6.3 item 4",
    ),
    passed(
        "TE asks, it does not say",
        b"POST /a HTTP/1.1\r\nHost: x\r\nTE: chunked\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
        &[
            b"POST /a HTTP/1.1\r\nHost: x\r\n{origin}Content-Length: 0\r\n\r\n",
            b"GET /b HTTP/1.1\r\nHost: x\r\n{origin}\r\n",
        ],
        "RFC 9110 10.1.4",
    ),
];
