//! What concerns one hop only, what we manage ourselves and what looks like it; upgrades,
//! expectations, CONNECT (RFC 9110 sections 7.6.1, 7.8, 9.3.6 and 10.1).

use super::case::{Case, broken, passed, passed_then_closed, refused};

const HOP: &str = "RFC 9110 7.6.1";
const MANAGED: &str = "failure.md, incidents: managed fields";
const UPGRADE: &str = "RFC 9110 7.8";
const HTTP2: &str = "RFC 9113 3.1";
const EXPECT: &str = "RFC 9110 10.1.1";
const CONNECT: &str = "RFC 9110 9.3.6";

pub const CASES: &[Case] = &[
    passed(
        "fields that Connection names",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nConnection: x-a,, X-B\r\nX-B: 2\r\nX-C: 3\r\n\r\n",
        &[b"GET / HTTP/1.1\r\nHost: x\r\nX-C: 3\r\n{origin}\r\n"],
        HOP,
    ),
    passed(
        "fields that a second Connection names",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nX-A: 1\r\nconnection: X-A\r\n\r\n",
        &[b"GET / HTTP/1.1\r\nHost: x\r\n{origin}\r\n"],
        HOP,
    ),
    passed(
        "Connection cannot name what we add",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: X-Forwarded-For, x-real-ip, X-FORWARDED-PROTO, x-forwarded-host\r\n\r\n",
        &[b"GET / HTTP/1.1\r\nHost: x\r\n{origin}\r\n"],
        MANAGED,
    ),
    passed(
        "Connection cannot name what addresses and frames",
        b"POST / HTTP/1.1\r\nHost: x\r\nConnection: Host, Content-Length, Cookie\r\nCookie: a=b\r\nContent-Length: 3\r\n\r\nabc",
        &[b"POST / HTTP/1.1\r\nHost: x\r\nCookie: a=b\r\nContent-Length: 3\r\n{origin}\r\nabc"],
        HOP,
    ),
    passed(
        "Connection cannot name the coding",
        b"POST / HTTP/1.1\r\nHost: x\r\nConnection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        &[b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{origin}\r\n0\r\n\r\n"],
        HOP,
    ),
    passed(
        "fields for this hop",
        b"GET / HTTP/1.1\r\nHost: x\r\nKeep-Alive: 5\r\nProxy-Connection: close\r\nProxy-Authorization: a\r\nProxy-Authenticate: b\r\nTE: gzip\r\nUpgrade: a\r\n\r\n",
        &[b"GET / HTTP/1.1\r\nHost: x\r\n{origin}\r\n"],
        HOP,
    ),
    passed(
        "TE: trailers is said again",
        b"GET / HTTP/1.1\r\nHost: x\r\nTE: gzip, trailers\r\nConnection: TE\r\n\r\n",
        &[b"GET / HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nConnection: TE\r\n{origin}\r\n"],
        "RFC 9110 10.1.4",
    ),
    passed_then_closed(
        "close among others, and a request behind it",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: a , CLOSE\r\n\r\nGET /evil HTTP/1.1\r\nHost: x\r\n\r\n",
        &[b"GET / HTTP/1.1\r\nHost: x\r\n{origin}\r\n"],
        "RFC 9112 9.6",
    ),
    passed_then_closed(
        "close beside keep-alive",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
        &[b"GET / HTTP/1.1\r\nHost: x\r\n{origin}\r\n"],
        "RFC 9112 9.3",
    ),
    passed(
        "managed fields of a believed peer: once each, and never about us",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\nX-Forwarded-Proto: https\r\nx-forwarded-proto: ftp\r\nX-Real-IP: 3.3.3.3\r\nX-Real-Ip: 4.4.4.4\r\nX-Forwarded-Server: evil\r\n\r\n",
        &[
            b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\nX-Real-IP: 3.3.3.3\r\nX-Forwarded-For: 1.1.1.1, 2.2.2.2, {peer}\r\nX-Forwarded-Host: x\r\nX-Forwarded-Port: 80\r\nX-Forwarded-Server: {server}\r\n\r\n",
        ],
        MANAGED,
    ),
    passed(
        "underscores in managed names",
        b"GET / HTTP/1.1\r\nHost: x\r\nX_Forwarded_For: 6.6.6.6\r\nx-forwarded_proto: https\r\nX_REAL_IP: 6.6.6.6\r\nX_Forwarded-Host: y\r\n\r\n",
        &[b"GET / HTTP/1.1\r\nHost: x\r\n{origin}\r\n"],
        MANAGED,
    ),
    passed(
        "underscores in framing names",
        b"POST /a HTTP/1.1\r\nHost: x\r\nContent_Length: 31\r\nTransfer_Encoding: chunked\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
        &[
            b"POST /a HTTP/1.1\r\nHost: x\r\n{origin}Content-Length: 0\r\n\r\n",
            b"GET /b HTTP/1.1\r\nHost: x\r\n{origin}\r\n",
        ],
        MANAGED,
    ),
    passed(
        "underscores in other names",
        b"GET / HTTP/1.1\r\nHost: x\r\nX_Custom: a\r\n\r\n",
        &[b"GET / HTTP/1.1\r\nHost: x\r\nX_Custom: a\r\n{origin}\r\n"],
        "Traefik 3, underscores",
    ),
    passed(
        "an upgrade that the backend ignores: the next request is one",
        b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: X-A\r\nX-A: 1\r\n\r\n",
        &[
            b"GET /a HTTP/1.1\r\nHost: x\r\nUpgrade: foo\r\nConnection: Upgrade\r\n{origin}\r\n",
            b"GET /b HTTP/1.1\r\nHost: x\r\n{origin}\r\n",
        ],
        UPGRADE,
    ),
    passed(
        "an upgrade that Connection does not name",
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
        &[b"GET / HTTP/1.1\r\nHost: x\r\n{origin}\r\n"],
        UPGRADE,
    ),
    passed_then_closed(
        "an upgrade in HTTP/1.0",
        b"GET / HTTP/1.0\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n",
        &[b"GET / HTTP/1.1\r\nHost: x\r\n{origin}\r\n"],
        UPGRADE,
    ),
    passed(
        "an upgrade with a body",
        b"POST / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: foo\r\nContent-Length: 3\r\n\r\nabc",
        &[b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n{origin}\r\nabc"],
        UPGRADE,
    ),
    passed(
        "an upgrade to HTTP/2",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
        &[b"GET / HTTP/1.1\r\nHost: x\r\n{origin}\r\n"],
        HTTP2,
    ),
    passed(
        "an upgrade to HTTP/2 among others",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket, H2C\r\n\r\n",
        &[b"GET / HTTP/1.1\r\nHost: x\r\n{origin}\r\n"],
        HTTP2,
    ),
    passed(
        "an upgrade to HTTP/2 in the line before",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n\r\n",
        &[b"GET / HTTP/1.1\r\nHost: x\r\n{origin}\r\n"],
        HTTP2,
    ),
    passed(
        "an upgrade to HTTP/2 in the line behind",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n\r\n",
        &[b"GET / HTTP/1.1\r\nHost: x\r\n{origin}\r\n"],
        HTTP2,
    ),
    passed(
        "an expectation, and the body without waiting for long",
        b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n{pause}abc",
        &[b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n{origin}\r\nabc"],
        EXPECT,
    ),
    passed(
        "an expectation without a body",
        b"GET /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n",
        &[
            b"GET /a HTTP/1.1\r\nHost: x\r\n{origin}\r\n",
            b"GET /b HTTP/1.1\r\nHost: x\r\n{origin}\r\n",
        ],
        EXPECT,
    ),
    passed_then_closed(
        "an expectation in HTTP/1.0 is none",
        b"POST / HTTP/1.0\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
        &[b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n{origin}\r\nabc"],
        EXPECT,
    ),
    broken(
        "an expectation that fails, and a body all the same",
        b"POST /early HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9999\r\n\r\n{pause}GET /evil HTTP/1.1\r\nHost: x\r\n\r\n",
        417,
        EXPECT,
    ),
    refused("CONNECT", b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n", 501, CONNECT),
    refused("CONNECT in HTTP/1.0", b"CONNECT x:80 HTTP/1.0\r\n\r\n", 501, CONNECT),
    refused("CONNECT to a path", b"CONNECT / HTTP/1.1\r\nHost: x\r\n\r\n", 501, CONNECT),
    refused("CONNECT to a URL", b"CONNECT http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 501, CONNECT),
    refused(
        "CONNECT with a body and a request behind it",
        b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\nContent-Length: 3\r\n\r\nabcGET /evil HTTP/1.1\r\nHost: x\r\n\r\n",
        501,
        CONNECT,
    ),
    refused("connect in lower case", b"connect x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n", 400, CONNECT),
];
