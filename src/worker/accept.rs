//! Taking connections from one listener, for as long as the process accepts any.

use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt as _;
use monoio::net::{TcpListener, TcpStream};

use super::{Worker, socket};
use crate::h1::connection;
use crate::life::Stage;
use crate::limits::{ACCEPT_BATCH, ACCEPT_PAUSE};

/// How often a waiting listener looks whether the process still accepts.
const STAGE_LOOK: Duration = Duration::from_millis(200);

/// Accepts until the process drains, and then until nothing is queued: a listener that is closed
/// over a non-empty queue resets those clients.
pub(super) async fn accept(worker: Rc<Worker>, entry_point: usize, listener: TcpListener) {
    let mut starved = false;
    loop {
        let draining = worker.life.stage() >= Stage::Draining;
        let mut left = ACCEPT_BATCH;
        let drained = loop {
            if left == 0 {
                break false;
            }
            left -= 1;
            match socket::accept(&listener, worker.nonblocking_sockets) {
                Ok((stream, peer)) => {
                    starved = false;
                    serve(&worker, entry_point, stream, peer);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break true,
                // The client went away in the queue: the next one may be there.
                Err(error) if is_transient(&error) => {}
                Err(error) => {
                    if !starved {
                        tracing::error!(
                            "cannot accept on entry point {}: {error}; pausing",
                            worker.settings.entry_points[entry_point].name
                        );
                        starved = true;
                    }
                    monoio::time::sleep(ACCEPT_PAUSE).await;
                    break true;
                }
            }
        };
        if drained && draining {
            // Also when a copy is out of reach since a panic. A successor's must not end.
            if !worker.life.has_successor() {
                socket::shut_listener(&listener);
            }
            return;
        }
        if drained {
            // Dropping the wait at its timeout cancels a poll and loses nothing.
            let _ = monoio::time::timeout(STAGE_LOOK, listener.readable(false)).await;
        } else {
            // Under a flood of connections, those that are open get their turn.
            monoio::time::sleep(Duration::ZERO).await;
        }
    }
}

fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted)
        || matches!(error.raw_os_error(), Some(libc::EPROTO | libc::ENETDOWN | libc::EHOSTUNREACH))
}

/// Gives a connection its own task. A panic in it ends that connection alone.
fn serve(worker: &Rc<Worker>, entry_point: usize, stream: TcpStream, peer: SocketAddr) {
    let guard = Open::new(worker);
    let worker = Rc::clone(worker);
    // The handle may be dropped: it stays on this thread, and nobody waits for the end.
    drop(monoio::spawn(async move {
        let serving = connection::serve(&guard.0, entry_point, stream, peer);
        if AssertUnwindSafe(serving).catch_unwind().await.is_err() {
            worker.cells().panics.add(1);
            tracing::error!("a connection from {peer} ended in a panic; others are not affected");
        }
    }));
}

/// Counts a client connection for as long as it is open.
struct Open(Rc<Worker>);

impl Open {
    fn new(worker: &Rc<Worker>) -> Self {
        worker.connections.set(worker.connections.get() + 1);
        worker.cells().accepted.add(1);
        worker.cells().connections.add(1);
        Self(Rc::clone(worker))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections.set(self.0.connections.get() - 1);
        self.0.cells().connections.sub(1);
    }
}
