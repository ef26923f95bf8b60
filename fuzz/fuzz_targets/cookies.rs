//! Cookies: found in a line as a plain search finds them, and led to the backend that they name.
//!
//! The first line of the input is the configured name, the second one a server's address; the rest
//! is the value of a `Cookie` field.

#![no_main]

use std::net::{IpAddr, SocketAddr};

use ringress::model::cookie::{accepted_keys, cookie_name, cookie_value, key_of};
use ringress::model::{CookieForm, Scheme, ServerUrl, Sticky};
use ringress::table::{CookieTable, find_cookie};

const FORMS: [CookieForm; 3] = [CookieForm::Url, CookieForm::Fnv1a, CookieForm::Sha256];

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let mut lines = input.splitn(3, |&b| b == b'\n');
    let mut next = || lines.next().unwrap_or_default();
    let (configured, address, line) = (String::from_utf8_lossy(next()), next(), next());
    let name = cookie_name(Some(&configured), "web@swarm");
    assert!(is_token(&name), "{name:?}");
    assert_eq!(cookie_name(Some(&name), "other"), name, "a safe name is left alone");

    let found = find_cookie(line, name.as_bytes());
    assert_eq!(found, plainly(line, name.as_bytes()));
    let value = found.unwrap_or(line);
    assert!(value.is_empty() || line.as_ptr_range().contains(&value.as_ptr()));
    assert!(value.len() <= line.len());

    let address = std::str::from_utf8(address).ok().and_then(|text| text.parse().ok());
    let servers = servers(address.unwrap_or(SocketAddr::from(([10, 0, 1, 5], 80))));
    for form in FORMS {
        let written = servers.into_iter().map(|(url, holds)| (url.to_string(), holds));
        let table = CookieTable::of_servers(&sticky(&name, form), written);
        assert_eq!(table.name(), name.as_bytes());
        leads_back(&table, form, &servers, line);
        leads_nowhere_else(&table, form, &servers, value);
    }
});

fn is_token(name: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.bytes().all(token)
}

/// The first pair of that name, all pairs taken apart.
fn plainly<'l>(line: &'l [u8], name: &[u8]) -> Option<&'l [u8]> {
    let pairs = line.split(|&b| b == b';').map(<[u8]>::trim_ascii);
    let mut named = pairs.filter_map(|pair| {
        let equals = pair.iter().position(|&b| b == b'=')?;
        (&pair[..equals] == name).then(|| &pair[equals + 1..])
    });
    match named.next()? {
        [b'"', inner @ .., b'"'] => Some(inner),
        value => Some(value),
    }
}

/// The second one may not be led to.
fn servers(addr: SocketAddr) -> [(ServerUrl, bool); 3] {
    let neighbour = SocketAddr::new(addr.ip(), addr.port() ^ 1);
    let other = SocketAddr::new(IpAddr::from([10, 0, 1, 6]), 80);
    let other = if [addr, neighbour].contains(&other) { ([10, 0, 1, 7], 80).into() } else { other };
    [(addr, true), (neighbour, false), (other, true)]
        .map(|(addr, holds)| (ServerUrl { scheme: Scheme::Http, addr }, holds))
}

fn sticky(name: &str, form: CookieForm) -> Sticky {
    Sticky {
        cookie_name: name.to_owned(),
        form,
        secure: true,
        http_only: true,
        same_site: None,
        max_age: 1,
        path: "/".to_owned(),
        domain: String::new(),
    }
}

/// What we set is what a browser sends back, behind whatever else it has.
fn leads_back(
    table: &CookieTable,
    form: CookieForm,
    servers: &[(ServerUrl, bool); 3],
    others: &[u8],
) {
    for (index, (url, holds)) in (0..).zip(servers) {
        let set = table.set_cookie(index).strip_prefix(b"Set-Cookie: ").expect("a field");
        let set = set.strip_suffix(b"\r\n").expect("its end");
        assert!(!set.iter().any(u8::is_ascii_control));
        let pair = set.split(|&b| b == b';').next().unwrap_or_default();
        let value = find_cookie(pair, table.name()).expect("our own cookie");
        assert_eq!(value, cookie_value(form, &url.to_string()).as_bytes());
        let hit = table.find(value);
        assert_eq!(hit.map(|hit| (hit.index, hit.outdated)), holds.then_some((index, false)));
        let key = key_of(value).expect("a value of ours");
        assert!(accepted_keys(&url.to_string()).contains(&key));

        if plainly(others, table.name()).is_none() {
            let line = [others, b"; ", pair].concat();
            assert_eq!(find_cookie(&line, table.name()), Some(value));
        }
    }
    assert_eq!(table.set_cookie(3), b"");
}

/// Only what some Traefik has written for a server leads to it.
fn leads_nowhere_else(
    table: &CookieTable,
    form: CookieForm,
    servers: &[(ServerUrl, bool); 3],
    value: &[u8],
) {
    let text = std::str::from_utf8(value).unwrap_or_default();
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let number = (text.len() <= 16 && text.bytes().all(hex))
        .then(|| u64::from_str_radix(text, 16).ok())
        .flatten();
    let means = |(url, holds): &(ServerUrl, bool)| {
        let url = url.to_string();
        *holds && (text == url || number.is_some_and(|key| accepted_keys(&url).contains(&key)))
    };
    let hit = table.find(value);
    let expected = servers.iter().position(means);
    assert_eq!(hit.map(|hit| hit.index as usize), expected, "{text:?}");
    if let (Some(hit), Some(index)) = (hit, expected) {
        let today = cookie_value(form, &servers[index].0.to_string());
        assert_eq!(hit.outdated, today != text);
    }
}
