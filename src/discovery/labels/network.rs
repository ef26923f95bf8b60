//! On which network a backend is reached.
//!
//! Traefik draws one at random on every poll when none is named, which is where its users' 502s
//! and 504s of unlucky replicas come from. The choice here is always the same for the same world.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Swarm's routing mesh: tasks have an address on it, but do not listen there for us.
const INGRESS: &str = "ingress";

/// The network and the address on it: the label's, else the option's, else the first one that our
/// own container shares, else the first by name; `ingress` only when there is no other.
///
/// A name that the addresses do not have is passed over.
pub fn choose<'a>(
    label: Option<&str>,
    option: &str,
    own: &BTreeSet<String>,
    addresses: &'a BTreeMap<String, IpAddr>,
) -> Option<(&'a str, IpAddr)> {
    let named = [label.unwrap_or_default(), option];
    let named = named.into_iter().find_map(|name| addresses.get_key_value(name));
    let others = || addresses.iter().filter(|(name, _)| name.as_str() != INGRESS);
    named
        .or_else(|| others().find(|(name, _)| own.contains(*name)))
        .or_else(|| others().next())
        .or_else(|| addresses.iter().next())
        .map(|(name, address)| (name.as_str(), *address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_preference() {
        let ip = |last| IpAddr::from([10, 0, 0, last]);
        let addresses: BTreeMap<String, IpAddr> = [("b", 2), ("c", 3), ("d", 4), ("ingress", 9)]
            .map(|(name, last)| (name.to_owned(), ip(last)))
            .into();
        let own: BTreeSet<String> = ["c", "ingress"].map(str::to_owned).into();
        let none = BTreeSet::new();
        assert_eq!(choose(Some("d"), "b", &own, &addresses), Some(("d", ip(4))));
        assert_eq!(choose(Some("x"), "b", &own, &addresses), Some(("b", ip(2))));
        assert_eq!(choose(None, "x", &own, &addresses), Some(("c", ip(3))));
        assert_eq!(choose(None, "", &none, &addresses), Some(("b", ip(2))));
        let only: BTreeMap<String, IpAddr> = [("ingress".to_owned(), ip(9))].into();
        assert_eq!(choose(None, "", &none, &only), Some(("ingress", ip(9))));
        assert_eq!(choose(None, "", &none, &BTreeMap::new()), None);
    }
}
