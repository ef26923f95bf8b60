//! The sticky cookie of one service, precomputed: from a cookie's value to a backend by one probe,
//! from a backend to its `Set-Cookie` line by one index.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::model::cookie::{accepted_keys, cookie_value, key_of};
use crate::model::{SameSite, ServerUrl, Sticky};

/// Every value that any Traefik has given out for a backend leads to it.
///
/// Hash forms are all 64 bits wide, so one map of integers holds them; the first dialect's clear
/// URL is probed by its hash and then compared.
pub struct CookieTable {
    name: Box<str>,
    keys: HashMap<u64, u32, ahash::RandomState>,
    entries: Box<[Entry]>,
}

struct Entry {
    url: Box<str>,
    /// The value that we give out.
    value: Box<str>,
    /// The whole field line with its line end.
    set_cookie: Box<str>,
}

/// A cookie that leads somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// Index of the backend in its service.
    pub backend: u32,
    /// The value is of another generation: give the client today's.
    pub outdated: bool,
}

impl CookieTable {
    /// `servers` in the service's order; the flag says whether a cookie may lead there.
    pub fn compile(sticky: &Sticky, servers: impl Iterator<Item = (ServerUrl, bool)>) -> Self {
        let mut keys = HashMap::default();
        let mut entries = Vec::new();
        for (index, (url, holds)) in (0_u32..).zip(servers) {
            let url = url.to_string();
            if holds {
                keys.extend(accepted_keys(&url).into_iter().map(|key| (key, index)));
            }
            let value = cookie_value(sticky.form, &url);
            entries.push(Entry {
                set_cookie: set_cookie(sticky, &value).into(),
                value: value.into(),
                url: url.into(),
            });
        }
        Self { name: sticky.cookie_name.as_str().into(), keys, entries: entries.into() }
    }

    /// The cookie's name.
    #[inline]
    pub fn name(&self) -> &[u8] {
        self.name.as_bytes()
    }

    /// The `Set-Cookie` field line for a backend, with its line end.
    #[inline]
    pub fn set_cookie(&self, backend: u32) -> &[u8] {
        self.entries.get(backend as usize).map_or(b"", |entry| entry.set_cookie.as_bytes())
    }

    /// Where a cookie's value leads.
    #[inline]
    pub fn find(&self, value: &[u8]) -> Option<Hit> {
        let backend = *self.keys.get(&key_of(value)?)?;
        let entry = self.entries.get(backend as usize)?;
        // Any string whose hash collides with a URL's would otherwise be taken for the URL.
        if memchr::memchr(b':', value).is_some() && entry.url.as_bytes() != value {
            return None;
        }
        Some(Hit { backend, outdated: entry.value.as_bytes() != value })
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
    use crate::model::{CookieForm, Scheme};

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
        let url = |last| ServerUrl { scheme: Scheme::Http, addr: ([10, 0, 1, last], 80).into() };
        CookieTable::compile(
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
            assert_eq!(hit, Hit { backend: 1, outdated: form != FORMS[0] });
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
