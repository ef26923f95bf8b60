//! The access log: each worker writes lines into a ring of its own, one thread takes them out.
//!
//! A worker never waits for a disk or a reader: what finds no room in its ring is dropped, and
//! counted. Nothing is allocated for a request, entries and buffers are used again.

pub mod date;
pub mod json;
pub mod line;
mod writer;

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use httparse::Header;
use rtrb::{Producer, RingBuffer};

use date::Clock;
use line::Style;
pub use line::{Asked, Became, Entry};
use writer::Shared;
pub use writer::{Handle, Writer};

use crate::model::AccessLog;

/// Bytes of a worker's ring. Larger ones leave the cache before they are written out.
const RING: usize = 256 * 1024;

/// A worker's end of the log.
pub struct Log {
    style: Arc<Style>,
    shared: Arc<Shared>,
    ring: RefCell<Producer<u8>>,
    /// Entries of requests that are over.
    #[allow(clippy::vec_box, reason = "the boxes go with requests and come back")]
    spares: RefCell<Vec<Box<Entry>>>,
    /// The line that is being written.
    line: RefCell<Vec<u8>>,
    clock: RefCell<Clock>,
    worker: usize,
    /// Number of the next request: those of all workers together count without a gap for as long
    /// as the workers have equally many, and none comes twice.
    next: Cell<u64>,
    workers: u64,
}

/// The ends of all workers, and the thread that writes.
pub fn open(settings: AccessLog, workers: usize) -> std::io::Result<(Vec<Log>, Writer)> {
    let style = Arc::new(Style::new(settings));
    let (producers, consumers): (Vec<_>, Vec<_>) =
        (0..workers).map(|_| RingBuffer::new(RING)).unzip();
    let writer = Writer::spawn(style.settings().path.clone(), consumers)?;
    let log = |(worker, ring)| Log {
        style: Arc::clone(&style),
        shared: writer.shared(),
        ring: RefCell::new(ring),
        spares: RefCell::default(),
        line: RefCell::default(),
        clock: RefCell::default(),
        worker,
        next: Cell::new(worker as u64 + 1),
        workers: workers as u64,
    };
    let logs = producers.into_iter().enumerate().map(log).collect();
    Ok((logs, writer))
}

impl Log {
    /// Takes down what was asked.
    pub fn begin(&self, asked: &Asked<'_>) -> Box<Entry> {
        let spare = self.spares.borrow_mut().pop();
        let mut entry = spare.unwrap_or_else(|| Box::new(Entry::new()));
        let count = self.next.get();
        self.next.set(count + self.workers);
        let time = (SystemTime::now(), &mut *self.clock.borrow_mut());
        self.style.begin(&mut entry, asked, count, time);
        entry
    }

    /// Something of answers' header fields is told.
    pub fn keeps_answers(&self) -> bool {
        self.style.keeps_headers()
    }

    /// Takes down a backend's header fields, and those of the client's answer, which has got the
    /// lines `added`.
    pub fn answer(&self, entry: &mut Entry, headers: &[Header<'_>], added: &[u8]) {
        self.style.answer(entry, headers, added);
    }

    /// The request is over: its line goes to the ring, unless a filter holds it back. There is no
    /// entry of one that could not be read.
    pub fn end(&self, entry: Option<Box<Entry>>, became: &Became) {
        let filters = &self.style.settings().filters;
        if filters.admit(became.status, became.retries, became.took) {
            let mut line = self.line.borrow_mut();
            line.clear();
            let clock = &mut self.clock.borrow_mut();
            match &entry {
                Some(entry) => self.style.end(entry, became, &mut line, clock),
                None => self.style.end(&Entry::new(), became, &mut line, clock),
            }
            self.push(&line);
        }
        self.spares.borrow_mut().extend(entry);
    }

    fn push(&self, line: &[u8]) {
        let mut ring = self.ring.borrow_mut();
        let free = ring.slots();
        match ring.write_chunk(line.len()) {
            Ok(mut chunk) => {
                let (first, second) = chunk.as_mut_slices();
                let (head, tail) = line.split_at(first.len());
                first.copy_from_slice(head);
                second.copy_from_slice(tail);
                chunk.commit_all();
            }
            Err(_) => self.shared.dropped[self.worker].add(1),
        }
        // Half full: the writer shall not wait for the end of its nap.
        if free < RING / 2 && self.shared.naps.load(Ordering::Relaxed) {
            self.shared.wake();
        }
    }
}
