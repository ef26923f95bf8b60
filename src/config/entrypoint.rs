//! Traefik 1's entry points in one value: `Name:http Address::80 Compress:true`.
//!
//! Fields are separated by blanks; the first colon ends a field's name, which is read in any
//! case. A list takes commas. A switch is on for `true`, `enable` and `on`, else off.

use crate::nearest::nearest;

use super::draft::{Draft, EntryDraft};
use super::value::{self, Wrong};

/// Fields without which the entry point must stay closed: served without them it would hand out
/// what the user meant to protect, or speak another protocol than its clients.
const NEEDED: &[&str] = &["tls", "ca", "redirect", "whitelist", "whitelistsourcerange", "auth"];

/// Fields that are known, change nothing about who may come in, and are not done yet.
const NOT_YET: &[&str] = &["compress"];

const KNOWN: &[&str] = &[
    "Name",
    "Address",
    "ForwardedHeaders.TrustedIPs",
    "ForwardedHeaders.Insecure",
    "ProxyProtocol.TrustedIPs",
    "ProxyProtocol.Insecure",
];

/// Adds the entry point; what it cannot do yet comes back as clauses for warnings.
pub(super) fn first_dialect(draft: &mut Draft, text: &str) -> Result<Vec<String>, Wrong> {
    let mut entry = EntryDraft::default();
    let mut notes = Vec::new();
    for field in text.split_whitespace() {
        let (name, value) = field.split_once(':').unwrap_or((field, ""));
        let folded = name.to_lowercase();
        let head = folded.split('.').next().unwrap_or_default();
        match folded.as_str() {
            "name" => value.clone_into(&mut entry.name),
            "address" => {
                let address = value::address(value).map_err(|wrong| {
                    Wrong::new(format!("has an address that {}", wrong.problem), wrong.remedy)
                })?;
                entry.address = Some(address);
            }
            "forwardedheaders.insecure" => entry.insecure = Some(on(value)),
            "forwardedheaders.trustedips" => {
                entry.trusted.extend(value::networks(&value::list(value))?);
            }
            // Without a value these two say nothing, as in Traefik.
            "proxyprotocol.insecure" | "proxyprotocol.trustedips" if value.is_empty() => {}
            "proxyprotocol.insecure" => entry.proxy_protocol().insecure = on(value),
            "proxyprotocol.trustedips" => {
                let networks = value::networks(&value::list(value))?;
                entry.proxy_protocol().trusted.extend(networks);
            }
            _ if NEEDED.contains(&head) => entry.needs = entry.needs.or(Some(name.to_owned())),
            _ if NOT_YET.contains(&head) => {
                notes.push(format!("{name} is known to Traefik but not supported yet"));
            }
            _ => {
                let near = nearest(name, KNOWN.iter().copied());
                let hint = near.map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
                notes.push(format!("the field {name} is unknown{hint}"));
            }
        }
    }
    if entry.name.is_empty() {
        return Err(Wrong::new("has no name", "write 'Name:http Address::80'"));
    }
    if entry.address.is_none() {
        return Err(Wrong::new("has no address", "write 'Name:http Address::80'"));
    }
    let name = entry.name.clone();
    *draft.entry(&name) = entry;
    Ok(notes)
}

fn on(value: &str) -> bool {
    ["true", "enable", "on"].iter().any(|word| value.eq_ignore_ascii_case(word))
}
