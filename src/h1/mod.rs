//! HTTP/1: protocol cores that know only bytes, and the loops around them that know sockets.
//!
//! [`framing`], [`chunked`], [`fields`], [`request`] and [`response`] take bytes and give facts;
//! [`forward`] and [`answer`] take facts and give bytes. None of them touches a socket or a clock.

pub mod answer;
pub mod chunked;
pub mod connection;
mod copies;
pub mod exchange;
pub mod fields;
pub mod forward;
pub mod framing;
mod incoming;
mod kept;
pub mod noticed;
pub mod plan;
mod preface;
mod reply;
pub mod request;
pub mod response;
