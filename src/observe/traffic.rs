//! What went through an entry point, a router or a service: requests by method, protocol and
//! status, as Traefik's metrics tell them apart.
//!
//! Each worker has its own share, which nobody else writes: recording is a handful of plain
//! stores, and a scrape sums the shares of all workers. A row comes into being with the first
//! request of its kind and stays; methods are bounded by the list of known ones, statuses by what
//! backends send.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crossbeam_utils::CachePadded;

use super::Count;

/// A method as metrics name it. Others than the known ones are counted together, so that nobody
/// makes rows by inventing methods (Traefik: `EXTENSION_METHOD`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Method(u8);

const METHODS: [&str; 11] = [
    "EXTENSION_METHOD",
    "GET",
    "POST",
    "PUT",
    "HEAD",
    "DELETE",
    "PATCH",
    "OPTIONS",
    "CONNECT",
    "TRACE",
    "PRI",
];

impl Method {
    pub fn of(name: &str) -> Self {
        let known = METHODS.iter().skip(1).position(|method| *method == name);
        Self(known.map_or(0, |at| at as u8 + 1))
    }

    pub fn name(self) -> &'static str {
        METHODS[usize::from(self.0)]
    }
}

/// What a request is part of, as metrics name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Protocol {
    #[default]
    Http,
    WebSocket,
    /// Server-sent events.
    Sse,
}

impl Protocol {
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::WebSocket => "websocket",
            Self::Sse => "sse",
        }
    }
}

/// What tells one row from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    pub method: Method,
    pub protocol: Protocol,
    pub status: u16,
}

/// An exchange that is over.
#[derive(Debug, Clone, Copy)]
pub struct Exchange {
    pub kind: Kind,
    pub took: Duration,
    /// Bytes of the request's body, and of the response's.
    pub received: u64,
    pub sent: u64,
}

/// Upper bounds of a histogram's buckets in microseconds, ascending; none for what is beyond.
pub type Bounds = Box<[u64]>;

/// One worker's share.
#[derive(Debug, Default)]
pub struct Share {
    first: OnceLock<Box<Row>>,
    /// Tries after the first.
    pub retries: Count,
}

#[derive(Debug)]
struct Row {
    kind: Kind,
    requests: Count,
    micros: Count,
    received: Count,
    sent: Count,
    /// Exchanges by the first bucket that they fall into; the last one has no bound.
    buckets: Box<[Count]>,
    next: OnceLock<Box<Row>>,
}

impl Share {
    pub fn record(&self, exchange: &Exchange, bounds: &[u64]) {
        let mut place = &self.first;
        let row = loop {
            let row = place.get_or_init(|| Box::new(Row::new(exchange.kind, bounds.len())));
            if row.kind == exchange.kind {
                break row;
            }
            place = &row.next;
        };
        let micros = u64::try_from(exchange.took.as_micros()).unwrap_or(u64::MAX);
        row.requests.add(1);
        row.micros.add(micros);
        row.received.add(exchange.received);
        row.sent.add(exchange.sent);
        let bucket = bounds.iter().position(|&bound| micros <= bound).unwrap_or(bounds.len());
        if let Some(bucket) = row.buckets.get(bucket) {
            bucket.add(1);
        }
    }

    fn rows(&self) -> impl Iterator<Item = &Row> {
        let mut place = &self.first;
        std::iter::from_fn(move || {
            let row = place.get()?;
            place = &row.next;
            Some(&**row)
        })
    }
}

impl Row {
    fn new(kind: Kind, bounds: usize) -> Self {
        Self {
            kind,
            requests: Count::default(),
            micros: Count::default(),
            received: Count::default(),
            sent: Count::default(),
            buckets: (0..=bounds).map(|_| Count::default()).collect(),
            next: OnceLock::new(),
        }
    }
}

/// The shares of all workers. One that has seen nothing takes no room: there may be many routers.
#[derive(Debug)]
pub struct Traffic(Box<[OnceLock<Arc<CachePadded<Share>>>]>);

/// What an exchange keeps of a traffic, past the table in which it found it.
pub type Held = Arc<CachePadded<Share>>;

impl Traffic {
    pub fn new(workers: usize) -> Self {
        Self((0..workers).map(|_| OnceLock::new()).collect())
    }

    /// A worker's own share: only it may write, and only it clones what this gives, so that the
    /// count of owners never moves between cores.
    #[inline]
    pub fn share(&self, worker: usize) -> &Held {
        self.0[worker].get_or_init(Arc::default)
    }

    pub fn flow(&self) -> Flow {
        let mut flow = Flow::default();
        for row in self.0.iter().filter_map(OnceLock::get).flat_map(|share| share.rows()) {
            let requests = row.requests.get();
            flow.requests += requests;
            flow.errors += if row.kind.status >= 500 { requests } else { 0 };
            flow.micros += row.micros.get();
        }
        flow
    }

    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for share in self.0.iter().filter_map(OnceLock::get) {
            tally.retries += share.retries.get();
            for row in share.rows() {
                tally.rows.entry(row.kind).or_default().add(row);
            }
        }
        tally
    }
}

/// What all kinds of a traffic come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flow {
    pub requests: u64,
    /// Of which these were answered with 5xx.
    pub errors: u64,
    pub micros: u64,
}

/// Sums over all workers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    pub rows: BTreeMap<Kind, Sums>,
    pub retries: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    pub requests: u64,
    pub micros: u64,
    pub received: u64,
    pub sent: u64,
    /// By bucket, the last one without a bound; not cumulative.
    pub buckets: Vec<u64>,
}

impl Sums {
    fn add(&mut self, row: &Row) {
        self.buckets.resize(row.buckets.len(), 0);
        self.micros += row.micros.get();
        self.received += row.received.get();
        self.sent += row.sent.get();
        for (sum, bucket) in self.buckets.iter_mut().zip(&row.buckets) {
            *sum += bucket.get();
        }
        // A histogram's count is that of its buckets, even while a worker is in the middle of one.
        self.requests = self.buckets.iter().sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(method: &str, status: u16, millis: u64) -> Exchange {
        let kind = Kind { method: Method::of(method), protocol: Protocol::Http, status };
        Exchange { kind, took: Duration::from_millis(millis), received: 3, sent: 5 }
    }

    #[test]
    fn methods_that_nobody_knows_are_one() {
        assert_eq!(Method::of("GET").name(), "GET");
        assert_eq!(Method::of("PRI").name(), "PRI");
        assert_eq!(Method::of("get").name(), "EXTENSION_METHOD");
        assert_eq!(Method::of("EXTENSION_METHOD"), Method::default());
    }

    #[test]
    fn shares_are_summed_by_kind() {
        let traffic = Traffic::new(3);
        let bounds = [100_000, 300_000];
        for worker in [0, 2] {
            let share = traffic.share(worker);
            share.record(&exchange("GET", 200, 100), &bounds);
            share.record(&exchange("GET", 200, 101), &bounds);
            share.record(&exchange("POST", 502, 2_000), &bounds);
            share.retries.add(1);
        }
        let tally = traffic.tally();
        assert_eq!(tally.retries, 2);
        let get = &tally.rows[&exchange("GET", 200, 0).kind];
        assert_eq!((get.requests, get.micros, get.received, get.sent), (4, 402_000, 12, 20));
        assert_eq!(get.buckets, [2, 2, 0]);
        let post = &tally.rows[&exchange("POST", 502, 0).kind];
        assert_eq!((post.requests, post.buckets.as_slice()), (2, &[0, 0, 2][..]));
        assert_eq!(tally.rows.len(), 2);
        let flow = traffic.flow();
        assert_eq!((flow.requests, flow.errors, flow.micros), (6, 2, 4_402_000));
    }
}
