//! Host names in URLs of servers, looked up and looked up again.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::discovery::check::Names;

/// Names move: a compose service gets another address when it is made anew.
const AGAIN: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(2);

/// What is known of names.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    names: Names,
    looked: Option<Instant>,
}

impl Resolver {
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Looks up what is new at once and the rest from time to time; true if anything changed. A
    /// name that cannot be looked up any more keeps the address that it had.
    pub async fn resolve(&mut self, wanted: &BTreeSet<String>) -> bool {
        let due = self.looked.is_none_or(|looked| looked.elapsed() >= AGAIN);
        let before = self.names.clone();
        self.names.retain(|name, _| wanted.contains(name));
        for name in wanted {
            if !due && self.names.contains_key(name) {
                continue;
            }
            if let Some(address) = look_up(name).await {
                self.names.insert(name.clone(), address);
            }
        }
        if due {
            self.looked = Some(Instant::now());
        }
        self.names != before
    }
}

/// The least of its addresses, IPv4 before IPv6: always the same one.
async fn look_up(name: &str) -> Option<IpAddr> {
    let found = timeout(PATIENCE, tokio::net::lookup_host((name, 0))).await.ok()?.ok()?;
    found.map(|address| address.ip()).min()
}
