//! Requests: from the client's head to the backend's.

use std::mem::MaybeUninit;

use ringress::h1::forward::{self, Origin, Target};
use ringress::h1::framing::Framing;
use ringress::h1::request::{self, RequestHead};
use ringress::limits::{HEAD_FIELDS, HeadLimits, MAX_HEAD_FIELDS};
use ringress::request::is_authority;

use super::lines::{self, Head};
use super::{path, prefixes};

const PEER: &str = "192.0.2.7";
const SERVER: &str = "lb";
const BACKEND: &str = "10.0.0.1:80";

/// What the proxy in front of us says, or we.
const MANAGED: [&str; 11] = [
    "x-real-ip",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-forwarded-uri",
    "x-forwarded-method",
    "x-forwarded-prefix",
    "x-forwarded-tls-client-cert",
    "x-forwarded-tls-client-cert-info",
];

pub fn check(wire: &[u8]) {
    prefixes(wire, |wire| {
        let mut room = [const { MaybeUninit::uninit() }; MAX_HEAD_FIELDS];
        request::parse(wire, &mut room, &HeadLimits::default())
            .map(|head| head.map(|head| head.bytes.len()))
    });
    let mut room = [const { MaybeUninit::uninit() }; MAX_HEAD_FIELDS];
    let Ok(Some(head)) = request::parse(wire, &mut room, &HeadLimits::default()) else { return };
    let mut bytes = head.bytes;
    while let Some(rest) = bytes.strip_prefix(b"\r\n") {
        bytes = rest;
    }
    let plain = lines::read(bytes);
    is_what_it_says(&head, &plain);
    for host in [None, Some(BACKEND)] {
        for trusted in [false, true] {
            let out = forwarded(&head, host, trusted);
            let sent = lines::read(&out);
            says_the_same(&head, &out, &sent, host);
            keeps_what_goes_through(&plain, &sent);
            assert_eq!(sent.values("expect"), expectation(&head, &plain));
            hides_what_ends_here(&plain, &sent);
            says_where_it_came_from(&head, &plain, &sent, trusted);
        }
    }
    forwarding_twice_changes_nothing(&head);
}

fn forwarded(head: &RequestHead<'_, '_>, host: Option<&str>, trusted: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let target = Target { host, prefix: "" };
    forward::write(&mut out, head, target, &Origin { peer: PEER, trusted, server: SERVER });
    out
}

fn is_what_it_says(head: &RequestHead<'_, '_>, plain: &Head<'_>) {
    let words: Vec<&str> = plain.start.split(' ').collect();
    let &[method, target, version] = words.as_slice() else { panic!("{:?}", plain.start) };
    assert_eq!(method, head.method);
    assert_eq!(version, if head.http11 { "HTTP/1.1" } else { "HTTP/1.0" });
    plain.same_fields(head.headers);

    let hosts = plain.values("host");
    assert!(hosts.len() == 1 || (hosts.is_empty() && !head.http11));
    let (authority, rest) = match target.split_once("://") {
        Some((_, rest)) if !target.starts_with('/') => {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            (Some(&rest.as_bytes()[..end]), &rest[end..])
        }
        _ => (None, target),
    };
    let authority = authority.or(hosts.first().copied()).unwrap_or_default();
    assert_eq!(authority, head.authority);
    assert!(is_authority(authority));
    let (raw, query) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    assert_eq!(path::ascii(query.as_bytes()), *head.query);
    let raw = if raw.is_empty() { "/" } else { raw };
    assert_eq!(path::normal(raw.as_bytes()).as_deref(), Some(&*head.path));
    assert!(head.path.starts_with(b"/") || (head.method == "OPTIONS" && &*head.path == b"*"));

    let framing = match (plain.is_chunked(), plain.length()) {
        (true, _) => Framing::Chunked,
        (false, Some(length)) => Framing::Length(length),
        (false, None) => Framing::None,
    };
    assert_eq!(framing, head.framing);
    let stays = head.http11 || plain.lists("connection", "keep-alive");
    assert_eq!(stays && !plain.lists("connection", "close"), head.keep_alive);
    if head.upgrade {
        assert!(plain.lists("connection", "upgrade") && plain.count("upgrade") > 0);
        assert!(matches!(framing, Framing::None | Framing::Length(0)), "a body and a tunnel");
    }
}

/// The backend reads the request that we have read, whatever its parser is lax about.
fn says_the_same(head: &RequestHead<'_, '_>, out: &[u8], sent: &Head<'_>, host: Option<&str>) {
    assert_eq!(sent.count("host"), 1);
    if sent.fields.len() > HEAD_FIELDS {
        return;
    }
    let mut room = [const { MaybeUninit::uninit() }; MAX_HEAD_FIELDS];
    let again =
        request::parse(out, &mut room, &HeadLimits::default()).expect("valid").expect("complete");
    assert_eq!(again.bytes.len(), out.len());
    assert_eq!((again.method, &again.path, &again.query), (head.method, &head.path, &head.query));
    assert!(again.http11 && again.keep_alive && !again.host_differs);
    assert_eq!(again.authority, host.map_or(head.authority, str::as_bytes));
    assert_eq!(again.upgrade, head.upgrade);
    let needs_length = matches!(head.method, "POST" | "PUT" | "PATCH");
    let framing = match head.framing {
        Framing::None if needs_length => Framing::Length(0),
        other => other,
    };
    assert_eq!(again.framing, framing);
}

/// Neither of one hop, nor ours to write, nor the first line's business.
fn is_plain(name: &str) -> bool {
    !lines::is_hop(name)
        && !is_managed(name)
        && !["host", "content-length", "transfer-encoding", "cookie", "expect"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
}

fn is_managed(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    MANAGED.contains(&name.as_str())
}

fn is_alias(name: &str) -> bool {
    let dashed = name.to_ascii_lowercase().replace('_', "-");
    let framing = ["content-length", "transfer-encoding"].contains(&dashed.as_str());
    name.contains('_') && (framing || is_managed(name))
}

fn keeps_what_goes_through(plain: &Head<'_>, sent: &Head<'_>) {
    let passes = |name: &str| is_plain(name) && !is_alias(name) && !plain.lists("connection", name);
    let of = |head: &Head<'_>| -> Vec<(String, Vec<u8>)> {
        let fields = head.fields.iter().filter(|(name, _)| passes(name));
        fields.map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect()
    };
    assert_eq!(of(plain), of(sent));
    assert_eq!(plain.values("cookie"), sent.values("cookie"));
    for (name, _) in &sent.fields {
        assert!(!is_plain(name) || plain.count(name) > 0, "{name} came out of nothing");
    }
}

/// The first expectation that means something.
fn expectation<'p>(head: &RequestHead<'_, '_>, plain: &Head<'p>) -> Vec<&'p [u8]> {
    let has_content = !matches!(head.framing, Framing::None | Framing::Length(0));
    let means = |value: &&[u8]| has_content || !value.eq_ignore_ascii_case(b"100-continue");
    let all = plain.values("expect").into_iter().filter(means);
    all.take(usize::from(head.http11)).collect()
}

fn hides_what_ends_here(plain: &Head<'_>, sent: &Head<'_>) {
    for (name, value) in &sent.fields {
        assert!(!is_alias(name), "{name} may be taken for another");
        assert!(!(is_plain(name) && plain.lists("connection", name)), "{name} ends here");
        match name.to_ascii_lowercase().as_str() {
            "connection" => assert!([&b"Upgrade"[..], b"TE"].contains(value)),
            "te" => assert_eq!(*value, b"trailers"),
            "upgrade" => assert!(sent.lists("connection", "upgrade")),
            name => assert!(!lines::is_hop(name), "{name} goes no further"),
        }
    }
    assert!(sent.count("connection") < 2 && sent.count("te") < 2);
    // HTTP/2 behind the upgrade would pass everything by.
    assert!(!sent.lists("upgrade", "h2c") && !sent.lists("upgrade", "h2"));
}

fn says_where_it_came_from(
    head: &RequestHead<'_, '_>,
    plain: &Head<'_>,
    sent: &Head<'_>,
    trusted: bool,
) {
    let only = |name: &str| {
        let values = sent.values(name);
        assert_eq!(values.len(), 1, "{name}");
        values[0]
    };
    let from = only("x-forwarded-for");
    assert!(from.ends_with(PEER.as_bytes()));
    assert_eq!(only("x-forwarded-server"), SERVER.as_bytes());
    for name in ["x-forwarded-host", "x-forwarded-port", "x-forwarded-proto", "x-real-ip"] {
        let value = only(name);
        if trusted && let Some(first) = plain.values(name).first() {
            assert_eq!(value, *first, "{name}");
        }
    }
    if trusted {
        return;
    }
    assert_eq!(from, PEER.as_bytes());
    assert_eq!(only("x-real-ip"), PEER.as_bytes());
    assert_eq!(only("x-forwarded-host"), head.authority);
    assert!([&b"http"[..], b"ws"].contains(&only("x-forwarded-proto")));
    assert!(only("x-forwarded-port").iter().all(u8::is_ascii_digit));
    for name in &MANAGED[6..] {
        assert_eq!(sent.count(name), 0, "{name} of a stranger");
    }
}

fn forwarding_twice_changes_nothing(head: &RequestHead<'_, '_>) {
    let once = forwarded(head, None, false);
    let sent = lines::read(&once);
    if sent.fields.len() > HEAD_FIELDS {
        return;
    }
    let mut room = [const { MaybeUninit::uninit() }; MAX_HEAD_FIELDS];
    let again =
        request::parse(&once, &mut room, &HeadLimits::default()).expect("valid").expect("complete");
    let twice = forwarded(&again, None, false);
    let sent_again = lines::read(&twice);
    assert_eq!(sent.start, sent_again.start);
    assert_eq!(sent.sorted(), sent_again.sorted());
}
