//! How a new client's backend is chosen.
//!
//! Whatever the strategy: a backend that is down, or has failed this request, is never chosen; one
//! that has just refused a connection only when no other is left.

use std::sync::atomic::Ordering;

use super::Ask;
use crate::model::Strategy;
use crate::model::cookie::{fnv1a, fnv1a_onto};
use crate::table::{Backend, ServiceEntry};

/// The next backend, by the service's strategy.
pub(super) fn next<C>(service: &ServiceEntry, ask: &Ask<'_, C>) -> Option<u32> {
    if service.rotation.is_empty() {
        return None;
    }
    let turn = service.state.cursor.fetch_add(1, Ordering::Relaxed);
    let preferred = pick(service, ask, turn, |backend| ask.prefers(&backend.state));
    preferred.or_else(|| pick(service, ask, turn, |backend| ask.may_take(&backend.state)))
}

#[inline]
fn pick<C>(
    service: &ServiceEntry,
    ask: &Ask<'_, C>,
    turn: u64,
    fits: impl Fn(&Backend) -> bool + Copy,
) -> Option<u32> {
    match service.strategy {
        Strategy::RoundRobin => in_turn(service, turn, fits),
        Strategy::PowerOfTwo => by_lot(service, turn, fits),
        Strategy::HighestRandomWeight => by_hash(service, ask.peer, fits),
        Strategy::LeastTime => by_time(service, turn, ask.worker, fits),
    }
}

/// The first that fits, from its turn in the rotation on.
#[inline]
fn in_turn(service: &ServiceEntry, turn: u64, fits: impl Fn(&Backend) -> bool) -> Option<u32> {
    let rotation = &service.rotation;
    let length = rotation.len() as u64;
    let at = |step: u64| {
        // In range: the remainder is below the length.
        let index = rotation[(turn.wrapping_add(step) % length) as usize];
        fits(service.backends.get(index as usize)?).then_some(index)
    };
    (0..length).find_map(at)
}

/// Those that fit, each once.
fn fitting<'s>(
    service: &'s ServiceEntry,
    fits: impl Fn(&Backend) -> bool + 's,
) -> impl Iterator<Item = (u32, &'s Backend)> {
    let backend = |&index: &u32| Some((index, service.backends.get(index as usize)?));
    service.takers.iter().filter_map(backend).filter(move |(_, backend)| fits(backend))
}

/// Of two that the lot falls on, the one with fewer exchanges in flight.
///
/// In flight over all workers: it is two backends whose cells are read, however many there are, and
/// a worker's own count would mostly be zero where many workers share a little load. Somebody else
/// may be about to choose the same; that is what the lot is for.
fn by_lot(
    service: &ServiceEntry,
    turn: u64,
    fits: impl Fn(&Backend) -> bool + Copy,
) -> Option<u32> {
    let count = fitting(service, fits).count();
    let lot = mix(turn);
    // Thirty-two bits each: the upper half draws the first, the lower one of the others.
    let draw = |bits: u64, of: usize| ((bits * of as u64) >> 32) as usize;
    let first = draw(lot >> 32, count);
    let one = fitting(service, fits).nth(first)?;
    if count == 1 {
        return Some(one.0);
    }
    let second = (first + 1 + draw(lot & u64::from(u32::MAX), count - 1)) % count;
    let other = fitting(service, fits).nth(second)?;
    let fewer = other.1.state.in_flight() < one.1.state.in_flight();
    Some(if fewer { other.0 } else { one.0 })
}

/// Numbers in a row made to look random (the finaliser of SplitMix64).
fn mix(number: u64) -> u64 {
    let mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The one of the highest score for this client, on every replica alike.
fn by_hash(service: &ServiceEntry, peer: &str, fits: impl Fn(&Backend) -> bool) -> Option<u32> {
    let scored = fitting(service, fits).map(|(i, b)| (i, score(peer, &b.url, b.weight)));
    highest(scored)
}

/// The first of the highest score.
pub(super) fn highest(scored: impl Iterator<Item = (u32, f64)>) -> Option<u32> {
    let higher = |best: (u32, f64), next: (u32, f64)| if next.1 > best.1 { next } else { best };
    scored.reduce(higher).map(|(index, _)| index)
}

/// Weighted rendezvous hashing as Traefik 3 computes it: FNV-1a of the client's address and the
/// name behind it, taken for a number between 0 and 1.
pub(super) fn score(peer: &str, name: &str, weight: u32) -> f64 {
    let hash = fnv1a_onto(fnv1a(peer.as_bytes()), name.as_bytes());
    let fraction = hash as f64 / 2.0_f64.powi(64);
    f64::from(weight) / -fraction.ln()
}

/// The one of the least average time to the first byte, times one more than its exchanges in
/// flight, by weight. Those that are equal take turns.
///
/// Time and exchanges are the worker's own: each worker sends its share to where it waits least,
/// and what the others send there it notices by the waiting. So nothing is read that another core
/// writes, however many backends there are.
fn by_time(
    service: &ServiceEntry,
    turn: u64,
    worker: usize,
    fits: impl Fn(&Backend) -> bool,
) -> Option<u32> {
    let cost = |backend: &Backend| {
        let mean = backend.state.latency(worker).map_or(0.0, |latency| latency.mean());
        let in_flight = backend.state.cells.get(worker).map_or(0, |cells| cells.active.get());
        mean * (1.0 + in_flight as f64) / f64::from(backend.weight)
    };
    let least = fitting(service, &fits).map(|(_, backend)| cost(backend)).reduce(f64::min)?;
    in_turn(service, turn, |backend| fits(backend) && cost(backend) <= least)
}
