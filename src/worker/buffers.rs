//! A worker's buffers: taken when bytes are about to come, given back when they are gone.
//!
//! In steady state no request allocates: buffers go round. An idle connection holds none. What is
//! lent is counted, so that a worker knows when to take no more work.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;

use monoio::buf::{IoBuf as _, IoBufMut as _};

use super::deadline::Deadline;
use super::socket::{ReadHalf, WriteHalf};
use super::spares::Spares;
use crate::limits::{BODY_BUFFER_BYTES, BUFFER_BYTES, LINE_BYTES};

/// The buffers of one worker, by size.
pub struct Buffers {
    lines: Free,
    small: Free,
    large: Free,
    /// Bytes that are lent, and how many may be.
    lent: Cell<usize>,
    budget: usize,
}

/// Free buffers of one size.
type Free = RefCell<Spares<Vec<u8>>>;

impl Buffers {
    /// Buffers for `budget` bytes altogether.
    pub fn new(budget: usize) -> Self {
        let [lines, small, large] = Default::default();
        Self { lines, small, large, lent: Cell::new(0), budget }
    }

    /// The budget is used up: nothing new should be begun. What has begun goes on, with the
    /// smaller of the buffers.
    #[inline]
    pub fn are_short(&self) -> bool {
        self.lent.get() >= self.budget
    }

    /// Half of the budget is used up: what nobody needs should not be begun.
    pub fn are_half_lent(&self) -> bool {
        self.lent.get() >= self.budget / 2
    }

    /// A buffer for a head and what comes with it.
    pub fn take(self: &Rc<Self>) -> Buffer {
        self.take_from(&self.small, BUFFER_BYTES)
    }

    /// A buffer for field lines that are added to a message.
    pub fn take_line(self: &Rc<Self>) -> Buffer {
        self.take_from(&self.lines, LINE_BYTES)
    }

    /// A buffer for relaying a long body; a smaller one when memory is short.
    pub fn take_large(self: &Rc<Self>) -> Buffer {
        if self.are_short() { self.take() } else { self.take_largest() }
    }

    /// A small buffer for what is read only to be thrown away.
    pub fn take_sink(self: &Rc<Self>) -> Buffer {
        const SINK_BYTES: usize = 4096;
        self.lent.set(self.lent.get() + SINK_BYTES);
        let bytes = Vec::with_capacity(SINK_BYTES);
        Buffer { bytes, start: 0, size: SINK_BYTES, home: Rc::clone(self) }
    }

    fn take_largest(self: &Rc<Self>) -> Buffer {
        self.take_from(&self.large, BODY_BUFFER_BYTES)
    }

    /// Gives back to the system half of what was not needed since the last call.
    pub fn tidy(&self) {
        self.lines.borrow_mut().tidy();
        self.small.borrow_mut().tidy();
        self.large.borrow_mut().tidy();
    }

    fn take_from(self: &Rc<Self>, free: &Free, size: usize) -> Buffer {
        let bytes = free.borrow_mut().take().unwrap_or_else(|| Vec::with_capacity(size));
        self.lent.set(self.lent.get() + size);
        Buffer { bytes, start: 0, size, home: Rc::clone(self) }
    }

    fn give(&self, mut bytes: Vec<u8>, size: usize) {
        self.lent.set(self.lent.get() - size);
        // A buffer that an interrupted operation took with it comes back as an empty shell, and
        // one that a long head was written to has grown.
        let free = match bytes.capacity() {
            BODY_BUFFER_BYTES => &self.large,
            BUFFER_BYTES => &self.small,
            LINE_BYTES => &self.lines,
            _ => return,
        };
        bytes.clear();
        free.borrow_mut().give(bytes);
    }
}

/// Why no line could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoLine {
    /// The buffer is full.
    NoRoom,
    /// The stream has ended, in whatever other way.
    Ended,
    /// The peer has acknowledged nothing for too long.
    Unreachable,
}

/// Bytes that were read and not yet consumed, in a buffer of fixed capacity.
pub struct Buffer {
    /// Up to its length filled; empty while an operation owns it.
    bytes: Vec<u8>,
    /// What lies before was consumed.
    start: usize,
    /// Capacity that it was lent with.
    size: usize,
    home: Rc<Buffers>,
}

impl Buffer {
    #[inline]
    pub fn filled(&self) -> &[u8] {
        // Out of range only when an operation was dropped in flight and took the bytes with it.
        self.bytes.get(self.start..).unwrap_or_default()
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.start >= self.bytes.len()
    }

    /// Room behind the filled part, without moving anything.
    #[inline]
    pub fn room(&self) -> usize {
        self.bytes.capacity() - self.bytes.len()
    }

    #[inline]
    pub fn consume(&mut self, n: usize) {
        self.start += n;
        if self.start >= self.bytes.len() {
            self.clear();
        }
    }

    #[inline]
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.start = 0;
    }

    /// For writing a message into it; only on a buffer of which nothing is consumed.
    #[inline]
    pub fn writer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Moves what is filled to the front, to make room behind it.
    pub fn compact(&mut self) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
    }

    /// Reads once, behind what is filled; 0 is the end of the stream.
    ///
    /// The caller sees to it that there is room. If the future is dropped, the bytes that were
    /// filled are lost with the connection.
    pub async fn fill(&mut self, from: &mut ReadHalf) -> io::Result<usize> {
        let bytes = std::mem::take(&mut self.bytes);
        let (filled, capacity) = (bytes.len(), bytes.capacity());
        debug_assert!(filled < capacity, "a read into no room looks like the end of the stream");
        let (result, slice) = from.read(bytes.slice_mut(filled..capacity)).await;
        self.bytes = slice.into_inner();
        result
    }

    /// Gives the buffer back and keeps what is filled in memory of just that size.
    pub fn park(&mut self) {
        let bytes = self.filled().to_vec();
        let home = Rc::clone(&self.home);
        home.lent.set(home.lent.get() + bytes.len());
        *self = Buffer { size: bytes.len(), bytes, start: 0, home };
    }

    /// Takes a buffer again.
    pub fn unpark(&mut self) {
        let mut roomy = self.home.take();
        roomy.bytes.extend_from_slice(self.filled());
        *self = roomy;
    }

    /// Makes room for so many bytes behind what is filled, in memory of its own if need be.
    pub fn make_room(&mut self, bytes: usize) {
        if self.room() < bytes {
            let mut roomy = Vec::with_capacity(self.filled().len() + bytes);
            roomy.extend_from_slice(self.filled());
            let (size, home) = (roomy.capacity(), Rc::clone(&self.home));
            home.lent.set(home.lent.get() + size);
            *self = Buffer { size, bytes: roomy, start: 0, home };
        }
    }

    /// Goes on in a larger buffer.
    fn grow(&mut self) {
        let mut larger = self.home.take_largest();
        larger.bytes.extend_from_slice(self.filled());
        *self = larger;
    }

    /// Reads once, behind what is filled; makes room by moving that to the front or to a larger
    /// buffer, but not for more than `limit` bytes. True if a line end has come.
    pub async fn fill_more(&mut self, from: &mut ReadHalf, limit: usize) -> Result<bool, NoLine> {
        if self.filled().len() >= limit {
            return Err(NoLine::NoRoom);
        }
        if self.room() == 0 {
            self.compact();
        }
        if self.room() == 0 {
            self.grow();
        }
        let before = self.filled().len();
        match self.fill(from).await {
            Ok(1..) => Ok(memchr::memchr(b'\n', &self.filled()[before..]).is_some()),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(NoLine::Unreachable),
            Ok(0) | Err(_) => Err(NoLine::Ended),
        }
    }

    /// The same until a line end has come.
    pub async fn fill_line(&mut self, from: &mut ReadHalf, limit: usize) -> Result<(), NoLine> {
        while !self.fill_more(from, limit).await? {}
        Ok(())
    }

    /// Writes the first `n` filled bytes and consumes them.
    pub async fn send(
        &mut self,
        n: usize,
        to: &mut WriteHalf,
        deadline: &Deadline,
    ) -> io::Result<()> {
        let end = self.start + n;
        while self.start < end {
            deadline.arm_write();
            let bytes = std::mem::take(&mut self.bytes);
            let (result, slice) = to.write(bytes.slice(self.start..end)).await;
            self.bytes = slice.into_inner();
            match result? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => self.start += written,
            }
        }
        deadline.disarm_write();
        if self.start >= self.bytes.len() {
            self.clear();
        }
        Ok(())
    }

    /// Writes everything that is filled.
    pub async fn send_all(&mut self, to: &mut WriteHalf, deadline: &Deadline) -> io::Result<()> {
        self.send(self.filled().len(), to, deadline).await
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.home.give(std::mem::take(&mut self.bytes), self.size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_go_round() {
        let buffers = Rc::new(Buffers::new(2 * BUFFER_BYTES));
        let mut first = buffers.take();
        first.writer().extend_from_slice(b"abc");
        first.consume(1);
        assert_eq!(first.filled(), b"bc");
        first.compact();
        assert_eq!((first.filled(), first.room()), (&b"bc"[..], BUFFER_BYTES - 2));
        let address = first.bytes.as_ptr();
        drop(first);
        let second = buffers.take();
        assert!(second.is_empty() && second.bytes.as_ptr() == address);
        assert_eq!(buffers.take_large().room(), BODY_BUFFER_BYTES);
    }

    #[test]
    fn what_nobody_needs_is_given_back() {
        let buffers = Rc::new(Buffers::new(usize::MAX));
        let free = || buffers.small.borrow().len();
        drop([(); 5].map(|()| buffers.take()));
        buffers.tidy();
        assert_eq!(free(), 5, "they were needed");
        let left = [(); 4].map(|_| {
            drop(buffers.take());
            buffers.tidy();
            free()
        });
        assert_eq!(left, [3, 2, 1, 1], "half of what was too much, and never what was needed");
        buffers.tidy();
        assert_eq!(free(), 0);
    }

    #[test]
    fn what_is_lent_is_counted() {
        let buffers = Rc::new(Buffers::new(2 * BUFFER_BYTES));
        assert!(!buffers.are_half_lent());
        let first = buffers.take();
        assert!(!buffers.are_short() && buffers.are_half_lent());
        let mut second = buffers.take();
        assert!(buffers.are_short());
        assert_eq!(buffers.take_large().room(), BUFFER_BYTES, "a smaller one has to do");
        drop(first);
        assert!(!buffers.are_short());
        second.writer().extend_from_slice(b"head");
        second.park();
        assert_eq!((second.filled(), buffers.lent.get()), (&b"head"[..], 4));
        second.unpark();
        assert_eq!((second.filled(), buffers.lent.get()), (&b"head"[..], BUFFER_BYTES));
        second.grow();
        assert_eq!((second.filled(), buffers.lent.get()), (&b"head"[..], BODY_BUFFER_BYTES));
        second.make_room(2 * BODY_BUFFER_BYTES);
        assert!(second.room() >= 2 * BODY_BUFFER_BYTES);
        assert_eq!((second.filled(), buffers.lent.get()), (&b"head"[..], second.size));
        drop(second);
        assert_eq!(buffers.lent.get(), 0);
    }
}
