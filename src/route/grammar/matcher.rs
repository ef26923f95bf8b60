//! The matchers of all dialects: their names, and how an argument becomes a [`Rule`].

use crate::model::Rule;
use crate::nearest::nearest;

/// A matcher that routes today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Matcher {
    Host,
    Path,
    PathPrefix,
    Method,
    Header,
}

/// What a name stands for.
pub(super) enum Named {
    Known(Matcher),
    NotYet,
    Unknown(Option<&'static str>),
}

/// A row: the name, and the matcher, or `None` where Traefik has one that we do not have yet.
pub(super) type Row = (&'static str, Option<Matcher>);

pub(super) const V1: &[Row] = &[
    ("Host", Some(Matcher::Host)),
    ("Path", Some(Matcher::Path)),
    ("PathPrefix", Some(Matcher::PathPrefix)),
    ("Method", Some(Matcher::Method)),
    ("Headers", Some(Matcher::Header)),
    ("HostRegexp", None),
    ("PathStrip", None),
    ("PathPrefixStrip", None),
    ("PathStripRegex", None),
    ("PathPrefixStripRegex", None),
    ("HeadersRegexp", None),
    ("Query", None),
    ("AddPrefix", None),
    ("ReplacePath", None),
    ("ReplacePathRegex", None),
];

pub(super) const LATER: &[Row] = &[
    ("Host", Some(Matcher::Host)),
    ("HostHeader", Some(Matcher::Host)),
    ("Path", Some(Matcher::Path)),
    ("PathPrefix", Some(Matcher::PathPrefix)),
    ("Method", Some(Matcher::Method)),
    ("Header", Some(Matcher::Header)),
    ("Headers", Some(Matcher::Header)),
    ("HostRegexp", None),
    ("PathRegexp", None),
    ("HeaderRegexp", None),
    ("HeadersRegexp", None),
    ("Query", None),
    ("QueryRegexp", None),
    ("ClientIP", None),
    ("HostSNI", None),
    ("HostSNIRegexp", None),
    ("ALPN", None),
];

/// Finds a name; `same` says which spellings count as one.
pub(super) fn find(rows: &[Row], name: &str, same: fn(&str, &str) -> bool) -> Named {
    match rows.iter().find(|(known, _)| same(known, name)) {
        Some((_, Some(matcher))) => Named::Known(*matcher),
        Some((_, None)) => Named::NotYet,
        None => Named::Unknown(nearest(name, rows.iter().map(|(known, _)| *known))),
    }
}

/// Says which of the names can be used, for a remedy.
pub(super) fn usable(rows: &[Row]) -> String {
    let names: Vec<&str> =
        rows.iter().filter(|(_, matcher)| matcher.is_some()).map(|(name, _)| *name).collect();
    format!("use one of {}", names.join(", "))
}

/// A problem and its remedy, still without a position.
pub(super) type Flaw = (String, String);

/// Whether `{name:regex}` in a path is a template (Traefik 1 and 2) or text (Traefik 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Templates {
    Meant,
    Literal,
}

/// A host as it is compared: lower case, without port, trailing dot and brackets.
pub(super) fn host(text: &str) -> Result<Rule, Flaw> {
    if !text.is_ascii() {
        return Err((
            format!("the host {text:?} is not ASCII"),
            "write it in punycode: xn--…".to_owned(),
        ));
    }
    let bare = without_port(text);
    let bare = bare.strip_suffix('.').unwrap_or(bare);
    let visible = |c: char| c.is_ascii_graphic() && !"/?#@,".contains(c);
    if bare.is_empty() || !bare.chars().all(visible) {
        return Err((
            format!("{text:?} is not a host name"),
            "use a name such as app.example.com, without scheme and path".to_owned(),
        ));
    }
    if bare.contains('*') || bare.contains('{') {
        return Err((
            format!("the pattern {text:?} is known to Traefik but not supported yet"),
            "name every host in full".to_owned(),
        ));
    }
    Ok(Rule::Host(bare.to_ascii_lowercase()))
}

/// Hosts are compared without port, so a port in a rule says nothing; an IPv6 literal loses its
/// brackets, as `net.SplitHostPort` has it.
fn without_port(text: &str) -> &str {
    if let Some(inner) = text.strip_prefix('[') {
        return inner.split(']').next().unwrap_or(inner);
    }
    match text.split_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => text,
    }
}

/// The argument of `Path` and `PathPrefix`, checked.
pub(super) fn path(text: &str, templates: Templates) -> Result<String, Flaw> {
    if !text.starts_with('/') {
        return Err((
            format!("the path {text:?} does not start with a slash"),
            format!("write /{text}"),
        ));
    }
    if templates == Templates::Meant && text.contains('{') {
        return Err((
            format!("the template {text:?} is known to Traefik but not supported yet"),
            "use a plain path".to_owned(),
        ));
    }
    Ok(text.to_owned())
}

/// Methods are compared in upper case.
pub(super) fn method(text: &str) -> Result<Rule, Flaw> {
    if !is_token(text) {
        return Err((
            format!("{text:?} is not a method"),
            "use a name such as GET or POST".to_owned(),
        ));
    }
    Ok(Rule::Method(text.to_ascii_uppercase()))
}

/// A header's name is compared in lower case, its value as it is.
pub(super) fn header(name: &str, value: &str) -> Result<Rule, Flaw> {
    if !is_token(name) {
        return Err((
            format!("{name:?} is not a header name"),
            "use a name such as X-Tenant".to_owned(),
        ));
    }
    Ok(Rule::Header(name.to_ascii_lowercase(), value.to_owned()))
}

fn is_token(text: &str) -> bool {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !text.is_empty() && text.chars().all(token)
}
