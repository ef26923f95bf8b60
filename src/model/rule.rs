//! A routing rule as a tree; the three grammars of Traefik all end here.

use super::{Network, Pattern};

/// What a request must look like.
///
/// Strings are stored in the form in which they are compared: hosts in lower case without port
/// and trailing dot, methods in upper case, header names in lower case.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub enum Rule {
    /// Every part matches; an empty list matches everything.
    All(Vec<Rule>),
    /// At least one part matches; an empty list matches nothing.
    Any(Vec<Rule>),
    Not(Box<Rule>),
    /// The request's host, exactly.
    Host(String),
    HostRegexp(Pattern),
    /// The normalised path, exactly.
    Path(String),
    /// A raw prefix of the normalised path: `/foo` matches `/foobar` (Traefik's behaviour).
    PathPrefix(String),
    /// Compared with the path without its escapes, but for those of reserved characters.
    PathRegexp(Pattern),
    Method(String),
    /// Some field line of that name has exactly that value.
    Header(String, String),
    HeaderRegexp(String, Pattern),
    /// Some parameter of that name has exactly that value, both without escapes.
    Query(String, String),
    QueryRegexp(String, Pattern),
    /// The address that the connection comes from, or that a trusted proxy has introduced by the
    /// PROXY protocol; never one of `X-Forwarded-For`.
    ClientIp(Network),
}
