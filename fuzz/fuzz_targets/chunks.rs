//! Chunked bodies: any split of the bytes gives what a plain reading of them gives.
//!
//! The first byte of the input seeds the split, the rest is what came over the wire.

#![no_main]

#[path = "chunks/plain.rs"]
mod plain;

use ringress::h1::chunked::{ChunkError, Chunked};
use ringress::h1::framing::{Body, Framing};

use plain::Reading;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((&seed, wire)) = input.split_first() else { return };
    let pieces = split(wire, seed);
    let whole = read(&[wire]);
    assert_eq!(read(&pieces), whole, "the split changes something");
    let bytes: Vec<&[u8]> = wire.chunks(1).collect();
    assert_eq!(read(&bytes), whole, "byte by byte it is something else");
    agrees(wire, &whole);
    frames(Framing::Chunked, &pieces, &whole);
    let length = u64::from(seed) * 8;
    let end = wire.len().min(length as usize);
    frames(Framing::Length(length), &pieces, &Ok((vec![], end, end as u64 == length)));
    frames(Framing::UntilClose, &pieces, &Ok((vec![], wire.len(), false)));
    frames(Framing::None, &pieces, &Ok((vec![], 0, true)));
});

/// Payload, bytes that belong to the body, and whether it has ended.
type Outcome = Result<(Vec<u8>, usize, bool), ChunkError>;

/// Pieces of growing and shrinking sizes, empty ones among them.
fn split(mut wire: &[u8], seed: u8) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut state = u32::from(seed);
    while !wire.is_empty() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let most = 1 << (state >> 29);
        let (piece, rest) = wire.split_at(wire.len().min((state >> 16) as usize % most));
        pieces.push(piece);
        wire = rest;
    }
    pieces
}

fn read(pieces: &[&[u8]]) -> Outcome {
    let (mut chunked, mut payload, mut used) = (Chunked::new(), Vec::new(), 0);
    for piece in pieces {
        let mut from = 0;
        let taken = chunked.take(piece, |range| {
            assert!(from <= range.start && range.start < range.end, "{range:?} behind {from}");
            from = range.end;
            payload.extend_from_slice(&piece[range]);
        })?;
        assert!(from <= taken && taken <= piece.len());
        assert!(taken == piece.len() || chunked.is_done(), "it stopped before the end");
        used += taken;
    }
    Ok((payload, used, chunked.is_done()))
}

fn agrees(wire: &[u8], whole: &Outcome) {
    match (plain::read(wire), whole) {
        (Reading::Whole(payload, used), Ok(found)) => assert_eq!((payload, used, true), *found),
        (Reading::Part(payload), Ok(found)) => assert_eq!((payload, wire.len(), false), *found),
        (Reading::Bad, Err(_)) => {}
        (reading, found) => panic!("{found:?} instead of {reading:?}"),
    }
}

/// A body counts the same bytes, whatever it is framed by.
fn frames(framing: Framing, pieces: &[&[u8]], expected: &Outcome) {
    let mut body = Body::new(framing);
    let mut used = 0;
    for piece in pieces {
        match body.take(piece) {
            Ok(taken) => used += taken,
            Err(error) => return assert_eq!(Err(error), *expected),
        }
    }
    let (_, expected, done) = expected.as_ref().expect("the body saw nothing wrong");
    assert_eq!((used, body.is_done()), (*expected, *done));
    assert_eq!(body.ends_with_stream(), body.is_done() || framing == Framing::UntilClose);
}
