//! The sticky cookie of one service or group, precomputed: from a cookie's value to a backend or
//! member by one probe, from there to its `Set-Cookie` line by one index.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::model::cookie::{accepted_keys, cookie_value, key_of, member_keys, member_value};
use crate::model::{SameSite, Sticky};

/// Every value that any Traefik has given out for a backend or member leads to it.
///
/// Hash forms are all 64 bits wide, so one map of integers holds them; the first dialect's clear
/// URL is probed by its hash and then compared.
pub struct CookieTable {
    name: Box<str>,
    keys: HashMap<u64, u32, ahash::RandomState>,
    /// Of a group's members, whose names a cookie may hold in clear.
    names: HashMap<Box<[u8]>, u32, ahash::RandomState>,
    entries: Box<[Entry]>,
}

struct Entry {
    /// What a value in clear has to be.
    clear: Box<str>,
    /// The value that we give out.
    value: Box<str>,
    /// The whole field line with its line end.
    set_cookie: Box<str>,
}

/// A cookie that leads somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// Index of the backend in its service, or of the member in its group.
    pub index: u32,
    /// The value is of another generation: give the client today's.
    pub outdated: bool,
}

impl CookieTable {
    /// URLs of servers in the service's order; the flag says whether a cookie may lead there.
    pub fn of_servers(sticky: &Sticky, servers: impl Iterator<Item = (String, bool)>) -> Self {
        let mut table = Self::new(sticky);
        let mut entries = Vec::new();
        for (index, (url, holds)) in (0..).zip(servers) {
            if holds {
                table.keys.extend(accepted_keys(&url).into_iter().map(|key| (key, index)));
            }
            entries.push(Entry::new(sticky, cookie_value(sticky.form, &url), url));
        }
        Self { entries: entries.into(), ..table }
    }

    /// Members of a group: under which names each may be known. The first is given out.
    pub fn of_members<'a>(sticky: &Sticky, members: impl Iterator<Item = [&'a str; 2]>) -> Self {
        let mut table = Self::new(sticky);
        let mut entries = Vec::new();
        for (index, names) in (0..).zip(members) {
            for name in names {
                table.keys.extend(member_keys(name).into_iter().map(|key| (key, index)));
                table.names.insert(name.as_bytes().into(), index);
            }
            let name = names[0].to_owned();
            entries.push(Entry::new(sticky, member_value(sticky.form, &name), name));
        }
        Self { entries: entries.into(), ..table }
    }

    fn new(sticky: &Sticky) -> Self {
        let (keys, names, entries) = Default::default();
        Self { name: sticky.cookie_name.as_str().into(), keys, names, entries }
    }

    /// The cookie's name.
    #[inline]
    pub fn name(&self) -> &[u8] {
        self.name.as_bytes()
    }

    /// The `Set-Cookie` field line for a backend or member, with its line end.
    #[inline]
    pub fn set_cookie(&self, index: u32) -> &[u8] {
        self.entries.get(index as usize).map_or(b"", |entry| entry.set_cookie.as_bytes())
    }

    /// Where the first of a request's cookies with this name leads that leads anywhere. `cookies`
    /// are the values of its `Cookie` fields.
    #[inline]
    pub fn find_in<'a>(&self, mut cookies: impl Iterator<Item = &'a [u8]>) -> Option<Hit> {
        cookies.find_map(|line| self.find(find_cookie(line, self.name.as_bytes())?))
    }

    /// Where a cookie's value leads.
    #[inline]
    pub fn find(&self, value: &[u8]) -> Option<Hit> {
        let by_key = || self.keys.get(&key_of(value)?).copied();
        let index = by_key().or_else(|| self.names.get(value).copied())?;
        let entry = self.entries.get(index as usize)?;
        // Any string whose hash collides with a URL's would otherwise be taken for the URL.
        if memchr::memchr(b':', value).is_some() && entry.clear.as_bytes() != value {
            return None;
        }
        Some(Hit { index, outdated: entry.value.as_bytes() != value })
    }
}

impl Entry {
    fn new(sticky: &Sticky, value: String, clear: String) -> Self {
        let set_cookie = set_cookie(sticky, &value).into();
        Self { set_cookie, value: value.into(), clear: clear.into() }
    }
}

/// Attributes in the order in which Go's `http.Cookie` writes them.
fn set_cookie(sticky: &Sticky, value: &str) -> String {
    let mut line = format!("Set-Cookie: {}={value}; Path={}", sticky.cookie_name, sticky.path);
    if !sticky.domain.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(line, "; Domain={}", sticky.domain);
    }
    match sticky.max_age {
        0 => {}
        ..0 => line.push_str("; Max-Age=0"),
        seconds => {
            let _ = write!(line, "; Max-Age={seconds}");
        }
    }
    if sticky.http_only {
        line.push_str("; HttpOnly");
    }
    if sticky.secure {
        line.push_str("; Secure");
    }
    match sticky.same_site {
        None => {}
        Some(SameSite::None) => line.push_str("; SameSite=None"),
        Some(SameSite::Lax) => line.push_str("; SameSite=Lax"),
        Some(SameSite::Strict) => line.push_str("; SameSite=Strict"),
    }
    line.push_str("\r\n");
    line
}

/// The value of the cookie with this name in one `Cookie` field line (RFC 6265 section 4.2).
///
/// The first one wins, as in Go. Quotes around a value are not part of it.
#[inline]
pub fn find_cookie<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut rest = line;
    loop {
        let end = memchr::memchr(b';', rest).unwrap_or(rest.len());
        let pair = rest[..end].trim_ascii();
        if let Some(value) = pair.strip_prefix(name).and_then(|p| p.strip_prefix(b"=")) {
            let quoted = value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\""));
            return Some(quoted.unwrap_or(value));
        }
        rest = rest.get(end + 1..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CookieForm;

    fn sticky(form: CookieForm) -> Sticky {
        Sticky {
            cookie_name: "_x".into(),
            form,
            secure: false,
            http_only: false,
            same_site: None,
            max_age: 0,
            path: "/".into(),
            domain: String::new(),
        }
    }

    fn table(form: CookieForm) -> CookieTable {
        let url = |last| format!("http://10.0.1.{last}:80");
        CookieTable::of_servers(
            &sticky(form),
            [(url(4), true), (url(5), true), (url(6), false)].into_iter(),
        )
    }

    /// The vectors of every generation for `http://10.0.1.5:80`.
    const FORMS: [&str; 6] = [
        "http://10.0.1.5:80",
        "63661225b6141ab2",
        "be10bad327f55687",
        "b4e215ace41bed91",
        "2ef3ad0b350e1800",
        "3e77b2f70335bb48",
    ];

    #[test]
    fn every_historic_value_leads_to_its_backend() {
        let table = table(CookieForm::Url);
        for form in FORMS {
            let hit = table.find(form.as_bytes()).unwrap_or_else(|| panic!("{form} is unknown"));
            assert_eq!(hit, Hit { index: 1, outdated: form != FORMS[0] });
        }
    }

    #[test]
    fn only_todays_value_is_not_reissued() {
        let today = |form, value: &str| table(form).find(value.as_bytes()).map(|hit| hit.outdated);
        assert_eq!(today(CookieForm::Fnv1a, FORMS[1]), Some(false));
        assert_eq!(today(CookieForm::Sha256, FORMS[3]), Some(false));
        assert_eq!(today(CookieForm::Sha256, FORMS[1]), Some(true));
    }

    #[test]
    fn strangers_lead_nowhere() {
        let table = table(CookieForm::Url);
        for value in ["", "http://10.0.1.6:80", "http://10.0.1.5:81", "zz", "63661225B6141AB2", "0"]
        {
            assert_eq!(table.find(value.as_bytes()), None, "{value}");
        }
    }

    #[test]
    fn members_are_found_by_every_name() {
        let names = [["v1", "v1@file"], ["beef", "beef@file"]];
        let table = CookieTable::of_members(&sticky(CookieForm::Sha256), names.into_iter());
        for (value, outdated) in [
            ("3bfc269594ef6492", false),
            ("8325207b4eb141a", true),
            ("e77d7397f286a2e4", true),
            ("v1", true),
            ("v1@file", true),
        ] {
            assert_eq!(table.find(value.as_bytes()), Some(Hit { index: 0, outdated }), "{value}");
        }
        assert_eq!(table.find(b"beef").map(|hit| hit.index), Some(1), "it could be a hash");
        assert_eq!(table.find(b"v2"), None);
        let lines = [&b"a=1"[..], b"_x=nobody; b=1", b"_x=v1"];
        assert_eq!(table.find_in(lines.into_iter()).map(|hit| hit.index), Some(0));
    }

    #[test]
    fn attributes_come_in_gos_order() {
        assert_eq!(
            table(CookieForm::Url).set_cookie(0),
            b"Set-Cookie: _x=http://10.0.1.4:80; Path=/\r\n"
        );
        let all = Sticky {
            secure: true,
            http_only: true,
            same_site: Some(SameSite::Lax),
            max_age: 60,
            domain: "a.b".into(),
            ..sticky(CookieForm::Url)
        };
        assert_eq!(
            set_cookie(&all, "v"),
            "Set-Cookie: _x=v; Path=/; Domain=a.b; Max-Age=60; HttpOnly; Secure; SameSite=Lax\r\n"
        );
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        assert_eq!(find_cookie(b"a=1; _x=v; b=2", b"_x"), Some(&b"v"[..]));
        assert_eq!(find_cookie(b"_x=\"v\"", b"_x"), Some(&b"v"[..]));
        assert_eq!(find_cookie(b"y_x=v; _x1=w", b"_x"), None);
        assert_eq!(find_cookie(b"", b"_x"), None);
        assert_eq!(find_cookie(b"_x=", b"_x"), Some(&b""[..]));
        assert_eq!(find_cookie(b"_x=1;_x=2;", b"_x"), Some(&b"1"[..]));
    }
}
