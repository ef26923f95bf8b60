//! Opening a connection, with a bound on the time and without losing a descriptor to it.
//!
//! monoio's own connect leaks its descriptor when it is dropped in flight. Here the socket is ours
//! from the first moment: the kernel connects in the background, only the wait for it is
//! asynchronous, and dropping a wait harms nothing.

use std::io;
use std::net::{SocketAddr, TcpStream as StdStream};
use std::time::Duration;

use monoio::net::TcpStream;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use crate::fault::Fault;
use crate::limits::{ACCEPT_PAUSE, UNACKNOWLEDGED};
use crate::worker::Worker;
use crate::worker::socket::Socket;

/// How often a dial is begun anew while the process is out of descriptors.
const SHORTAGE_TRIES: u32 = 10;

pub(super) async fn dial(
    addr: SocketAddr,
    timeout: Duration,
    worker: &Worker,
) -> Result<Socket, Fault> {
    let mut tries = 0;
    loop {
        match start(addr) {
            Ok((stream, connected)) => return finish(stream, connected, timeout, worker).await,
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
    sockopt::set_tcp_user_timeout(&socket, UNACKNOWLEDGED.as_millis() as u32)?;
    let connected = match rustix::net::connect(&socket, &addr) {
        Ok(()) => true,
        Err(Errno::INPROGRESS) => false,
        Err(error) => return Err(error.into()),
    };
    Ok((StdStream::from(socket), connected))
}

async fn finish(
    stream: StdStream,
    connected: bool,
    timeout: Duration,
    worker: &Worker,
) -> Result<Socket, Fault> {
    // Under io_uring the ring waits by itself, and would report "try again" on a socket that does
    // not block. Here the wait below is a poll, which works in either mode.
    let stream = TcpStream::from_std(stream).map_err(|e| fault_of(&e))?;
    let mut socket = Socket::new(stream, &worker.deadlines);
    if !connected {
        match monoio::time::timeout(timeout, socket.writable()).await {
            Ok(Ok(())) => socket.control.take_error().map_err(|e| fault_of(&e))?,
            Ok(Err(error)) => return Err(fault_of(&error)),
            Err(_) => return Err(Fault::DialTimeout),
        }
    }
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
