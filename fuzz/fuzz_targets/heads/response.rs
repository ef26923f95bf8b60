//! Responses: from the backend's head to the client's.

use std::mem::MaybeUninit;

use ringress::h1::answer::{self, Changes, Transfer};
use ringress::h1::framing::Framing;
use ringress::h1::response::{self, ResponseHead};
use ringress::limits::{HEAD_FIELDS, HeadLimits, MAX_HEAD_FIELDS};

use super::lines::{self, Head};
use super::prefixes;

const COOKIE: &[u8] = b"a-backend-of-the-fuzzer; Path=/";

pub fn check(wire: &[u8], to_head: bool) {
    prefixes(wire, |wire| {
        let mut room = [const { MaybeUninit::uninit() }; MAX_HEAD_FIELDS];
        let head = response::parse(wire, &mut room, &HeadLimits::default(), to_head);
        head.map(|head| head.map(|head| head.bytes.len()))
    });
    let mut room = [const { MaybeUninit::uninit() }; MAX_HEAD_FIELDS];
    let parsed = response::parse(wire, &mut room, &HeadLimits::default(), to_head);
    let Ok(Some(head)) = parsed else { return };
    let plain = lines::read(head.bytes);
    is_what_it_says(&head, &plain, to_head);
    if head.status < 200 {
        return interim(&head, &plain);
    }
    let set_cookie = [b"Set-Cookie: ", COOKIE, b"\r\n"].concat();
    for client_http11 in [false, true] {
        for (added, close) in [(&b""[..], false), (&set_cookie, true)] {
            let changes = Changes {
                transfer: Transfer::choose(head.framing, client_http11),
                added,
                close,
                say_keep_alive: !close && !client_http11,
            };
            passes_on(&head, &plain, &changes, to_head);
        }
    }
}

fn is_what_it_says(head: &ResponseHead<'_, '_>, plain: &Head<'_>, to_head: bool) {
    let (version, rest) = plain.start.split_at(8);
    assert_eq!(version, if head.http11 { "HTTP/1.1" } else { "HTTP/1.0" });
    assert_eq!(rest.get(..4), Some(format!(" {}", head.status).as_str()));
    assert!((100..=599).contains(&head.status));
    plain.same_fields(head.headers);

    let (chunked, length) = (plain.is_chunked(), plain.length());
    let bodiless = to_head || matches!(head.status, 100..=199 | 204 | 304);
    let framing = match (bodiless, chunked, length) {
        (true, ..) => Framing::None,
        (false, true, _) => Framing::Chunked,
        (false, false, Some(length)) => Framing::Length(length),
        (false, false, None) => Framing::UntilClose,
    };
    assert_eq!(framing, head.framing);
    if head.keep_alive {
        let announces = chunked || length.is_some_and(|length| length > 0);
        assert!(!(bodiless && announces), "a body may follow all the same");
        assert!(!plain.lists("connection", "close") && framing != Framing::UntilClose);
        assert!(head.http11 || plain.lists("connection", "keep-alive"));
    }
}

fn passes_on(head: &ResponseHead<'_, '_>, plain: &Head<'_>, changes: &Changes<'_>, to_head: bool) {
    let mut out = Vec::new();
    answer::write(&mut out, head, changes);
    let sent = lines::read(&out);
    let start = format!("HTTP/1.1 {} {}", head.status, head.reason);
    assert_eq!(sent.start, start);
    if changes.are_none(head) {
        assert_eq!(sent.fields, plain.fields, "it could have passed as it came");
    }
    goes_no_further(plain, &sent);
    match (changes.close, changes.say_keep_alive) {
        (true, _) => assert_eq!(sent.values("connection"), [b"close"]),
        (false, true) => assert_eq!(sent.values("connection"), [b"keep-alive"]),
        (false, false) => assert_eq!(sent.count("connection"), 0),
    }
    let adds = usize::from(!changes.added.is_empty());
    assert!(sent.values("set-cookie").iter().filter(|value| **value == COOKIE).count() >= adds);
    assert!(head.status != 204 || sent.count("content-length") == 0);
    if sent.fields.len() > HEAD_FIELDS {
        return;
    }
    let mut room = [const { MaybeUninit::uninit() }; MAX_HEAD_FIELDS];
    let again = response::parse(&out, &mut room, &HeadLimits::default(), to_head);
    let again = again.expect("valid").expect("complete");
    assert_eq!((again.bytes.len(), again.status), (out.len(), head.status));
    let framing = match changes.transfer {
        Transfer::Same => head.framing,
        Transfer::Chunked => Framing::Chunked,
        Transfer::Unchunked => Framing::UntilClose,
    };
    assert_eq!(again.framing, framing);
}

fn interim(head: &ResponseHead<'_, '_>, plain: &Head<'_>) {
    let mut out = Vec::new();
    answer::write_interim(&mut out, head);
    let sent = lines::read(&out);
    assert_eq!(sent.start, format!("HTTP/1.1 {} {}", head.status, head.reason));
    assert_eq!(sent.count("content-length") + sent.count("transfer-encoding"), 0);
    goes_no_further(plain, &sent);
    let switching = head.status == 101;
    assert_eq!(sent.count("connection"), usize::from(switching));
    assert_eq!(sent.count("upgrade"), if switching { plain.count("upgrade") } else { 0 });
}

/// What concerns the backend's connection does not reach the client.
fn goes_no_further(plain: &Head<'_>, sent: &Head<'_>) {
    for (name, value) in &sent.fields {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("connection") || is("upgrade") {
            continue;
        }
        assert!(!lines::is_hop(name), "{name} goes no further");
        if is("content-length") || is("transfer-encoding") || *value == COOKIE {
            continue;
        }
        assert!(!plain.lists("connection", name), "{name} ends here");
        assert!(plain.count(name) > 0, "{name} came out of nothing");
    }
}
