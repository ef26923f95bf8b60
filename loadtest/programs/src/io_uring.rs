//! The relay on io_uring: one `io_uring_enter` per turn, in which the kernel takes all that is to
//! be done and reports all that has been done.
//!
//! A direction receives; what it has received it sends, and links the next receive to that, which
//! begins once everything is sent. A send that succeeds reports nothing. So each direction has
//! exactly one report to come, whatever happens, and one buffer is enough for it.
#![allow(unsafe_code, reason = "the kernel writes to memory that the ring's entries name")]

use std::convert::Infallible;
use std::io;
use std::mem::ManuallyDrop;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use io_uring::squeue::{Entry, Flags};
use io_uring::types::Fd;
use io_uring::{IoUring, cqueue, opcode};
use rustix::io::Errno;
use rustix::net::addr::SocketAddrArg as _;
use rustix::net::{RecvFlags, SendFlags, Shutdown, SocketAddrAny, SocketFlags};
use slab::Slab;

use crate::{BUFFER_BYTES, at, complain, max_clients, shut, sockets};

/// What one turn can submit without entering the kernel in between; it enters where more is there.
const ENTRIES: u32 = 4096;
/// Reports have room for every client that is likely; beyond it the kernel keeps them itself.
const REPORTS: u32 = 32_768;
/// For a receive that will probably have to wait: the kernel does not try at once. From
/// `linux/io_uring.h`.
const POLL_FIRST: u16 = 1;

/// What was asked for, in the user data of its report.
#[derive(Clone, Copy, Debug)]
enum Task {
    Accept,
    /// Of a pair's backend connection.
    Connect(usize),
    /// From one side of a pair.
    Receive(usize, usize),
    /// What came from one side of a pair, to the other. Reports failures only.
    Send(usize, usize),
}

impl Task {
    fn pack(self) -> u64 {
        let (pair, rest) = match self {
            Self::Accept => (0, 0),
            Self::Connect(pair) => (pair, 1),
            Self::Receive(pair, from) => (pair, 2 + from),
            Self::Send(pair, from) => (pair, 4 + from),
        };
        (pair << 3 | rest) as u64
    }

    fn unpack(data: u64) -> Self {
        let pair = (data >> 3) as usize;
        match data & 7 {
            0 => Self::Accept,
            1 => Self::Connect(pair),
            rest @ (2 | 3) => Self::Receive(pair, rest as usize - 2),
            rest => Self::Send(pair, rest as usize & 1),
        }
    }
}

/// One client and its backend connection: sockets and, by the same numbers, what is received from
/// them.
struct Pair {
    sockets: [OwnedFd; 2],
    buffers: [Vec<u8>; 2],
    /// Reports that are to come. As long as there are some, the kernel may use the buffers.
    in_flight: usize,
    failed: bool,
}

impl Pair {
    fn receive(&mut self, number: usize, from: usize, waits: bool) -> Entry {
        let buffer = &mut self.buffers[from];
        opcode::Recv::new(fd(&self.sockets[from]), buffer.as_mut_ptr(), buffer.len() as u32)
            .ioprio(if waits { POLL_FIRST } else { 0 })
            .build()
            .user_data(Task::Receive(number, from).pack())
    }

    /// All of it or an error, and silence when it was all.
    fn send(&self, number: usize, from: usize, bytes: u32) -> Entry {
        let flags = (SendFlags::NOSIGNAL.bits() | RecvFlags::WAITALL.bits()).cast_signed();
        opcode::Send::new(fd(&self.sockets[1 - from]), self.buffers[from].as_ptr(), bytes)
            .flags(flags)
            .build()
            .flags(Flags::IO_LINK | Flags::SKIP_SUCCESS)
            .user_data(Task::Send(number, from).pack())
    }
}

fn fd(socket: &OwnedFd) -> Fd {
    Fd(socket.as_raw_fd())
}

struct Relay<'a> {
    ring: IoUring,
    listener: &'a OwnedFd,
    backend: SocketAddr,
    /// The same for the kernel, which reads it when a connect is submitted.
    address: &'a SocketAddrAny,
    /// Never dropped as a whole: the kernel may still be writing to the buffers.
    pairs: ManuallyDrop<Slab<Pair>>,
    max_pairs: usize,
}

pub fn run(listener: &OwnedFd, backend: SocketAddr) -> io::Result<Infallible> {
    let ring = IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .setup_coop_taskrun()
        .setup_cqsize(REPORTS)
        .build(ENTRIES)
        .map_err(at("io_uring", "setup"))?;
    let address = backend.as_any();
    let mut relay = Relay {
        ring,
        listener,
        backend,
        address: &address,
        pairs: ManuallyDrop::new(Slab::new()),
        max_pairs: max_clients(),
    };
    relay.accept()?;
    let mut reports: Vec<cqueue::Entry> = Vec::new();
    loop {
        match relay.ring.submit_and_wait(1) {
            Ok(_) => {}
            // Reports wait for room that this turn makes, or a signal came.
            Err(e) if [Errno::BUSY, Errno::INTR].map(Errno::raw_os_error).contains(&code(&e)) => {}
            Err(error) => return Err(at("io_uring", "enter")(error)),
        }
        reports.extend(relay.ring.completion());
        for report in reports.drain(..) {
            relay.report(&report)?;
        }
    }
}

fn code(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or_default()
}

impl Relay<'_> {
    /// Puts entries into the submission queue, next to each other as a link needs it.
    fn push(&mut self, entries: &[Entry]) -> io::Result<()> {
        // SAFETY: entries name descriptors and buffers of a pair in `pairs`, which is removed only
        // when nothing of it is in flight; the listener and the address outlive the ring.
        while unsafe { self.ring.submission().push_multiple(entries) }.is_err() {
            self.ring.submit().map_err(at("io_uring", "submit"))?;
        }
        Ok(())
    }

    /// Reports every client that comes, from now on.
    fn accept(&mut self) -> io::Result<()> {
        let accept = opcode::AcceptMulti::new(fd(self.listener))
            .flags(SocketFlags::CLOEXEC.bits().cast_signed())
            .build()
            .user_data(Task::Accept.pack());
        self.push(&[accept])
    }

    fn report(&mut self, report: &cqueue::Entry) -> io::Result<()> {
        let result = match report.result() {
            error @ ..0 => Err(Errno::from_raw_os_error(-error)),
            result => Ok(result.cast_unsigned()),
        };
        match Task::unpack(report.user_data()) {
            Task::Accept => {
                if !cqueue::more(report.flags()) {
                    self.accept()?;
                }
                self.accepted(result)
            }
            Task::Connect(pair) => self.connected(pair, result),
            Task::Receive(pair, from) => {
                let waits = !cqueue::sock_nonempty(report.flags());
                self.received(pair, from, result, waits)
            }
            Task::Send(pair, _) => {
                self.failed(pair, "send", result.err().unwrap_or(Errno::PIPE));
                Ok(())
            }
        }
    }

    fn accepted(&mut self, result: Result<u32, Errno>) -> io::Result<()> {
        let client = match result {
            // SAFETY: the kernel has just opened it for this report, and nobody else knows of it.
            Ok(client) => unsafe { OwnedFd::from_raw_fd(client.cast_signed()) },
            Err(Errno::INTR | Errno::CONNABORTED) => return Ok(()),
            Err(error) => return Err(at("accept", "client")(error)),
        };
        if self.pairs.len() >= self.max_pairs {
            eprintln!("relay: accept: {} clients are the limit", self.max_pairs);
            return Ok(());
        }
        let sockets = match sockets(client, self.backend, SocketFlags::empty()) {
            Ok(sockets) => sockets,
            Err(error) => {
                eprintln!("relay: {error}");
                return Ok(());
            }
        };
        let (address, len) = (self.address.as_ptr().cast(), self.address.addr_len());
        let connect = opcode::Connect::new(fd(&sockets[1]), address, len).build();
        let buffers = [(); 2].map(|()| vec![0; BUFFER_BYTES]);
        let number = self.pairs.insert(Pair { sockets, buffers, in_flight: 1, failed: false });
        self.push(&[connect.user_data(Task::Connect(number).pack())])
    }

    fn connected(&mut self, number: usize, result: Result<u32, Errno>) -> io::Result<()> {
        if let Err(error) = result {
            complain(&format!("connect {}", self.backend), error);
            self.pairs.remove(number);
            return Ok(());
        }
        let Some(pair) = self.pairs.get_mut(number) else { return Ok(()) };
        pair.in_flight = 2;
        let entries = [pair.receive(number, 0, false), pair.receive(number, 1, true)];
        self.push(&entries)
    }

    fn received(
        &mut self,
        number: usize,
        from: usize,
        result: Result<u32, Errno>,
        waits: bool,
    ) -> io::Result<()> {
        let Some(pair) = self.pairs.get_mut(number) else { return Ok(()) };
        match result {
            // The other direction's failure has ended this one.
            _ if pair.failed => self.ended(number),
            Ok(0) => {
                shut(&pair.sockets[1 - from], Shutdown::Write);
                self.ended(number);
            }
            Ok(bytes) => {
                let entries = [pair.send(number, from, bytes), pair.receive(number, from, waits)];
                self.push(&entries)?;
            }
            Err(error) => self.failed(number, "recv", error),
        }
        Ok(())
    }

    /// One direction has failed: ends both.
    fn failed(&mut self, number: usize, what: &str, error: Errno) {
        let Some(pair) = self.pairs.get_mut(number) else { return };
        if !pair.failed {
            complain(what, error);
            pair.failed = true;
            pair.sockets.iter().for_each(|socket| shut(socket, Shutdown::Both));
        }
        self.ended(number);
    }

    /// The last report of one direction has come.
    fn ended(&mut self, number: usize) {
        let Some(pair) = self.pairs.get_mut(number) else { return };
        pair.in_flight -= 1;
        if pair.in_flight == 0 {
            self.pairs.remove(number);
        }
    }
}
