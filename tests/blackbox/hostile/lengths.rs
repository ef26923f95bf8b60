//! `Content-Length` (RFC 9112 sections 6.2 and 6.3, RFC 9110 section 8.6).

use super::case::{Case, passed, refused};

const LENGTH: &str = "RFC 9110 8.6";
const MANY: &str = "RFC 9112 6.3 item 5";
const BOTH: &str = "RFC 9112 6.3 item 3";

pub const CASES: &[Case] = &[
    refused("two that differ", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400, MANY),
    refused("two that are the same", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, MANY),
    refused("two in different cases", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\ncontent-length: 3\r\n\r\nabc", 400, MANY),
    refused("two in HTTP/1.0", b"POST / HTTP/1.0\r\nContent-Length: 3\r\nContent-Length: 0\r\n\r\nabc", 400, MANY),
    refused("a list of the same", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\nabc", 400, MANY),
    refused("a list of different ones", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0,3\r\n\r\nabc", 400, MANY),
    refused("a list with an empty member", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3,\r\n\r\nabc", 400, MANY),
    refused("a plus sign", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc", 400, LENGTH),
    refused("a minus sign", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -3\r\n\r\nabc", 400, LENGTH),
    refused("minus zero", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -0\r\n\r\n", 400, LENGTH),
    refused("hexadecimal", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x3\r\n\r\nabc", 400, LENGTH),
    refused("a letter", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: a\r\n\r\n0123456789", 400, LENGTH),
    refused("an exponent", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1e1\r\n\r\n0123456789", 400, LENGTH),
    refused("a fraction", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3.0\r\n\r\nabc", 400, LENGTH),
    refused("digits apart", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1 0\r\n\r\n0123456789", 400, LENGTH),
    refused("digits in groups", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1_0\r\n\r\n0123456789", 400, LENGTH),
    refused("a parameter", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3;a\r\n\r\nabc", 400, LENGTH),
    refused("quotes", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \"3\"\r\n\r\nabc", 400, LENGTH),
    refused("nothing", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\nabc", 400, LENGTH),
    refused("digits beyond ASCII", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \xef\xbc\x93\r\n\r\nabc", 400, LENGTH),
    refused("a vertical tab before it", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \x0b3\r\n\r\nabc", 400, LENGTH),
    refused("NUL behind it", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\x00\r\n\r\nabc", 400, LENGTH),
    refused("2^63", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775808\r\n\r\nabc", 400, LENGTH),
    refused("2^64 + 3", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551619\r\n\r\nabc", 400, LENGTH),
    refused("twenty zeros and a digit", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {20*0}3\r\n\r\nabc", 400, LENGTH),
    refused("a space before the colon", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length : 3\r\n\r\nabc", 400, "RFC 9112 5.1"),
    refused("folded", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n 0\r\n\r\n0123456789", 400, "RFC 9112 5.2"),
    refused("in front of chunks", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, BOTH),
    refused("behind chunks", b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400, BOTH),
    refused("zero beside chunks", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, BOTH),
    refused(
        "beside chunks, with a request inside",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 43\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /evil HTTP/1.1\r\nHost: x\r\n\r\n",
        400,
        BOTH,
    ),
    passed(
        "one form, however it is written",
        b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length:3\r\nA: b\r\n\r\nabcPOST /b HTTP/1.1\r\nHost: x\r\ncontent-length: \t003 \t\r\n\r\nabc",
        &[
            b"POST /a HTTP/1.1\r\nHost: x\r\nA: b\r\nContent-Length: 3\r\n{origin}\r\nabc",
            b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n{origin}\r\nabc",
        ],
        "RFC 9112 5.1",
    ),
    passed(
        "a body that looks like a request",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 34\r\n\r\nGET /evil HTTP/1.1\r\nHost: evil\r\n\r\n",
        &[
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 34\r\n{origin}\r\nGET /evil HTTP/1.1\r\nHost: evil\r\n\r\n",
        ],
        "RFC 9112 6.2",
    ),
    passed(
        "a GET with a body",
        b"GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
        &[
            b"GET /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n{origin}\r\nhello",
            b"GET /b HTTP/1.1\r\nHost: x\r\n{origin}\r\n",
        ],
        "RFC 9110 9.3.1",
    ),
    passed(
        "a HEAD with a body",
        b"HEAD /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
        &[
            b"HEAD /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n{origin}\r\nhello",
            b"GET /b HTTP/1.1\r\nHost: x\r\n{origin}\r\n",
        ],
        "RFC 9110 9.3.2",
    ),
    passed(
        "none on a POST: what follows is the next request",
        b"POST /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
        &[
            b"POST /a HTTP/1.1\r\nHost: x\r\n{origin}Content-Length: 0\r\n\r\n",
            b"GET /b HTTP/1.1\r\nHost: x\r\n{origin}\r\n",
        ],
        "RFC 9112 6.3 item 7",
    ),
    passed(
        "zero: what follows is the next request",
        b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
        &[
            b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n{origin}\r\n",
            b"GET /b HTTP/1.1\r\nHost: x\r\n{origin}\r\n",
        ],
        "RFC 9112 6.2",
    ),
];
