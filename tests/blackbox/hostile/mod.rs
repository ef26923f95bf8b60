//! The hostile table: what must not be read in two ways, byte for byte, with what becomes of it.
//!
//! A case is a line of data: its name, the bytes, the required outcome, and the section that
//! requires it. The outcomes come from the RFCs and, where those leave a choice, are the strict
//! one; they were not read off the code. Each request case is sent in one piece, byte by byte and
//! cut in three places, and has to end the same way.
//!
//! | requests | |
//! |---|---|
//! | `lines` | request line, versions |
//! | `hosts` | `Host`, authority |
//! | `fields` | field lines |
//! | `lengths` | `Content-Length` |
//! | `codings` | `Transfer-Encoding` |
//! | `chunks` | chunks, extensions, trailers |
//! | `paths` | normalisation |
//! | `hops` | `Connection`, managed fields, underscores, upgrades, `Expect`, CONNECT |
//! | `limits` | lengths and counts |
//! | `streams` | pipelining, pauses at dangerous points, abandoned requests |
//!
//! | responses | |
//! |---|---|
//! | `heads` | status lines, fields, framing, interim responses |
//! | `bodies` | ends that lie, bytes behind an end |
//!
//! `case` says what the tables are made of; `requests` and `responses` run them; `recorder` and
//! `player` are the backends.

mod case;
mod player;
mod recorder;
mod requests;
mod responses;

mod chunks;
mod codings;
mod fields;
mod hops;
mod hosts;
mod lengths;
mod limits;
mod lines;
mod paths;
mod streams;

mod bodies;
mod heads;

use crate::harness::{Driver, both_drivers};

both_drivers!(
    request_lines,
    authorities,
    field_lines,
    content_lengths,
    transfer_codings,
    chunked_bodies,
    normal_paths,
    hop_by_hop,
    bounds,
    one_stream_many_requests,
    response_heads,
    response_bodies,
);

fn request_lines(driver: Driver) {
    requests::run(driver, lines::CASES);
}

fn authorities(driver: Driver) {
    requests::run(driver, hosts::CASES);
}

fn field_lines(driver: Driver) {
    requests::run(driver, fields::CASES);
}

fn content_lengths(driver: Driver) {
    requests::run(driver, lengths::CASES);
}

fn transfer_codings(driver: Driver) {
    requests::run(driver, codings::CASES);
}

fn chunked_bodies(driver: Driver) {
    requests::run(driver, chunks::CASES);
}

fn normal_paths(driver: Driver) {
    requests::run(driver, paths::CASES);
}

fn hop_by_hop(driver: Driver) {
    requests::run(driver, hops::CASES);
}

fn bounds(driver: Driver) {
    requests::run(driver, limits::CASES);
}

fn one_stream_many_requests(driver: Driver) {
    requests::run(driver, streams::CASES);
}

fn response_heads(driver: Driver) {
    responses::run(driver, heads::CASES);
}

fn response_bodies(driver: Driver) {
    responses::run(driver, bodies::CASES);
}
