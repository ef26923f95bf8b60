//! Heads of requests and responses: parsed, written on, and parsed again.
//!
//! The input is what came over the wire. Whatever the parsers accept must be what a plain reading
//! of its lines says, and what is written for the next hop must say the same in one way only.

#![no_main]

#[path = "heads/lines.rs"]
mod lines;
#[path = "heads/path.rs"]
mod path;
#[path = "heads/request.rs"]
mod request;
#[path = "heads/response.rs"]
mod response;

use ringress::fault::Fault;

libfuzzer_sys::fuzz_target!(|wire: &[u8]| {
    request::check(wire);
    response::check(wire, false);
    response::check(wire, true);
});

/// What a parser makes of some bytes: the length of the head, `None` for an incomplete one.
type Outcome = Result<Option<usize>, Fault>;

/// Bytes come in pieces: no beginning of them may be judged otherwise than all of them.
fn prefixes(wire: &[u8], parse: impl Fn(&[u8]) -> Outcome) {
    let whole = parse(wire);
    for cut in (0..wire.len()).step_by(wire.len() / 32 + 1) {
        match parse(&wire[..cut]) {
            Ok(None) => {}
            early => assert_eq!(early, whole, "of the first {cut} bytes"),
        }
    }
    if let Ok(Some(length)) = whole {
        assert_eq!(parse(&wire[..length]), whole, "what follows a head does not count");
        assert_eq!(parse(&wire[..length - 1]), Ok(None), "one byte is missing");
    }
}
