//! What is noticed of an exchange on its way, and counted once when it is over.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::request::RequestHead;
use crate::observe::traffic::{Exchange, Held, Kind, Method, Protocol, Traffic};
use crate::worker::Worker;

/// One request's way: whose it was and how much of it there was. What is not known yet when it is
/// refused is left out.
#[derive(Default)]
pub struct Noticed {
    method: Method,
    protocol: Protocol,
    /// Shares of the router that matched and of the service that answers for it.
    router: Option<Held>,
    service: Option<Held>,
    /// Bytes of the bodies so far.
    pub(super) received: Cell<u64>,
    pub(super) sent: Cell<u64>,
    /// What the client was told; 0 before that.
    status: Cell<u16>,
    /// When the first try began.
    begun: Option<Instant>,
    is_told: Cell<bool>,
}

impl Noticed {
    pub(super) fn request(&mut self, head: &RequestHead<'_, '_>) {
        self.method = Method::of(head.method);
        self.protocol = protocol(head);
    }

    pub(super) fn router(&mut self, router: &Traffic, worker: usize) {
        self.router = Some(Arc::clone(router.share(worker)));
    }

    pub(super) fn service(&mut self, service: &Traffic, worker: usize) {
        self.service = Some(Arc::clone(service.share(worker)));
    }

    /// The first try is about to be made.
    pub(super) fn begin(&mut self) {
        self.begun = Some(Instant::now());
    }

    /// Another try is about to be made.
    pub(super) fn retried(&self, worker: &Worker) {
        worker.cells().retries.add(1);
        if let Some(service) = &self.service {
            service.retries.add(1);
        }
    }

    /// The client is told this status, by a backend or by us.
    pub(super) fn answered(&self, worker: &Worker, status: u16) {
        self.status.set(status);
        worker.cells().requests.add(1);
        worker.cells().responses.record(status);
    }

    /// The client has all of its answer, or gets no more of it. Said again, it changes nothing.
    pub(super) fn over(&self, worker: &Worker, entry_point: usize) {
        if self.is_told.replace(true) {
            return;
        }
        let took = self.begun.map_or(Duration::ZERO, |begun| begun.elapsed());
        let kind = Kind { method: self.method, protocol: self.protocol, status: self.status.get() };
        let (received, sent) = (self.received.get(), self.sent.get());
        let exchange = Exchange { kind, took, received, sent };
        let stats = worker.stats();
        let entry_point = stats.entry_points.get(entry_point);
        let entry_point = entry_point.map(|traffic| traffic.share(worker.index));
        let shares = [entry_point, self.router.as_ref(), self.service.as_ref()];
        shares.into_iter().flatten().for_each(|share| share.record(&exchange, &stats.bounds));
    }
}

/// As Traefik's metrics have it: by what the request asks for, whatever becomes of it.
fn protocol(head: &RequestHead<'_, '_>) -> Protocol {
    let asks = |name: &str, token: &[u8]| {
        let lines = head.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        let mut items = lines.flat_map(|header| header.value.split(|byte| *byte == b','));
        items.any(|item| item.trim_ascii().eq_ignore_ascii_case(token))
    };
    if head.upgrade && asks("upgrade", b"websocket") {
        Protocol::WebSocket
    } else if asks("accept", b"text/event-stream") {
        Protocol::Sse
    } else {
        Protocol::Http
    }
}
