//! A worker's buffers: taken when bytes are about to come, given back when they are gone.
//!
//! In steady state no request allocates: buffers go round. An idle connection holds none.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use monoio::buf::{IoBuf as _, IoBufMut as _};
use monoio::io::{AsyncReadRent, AsyncWriteRent};

use super::deadline::Deadline;
use crate::limits::{BODY_BUFFER_BYTES, BUFFER_BYTES, POOLED_BUFFERS, PROGRESS_TIMEOUT};

/// The free buffers of one worker, by size.
#[derive(Default)]
pub struct Buffers {
    small: RefCell<Vec<Vec<u8>>>,
    large: RefCell<Vec<Vec<u8>>>,
}

impl Buffers {
    /// A buffer for a head and what comes with it.
    pub fn take(self: &Rc<Self>) -> Buffer {
        self.take_from(&self.small, BUFFER_BYTES)
    }

    /// A buffer for relaying a long body.
    pub fn take_large(self: &Rc<Self>) -> Buffer {
        self.take_from(&self.large, BODY_BUFFER_BYTES)
    }

    fn take_from(self: &Rc<Self>, free: &RefCell<Vec<Vec<u8>>>, size: usize) -> Buffer {
        let bytes = free.borrow_mut().pop().unwrap_or_else(|| Vec::with_capacity(size));
        Buffer { bytes, start: 0, home: Rc::clone(self) }
    }

    fn give(&self, mut bytes: Vec<u8>) {
        // A buffer that an interrupted operation took with it comes back as an empty shell.
        let free = match bytes.capacity() {
            BODY_BUFFER_BYTES.. => &self.large,
            BUFFER_BYTES.. => &self.small,
            _ => return,
        };
        let mut free = free.borrow_mut();
        if free.len() < POOLED_BUFFERS {
            bytes.clear();
            free.push(bytes);
        }
    }
}

/// Why no line could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoLine {
    /// The buffer is full.
    NoRoom,
    /// The stream has ended, in whatever way.
    Ended,
}

/// Bytes that were read and not yet consumed, in a buffer of fixed capacity.
pub struct Buffer {
    /// Up to its length filled; empty while an operation owns it.
    bytes: Vec<u8>,
    /// What lies before was consumed.
    start: usize,
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
    pub async fn fill(&mut self, from: &mut impl AsyncReadRent) -> io::Result<usize> {
        let bytes = std::mem::take(&mut self.bytes);
        let (filled, capacity) = (bytes.len(), bytes.capacity());
        debug_assert!(filled < capacity, "a read into no room looks like the end of the stream");
        let (result, slice) = from.read(bytes.slice_mut(filled..capacity)).await;
        self.bytes = slice.into_inner();
        result
    }

    /// Reads until a line end has come; makes room by moving what is filled to the front.
    pub async fn fill_line(&mut self, from: &mut impl AsyncReadRent) -> Result<(), NoLine> {
        loop {
            if self.room() == 0 {
                self.compact();
            }
            if self.room() == 0 {
                return Err(NoLine::NoRoom);
            }
            let before = self.filled().len();
            match self.fill(from).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Err(NoLine::Ended),
            }
            if memchr::memchr(b'\n', &self.filled()[before..]).is_some() {
                return Ok(());
            }
        }
    }

    /// Writes the first `n` filled bytes and consumes them.
    pub async fn send(
        &mut self,
        n: usize,
        to: &mut impl AsyncWriteRent,
        deadline: &Deadline,
    ) -> io::Result<()> {
        let end = self.start + n;
        while self.start < end {
            deadline.arm_write(PROGRESS_TIMEOUT);
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
    pub async fn send_all(
        &mut self,
        to: &mut impl AsyncWriteRent,
        deadline: &Deadline,
    ) -> io::Result<()> {
        self.send(self.filled().len(), to, deadline).await
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.home.give(std::mem::take(&mut self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_go_round() {
        let buffers = Rc::new(Buffers::default());
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
}
