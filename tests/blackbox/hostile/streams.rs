//! One stream, many requests: pipelining, pauses where readers lose their place, clients that
//! leave in the middle (RFC 9112 sections 6, 8 and 9.3.2).

use super::case::{
    Case, abandoned, broken, passed, passed_then_closed, passed_then_refused, refused,
};

const PIPELINE: &str = "RFC 9112 9.3.2";
const CLOSE: &str = "RFC 9112 9.6";
const CUT: &str = "RFC 9112 8";
const PLACE: &str = "RFC 9112 2.2";

pub const CASES: &[Case] = &[
    passed(
        "three requests in one piece",
        b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhiGET /c HTTP/1.1\r\nHost: x\r\n\r\n",
        &[
            b"GET /a HTTP/1.1\r\nHost: x\r\n{origin}\r\n",
            b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n{origin}\r\nhi",
            b"GET /c HTTP/1.1\r\nHost: x\r\n{origin}\r\n",
        ],
        PIPELINE,
    ),
    passed(
        "a request behind chunks",
        b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
        &[
            b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{origin}\r\n3\r\nabc\r\n0\r\n\r\n",
            b"GET /b HTTP/1.1\r\nHost: x\r\n{origin}\r\n",
        ],
        PIPELINE,
    ),
    passed(
        "an empty line behind a body",
        b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
        &[
            b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n{origin}\r\nhi",
            b"GET /b HTTP/1.1\r\nHost: x\r\n{origin}\r\n",
        ],
        PLACE,
    ),
    passed(
        "a HEAD between two GETs",
        b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nHEAD /b HTTP/1.1\r\nHost: x\r\n\r\nGET /c HTTP/1.1\r\nHost: x\r\n\r\n",
        &[
            b"GET /a HTTP/1.1\r\nHost: x\r\n{origin}\r\n",
            b"HEAD /b HTTP/1.1\r\nHost: x\r\n{origin}\r\n",
            b"GET /c HTTP/1.1\r\nHost: x\r\n{origin}\r\n",
        ],
        PIPELINE,
    ),
    passed(
        "HTTP/1.0 that stays",
        b"GET /a HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
        &[
            b"GET /a HTTP/1.1\r\nHost: x\r\n{origin}\r\n",
            b"GET /b HTTP/1.1\r\nHost: x\r\n{origin}\r\n",
        ],
        "RFC 9112 9.3",
    ),
    passed_then_closed(
        "HTTP/1.0 that does not",
        b"GET /a HTTP/1.0\r\nHost: x\r\n\r\nGET /evil HTTP/1.1\r\nHost: x\r\n\r\n",
        &[b"GET /a HTTP/1.1\r\nHost: x\r\n{origin}\r\n"],
        "RFC 9112 9.3",
    ),
    passed_then_closed(
        "a request behind close",
        b"POST /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhiGET /evil HTTP/1.1\r\nHost: x\r\n\r\n",
        &[b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n{origin}\r\nhi"],
        CLOSE,
    ),
    passed_then_refused(
        "a bad request behind a good one",
        b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /evil HTTP/1.1\r\nHost : x\r\n\r\nGET /evil HTTP/1.1\r\nHost: x\r\n\r\n",
        &[b"GET /a HTTP/1.1\r\nHost: x\r\n{origin}\r\n"],
        400,
        PIPELINE,
    ),
    passed_then_refused(
        "a body that is longer than its length",
        b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi there\r\n\r\n",
        &[b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n{origin}\r\nhi"],
        400,
        "RFC 9112 6.2",
    ),
    passed_then_refused(
        "bytes behind the last chunk",
        b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx\r\n\r\n",
        &[b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{origin}\r\n0\r\n\r\n"],
        400,
        "RFC 9112 7.1",
    ),
    passed_then_refused(
        "CONNECT behind a good request",
        b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nCONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\nGET /evil HTTP/1.1\r\nHost: x\r\n\r\n",
        &[b"GET /a HTTP/1.1\r\nHost: x\r\n{origin}\r\n"],
        501,
        "RFC 9110 9.3.6",
    ),
    refused(
        "a good request behind a bad one",
        b"GET / HTTP/1.1\r\nHost: x y\r\n\r\n{pause}GET /evil HTTP/1.1\r\nHost: x\r\n\r\n",
        400,
        CLOSE,
    ),
    refused(
        "an upload behind a bad head",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n{pause}{60000*a}{pause}{60000*b}",
        400,
        CLOSE,
    ),
    broken(
        "a good request behind bad chunks",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n{pause}z\r\n\r\n{pause}GET /evil HTTP/1.1\r\nHost: x\r\n\r\n",
        400,
        CLOSE,
    ),
    passed(
        "pauses in every part of a head",
        b"GE{pause}T /a?{pause}b HTTP/1{pause}.1\r{pause}\nHo{pause}st: x{pause}\r\nA:{pause} b\r\n{pause}\r{pause}\n",
        &[b"GET /a?b HTTP/1.1\r\nHost: x\r\nA: b\r\n{origin}\r\n"],
        PLACE,
    ),
    passed(
        "pauses around a body",
        b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r{pause}\n{pause}h{pause}iho{pause}GET /b HTTP/1.1\r\nHost: x\r\n\r\n",
        &[
            b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n{origin}\r\nhiho",
            b"GET /b HTTP/1.1\r\nHost: x\r\n{origin}\r\n",
        ],
        "RFC 9112 6.2",
    ),
    passed(
        "pauses in every part of chunks",
        b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1{pause}0;a{pause}=b\r{pause}\n{pause}0123456789{pause}abcdef\r{pause}\n{pause}0\r{pause}\nA{pause}: b\r\n{pause}\r{pause}\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
        &[
            b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{origin}\r\n10;a=b\r\n0123456789abcdef\r\n0\r\nA: b\r\n\r\n",
            b"GET /b HTTP/1.1\r\nHost: x\r\n{origin}\r\n",
        ],
        "RFC 9112 7.1",
    ),
    passed(
        "a body that comes late and looks like a request",
        b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 34\r\n\r\n{pause}GET /evil HTTP/1.1\r\nHost: evil\r\n\r\n{pause}GET /b HTTP/1.1\r\nHost: x\r\n\r\n",
        &[
            b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 34\r\n{origin}\r\nGET /evil HTTP/1.1\r\nHost: evil\r\n\r\n",
            b"GET /b HTTP/1.1\r\nHost: x\r\n{origin}\r\n",
        ],
        "RFC 9112 6.2",
    ),
    abandoned("the end inside a request line", b"GET /a HT", CUT),
    abandoned("the end behind a request line", b"GET /a HTTP/1.1\r\n", CUT),
    abandoned("the end inside a field", b"GET /a HTTP/1.1\r\nHost: x\r\nCookie: secret=", CUT),
    abandoned("the end before the last LF", b"GET /a HTTP/1.1\r\nHost: x\r\n\r", CUT),
    abandoned("the end before a body", b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", CUT),
    abandoned("the end inside a body", b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc", CUT),
    abandoned("the end inside a chunk", b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", CUT),
    abandoned("the end between chunks", b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", CUT),
    abandoned("the end behind the last size", b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", CUT),
    abandoned("the end before the very last LF", b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r", CUT),
];
