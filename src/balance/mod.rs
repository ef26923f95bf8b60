//! Which backend answers a request: groups lead to a service, there the cookie's, else one of the
//! service's strategy.

mod group;
mod strategy;

#[cfg(test)]
mod tests;

use crate::limits::RETRIES;
pub use crate::table::Mirror;
use crate::table::{BackendState, ServiceEntry};
pub use group::{Fallback, Wishes, descend};

/// What has failed this request already. A cookie does not bring it back.
#[derive(Debug, Default)]
pub struct Tried {
    /// Of backends.
    ids: [u64; RETRIES as usize + 1],
    count: usize,
    /// Groups whose main service has given an answer that nobody wants.
    given_up: Vec<u64>,
}

impl Tried {
    pub fn add(&mut self, id: u64) {
        if let Some(free) = self.ids.get_mut(self.count) {
            *free = id;
            self.count += 1;
        }
    }

    /// From now on the fallback of this group answers.
    pub fn give_up(&mut self, group: u64) {
        self.given_up.push(group);
    }

    /// Nothing has failed yet.
    pub fn is_empty(&self) -> bool {
        self.count == 0 && self.given_up.is_empty()
    }

    fn contains(&self, id: u64) -> bool {
        self.ids[..self.count].contains(&id)
    }

    fn has_given_up(&self, group: u64) -> bool {
        self.given_up.contains(&group)
    }
}

/// What a choice depends on. `cookies` goes through the values of the request's `Cookie` fields.
pub struct Ask<'a, C> {
    pub cookies: C,
    /// The client's address without port.
    pub peer: &'a str,
    pub tried: &'a Tried,
    /// Milliseconds on the process's clock.
    pub now: u64,
    /// Index of the worker that asks.
    pub worker: usize,
    /// The request may be sent again if nobody answers (RFC 9110 section 9.2.2).
    pub idempotent: bool,
}

impl<C> Ask<'_, C> {
    /// The backend can be asked.
    #[inline]
    fn may_take(&self, state: &BackendState) -> bool {
        !state.is_down(self.now) && !self.tried.contains(state.id)
    }

    /// The backend can be asked, and has not just refused somebody.
    #[inline]
    fn prefers(&self, state: &BackendState) -> bool {
        self.may_take(state) && !state.is_ejected(self.now)
    }
}

/// A chosen backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Index into the service's backends.
    pub backend: u32,
    /// The client must be given the cookie of this backend.
    pub set_cookie: bool,
    /// The client came with a cookie that led here.
    pub by_cookie: bool,
}

/// The cookie's backend, else the strategy's.
pub fn choose<'a, C>(service: &ServiceEntry, ask: &Ask<'_, C>) -> Option<Choice>
where
    C: Iterator<Item = &'a [u8]> + Clone,
{
    let Some(sticky) = &service.sticky else {
        let backend = strategy::next(service, ask)?;
        return Some(Choice { backend, set_cookie: false, by_cookie: false });
    };
    if let Some(hit) = sticky.find_in(ask.cookies.clone())
        && let Some(backend) = service.backends.get(hit.index as usize)
        && ask.may_take(&backend.state)
        // A backend that has just refused a connection would only cost this client the wait.
        && (!backend.state.is_ejected(ask.now) || service.rotation.len() < 2)
        // One that stops resets whoever waits to be accepted; what must not be repeated then would
        // be lost, for the sake of a session that ends in a moment anyway.
        && (!backend.is_leaving || ask.idempotent || service.rotation.is_empty())
    {
        return Some(Choice { backend: hit.index, set_cookie: hit.outdated, by_cookie: true });
    }
    let backend = strategy::next(service, ask)?;
    Some(Choice { backend, set_cookie: true, by_cookie: false })
}
