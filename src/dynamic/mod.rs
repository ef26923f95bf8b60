//! The language of Traefik's dynamic configuration, wherever it is written.
//!
//! Labels and files become a [`tree`] of texts; [`decode`] makes of each named element one of the
//! structs that [`http`], [`middleware`] and [`others`] list, which are written back in the API's
//! shape. A bad element costs itself: what stands beside it is read on.

pub mod decode;
pub mod first;
pub mod http;
mod language;
pub mod middleware;
pub mod others;
#[cfg(test)]
mod tests;
pub mod tree;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use crate::nearest::nearest;
use decode::{Flaw, Unknown, below, decode};
use tree::Node;

/// Elements by name, in the spelling of the user.
pub type Named<T> = BTreeMap<String, Result<T, Flaw>>;

/// A whole dynamic configuration.
#[derive(Debug, Default)]
pub struct Configuration {
    pub routers: Named<http::Router>,
    pub services: Named<http::Service>,
    pub middlewares: Named<middleware::Middleware>,
    pub servers_transports: Named<http::ServersTransport>,
    pub tcp_routers: Named<others::TcpRouter>,
    pub tcp_services: Named<others::TcpService>,
    pub tcp_middlewares: Named<others::TcpMiddleware>,
    pub tcp_servers_transports: Named<others::TcpServersTransport>,
    pub udp_routers: Named<others::UdpRouter>,
    pub udp_services: Named<others::UdpService>,
    pub tls: Option<Result<others::Tls, Flaw>>,
    pub frontends: Named<first::Frontend>,
    pub backends: Named<first::Backend>,
    /// Names that mean nothing, in the order in which they were found.
    pub unknown: Vec<Unknown>,
}

/// Families of the language with names of the user's, and what may be named in each.
const FAMILIES: &[(&str, &[&str])] = &[
    ("http", &["routers", "services", "middlewares", "serversTransports"]),
    ("tcp", &["routers", "services", "middlewares", "serversTransports"]),
    ("udp", &["routers", "services"]),
];

/// Reads what stands below `root`; `place` is what the names there are written behind.
///
/// Names beside the families are nobody's here: whoever has more of them looks for himself.
pub fn read(root: &Node, place: &str) -> Configuration {
    let mut source = Source { root, place, unknown: Vec::new() };
    source.look_for_unknown();
    Configuration {
        routers: source.named("http", "routers"),
        services: source.named("http", "services"),
        middlewares: source.named("http", "middlewares"),
        servers_transports: source.named("http", "serversTransports"),
        tcp_routers: source.named("tcp", "routers"),
        tcp_services: source.named("tcp", "services"),
        tcp_middlewares: source.named("tcp", "middlewares"),
        tcp_servers_transports: source.named("tcp", "serversTransports"),
        udp_routers: source.named("udp", "routers"),
        udp_services: source.named("udp", "services"),
        tls: source.tls(),
        frontends: source.all("frontends"),
        backends: source.all("backends"),
        unknown: source.unknown,
    }
}

struct Source<'a> {
    root: &'a Node,
    place: &'a str,
    unknown: Vec<Unknown>,
}

impl Source<'_> {
    /// The elements of a group, each read by itself.
    fn named<T: DeserializeOwned>(&mut self, family: &str, group: &str) -> Named<T> {
        let mut named = Named::new();
        let Some(family) = self.root.child(family) else { return named };
        let Some(group) = family.child(group) else { return named };
        let place = below(&below(self.place, &family.name), &group.name);
        self.elements(group, &place, &mut named);
        named
    }

    /// The elements of a group that belongs to no family.
    fn all<T: DeserializeOwned>(&mut self, group: &str) -> Named<T> {
        let mut named = Named::new();
        if let Some(group) = self.root.child(group) {
            self.elements(group, &below(self.place, &group.name), &mut named);
        }
        named
    }

    fn elements<T: DeserializeOwned>(&mut self, group: &Node, place: &str, named: &mut Named<T>) {
        for node in &group.below {
            let place = below(place, &node.name);
            named.insert(node.name.clone(), decode(node, &place, &mut self.unknown));
        }
    }

    fn tls(&mut self) -> Option<Result<others::Tls, Flaw>> {
        let family = self.root.child("tls")?;
        Some(decode(family, &below(self.place, &family.name), &mut self.unknown))
    }

    fn look_for_unknown(&mut self) {
        for (family, groups) in FAMILIES {
            let Some(family) = self.root.child(family) else { continue };
            let place = below(self.place, &family.name);
            for group in &family.below {
                if groups.iter().any(|known| known.eq_ignore_ascii_case(&group.name)) {
                    continue;
                }
                let near = nearest(&group.name, groups.iter().copied());
                self.unknown.push(Unknown {
                    setting: below(&place, &group.name),
                    nearest: near.map(|near| below(&place, near)),
                });
            }
        }
    }
}
