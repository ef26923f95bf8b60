//! The matchers of all dialects: their names, and how an argument becomes a [`Rule`].

use crate::model::{NotANetwork, Pattern, Rule};
use crate::nearest::nearest;
use crate::request::one_form;

use super::re2;
use super::template::{self, Of};

/// A matcher that routes today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Matcher {
    Host,
    HostRegexp,
    Path,
    PathPrefix,
    PathRegexp,
    Method,
    Header,
    HeaderRegexp,
    Query,
    QueryRegexp,
    ClientIp,
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
    ("HostRegexp", Some(Matcher::HostRegexp)),
    ("HeadersRegexp", Some(Matcher::HeaderRegexp)),
    ("Query", Some(Matcher::Query)),
    ("PathStrip", None),
    ("PathPrefixStrip", None),
    ("PathStripRegex", None),
    ("PathPrefixStripRegex", None),
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
    ("HostRegexp", Some(Matcher::HostRegexp)),
    ("PathRegexp", Some(Matcher::PathRegexp)),
    ("HeaderRegexp", Some(Matcher::HeaderRegexp)),
    ("HeadersRegexp", Some(Matcher::HeaderRegexp)),
    ("Query", Some(Matcher::Query)),
    ("QueryRegexp", Some(Matcher::QueryRegexp)),
    ("ClientIP", Some(Matcher::ClientIp)),
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

/// Whether `{name:regexp}` is a template (Traefik 1 and 2) or what it looks like (Traefik 3).
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
    if let Some(rest) = bare.strip_prefix("*.").filter(|rest| !rest.contains(['*', '{'])) {
        // Traefik 3.7: exactly one label.
        let rest = re2::quote(&rest.to_ascii_lowercase());
        return expression(&format!(r"^[^.]+\.{rest}$")).map(Rule::HostRegexp);
    }
    if bare.contains('*') || bare.contains('{') {
        return Err((
            format!("the host {text:?} holds a pattern"),
            "write HostRegexp for patterns, or a star for the first label alone".to_owned(),
        ));
    }
    Ok(Rule::Host(bare.to_ascii_lowercase()))
}

/// An expression of Go's.
pub(super) fn expression(text: &str) -> Result<Pattern, Flaw> {
    re2::compile(text).map_err(|problem| (problem, "write it in the syntax of Go (RE2)".to_owned()))
}

/// The argument of `HostRegexp`: an expression, or a template as a whole.
pub(super) fn host_regexp(text: &str, templates: Templates) -> Result<Rule, Flaw> {
    if !text.is_ascii() {
        return Err((
            format!("the host {text:?} is not ASCII"),
            "write it in punycode: xn--…".to_owned(),
        ));
    }
    let pattern = match templates {
        Templates::Meant => template::pattern(text, Of::Host),
        Templates::Literal => expression(text),
    };
    pattern.map(Rule::HostRegexp)
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

/// The argument of `Path` and `PathPrefix`.
pub(super) fn path(text: &str, of: Of, templates: Templates) -> Result<Rule, Flaw> {
    if !text.starts_with('/') {
        return Err((
            format!("the path {text:?} does not start with a slash"),
            format!("write /{text}"),
        ));
    }
    if templates == Templates::Meant && text.contains(['{', '}']) {
        return template::pattern(text, of).map(Rule::PathRegexp);
    }
    let path = compared_path(text);
    Ok(if of == Of::PathPrefix { Rule::PathPrefix(path) } else { Rule::Path(path) })
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

/// A header's name is compared in lower case, its value as it is or with an expression.
pub(super) fn header(found: Matcher, name: &str, value: &str) -> Result<Rule, Flaw> {
    if !is_token(name) {
        return Err((
            format!("{name:?} is not a header name"),
            "use a name such as X-Tenant".to_owned(),
        ));
    }
    let name = name.to_ascii_lowercase();
    if found == Matcher::HeaderRegexp {
        return expression(value).map(|pattern| Rule::HeaderRegexp(name, pattern));
    }
    Ok(Rule::Header(name, value.to_owned()))
}

/// A parameter as Traefik 1 and 2 write it: `name=value`, the value perhaps a template, nothing
/// behind the sign for any value.
pub(super) fn parameter(text: &str) -> Result<Rule, Flaw> {
    let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.is_empty()) else {
        return Err((format!("{text:?} is not a parameter"), "write name=value".to_owned()));
    };
    if name.contains(['{', '}']) {
        let problem = format!("the name of the parameter {text:?} is a template");
        return Err((problem, "name it in full".to_owned()));
    }
    let name = name.to_owned();
    if value.is_empty() {
        return template::pattern("{any}", Of::Query).map(|any| Rule::QueryRegexp(name, any));
    }
    if value.contains(['{', '}']) {
        let pattern = template::pattern(value, Of::Query)?;
        return Ok(Rule::QueryRegexp(name, pattern));
    }
    Ok(Rule::Query(name, value.to_owned()))
}

/// Addresses are those of the peer, without `X-Forwarded-For`.
pub(super) fn client_ip(text: &str) -> Result<Rule, Flaw> {
    text.parse().map(Rule::ClientIp).map_err(|NotANetwork| {
        (format!("{text:?} is no address and no network"), "use 10.0.0.0/8".to_owned())
    })
}

/// A path of a rule in the form in which paths of requests are compared, which is the one that is
/// forwarded: what may not stand there is escaped. Of the escapes that Traefik resolves before it
/// compares, both writings mean the same here.
fn compared_path(text: &str) -> String {
    let (mut path, mut rest) = (String::with_capacity(text.len()), text.as_bytes());
    while !rest.is_empty() {
        let escape = matches!(rest, [b'%', high, low, ..]
            if high.is_ascii_hexdigit() && low.is_ascii_hexdigit());
        let (one, behind) = rest.split_at(if escape { 3 } else { 1 });
        match one_form(one) {
            Ok(form) => {
                path.extend(form.into_iter().map(char::from));
                rest = behind;
            }
            // What no request may hold matches none.
            Err(_) if escape => {
                path.extend(one.iter().copied().map(char::from));
                rest = behind;
            }
            // A sign that escapes nothing stands for itself.
            Err(_) => {
                path.push_str("%25");
                rest = behind;
            }
        }
    }
    path
}

fn is_token(text: &str) -> bool {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !text.is_empty() && text.chars().all(token)
}
