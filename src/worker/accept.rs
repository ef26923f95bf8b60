//! Taking connections from one listener, for as long as the process accepts any.

use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt as _;
use monoio::net::{TcpListener, TcpStream};

use super::doors::Pass;
use super::{Worker, socket};
use crate::h1::connection::{self, Client};
use crate::life::Stage;
use crate::limits::{ACCEPT_BATCH, ACCEPT_PAUSE, COMPLAINT_PAUSE};

/// How often a waiting listener looks whether the process still accepts.
const STAGE_LOOK: Duration = Duration::from_millis(200);

/// What came of taking connections.
enum Batch {
    /// Nobody waits any more.
    Empty,
    /// There may be more.
    More,
    /// There is no room for whoever comes next.
    Full,
    /// The system has no room.
    Starved(io::Error),
}

/// Accepts until the process drains, and then until nothing is queued: a listener that is closed
/// over a non-empty queue resets those clients.
pub(super) async fn accept(worker: Rc<Worker>, entry_point: usize, listener: TcpListener) {
    let mut complaint = Complaint::default();
    loop {
        let draining = worker.life.stage() >= Stage::Draining;
        match take(&worker, entry_point, &listener) {
            Batch::Empty if draining => break,
            Batch::Empty => {
                somebody_comes(&listener).await;
            }
            // Under a flood of connections, those that are open get their turn.
            Batch::More => monoio::time::sleep(Duration::ZERO).await,
            Batch::Full => {
                let waits = somebody_comes(&listener).await;
                // Whoever waits here is a successor's client as well, and that has room.
                if draining && (!waits || worker.life.has_successor()) {
                    break;
                }
                // He may have left in the meantime who makes the room.
                if waits && let Err(full) = worker.doors.enter(entry_point) {
                    complaint.say(&worker, entry_point, &full.to_string());
                    worker.doors.is_besieged(entry_point, worker.deadlines.now());
                    worker.make_room();
                    monoio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
            Batch::Starved(error) => {
                complaint.say(&worker, entry_point, &format!("cannot accept: {error}"));
                worker.free_descriptors();
                monoio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    // Also when a copy is out of reach since a panic. A successor's must not end.
    if !worker.life.has_successor() {
        socket::shut_listener(&listener);
    }
}

/// Waits for a client to knock; false if for a while none has.
async fn somebody_comes(listener: &TcpListener) -> bool {
    // Dropping the wait at its timeout cancels a poll and loses nothing.
    monoio::time::timeout(STAGE_LOOK, listener.readable(false)).await.is_ok()
}

fn take(worker: &Rc<Worker>, entry_point: usize, listener: &TcpListener) -> Batch {
    for _ in 0..ACCEPT_BATCH {
        // Room first: who cannot be served stays in the kernel's queue.
        let Ok(pass) = worker.doors.enter(entry_point) else { return Batch::Full };
        match socket::accept(listener, worker.nonblocking_sockets) {
            Ok((stream, peer)) => serve(worker, entry_point, (stream, peer), pass),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Batch::Empty,
            // The client went away in the queue: the next one may be there.
            Err(error) if is_transient(&error) => {}
            Err(error) => return Batch::Starved(error),
        }
    }
    Batch::More
}

fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted)
        || matches!(error.raw_os_error(), Some(libc::EPROTO | libc::ENETDOWN | libc::EHOSTUNREACH))
}

/// A complaint that is repeated only now and then, however long its reason lasts.
#[derive(Default)]
struct Complaint {
    /// Milliseconds on the process's clock.
    last: Option<u64>,
}

impl Complaint {
    fn say(&mut self, worker: &Worker, entry_point: usize, what: &str) {
        let now = worker.deadlines.now();
        let pause = COMPLAINT_PAUSE.as_millis() as u64;
        if self.last.is_none_or(|last| now >= last + pause) {
            self.last = Some(now);
            let name = &worker.entry_point(entry_point).name;
            tracing::error!("entry point {name}: {what}; new clients wait");
        }
    }
}

/// Gives a connection its own task. A panic in it ends that connection alone.
fn serve(worker: &Rc<Worker>, entry_point: usize, client: (TcpStream, SocketAddr), pass: Pass) {
    let guard = Open::new(worker, pass);
    let (stream, peer) = client;
    let client = Box::new(Client::new(worker, entry_point, stream, peer));
    // The handle may be dropped: it stays on this thread, and nobody waits for the end.
    drop(monoio::spawn(async move {
        let worker = &guard.worker;
        // In one expression: a future that is given a name first would have its place twice.
        let served = AssertUnwindSafe(connection::serve(worker, client)).catch_unwind().await;
        if served.is_err() {
            worker.cells().panics.add(1);
        }
        // It is closed; only now it is counted out.
        drop(guard);
    }));
}

/// Counts a client connection for as long as it is open.
struct Open {
    worker: Rc<Worker>,
    _pass: Pass,
}

impl Open {
    fn new(worker: &Rc<Worker>, pass: Pass) -> Self {
        worker.connections.set(worker.connections.get() + 1);
        worker.cells().accepted.add(1);
        worker.cells().connections.add(1);
        Self { worker: Rc::clone(worker), _pass: pass }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.worker.connections.set(self.worker.connections.get() - 1);
        self.worker.cells().connections.sub(1);
    }
}
