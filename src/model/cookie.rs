//! The cookie that binds a browser to a server: its name, its value, and every value that any
//! Traefik ever wrote for the same server.
//!
//! The invariant: all of it is a pure function of the service's name and the server's URL, so
//! every replica reads every other replica's cookies, after a restart as well. No seeded hash
//! may come near this file.

use sha1::Digest as _;

use crate::model::CookieForm;

/// Length of a 64-bit hash in hexadecimal.
const HEX_DIGITS: usize = 16;

/// The cookie's name: the configured one made safe, or one made from the service's name.
///
/// `qualified_service` is `web@swarm`, `web@docker`, or `backend-web` (first dialect). Traefik
/// takes `_` and the first five hexadecimal digits of SHA-1 over `_TRAEFIK_BACKEND_<service>`.
pub fn cookie_name(configured: Option<&str>, qualified_service: &str) -> String {
    if let Some(name) = configured.filter(|name| !name.is_empty()) {
        let safe = |c: char| if is_token(c) { c } else { '_' };
        return name.chars().map(safe).collect();
    }
    let mut sha = sha1::Sha1::new();
    sha.update(b"_TRAEFIK_BACKEND_");
    sha.update(qualified_service.as_bytes());
    let digest = sha.finalize();
    format!("_{:02x}{:02x}{:x}", digest[0], digest[1], digest[2] >> 4)
}

/// The value that is written for the server of this URL (`http://10.0.1.5:80`).
pub fn cookie_value(form: CookieForm, url: &str) -> String {
    match form {
        CookieForm::Url => url.to_owned(),
        CookieForm::Fnv1a => format!("{:x}", fnv1a(url.as_bytes())),
        CookieForm::Sha256 => format!("{:016x}", sha256_head(url)),
    }
}

/// Every key under which a client's cookie may name this server; see [`key_of`].
///
/// In this order: FNV-1a of the URL (Traefik 2, and its zero-padded spelling; the clear URL of
/// Traefik 1 comes here too, through [`key_of`]), FNV-1 of the URL, FNV-1 of the padded FNV-1a
/// hexadecimal (what 3.0 to 3.3 wrote), the head of SHA-256 (3.3.4 and later), and FNV-1 of the
/// unpadded FNV-1 hexadecimal (what later versions take for the 3.0 form).
pub fn accepted_keys(url: &str) -> [u64; 5] {
    let first = fnv1a(url.as_bytes());
    let second = fnv1(url.as_bytes());
    [
        first,
        second,
        fnv1(format!("{first:016x}").as_bytes()),
        sha256_head(url),
        fnv1(format!("{second:x}").as_bytes()),
    ]
}

/// The value that is written for a member of a weighted group: of its name as Traefik's users
/// write it there.
pub fn member_value(form: CookieForm, name: &str) -> String {
    match form {
        CookieForm::Url => name.to_owned(),
        CookieForm::Fnv1a => format!("{:x}", fnv1(name.as_bytes())),
        CookieForm::Sha256 => format!("{:016x}", sha256_head(name)),
    }
}

/// Every key under which a cookie may name a member of a group; the name in clear is accepted
/// beside them. Traefik 2 and 3.0 wrote FNV-1, later ones the head of SHA-256, and take FNV-1 of
/// the FNV-1 hexadecimal, too.
pub fn member_keys(name: &str) -> [u64; 3] {
    let hash = fnv1(name.as_bytes());
    [sha256_head(name), hash, fnv1(format!("{hash:x}").as_bytes())]
}

/// The key that a cookie's value stands for, to be looked up among [`accepted_keys`].
///
/// Up to sixteen hexadecimal digits are the key itself, padded or not. A URL in clear is hashed
/// with FNV-1a, so that one probe of one table answers for all six forms. Anything else was not
/// written by us.
pub fn key_of(value: &[u8]) -> Option<u64> {
    if value.starts_with(b"http") || value.starts_with(b"h2c:") {
        return Some(fnv1a(value));
    }
    if value.is_empty() || value.len() > HEX_DIGITS {
        return None;
    }
    value.iter().try_fold(0u64, |key, &byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        Some(key << 4 | u64::from(digit))
    })
}

/// FNV-1a, 64 bits (draft-eastlake-fnv): exclusive-or first, then multiply.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    fnv1a_onto(FNV_OFFSET, bytes)
}

/// FNV-1a of what was hashed before and these bytes behind it.
pub fn fnv1a_onto(hash: u64, bytes: &[u8]) -> u64 {
    let step = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
    bytes.iter().fold(hash, step)
}

/// FNV-1, 64 bits: multiply first, then exclusive-or.
pub fn fnv1(bytes: &[u8]) -> u64 {
    let step = |hash: u64, &byte: &u8| hash.wrapping_mul(FNV_PRIME) ^ u64::from(byte);
    bytes.iter().fold(FNV_OFFSET, step)
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

fn sha256_head(url: &str) -> u64 {
    let digest = sha2::Sha256::digest(url.as_bytes());
    digest.iter().take(8).fold(0, |head, &byte| head << 8 | u64::from(byte))
}

/// Characters that a cookie's name may hold: RFC 9110's token, as Go's `net/http` has it.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "http://10.0.1.5:80";

    #[test]
    fn generated_names_are_traefiks() {
        for (service, name) in [
            ("stack-web@swarm", "_493a4"),
            ("stack-web@docker", "_82e56"),
            ("backend-stack-web", "_1cda8"),
            ("web@swarm", "_bb9e4"),
        ] {
            assert_eq!(cookie_name(None, service), name);
            assert_eq!(cookie_name(Some(""), service), name);
        }
    }

    #[test]
    fn configured_names_are_made_safe() {
        assert_eq!(cookie_name(Some("_TRAEFIK_BACKEND"), "x"), "_TRAEFIK_BACKEND");
        assert_eq!(cookie_name(Some("a b;c=é\r\n"), "x"), "a_b_c____");
        assert_eq!(cookie_name(Some("!#$%&'*+-.^`|~"), "x"), "!#$%&'*+-.^`|~");
    }

    #[test]
    fn values_are_traefiks() {
        assert_eq!(cookie_value(CookieForm::Url, URL), URL);
        assert_eq!(cookie_value(CookieForm::Fnv1a, URL), "63661225b6141ab2");
        assert_eq!(cookie_value(CookieForm::Sha256, URL), "b4e215ace41bed91");
    }

    #[test]
    fn every_historic_value_leads_to_the_server() {
        let keys = accepted_keys(URL);
        for value in [
            URL,
            "63661225b6141ab2",
            "2ef3ad0b350e1800",
            "be10bad327f55687",
            "b4e215ace41bed91",
            "3e77b2f70335bb48",
        ] {
            let key = key_of(value.as_bytes()).unwrap();
            assert!(keys.contains(&key), "{value}");
        }
        assert_eq!(keys[2], 0xbe10_bad3_27f5_5687);
        assert_eq!(keys[4], 0x3e77_b2f7_0335_bb48);
    }

    #[test]
    fn members_are_named_as_traefik_names_them() {
        // Seen from Traefik 2.11.53 and 3.7.9.
        assert_eq!(member_value(CookieForm::Fnv1a, "v1"), "8325207b4eb141a");
        assert_eq!(member_value(CookieForm::Fnv1a, "v2@file"), "2b4f6c43a8aabf1d");
        assert_eq!(member_value(CookieForm::Sha256, "v1"), "3bfc269594ef6492");
        for form in [CookieForm::Fnv1a, CookieForm::Sha256] {
            let key = key_of(member_value(form, "v1").as_bytes()).unwrap();
            assert!(member_keys("v1").contains(&key));
        }
    }

    #[test]
    fn padding_does_not_count() {
        assert_eq!(key_of(b"00000000000000ff"), Some(255));
        assert_eq!(key_of(b"ff"), Some(255));
    }

    #[test]
    fn foreign_values_are_nobodys() {
        for value in ["", "FF", "xyz", "63661225b6141ab20", "10.0.1.5:80"] {
            assert_eq!(key_of(value.as_bytes()), None, "{value}");
        }
        let short = "http://1.2.3.4:8";
        assert!(accepted_keys(short).contains(&key_of(short.as_bytes()).unwrap()));
        let other = key_of(b"http://10.0.1.5:80/").unwrap();
        assert!(!accepted_keys(URL).contains(&other));
    }

    #[test]
    fn fnv_reference_values() {
        // From the draft's own table of test vectors.
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
        assert_eq!(fnv1(b"foobar"), 0x340d_8765_a4dd_a9c2);
    }
}
