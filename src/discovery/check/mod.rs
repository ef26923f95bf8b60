//! Raw settings become the model: what labels and files ask for, checked.
//!
//! Whatever is wrong disables what it stands in, and says so once, with its place and what would
//! be right. [`link`] looks at what refers to something else, when everything is known.

pub mod first;
mod group;
mod health;
mod link;
mod middleware;
mod router;
mod service;
mod transport;
mod values;
mod voice;
mod whole;

use crate::config::Static;
use crate::model::Dialect;

pub use link::link;
pub use middleware::middleware;
pub use router::{Wanted, broken_router, router, router_of};
pub use service::{Names, balancer, broken, servers_of_file};
pub use values::{is_first, is_later, same_site, scheme, weight, weight_of};
pub use voice::{Given, Voice, below_traefik};
pub use whole::{flaws, host_names, whole};

/// Where settings come from.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// The name behind the `@`.
    pub provider: &'a str,
    pub dialect: Dialect,
    pub statics: &'a Static,
}

impl Origin<'_> {
    /// `web` is `web@swarm`; a name that says its provider is left alone.
    pub fn qualified(&self, name: &str) -> String {
        let name = name.trim();
        if name.contains('@') { name.to_owned() } else { format!("{name}@{}", self.provider) }
    }

    /// The provider's place in the order that decides between equal priorities.
    fn precedence(&self) -> usize {
        let order = &self.statics.precedence;
        order.iter().position(|name| name == self.provider).unwrap_or(order.len())
    }
}
