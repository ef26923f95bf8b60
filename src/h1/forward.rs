//! The request as the backend gets it: one pass, into one buffer.
//!
//! What Traefik does at its entry point and in its reverse proxy (traefik `forwardedheaders`,
//! Go `httputil.ReverseProxy`): hop-by-hop fields end here, `X-Forwarded-*` say where the request
//! came from, everything else passes byte for byte in its order. What addresses and frames the
//! message leaves in one form only, however it was written.

use std::io::Write as _;

use httparse::Header;

use super::fields::{self, Field, classify};
use super::framing::Framing;
use super::request::RequestHead;
use crate::request;

/// What the forwarding fields say about where a request came from.
pub struct Origin<'a> {
    /// The client's address without port, as text.
    pub peer: &'a str,
    /// Fields of proxies in front of us are believed.
    pub trusted: bool,
    /// Our own host name.
    pub server: &'a str,
}

/// What a backend wants of the target.
#[derive(Default)]
pub struct Target<'a> {
    /// Replaces the client's `Host` when given.
    pub host: Option<&'a str>,
    /// Put before the path.
    pub prefix: &'a str,
}

/// Appends the head for the backend to `out`.
pub fn write(
    out: &mut Vec<u8>,
    head: &RequestHead<'_, '_>,
    Target { host, prefix }: Target<'_>,
    origin: &Origin<'_>,
) {
    write_line(out, head, prefix);
    let replace_host = host.is_some() || head.host_differs;
    if replace_host {
        let value = host.map_or(head.authority, str::as_bytes);
        field(out, "Host", &[value]);
    }

    let has_content = !matches!(head.framing, Framing::None | Framing::Length(0));
    let mut present = Present::default();
    let mut reframe = false;
    let passes = |header: &Header<'_>| {
        let field = classify(header.name);
        let listed = || {
            head.connection.names_fields
                && fields::is_named_by_connection(head.headers, header.name)
        };
        match field {
            Field::Other => !listed(),
            // What frames and addresses the message, and what we manage ourselves, cannot be
            // removed by being named in `Connection`.
            Field::Host => !replace_host,
            Field::ContentLength | Field::TransferEncoding => {
                // A copy without its body has such lines, and no framing.
                let framed = head.framing != Framing::None;
                reframe = framed && !frames_plainly(head, header);
                framed && !reframe
            }
            Field::Cookie => true,
            // In HTTP/1.0 it is none, without content there is nothing to wait for (RFC 9110
            // section 10.1.1) and Apache would close the connection; said twice, some refuse it.
            Field::Expect => {
                let waits = header.value.eq_ignore_ascii_case(b"100-continue");
                head.http11 && (has_content || !waits) && first(&mut present.expect)
            }
            Field::Connection | Field::HopByHop | Field::Upgrade | Field::Te => false,
            Field::Alias | Field::ForwardedServer | Field::ForwardedFor => false,
            Field::ForwardedHost => origin.trusted && first(&mut present.host),
            Field::ForwardedPort => origin.trusted && first(&mut present.port),
            Field::ForwardedProto => origin.trusted && first(&mut present.proto),
            Field::RealIp => origin.trusted && first(&mut present.real_ip),
            Field::ForwardedOther => origin.trusted,
        }
    };
    copy_fields(out, head.bytes, head.headers, passes);
    if reframe {
        // Writing to a Vec cannot fail.
        let _ = match head.framing {
            Framing::Length(length) => write!(out, "Content-Length: {length}\r\n"),
            _ => write!(out, "Transfer-Encoding: chunked\r\n"),
        };
    }

    write_hop(out, head);
    write_origin(out, head, origin, &present);
    if head.framing == Framing::None && matches!(head.method, "POST" | "PUT" | "PATCH") {
        // Without it some servers wait for a body (RFC 9110 section 8.6).
        out.extend_from_slice(b"Content-Length: 0\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

fn write_line(out: &mut Vec<u8>, head: &RequestHead<'_, '_>, prefix: &str) {
    out.extend_from_slice(head.method.as_bytes());
    out.push(b' ');
    // A request about the server itself has no path to put anything before.
    if head.path.starts_with(b"/") {
        out.extend_from_slice(prefix.as_bytes());
    }
    out.extend_from_slice(&head.path);
    out.extend_from_slice(&head.query);
    out.extend_from_slice(b" HTTP/1.1\r\n");
}

/// Whether nobody can take a line that frames the body for another: no tab, no capitals in
/// `chunked`, no leading zeros.
fn frames_plainly(head: &RequestHead<'_, '_>, header: &Header<'_>) -> bool {
    let value = header.value;
    let is_plain = match head.framing {
        Framing::Chunked => value == b"chunked",
        _ => value.len() == 1 || !value.starts_with(b"0"),
    };
    is_plain && fields::is_plain(head.bytes, header)
}

/// What is asked of the next hop anew, because it means one hop only.
fn write_hop(out: &mut Vec<u8>, head: &RequestHead<'_, '_>) {
    if head.upgrade {
        for header in head.headers.iter().filter(|h| classify(h.name) == Field::Upgrade) {
            field(out, "Upgrade", &[header.value]);
        }
        out.extend_from_slice(b"Connection: Upgrade\r\n");
    }
    if accepts_trailers(head.headers) {
        // Means only this hop unless it is said again for the next one (RFC 9110 section 10.1.4).
        out.extend_from_slice(b"TE: trailers\r\n");
        if !head.upgrade {
            out.extend_from_slice(b"Connection: TE\r\n");
        }
    }
}

/// Fields that pass once, and did: `Expect`, and managed ones that a trusted peer has sent.
#[derive(Default)]
struct Present {
    expect: bool,
    host: bool,
    port: bool,
    proto: bool,
    real_ip: bool,
}

/// True the first time only: of a field that comes twice, one passes.
fn first(present: &mut bool) -> bool {
    !std::mem::replace(present, true)
}

fn write_origin(
    out: &mut Vec<u8>,
    head: &RequestHead<'_, '_>,
    origin: &Origin<'_>,
    present: &Present,
) {
    out.extend_from_slice(b"X-Forwarded-For: ");
    if origin.trusted {
        let before = head.headers.iter().filter(|h| classify(h.name) == Field::ForwardedFor);
        for header in before.filter(|h| !h.value.is_empty()) {
            out.extend_from_slice(header.value);
            out.extend_from_slice(b", ");
        }
    }
    out.extend_from_slice(origin.peer.as_bytes());
    out.extend_from_slice(b"\r\n");
    if !present.host {
        field(out, "X-Forwarded-Host", &[head.authority]);
    }
    if !present.port {
        field(out, "X-Forwarded-Port", &[request::port(head.authority).unwrap_or(b"80")]);
    }
    if !present.proto {
        let websocket = head.upgrade
            && head.headers.iter().any(|h| {
                classify(h.name) == Field::Upgrade && h.value.eq_ignore_ascii_case(b"websocket")
            });
        field(out, "X-Forwarded-Proto", &[if websocket { b"ws" } else { b"http" }]);
    }
    field(out, "X-Forwarded-Server", &[origin.server.as_bytes()]);
    if !present.real_ip {
        field(out, "X-Real-Ip", &[origin.peer.as_bytes()]);
    }
}

fn accepts_trailers(headers: &[Header<'_>]) -> bool {
    headers
        .iter()
        .filter(|h| classify(h.name) == Field::Te)
        .any(|h| fields::members(h.value).any(|m| m.eq_ignore_ascii_case(b"trailers")))
}

/// Appends one field line.
pub fn field(out: &mut Vec<u8>, name: &str, value: &[&[u8]]) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    for part in value {
        out.extend_from_slice(part);
    }
    out.extend_from_slice(b"\r\n");
}

/// Copies the field lines that pass, in runs as long as possible: usually two or three copies
/// for a whole head. `head` ends with the empty line.
pub fn copy_fields(
    out: &mut Vec<u8>,
    head: &[u8],
    headers: &[Header<'_>],
    mut passes: impl FnMut(&Header<'_>) -> bool,
) {
    let line_start = |header: &Header<'_>| header.name.as_ptr() as usize - head.as_ptr() as usize;
    // Start of the run of passing lines that has not been copied yet.
    let mut run: Option<usize> = None;
    for header in headers {
        if passes(header) {
            run = run.or_else(|| Some(line_start(header)));
        } else if let Some(start) = run.take() {
            out.extend_from_slice(&head[start..line_start(header)]);
        }
    }
    if let Some(start) = run {
        out.extend_from_slice(&head[start..head.len() - 2]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{HeadLimits, MAX_HEAD_FIELDS};
    use std::mem::MaybeUninit;

    fn forward(wire: &str, host: Option<&str>, trusted: bool) -> String {
        forward_to(wire, Target { host, prefix: "" }, trusted)
    }

    fn forward_to(wire: &str, target: Target<'_>, trusted: bool) -> String {
        let mut fields = [const { MaybeUninit::uninit() }; MAX_HEAD_FIELDS];
        let limits = HeadLimits::default();
        let head = super::super::request::parse(wire.as_bytes(), &mut fields, &limits);
        let head = head.unwrap().unwrap();
        let mut out = Vec::new();
        write(&mut out, &head, target, &Origin { peer: "9.9.9.9", trusted, server: "lb" });
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_plain_request_gets_the_forwarding_fields() {
        assert_eq!(
            forward("GET /a?b HTTP/1.1\r\nHost: h:81\r\nAccept: */*\r\n\r\n", None, false),
            "GET /a?b HTTP/1.1\r\nHost: h:81\r\nAccept: */*\r\nX-Forwarded-For: 9.9.9.9\r\n\
             X-Forwarded-Host: h:81\r\nX-Forwarded-Port: 81\r\nX-Forwarded-Proto: http\r\n\
             X-Forwarded-Server: lb\r\nX-Real-Ip: 9.9.9.9\r\n\r\n"
        );
    }

    const CLAIMS: &str = "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.1.1.1\r\n\
        x-forwarded-for: 2.2.2.2\r\nX-Forwarded-Proto: https\r\nX_Forwarded_Proto: evil\r\n\
        X-Forwarded-Server: evil\r\nX-Real-Ip: 3.3.3.3\r\nX-Forwarded-Prefix: /p\r\n\r\n";

    #[test]
    fn strangers_are_not_believed() {
        let out = forward(CLAIMS, None, false);
        for claim in ["1.1.1.1", "2.2.2.2", "https", "evil", "3.3.3.3", "/p"] {
            assert!(!out.contains(claim), "{claim} in {out}");
        }
    }

    #[test]
    fn trusted_peers_are_believed_but_not_about_us() {
        let out = forward(CLAIMS, None, true);
        assert!(out.contains("X-Forwarded-For: 1.1.1.1, 2.2.2.2, 9.9.9.9\r\n"), "{out}");
        assert!(out.contains("X-Forwarded-Proto: https\r\n"), "{out}");
        assert!(out.contains("X-Real-Ip: 3.3.3.3\r\n") && out.contains("X-Forwarded-Prefix: /p"));
        assert!(!out.contains("evil") && out.contains("X-Forwarded-Server: lb\r\n"), "{out}");
    }

    #[test]
    fn hop_by_hop_fields_end_here() {
        let out = forward(
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, X-Secret, X-Forwarded-For, Cookie\r\n\
             Keep-Alive: 5\r\nX-Secret: s\r\nCookie: c=1\r\nProxy-Connection: x\r\nTE: gzip\r\n\
             Upgrade: h2c\r\nLast: one\r\n\r\n",
            None,
            false,
        );
        for gone in ["onnection", "X-Secret", "Keep-Alive", "TE:", "Upgrade"] {
            assert!(!out.contains(gone), "{gone} in {out}");
        }
        assert!(out.contains("Cookie: c=1\r\n") && out.contains("Last: one\r\n"), "{out}");
        assert!(out.contains("X-Forwarded-For: 9.9.9.9\r\n"), "{out}");
    }

    #[test]
    fn upgrades_and_trailers_are_asked_for_anew() {
        let out = forward(
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
            None,
            false,
        );
        assert!(out.contains("Upgrade: websocket\r\nConnection: Upgrade\r\n"), "{out}");
        assert!(out.contains("X-Forwarded-Proto: ws\r\n"), "{out}");
        let out = forward(
            "GET / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: TE\r\n\r\n",
            None,
            false,
        );
        assert!(out.contains("TE: trailers\r\nConnection: TE\r\n"), "{out}");
    }

    #[test]
    fn the_host_is_replaced_where_it_must_be() {
        let out = forward("GET / HTTP/1.1\r\nHost: h\r\n\r\n", Some("10.0.0.1:80"), false);
        assert!(out.contains("Host: 10.0.0.1:80\r\n") && out.contains("X-Forwarded-Host: h\r\n"));
        let out = forward("GET http://x/ HTTP/1.1\r\nHost: h\r\n\r\n", None, false);
        assert!(out.starts_with("GET / HTTP/1.1\r\nHost: x\r\n"), "{out}");
        assert_eq!(out.matches("Host: ").count(), 2, "{out}");
    }

    #[test]
    fn what_addresses_and_frames_has_one_form() {
        for (line, plain) in [
            ("Host:h", "Host: h"),
            ("Host:\th ", "Host: h"),
            ("Content-Length:3", "Content-Length: 3"),
            ("Content-Length: 003", "Content-Length: 3"),
            ("content-length: 3\t", "Content-Length: 3"),
            ("Transfer-Encoding:\tchunked", "Transfer-Encoding: chunked"),
            ("Transfer-Encoding: Chunked", "Transfer-Encoding: chunked"),
        ] {
            let host = if line.starts_with("Host") { "" } else { "Host: h\r\n" };
            let out = forward(&format!("GET / HTTP/1.1\r\n{host}{line}\r\n\r\n"), None, false);
            assert!(out.contains(&format!("\r\n{plain}\r\n")), "{line}: {out}");
            let name = &plain[..plain.find(':').unwrap_or(0)];
            let lines = out.lines().filter(|l| l.to_lowercase().starts_with(&name.to_lowercase()));
            assert_eq!(lines.count(), 1, "{line}: {out}");
        }
    }

    #[test]
    fn a_prefix_stands_before_the_path() {
        for (target, expected) in [("/a?b", "GET /base/a?b "), ("/", "GET /base/ ")] {
            let wire = format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n");
            let out = forward_to(&wire, Target { host: None, prefix: "/base" }, false);
            assert!(out.starts_with(expected), "{out}");
        }
        let out = forward_to(
            "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
            Target { host: None, prefix: "/base" },
            false,
        );
        assert!(out.starts_with("OPTIONS * "), "{out}");
    }

    #[test]
    fn an_expectation_is_passed_on_once_and_only_with_content() {
        let expect = "Expect: 100-continue\r\n";
        let head = format!("PUT / HTTP/1.1\r\nHost: h\r\n{expect}{expect}");
        let out = forward(&format!("{head}Content-Length: 1\r\n\r\n"), None, false);
        assert_eq!(out.matches(expect).count(), 1, "{out}");
        let out = forward(&format!("{head}Content-Length: 0\r\n\r\n"), None, false);
        assert!(!out.contains("Expect"), "{out}");
        let out =
            forward(&format!("POST / HTTP/1.0\r\n{expect}Content-Length: 1\r\n\r\n"), None, false);
        assert!(!out.contains("Expect"), "{out}");
    }

    #[test]
    fn a_method_that_may_have_a_body_says_that_it_has_none() {
        let out = forward("POST / HTTP/1.1\r\nHost: h\r\n\r\n", None, false);
        assert!(out.contains("Content-Length: 0\r\n"));
    }
}
