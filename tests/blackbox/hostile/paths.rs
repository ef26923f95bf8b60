//! Paths: refused, or one form for routing and for the backend (RFC 3986 sections 2, 3.3, 5.2.4
//! and 6.2.2, and what Traefik 3 does).

use super::case::{Case, passed, refused};

const DOTS: &str = "RFC 3986 5.2.4";
const SLASHES: &str = "Traefik 3, sanitizePath";
const ESCAPES: &str = "RFC 3986 6.2.2";
const ESCAPE: &str = "RFC 3986 2.1";
const SEGMENT: &str = "RFC 3986 3.3";
const FRAGMENT: &str = "RFC 9112 3.2.1";
const NUL: &str = "RFC 3986 7.3";

/// A GET of one target, and the same as the backend gets it.
macro_rules! becomes {
    ($name:literal, $target:literal, $arrives:literal, $section:expr) => {
        passed(
            $name,
            concat!("GET ", $target, " HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes(),
            &[concat!("GET ", $arrives, " HTTP/1.1\r\nHost: x\r\n{origin}\r\n").as_bytes()],
            $section,
        )
    };
}

macro_rules! bad {
    ($name:literal, $target:literal, $section:expr) => {
        refused(
            $name,
            concat!("GET ", $target, " HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes(),
            400,
            $section,
        )
    };
}

pub const CASES: &[Case] = &[
    becomes!("a step up", "/a/../b", "/b", DOTS),
    becomes!("steps above the root", "/../../etc/passwd", "/etc/passwd", DOTS),
    becomes!("a step up at the end", "/a/b/..", "/a/", DOTS),
    becomes!("a dot at the end", "/a/.", "/a/", DOTS),
    becomes!("dots alone", "/..", "/", DOTS),
    becomes!("escaped dots", "/a/%2e%2E/b", "/b", DOTS),
    becomes!("half escaped dots", "/a/.%2e/b", "/b", DOTS),
    becomes!("escaped dots and an escaped slash", "/a/%2e%2e%2fb", "/a/..%2Fb", ESCAPES),
    becomes!("three dots are a name", "/a/.../b", "/a/.../b", DOTS),
    becomes!("dots in a name", "/a../b", "/a../b", DOTS),
    becomes!("two slashes first", "//x/a", "/x/a", SLASHES),
    becomes!("many slashes", "///a////b//", "/a/b/", SLASHES),
    becomes!("slashes and dots", "/a//../b", "/b", SLASHES),
    becomes!("slashes alone", "//", "/", SLASHES),
    becomes!("slashes in an absolute target", "http://x//a//b", "/a/b", SLASHES),
    becomes!("a needless escape", "/%61%2D%7e", "/a-~", ESCAPES),
    becomes!("small digits in an escape", "/a%2fb%3f%23", "/a%2Fb%3F%23", ESCAPES),
    becomes!("an escaped backslash", "/a%5c..%5cb", "/a%5C..%5Cb", ESCAPES),
    becomes!("an escape of an escape", "/%252e%25%32%65", "/%252e%252e", ESCAPES),
    becomes!("escaped line ends", "/a%0d%0aB:%20c", "/a%0D%0AB:%20c", ESCAPES),
    becomes!("overlong UTF-8", "/%c0%ae%c0%ae/", "/%C0%AE%C0%AE/", ESCAPES),
    becomes!("a backslash", "/a\\..\\b", "/a%5C..%5Cb", SEGMENT),
    becomes!("what a path may not hold", "/\"<>^`{|}", "/%22%3C%3E%5E%60%7B%7C%7D", SEGMENT),
    becomes!("letters beyond ASCII", "/ä", "/%C3%A4", SEGMENT),
    becomes!("what a path may hold", "/a:b@c!$&'()*+,;=-._~", "/a:b@c!$&'()*+,;=-._~", SEGMENT),
    becomes!("parameters of a segment", "/a;b=c/d;e", "/a;b=c/d;e", SEGMENT),
    becomes!("parameters and a step up", "/a;b/../c", "/c", SEGMENT),
    becomes!(
        "a query is not a path",
        "/a?/../b//%2e%2E;\\|",
        "/a?/../b//%2e%2E;\\|",
        "RFC 3986 3.4"
    ),
    becomes!("an empty query", "/a?", "/a?", "RFC 3986 3.4"),
    becomes!("a question in a query", "/a?b?c", "/a?b?c", "RFC 3986 3.4"),
    bad!("a step up with a parameter", "/a/..;/b", SEGMENT),
    bad!("a step up with a parameter and a value", "/a/..;b=c/d", SEGMENT),
    bad!("an escaped step up with a parameter", "/a/%2e%2e;/b", SEGMENT),
    bad!("a dot with a parameter", "/a/.;/b", SEGMENT),
    bad!("a percent sign alone", "/%", ESCAPE),
    bad!("half an escape", "/%2", ESCAPE),
    bad!("an escape without digits", "/%zz", ESCAPE),
    bad!("an escape with a sign", "/%+1", ESCAPE),
    bad!("a percent sign before an escape", "/%%41", ESCAPE),
    bad!("an escape of Windows", "/%u002e", ESCAPE),
    bad!("an escaped NUL", "/a%00.html", NUL),
    bad!("a fragment", "/a#b", FRAGMENT),
    bad!("an empty fragment", "/a#", FRAGMENT),
    bad!("a fragment behind a query", "/a?b#c", FRAGMENT),
    bad!("a fragment that hides a path", "/a#/../b", FRAGMENT),
];
