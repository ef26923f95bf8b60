//! What is noticed of an exchange on its way, and counted once when it is over.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use httparse::Header;

use super::connection::Client;
use super::request::RequestHead;
use crate::observe::access::{Asked, Became, Entry};
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
    /// When the last try began.
    tried: Cell<Option<Instant>>,
    retries: Cell<u32>,
    /// A backend has given the answer.
    is_origins: Cell<bool>,
    /// What is known of it for the access log.
    entry: Cell<Option<Box<Entry>>>,
}

impl Noticed {
    /// A head has come. Said again before another try, it changes nothing.
    pub(super) fn request(&mut self, worker: &Worker, client: &Client, head: &RequestHead<'_, '_>) {
        self.method = Method::of(head.method);
        self.protocol = protocol(head);
        let Some(log) = worker.access.as_ref().filter(|_| self.entry.get_mut().is_none()) else {
            return;
        };
        *self.entry.get_mut() = Some(log.begin(&Asked {
            entry_point: &worker.entry_point(client.entry_point()).name,
            peer: &client.peer,
            port: client.port,
            method: head.method,
            path: &head.path,
            query: &head.query,
            protocol: if head.http11 { "HTTP/1.1" } else { "HTTP/1.0" },
            authority: head.authority,
            headers: head.headers,
        }));
    }

    pub(super) fn router(&mut self, name: &str, router: &Traffic, worker: usize) {
        self.router = Some(Arc::clone(router.share(worker)));
        if let Some(entry) = self.entry.get_mut() {
            name.clone_into(&mut entry.router);
        }
    }

    pub(super) fn service(&mut self, name: &str, service: &Traffic, worker: usize) {
        self.service = Some(Arc::clone(service.share(worker)));
        if let Some(entry) = self.entry.get_mut() {
            name.clone_into(&mut entry.service);
            entry.url.clear();
        }
    }

    /// The service has chosen a backend.
    pub(super) fn backend(&mut self, url: &str) {
        if let Some(entry) = self.entry.get_mut() {
            url.clone_into(&mut entry.url);
        }
    }

    /// A backend's final head has come; `added` are lines of ours.
    pub(super) fn answer(&self, worker: &Worker, headers: &[Header<'_>], added: &[u8]) {
        let Some(log) = worker.access.as_ref().filter(|log| log.keeps_answers()) else { return };
        let Some(mut entry) = self.entry.take() else { return };
        log.answer(&mut entry, headers, added);
        self.entry.set(Some(entry));
    }

    /// A try begins.
    pub(super) fn tries(&mut self, now: Instant) {
        self.begun = self.begun.or(Some(now));
        self.tried.set(Some(now));
    }

    /// Another try is about to be made.
    pub(super) fn retried(&self, worker: &Worker) {
        worker.cells().retries.add(1);
        self.retries.set(self.retries.get() + 1);
        if let Some(service) = &self.service {
            service.retries.add(1);
        }
    }

    /// A backend's answer goes to the client.
    pub(super) fn relayed(&self, worker: &Worker, status: u16) {
        self.is_origins.set(true);
        self.answered(worker, status);
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
        let now = Instant::now();
        let since = |then: Option<Instant>| then.map(|then| now - then);
        let took = since(self.begun).unwrap_or_default();
        let kind = Kind { method: self.method, protocol: self.protocol, status: self.status.get() };
        let (received, sent) = (self.received.get(), self.sent.get());
        let exchange = Exchange { kind, took, received, sent };
        let stats = worker.stats();
        let entry_point = stats.entry_points.get(entry_point);
        let entry_point = entry_point.map(|traffic| traffic.share(worker.index));
        let shares = [entry_point, self.router.as_ref(), self.service.as_ref()];
        shares.into_iter().flatten().for_each(|share| share.record(&exchange, &stats.bounds));
        if let Some(log) = &worker.access {
            let became = Became {
                status: kind.status,
                took,
                origin: since(self.tried.get()),
                is_origins: self.is_origins.get(),
                received,
                sent,
                retries: self.retries.get(),
            };
            log.end(self.entry.take(), &became);
        }
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
