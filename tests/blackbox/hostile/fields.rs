//! Field lines (RFC 9112 section 5, RFC 9110 section 5).

use super::case::{Case, passed, refused};

const LINE: &str = "RFC 9112 5";
const COLON: &str = "RFC 9112 5.1";
const FOLD: &str = "RFC 9112 5.2";
const FIRST: &str = "RFC 9112 2.2";
const NAME: &str = "RFC 9110 5.1";
const VALUE: &str = "RFC 9110 5.5";

pub const CASES: &[Case] = &[
    refused("a space before the colon", b"GET / HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400, COLON),
    refused("a tab before the colon", b"GET / HTTP/1.1\r\nHost: x\r\nA\t: b\r\n\r\n", 400, COLON),
    refused("a space before Host's colon", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400, COLON),
    refused("no colon", b"GET / HTTP/1.1\r\nHost: x\r\nA\r\n\r\n", 400, LINE),
    refused("no colon in the last line", b"GET / HTTP/1.1\r\nHost: x\r\nA b\r\n\r\n", 400, LINE),
    refused("an empty name", b"GET / HTTP/1.1\r\nHost: x\r\n: b\r\n\r\n", 400, NAME),
    refused("a colon alone", b"GET / HTTP/1.1\r\nHost: x\r\n:\r\n\r\n", 400, NAME),
    refused("a space before the first field", b"GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400, FIRST),
    refused("a tab before the first field", b"GET / HTTP/1.1\r\n\tA: b\r\nHost: x\r\n\r\n", 400, FIRST),
    refused("a line of white space first", b"GET / HTTP/1.1\r\n \r\nHost: x\r\n\r\n", 400, FIRST),
    refused("a folded line", b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400, FOLD),
    refused("a line folded with a tab", b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\tc\r\n\r\n", 400, FOLD),
    refused("a folded Host", b"GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n", 400, FOLD),
    refused("a fold of nothing", b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n \r\n\r\n", 400, FOLD),
    refused("a value on the next line", b"GET / HTTP/1.1\r\nHost:\r\n x\r\n\r\n", 400, FOLD),
    refused("NUL in a value", b"GET / HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n", 400, VALUE),
    refused("a control character in a value", b"GET / HTTP/1.1\r\nHost: x\r\nA: \x08\r\n\r\n", 400, VALUE),
    refused("an escape character in a value", b"GET / HTTP/1.1\r\nHost: x\r\nA: \x1b[2J\r\n\r\n", 400, VALUE),
    refused("DEL in a value", b"GET / HTTP/1.1\r\nHost: x\r\nA: b\x7f\r\n\r\n", 400, VALUE),
    refused("a bare CR in a value", b"GET / HTTP/1.1\r\nHost: x\r\nA: b\rB: c\r\n\r\n", 400, VALUE),
    refused("a bare CR for a line end", b"GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", 400, VALUE),
    refused("a bare LF for a line end", b"GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400, FIRST),
    refused("two CR at a line's end", b"GET / HTTP/1.1\r\nHost: x\r\r\n\r\n", 400, VALUE),
    refused("a bare LF for the last line", b"GET / HTTP/1.1\r\nHost: x\r\n\n", 400, FIRST),
    refused("CRLF in the middle of CRLF", b"GET / HTTP/1.1\r\nHost: x\r\r\n\n\r\n", 400, FIRST),
    refused("LF CR for CRLF", b"GET / HTTP/1.1\n\rHost: x\n\r\n\r", 400, FIRST),
    refused("a CR before the name", b"GET / HTTP/1.1\r\nHost: x\r\n\rA: b\r\n\r\n", 400, NAME),
    refused("a space in a name", b"GET / HTTP/1.1\r\nHost: x\r\nA B: c\r\n\r\n", 400, NAME),
    refused("NUL in a name", b"GET / HTTP/1.1\r\nHost: x\r\nA\x00: c\r\n\r\n", 400, NAME),
    refused("a parenthesis in a name", b"GET / HTTP/1.1\r\nHost: x\r\nA(: c\r\n\r\n", 400, NAME),
    refused("a quote in a name", b"GET / HTTP/1.1\r\nHost: x\r\n\"A\": c\r\n\r\n", 400, NAME),
    refused("a slash in a name", b"GET / HTTP/1.1\r\nHost: x\r\nA/B: c\r\n\r\n", 400, NAME),
    refused("a comma in a name", b"GET / HTTP/1.1\r\nHost: x\r\nA,B: c\r\n\r\n", 400, NAME),
    refused("a letter beyond ASCII in a name", b"GET / HTTP/1.1\r\nHost: x\r\n\xc3\x84: c\r\n\r\n", 400, NAME),
    refused("a soft hyphen in a framing name", b"GET / HTTP/1.1\r\nHost: x\r\nContent\xadLength: 3\r\n\r\n", 400, NAME),
    refused("a request line among the fields", b"GET / HTTP/1.1\r\nHost: x\r\nGET /a HTTP/1.1\r\n\r\n", 400, NAME),
    passed(
        "obs-text is opaque",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: \xff\x80\xc3\r\n\r\n",
        &[b"GET / HTTP/1.1\r\nHost: x\r\nA: \xff\x80\xc3\r\n{origin}\r\n"],
        VALUE,
    ),
    passed(
        "empty values, tabs inside, repeated names, odd names",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: b\tc\r\nA:\r\nA: d\r\n!#$%&'*+-.^_`|~: e\r\n\r\n",
        &[b"GET / HTTP/1.1\r\nHost: x\r\nA: b\tc\r\nA:\r\nA: d\r\n!#$%&'*+-.^_`|~: e\r\n{origin}\r\n"],
        NAME,
    ),
    passed(
        "colons and quotes in a value",
        b"GET / HTTP/1.1\r\nHost: x\r\nA: :b: \"c\r\n\r\n",
        &[b"GET / HTTP/1.1\r\nHost: x\r\nA: :b: \"c\r\n{origin}\r\n"],
        VALUE,
    ),
];
