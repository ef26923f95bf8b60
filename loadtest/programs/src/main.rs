//! A bare relay on layer 4: the machine's limit, which the speed comparison measures proxies by.
//!
//! One thread. Every client connection gets one backend connection, and bytes are copied both ways
//! without being looked at; a half-close is passed on. Whatever a proxy costs beyond this, it
//! spends on what it does for HTTP. A backend connection is opened per client, so the figure holds
//! for clients that keep theirs.

mod epoll;
mod io_uring;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};
use rustix::process::{Resource, getrlimit};

/// What is received and sent at once, at most.
const BUFFER_BYTES: usize = 64 * 1024;
/// Connections that wait to be accepted: as many as the other proxies of the comparison allow.
const BACKLOG: i32 = 4096;
/// Descriptors that are no client's: the standard ones, the listener, the driver's.
const OTHER_DESCRIPTORS: usize = 16;

/// Copies bytes between clients and a backend, on one thread.
#[derive(Parser)]
struct Options {
    #[arg(long, value_enum)]
    driver: Driver,
    /// With port 0 the system chooses one; which, the first line on standard output says.
    #[arg(long)]
    listen: SocketAddr,
    #[arg(long)]
    backend: SocketAddr,
}

#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Driver {
    Epoll,
    IoUring,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let Err(error) = run(&options);
    eprintln!("relay: {error}");
    ExitCode::FAILURE
}

fn run(options: &Options) -> io::Result<Infallible> {
    let nonblocking = match options.driver {
        Driver::Epoll => SocketFlags::NONBLOCK,
        // Asked of a non-blocking socket, io_uring would not wait either.
        Driver::IoUring => SocketFlags::empty(),
    };
    let listener = listen(options.listen, nonblocking).map_err(at("listen", options.listen))?;
    println!("{}", SocketAddr::try_from(rustix::net::getsockname(&listener)?)?);
    match options.driver {
        Driver::Epoll => epoll::run(&listener, options.backend),
        Driver::IoUring => io_uring::run(&listener, options.backend),
    }
}

fn listen(address: SocketAddr, flags: SocketFlags) -> io::Result<OwnedFd> {
    let listener = socket(address, flags)?;
    sockopt::set_socket_reuseaddr(&listener, true)?;
    rustix::net::bind(&listener, &address)?;
    rustix::net::listen(&listener, BACKLOG)?;
    Ok(listener)
}

fn socket(to: SocketAddr, flags: SocketFlags) -> io::Result<OwnedFd> {
    let family = if to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = flags | SocketFlags::CLOEXEC;
    Ok(rustix::net::socket_with(family, SocketType::STREAM, flags, None)?)
}

/// The sockets of a new client: its own, and one that is to be connected to the backend.
fn sockets(client: OwnedFd, to: SocketAddr, flags: SocketFlags) -> io::Result<[OwnedFd; 2]> {
    let sockets = [client, socket(to, flags).map_err(at("socket for", to))?];
    for socket in &sockets {
        sockopt::set_tcp_nodelay(socket, true).map_err(at("TCP_NODELAY for", to))?;
    }
    Ok(sockets)
}

/// How many clients the limit of descriptors allows; each has two sockets.
fn max_clients() -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(1 << 20);
    usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(OTHER_DESCRIPTORS) / 2
}

/// Says what went wrong with one client. A reset is how many clients end, and no news.
fn complain(what: &str, error: Errno) {
    if !matches!(error, Errno::CONNRESET | Errno::PIPE) {
        eprintln!("relay: {what}: {error}");
    }
}

/// What failed, and where, before what the system says about it.
fn at<E: Into<io::Error>>(
    what: &str,
    place: impl std::fmt::Display,
) -> impl FnOnce(E) -> io::Error {
    move |error| {
        let error = error.into();
        io::Error::new(error.kind(), format!("{what} {place}: {error}"))
    }
}

/// Ends one direction of a connection, or both. It may have ended already.
fn shut(socket: impl AsFd, how: rustix::net::Shutdown) {
    if let Err(error) = rustix::net::shutdown(socket, how)
        && error != Errno::NOTCONN
    {
        complain("shutdown", error);
    }
}
