//! The listening sockets: bound here or taken over, and which worker accepts from which.
//!
//! Every worker has a listener of its own for each entry point, which share the address by
//! SO_REUSEPORT: the kernel spreads connections over them and puts each into the queue of one. So
//! no listener may ever be without somebody who accepts from it, and closing one resets what is
//! queued. Sockets of a predecessor are therefore all kept, even when there are fewer workers now:
//! then some of them accept from several.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Mutex, MutexGuard, PoisonError};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::config::Static;
use crate::limits::LISTEN_BACKLOG;

/// The process's own copies, from which those who accept get theirs: workers at their start and
/// again after a panic, the control plane, a successor.
#[derive(Debug, Default)]
pub struct Listeners(Mutex<Vec<Listener>>);

#[derive(Debug)]
struct Listener {
    socket: TcpListener,
    /// Whose it is, for messages.
    name: String,
    user: User,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum User {
    Control,
    /// A worker, by its index, for an entry point, by its index.
    Worker(usize, usize),
}

impl Listeners {
    /// Takes what fits from the inherited ones and binds the others. What is inherited and not
    /// wanted is closed. Nothing that is bound here accepts yet: see [`Listeners::listen`].
    pub fn bind(config: &Static, workers: usize, inherited: Vec<TcpListener>) -> io::Result<Self> {
        let mut inherited = usable(inherited);
        let mut all = Vec::new();
        for (entry_point, wanted) in config.entry_points.iter().enumerate() {
            let name = format!("entry point {}", wanted.name);
            let mut sockets = take(&mut inherited, wanted.address);
            while sockets.len() < workers {
                sockets.push(bind(&name, wanted.address, true)?);
            }
            for (n, socket) in sockets.into_iter().enumerate() {
                let user = User::Worker(n % workers, entry_point);
                all.push(Listener { socket, name: name.clone(), user });
            }
        }
        if let Some(api) = &config.api {
            let name = "API".to_owned();
            let socket = match take(&mut inherited, api.address).pop() {
                Some(socket) => socket,
                // Nobody else's: two processes on one dashboard's port are a mistake.
                None => bind(&name, api.address, false)?,
            };
            all.push(Listener { socket, name, user: User::Control });
        }
        for (address, _) in inherited {
            tracing::info!("nothing listens on {address} any more");
        }
        Ok(Self(Mutex::new(all)))
    }

    /// From now on connections are queued. On those taken over they always were.
    pub fn listen(&self) -> io::Result<()> {
        for Listener { socket, name, .. } in &*self.lock() {
            let listening = SockRef::from(socket).listen(LISTEN_BACKLOG);
            listening.map_err(|error| cannot_listen(name, socket.local_addr().ok(), &error))?;
        }
        Ok(())
    }

    /// Copies of what this worker accepts from, each with the index of its entry point.
    pub fn of_worker(&self, worker: usize) -> io::Result<Vec<(usize, TcpListener)>> {
        let mut own = Vec::new();
        for Listener { socket, user, .. } in &*self.lock() {
            if let User::Worker(index, entry_point) = *user
                && index == worker
            {
                own.push((entry_point, socket.try_clone()?));
            }
        }
        Ok(own)
    }

    /// A copy of the control plane's, if it has any.
    pub fn of_control(&self) -> io::Result<Option<TcpListener>> {
        let all = self.lock();
        let own = all.iter().find(|listener| listener.user == User::Control);
        own.map(|listener| listener.socket.try_clone()).transpose()
    }

    /// Copies of all.
    pub fn copies(&self) -> io::Result<Vec<TcpListener>> {
        self.lock().iter().map(|listener| listener.socket.try_clone()).collect()
    }

    /// Closes the process's own copies. A listener ends with its last copy.
    pub fn close(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Listener>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those that really listen, by address. What a predecessor has shut down is of no use.
fn usable(inherited: Vec<TcpListener>) -> Vec<(SocketAddr, TcpListener)> {
    let listening = |socket: &TcpListener| SockRef::from(socket).is_listener().unwrap_or(false);
    let with_address = |socket: TcpListener| Some((socket.local_addr().ok()?, socket));
    inherited.into_iter().filter(listening).filter_map(with_address).collect()
}

fn take(from: &mut Vec<(SocketAddr, TcpListener)>, address: SocketAddr) -> Vec<TcpListener> {
    from.extract_if(.., |(bound, _)| *bound == address).map(|(_, socket)| socket).collect()
}

/// A socket that does not listen yet.
fn bind(name: &str, address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let open = || -> io::Result<Socket> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM.cloexec().nonblocking(),
            Some(Protocol::TCP),
        )?;
        if let SocketAddr::V6(v6) = address {
            // `[::]` means every address of both families, as it does in Go.
            socket.set_only_v6(!v6.ip().is_unspecified())?;
        }
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(shared)?;
        // Inherited by accepted connections: one call here instead of one for each of them.
        socket.set_tcp_nodelay(true)?;
        socket.bind(&address.into())?;
        Ok(socket)
    };
    open().map(Into::into).map_err(|error| cannot_listen(name, Some(address), &error))
}

fn cannot_listen(name: &str, address: Option<SocketAddr>, error: &io::Error) -> io::Error {
    let address = address.map(|address| address.to_string()).unwrap_or_default();
    io::Error::new(error.kind(), format!("{name}: cannot listen on {address}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn config(entry_points: &[SocketAddr]) -> Static {
        let flags: Vec<String> = entry_points
            .iter()
            .enumerate()
            .map(|(n, address)| format!("--entryPoints.e{n}.address={address}"))
            .collect();
        config::load(&flags, &[]).expect("good flags")
    }

    /// An address whose port is free as far as one can know.
    fn address() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port")
    }

    fn counts(listeners: &Listeners, workers: usize) -> Vec<usize> {
        (0..workers).map(|n| listeners.of_worker(n).expect("copies").len()).collect()
    }

    #[test]
    fn every_inherited_listener_has_a_worker_and_every_worker_a_listener() {
        let config = config(&[address()]);
        let three = Listeners::bind(&config, 3, Vec::new()).expect("three");
        three.listen().expect("listen");
        for (workers, expected) in [(1, vec![3]), (2, vec![2, 1]), (5, vec![1; 5])] {
            let copies = three.copies().expect("copies");
            let taken = Listeners::bind(&config, workers, copies).expect("taken over");
            assert_eq!(counts(&taken, workers), expected);
        }
    }

    #[test]
    fn what_fits_no_entry_point_is_closed() {
        let (kept, left) = (address(), address());
        let two = Listeners::bind(&config(&[kept, left]), 1, Vec::new()).expect("two");
        two.listen().expect("listen");
        let one = Listeners::bind(&config(&[kept]), 1, two.copies().expect("copies"));
        let one = one.expect("one");
        two.close();
        drop(two);
        assert_eq!(counts(&one, 1), [1]);
        std::net::TcpStream::connect(kept).expect("still listens");
        std::net::TcpStream::connect(left).expect_err("closed with the last copy");
    }

    #[test]
    fn what_does_not_listen_is_not_taken() {
        let config = config(&[address()]);
        let one = Listeners::bind(&config, 1, Vec::new()).expect("bound");
        assert!(usable(one.copies().expect("copies")).is_empty());
        one.listen().expect("listen");
        assert_eq!(usable(one.copies().expect("copies")).len(), 1);
    }

    #[test]
    fn a_taken_address_is_said_with_its_entry_point() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("bind");
        let address = taken.local_addr().expect("address");
        let error = Listeners::bind(&config(&[address]), 1, Vec::new()).expect_err("in use");
        assert!(
            error.to_string().starts_with(&format!("entry point e0: cannot listen on {address}"))
        );
    }
}
