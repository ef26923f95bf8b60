//! Which backend answers a request: the cookie's, else the rotation's next.

use std::sync::atomic::Ordering;

use crate::table::{ServiceEntry, find_cookie};

/// Backends that have failed this request already. A cookie does not bring them back.
#[derive(Debug, Default)]
pub struct Tried {
    ids: [u64; crate::limits::RETRIES as usize + 1],
    count: usize,
}

impl Tried {
    pub fn add(&mut self, id: u64) {
        if let Some(free) = self.ids.get_mut(self.count) {
            *free = id;
            self.count += 1;
        }
    }

    pub fn count(&self) -> usize {
        self.count
    }

    fn contains(&self, id: u64) -> bool {
        self.ids[..self.count].contains(&id)
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

/// The cookie's backend, else the next of the rotation.
///
/// `cookies` are the values of the request's `Cookie` fields; `now` is on the process's clock.
pub fn choose<'a>(
    service: &ServiceEntry,
    mut cookies: impl Iterator<Item = &'a [u8]>,
    tried: &Tried,
    now: u64,
) -> Option<Choice> {
    let Some(sticky) = &service.sticky else {
        let backend = next(service, tried, now)?;
        return Some(Choice { backend, set_cookie: false, by_cookie: false });
    };
    let hit = cookies.find_map(|line| sticky.find(find_cookie(line, sticky.name())?));
    if let Some(hit) = hit
        && let Some(backend) = service.backends.get(hit.backend as usize)
        && !tried.contains(backend.state.id)
        // A backend that has just refused a connection would only cost this client the wait.
        && (!backend.state.is_ejected(now) || service.rotation.len() < 2)
    {
        return Some(Choice { backend: hit.backend, set_cookie: hit.outdated, by_cookie: true });
    }
    let backend = next(service, tried, now)?;
    Some(Choice { backend, set_cookie: true, by_cookie: false })
}

/// The next of the rotation that has not been tried: preferably one that is not ejected, but an
/// ejected one rather than none.
fn next(service: &ServiceEntry, tried: &Tried, now: u64) -> Option<u32> {
    let rotation = &service.rotation;
    let length = rotation.len() as u64;
    if length == 0 {
        return None;
    }
    let start = service.state.cursor.fetch_add(1, Ordering::Relaxed);
    let at = |step: u64| {
        // In range: the remainder is below the length.
        let index = rotation[(start.wrapping_add(step) % length) as usize];
        let backend = service.backends.get(index as usize)?;
        (!tried.contains(backend.state.id)).then_some((index, backend))
    };
    let healthy = (0..length).filter_map(at).find(|(_, b)| !b.state.is_ejected(now));
    healthy.or_else(|| (0..length).find_map(at)).map(|(index, _)| index)
}
