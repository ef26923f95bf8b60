//! Opening a connection, with a bound on the time and without losing a descriptor to it.
//!
//! monoio's own connect leaks its descriptor when it is dropped in flight. Here the socket is ours
//! from the first moment: the kernel connects in the background, only the wait for it is
//! asynchronous, and dropping a wait harms nothing.

use std::io;
use std::net::{SocketAddr, TcpStream as StdStream};
use std::pin::pin;
use std::time::Duration;

use monoio::net::TcpStream;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use crate::fault::Fault;
use crate::limits::{ACCEPT_PAUSE, DEADLINE_TICK};
use crate::table::BackendState;
use crate::worker::Worker;
use crate::worker::socket::{Patience, Socket};

/// How often a dial is begun anew while the process is out of descriptors.
const SHORTAGE_TRIES: u32 = 10;

/// Ends early when the backend is in no table any more.
pub(super) async fn dial(
    addr: SocketAddr,
    backend: &BackendState,
    timeout: Duration,
    worker: &Worker,
) -> Result<Socket, Fault> {
    let mut tries = 0;
    loop {
        match start(addr) {
            Ok((stream, true)) => return finish(socket(stream, worker)?, worker),
            Ok((stream, false)) => {
                let mut socket = socket(stream, worker)?;
                connected(&mut socket, backend, timeout).await?;
                return finish(socket, worker);
            }
            Err(error) => match fault_of(&error) {
                Fault::Overloaded if tries < SHORTAGE_TRIES => tries += 1,
                fault => return Err(fault),
            },
        }
        worker.free_descriptors();
        monoio::time::sleep(ACCEPT_PAUSE).await;
    }
}

/// Begins to connect; true if it is already done, as it often is on one machine.
fn start(addr: SocketAddr) -> io::Result<(StdStream, bool)> {
    let family = if addr.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    sockopt::set_tcp_nodelay(&socket, true)?;
    let connected = match rustix::net::connect(&socket, &addr) {
        Ok(()) => true,
        Err(Errno::INPROGRESS) => false,
        Err(error) => return Err(error.into()),
    };
    Ok((StdStream::from(socket), connected))
}

fn socket(stream: StdStream, worker: &Worker) -> Result<Socket, Fault> {
    // Under io_uring the ring waits by itself, and would report "try again" on a socket that does
    // not block. The wait for a connection is a poll, which works in either mode.
    let stream = TcpStream::from_std(stream).map_err(|e| fault_of(&e))?;
    let socket = Socket::new(stream, &worker.deadlines);
    socket.control.set_patience(Patience::Exchange);
    socket.control.keep_alive();
    Ok(socket)
}

/// Waits for the connection, for as long as there is somebody to connect to: the address of a task
/// that has ended answers nothing, and who waits for it may go elsewhere as soon as that is known.
async fn connected(
    socket: &mut Socket,
    backend: &BackendState,
    mut timeout: Duration,
) -> Result<(), Fault> {
    {
        let mut writable = pin!(socket.writable());
        loop {
            let slice = timeout.min(DEADLINE_TICK);
            match monoio::time::timeout(slice, writable.as_mut()).await {
                Ok(outcome) => break outcome.map_err(|e| fault_of(&e))?,
                Err(_) => timeout -= slice,
            }
            if timeout.is_zero() {
                return Err(Fault::DialTimeout);
            }
            if !backend.is_present() {
                return Err(Fault::DialFailed);
            }
        }
    }
    socket.control.take_error().map_err(|e| fault_of(&e))
}

fn finish(socket: Socket, worker: &Worker) -> Result<Socket, Fault> {
    if !worker.nonblocking_sockets {
        socket.control.set_blocking().map_err(|e| fault_of(&e))?;
    }
    Ok(socket)
}

fn fault_of(error: &io::Error) -> Fault {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOBUFS) => Fault::Overloaded,
        Some(Errno::TIMEDOUT) => Fault::DialTimeout,
        _ => Fault::DialFailed,
    }
}
