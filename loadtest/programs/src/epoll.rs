//! The relay on epoll: edge-triggered, each socket registered once.
//!
//! What is received is sent at once, from one buffer for all that stays in the cache. Only what
//! the other side does not take is kept, and until that is gone nothing more is received.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, SocketFlags, sockopt};
use slab::Slab;

use crate::{BUFFER_BYTES, at, complain, max_clients, shut, sockets};

/// The event data of the listener; `token` says that of a socket.
const LISTENER: u64 = u64::MAX;
/// What one turn takes from epoll, at most.
const EVENTS: usize = 1024;
/// Buffers that one socket may fill before it is the others' turn.
const ROUNDS: usize = 16;

/// What failed, and how.
type Failure = (&'static str, Errno);

/// One client and its backend connection.
struct Pair {
    sides: [Side; 2],
    failed: bool,
}

/// One of the two sockets, with the direction that begins at it.
struct Side {
    socket: OwnedFd,
    /// The connection is open: a client's always, a backend's once the system says so.
    connected: bool,
    /// There may be something to receive.
    readable: bool,
    /// The peer has closed or failed: a short read is not the last.
    hung_up: bool,
    /// Nothing more will come from here, and the other side has been told.
    ended: bool,
    /// Whether epoll tells when there is room to send.
    watches_room: bool,
    /// Received here, and not taken by the other side yet.
    kept: Vec<u8>,
}

impl Side {
    fn new(socket: OwnedFd, connected: bool) -> Self {
        Self {
            socket,
            connected,
            readable: false,
            hung_up: false,
            ended: false,
            watches_room: !connected,
            kept: Vec::new(),
        }
    }

    /// There is room to send: at first this says that the connection is open, or has failed.
    fn connect(&mut self) -> Result<(), Failure> {
        if !self.connected {
            sockopt::socket_error(&self.socket).flatten().map_err(|e| ("connect", e))?;
            self.connected = true;
        }
        Ok(())
    }

    fn register(&self, epoll: &OwnedFd, token: u64) -> Result<(), Failure> {
        let data = EventData::new_u64(token);
        epoll::modify(epoll, &self.socket, data, self.flags()).map_err(|e| ("epoll_ctl", e))
    }

    fn flags(&self) -> EventFlags {
        let flags = EventFlags::IN | EventFlags::RDHUP | EventFlags::ET;
        if self.watches_room { flags | EventFlags::OUT } else { flags }
    }

    /// For good: edge-triggered, it tells nothing as long as every send finds room.
    fn watch_room(&mut self, epoll: &OwnedFd, token: u64) -> Result<(), Failure> {
        if self.watches_room {
            return Ok(());
        }
        self.watches_room = true;
        self.register(epoll, token)
    }
}

fn token(number: usize, side: usize) -> u64 {
    (number * 2 + side) as u64
}

struct Relay<'a> {
    epoll: OwnedFd,
    listener: &'a OwnedFd,
    backend: SocketAddr,
    pairs: Slab<Pair>,
    max_pairs: usize,
    buffer: Box<[u8]>,
}

pub fn run(listener: &OwnedFd, backend: SocketAddr) -> io::Result<Infallible> {
    let epoll = epoll::create(CreateFlags::CLOEXEC).map_err(at("epoll", "create"))?;
    let token = EventData::new_u64(LISTENER);
    epoll::add(&epoll, listener, token, EventFlags::IN).map_err(at("epoll", "listener"))?;
    let mut relay = Relay {
        epoll,
        listener,
        backend,
        pairs: Slab::new(),
        max_pairs: max_clients(),
        buffer: vec![0; BUFFER_BYTES].into(),
    };
    let mut events: Vec<Event> = Vec::with_capacity(EVENTS);
    let mut over = Vec::new();
    loop {
        events.clear();
        match epoll::wait(&relay.epoll, rustix::buffer::spare_capacity(&mut events), None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(at("epoll", "wait")(error)),
        }
        let mut accepts = false;
        for event in &events {
            match event.data.u64() {
                LISTENER => accepts = true,
                token => {
                    let (number, side) = ((token / 2) as usize, (token % 2) as usize);
                    if relay.event(number, side, event.flags) {
                        over.push(number);
                    }
                }
            }
        }
        // Only now, so that no event of this turn meets another pair under the same number.
        for number in over.drain(..) {
            relay.pairs.try_remove(number);
        }
        if accepts {
            relay.accept()?;
        }
    }
}

impl Relay<'_> {
    /// Takes all clients that wait. Beyond the limit they are closed at once.
    fn accept(&mut self) -> io::Result<()> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        loop {
            match rustix::net::accept_with(self.listener, flags) {
                Ok(_) if self.pairs.len() >= self.max_pairs => {
                    eprintln!("relay: accept: {} clients are the limit", self.max_pairs);
                }
                Ok(client) => {
                    if let Err(error) = self.open(client) {
                        eprintln!("relay: {error}");
                    }
                }
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR | Errno::CONNABORTED) => {}
                Err(error) => return Err(at("accept", "client")(error)),
            }
        }
    }

    fn open(&mut self, client: OwnedFd) -> io::Result<()> {
        let [client, backend] = sockets(client, self.backend, SocketFlags::NONBLOCK)?;
        match rustix::net::connect(&backend, &self.backend) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(at("connect", self.backend)(error)),
        }
        let sides = [Side::new(client, true), Side::new(backend, false)];
        let entry = self.pairs.vacant_entry();
        for (number, side) in sides.iter().enumerate() {
            let data = EventData::new_u64(token(entry.key(), number));
            epoll::add(&self.epoll, &side.socket, data, side.flags())
                .map_err(at("epoll", "add"))?;
        }
        entry.insert(Pair { sides, failed: false });
        Ok(())
    }

    /// Does what a socket's event allows. True once the pair is over.
    fn event(&mut self, number: usize, side: usize, flags: EventFlags) -> bool {
        let Some(pair) = self.pairs.get_mut(number) else { return false };
        if pair.failed {
            return false;
        }
        let gone = EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR;
        pair.sides[side].hung_up |= flags.intersects(gone);
        pair.sides[side].readable |= flags.intersects(gone | EventFlags::IN);
        let mut done = Ok(());
        if flags.contains(EventFlags::OUT) {
            done = pair.sides[side].connect();
            if done.is_ok() {
                done = pump(pair, 1 - side, &self.epoll, number, &mut self.buffer);
            }
        }
        if done.is_ok() {
            done = pump(pair, side, &self.epoll, number, &mut self.buffer);
        }
        if let Err((what, error)) = done {
            complain(&format!("{what} (event of the {})", ["client", "backend"][side]), error);
            pair.failed = true;
        }
        pair.failed || pair.sides.iter().all(|side| side.ended)
    }
}

/// Moves what can be moved from one side to the other.
fn pump(
    pair: &mut Pair,
    from: usize,
    epoll: &OwnedFd,
    number: usize,
    buffer: &mut [u8],
) -> Result<(), Failure> {
    let [client, backend] = &mut pair.sides;
    let (source, target) = if from == 0 { (client, backend) } else { (backend, client) };
    let (source_token, target_token) = (token(number, from), token(number, 1 - from));
    if !target.connected {
        return Ok(());
    }
    if !source.kept.is_empty() {
        let sent = send(target, &source.kept)?;
        source.kept.drain(..sent);
        if !source.kept.is_empty() {
            return target.watch_room(epoll, target_token);
        }
        source.kept = Vec::new();
    }
    for _ in 0..ROUNDS {
        if !source.readable || source.ended {
            return Ok(());
        }
        let received = match rustix::net::recv(&source.socket, &mut *buffer, RecvFlags::empty()) {
            Ok((received, _)) => received,
            Err(Errno::AGAIN) => {
                source.readable = false;
                return Ok(());
            }
            Err(Errno::INTR) => continue,
            Err(error) => return Err(("recv", error)),
        };
        if received == 0 {
            source.ended = true;
            shut(&target.socket, Shutdown::Write);
            return Ok(());
        }
        // Less than asked for was all there was; what comes later is another edge.
        source.readable = received == buffer.len() || source.hung_up;
        let sent = send(target, &buffer[..received])?;
        if sent < received {
            source.kept = buffer[sent..received].to_vec();
            return target.watch_room(epoll, target_token);
        }
    }
    // The others' turn; registered anew, it is told again what it has not read.
    source.register(epoll, source_token)
}

/// Sends until the socket takes no more; says how much that was.
fn send(to: &Side, bytes: &[u8]) -> Result<usize, Failure> {
    let mut sent = 0;
    while sent < bytes.len() {
        match rustix::net::send(&to.socket, &bytes[sent..], SendFlags::NOSIGNAL) {
            Ok(more) => sent += more,
            Err(Errno::AGAIN) => break,
            Err(Errno::INTR) => {}
            Err(error) => return Err(("send", error)),
        }
    }
    Ok(sent)
}
