//! A routing rule as a tree; the three grammars of Traefik all end here.

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
    /// The normalised path, exactly.
    Path(String),
    /// A raw prefix of the normalised path: `/foo` matches `/foobar` (Traefik's behaviour).
    PathPrefix(String),
    Method(String),
    /// Some field line of that name has exactly that value.
    Header(String, String),
}
