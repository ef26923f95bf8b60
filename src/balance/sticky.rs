//! Placeholder until the pure cookie functions are merged.
use crate::model::CookieForm;
pub fn cookie_value(_form: CookieForm, url: &str) -> String {
    url.to_owned()
}
pub fn accepted_keys(url: &str) -> Vec<u64> {
    vec![fnv1a(url.as_bytes())]
}
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
}
