//! A connected socket with its two directions and its deadlines.
#![allow(
    unsafe_code,
    reason = "monoio's halves hide their descriptor; each block says why it holds"
)]

use std::ffi::c_int;
use std::io;
use std::mem::ManuallyDrop;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, IntoRawFd as _, OwnedFd, RawFd};
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt as _;
use monoio::BufResult;
use monoio::buf::{IoBuf, IoBufMut};
use monoio::io::{AsyncReadRent as _, AsyncWriteRent as _};
use monoio::io::{OwnedReadHalf, OwnedWriteHalf, Splitable as _};
use monoio::net::TcpStream;
use rustix::io::Errno;
use rustix::ioctl::{Getter, Opcode, ioctl};
use rustix::net::{RecvFlags, Shutdown, SocketFlags, sockopt};

use super::Worker;
use super::deadline::{Deadline, Deadlines};
use crate::limits::{KEEPALIVE_IDLE, TUNNEL_KEEPALIVE_IDLE, UNACKNOWLEDGED};

/// What is read from a connection.
pub struct ReadHalf(Half<OwnedReadHalf<TcpStream>>);

/// What is written to a connection.
pub struct WriteHalf(Half<OwnedWriteHalf<TcpStream>>);

/// One direction, with a note whether an operation of it was begun and has not ended.
struct Half<T> {
    /// In place until the `Socket` around it is dropped.
    half: ManuallyDrop<T>,
    in_flight: bool,
}

/// One TCP connection. Its parts are fields, so that both directions can be in use at once.
pub struct Socket {
    pub deadline: Deadline,
    pub control: Control,
    pub read: ReadHalf,
    pub write: WriteHalf,
}

/// What a connection to a backend is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    Exchange,
    /// Bodies and tunnels: who reads slowly leaves data unacknowledged, and silence is usual.
    Stream,
}

/// What can be done to a socket at once, whoever is reading and writing.
pub struct Control {
    /// Open as long as the `Socket` that this is a field of: nothing hands a `Control` out of it.
    fd: RawFd,
}

impl Socket {
    pub fn new(stream: TcpStream, deadlines: &Rc<Deadlines>) -> Self {
        let fd = stream.as_raw_fd();
        let (read, write) = stream.into_split();
        Self {
            deadline: deadlines.watch(fd),
            control: Control { fd },
            read: ReadHalf(Half::new(read)),
            write: WriteHalf(Half::new(write)),
        }
    }

    /// Waits until there is something to read, holding no buffer meanwhile. In rare cases it comes
    /// back too early; the read that follows then waits.
    pub async fn readable(&mut self, worker: &Worker) -> io::Result<()> {
        // Asking the kernel makes the driver forget the last event, so the next one is news and
        // the kernel need not be asked again.
        let relaxed = worker.nonblocking_sockets;
        if relaxed && !self.is_quiet(worker) {
            return Ok(());
        }
        self.read.0.in_flight = true;
        let ready = self.stream().readable(relaxed).await;
        self.read.0.in_flight = false;
        ready
    }

    /// Nothing has come and the peer has not closed: the connection can carry another request.
    pub fn is_quiet(&mut self, worker: &Worker) -> bool {
        if worker.nonblocking_sockets {
            // One poll(2), or none. Unlike a peek it also makes the driver forget that there was
            // something to read once, which saves the next read a failing try.
            return self.stream().readable(false).now_or_never().is_none();
        }
        peek(self.control.borrow()) == Err(Errno::AGAIN)
    }

    /// Waits until a connection that is being opened is open, or has failed.
    pub async fn writable(&mut self) -> io::Result<()> {
        self.write.0.in_flight = true;
        let ready = self.stream().writable(true).await;
        self.write.0.in_flight = false;
        ready
    }

    fn stream(&mut self) -> &TcpStream {
        // SAFETY: the halves share the stream on this thread alone. `&mut self` proves that
        // neither half is in use by another future, so no `&mut TcpStream` is alive beside this
        // shared reference; the halves, which keep it alive, are not dropped while `self` is
        // borrowed.
        unsafe { &*self.read.0.half.0.get() }
    }
}

impl Drop for Socket {
    /// Closes the descriptor by a plain close(2). The driver's own way shuts the socket down
    /// first, and under io_uring closes it by an operation that it then tries to cancel, for which
    /// the kernel searches all that is in flight: measured, 13 µs beside 10,000 idle clients.
    fn drop(&mut self) {
        let (read, write) = (&mut self.read.0, &mut self.write.0);
        let in_flight = read.in_flight || write.in_flight;
        // SAFETY: nobody can look at the halves after this.
        let (read, write) =
            unsafe { (ManuallyDrop::take(&mut read.half), ManuallyDrop::take(&mut write.half)) };
        // An operation that is still in flight shares the descriptor: the driver closes it then.
        if !in_flight && let Ok(stream) = read.reunite(write) {
            // SAFETY: the stream has just given it away. The deadline that still watches it, until
            // the fields are dropped, does so on this thread, which does nothing in between.
            drop(unsafe { OwnedFd::from_raw_fd(stream.into_raw_fd()) });
        }
    }
}

impl<T> Half<T> {
    fn new(half: T) -> Self {
        Self { half: ManuallyDrop::new(half), in_flight: false }
    }
}

impl ReadHalf {
    /// Reads once; 0 bytes are the end of the stream.
    pub async fn read<B: IoBufMut>(&mut self, into: B) -> BufResult<usize, B> {
        self.0.in_flight = true;
        let read = self.0.half.read(into).await;
        self.0.in_flight = false;
        read
    }
}

impl WriteHalf {
    /// Writes once; says how many bytes.
    pub async fn write<B: IoBuf>(&mut self, from: B) -> BufResult<usize, B> {
        self.0.in_flight = true;
        let written = self.0.half.write(from).await;
        self.0.in_flight = false;
        written
    }
}

impl Control {
    /// For [`Deadline`] alone, which lives beside it.
    pub(super) fn fd(&self) -> RawFd {
        self.fd
    }

    /// Tells the peer that no more will be written.
    pub fn shut_write(&self) {
        // Fails only when the peer has gone, and then there is nobody to tell.
        let _ = rustix::net::shutdown(self.borrow(), Shutdown::Write);
    }

    /// Ends both directions; operations in flight complete at once.
    pub fn shut_both(&self) {
        let _ = rustix::net::shutdown(self.borrow(), Shutdown::Both);
    }

    /// Makes closing a reset: for a body that ends by closing but was cut.
    pub fn reset_on_close(&self) {
        let _ = sockopt::set_socket_linger(self.borrow(), Some(Duration::ZERO));
    }

    /// Sets how soon a backend that answers nothing, not even to the kernel, is given up.
    pub fn set_patience(&self, patience: Patience) {
        let (unacknowledged, idle) = match patience {
            Patience::Exchange => (UNACKNOWLEDGED, KEEPALIVE_IDLE),
            // Zero is the kernel's own bound.
            Patience::Stream => (Duration::ZERO, TUNNEL_KEEPALIVE_IDLE),
        };
        // These fail on no socket that is open, and a socket that is not needs none of them.
        let millis = u32::try_from(unacknowledged.as_millis()).unwrap_or(u32::MAX);
        let _ = sockopt::set_tcp_user_timeout(self.borrow(), millis);
        let _ = sockopt::set_tcp_keepidle(self.borrow(), idle);
    }

    /// Lets the kernel ask a silent peer whether it is still there.
    pub fn keep_alive(&self) {
        let _ = sockopt::set_tcp_keepintvl(self.borrow(), UNACKNOWLEDGED / 4);
        let _ = sockopt::set_socket_keepalive(self.borrow(), true);
    }

    /// Whether the peer's kernel has thrown away all of the last `sent` bytes, so that its program
    /// has seen nothing of them: it has reset the connection and acknowledged none. `None` while
    /// it has said neither.
    ///
    /// That is what becomes of a request that crosses the closing of an idle connection on its way
    /// (RFC 9293 section 3.10.7.1: what comes for a connection that is not there is answered by a
    /// reset, and not acknowledged).
    pub fn has_refused(&self, sent: usize) -> Option<bool> {
        if unacknowledged(self.borrow()) != Ok(sent) {
            return Some(false);
        }
        // Only a connection that was reset has no peer any more.
        let peer = rustix::net::getpeername(self.borrow());
        (peer.err() == Some(Errno::NOTCONN)).then_some(true)
    }

    /// The error that opening the connection has left behind.
    pub fn take_error(&self) -> io::Result<()> {
        Ok(sockopt::socket_error(self.borrow())??)
    }

    /// Makes operations wait, as the io_uring driver needs it.
    pub fn set_blocking(&self) -> io::Result<()> {
        Ok(rustix::io::ioctl_fionbio(self.borrow(), false)?)
    }

    fn borrow(&self) -> BorrowedFd<'_> {
        // SAFETY: the halves beside it in `Socket` own the descriptor and live as long as it.
        unsafe { BorrowedFd::borrow_raw(self.fd) }
    }
}

/// Ends both directions of a watched descriptor; operations in flight complete at once.
pub(super) fn shut_both(fd: RawFd) {
    let _ = rustix::net::shutdown(watched(&fd), Shutdown::Both);
}

/// Ends the reading direction of a watched descriptor; a read in flight completes at once.
pub(super) fn shut_read(fd: RawFd) {
    let _ = rustix::net::shutdown(watched(&fd), Shutdown::Read);
}

/// See [`Socket::is_quiet`], for a watched descriptor.
pub(super) fn is_quiet(fd: RawFd) -> bool {
    peek(watched(&fd)) == Err(Errno::AGAIN)
}

/// The peer of a watched descriptor has closed or reset, and everything before that was read.
pub(super) fn has_ended(fd: RawFd) -> bool {
    !matches!(peek(watched(&fd)), Ok(1..) | Err(Errno::AGAIN | Errno::INTR))
}

fn watched(fd: &RawFd) -> BorrowedFd<'_> {
    // SAFETY: `Deadlines` holds descriptors only between `watch` and the drop of its guard, and
    // who watches drops the guard before this thread can do anything after the descriptor was
    // closed: see `Socket::drop`. A backend's is held only while `Awaiting` borrows its socket.
    unsafe { BorrowedFd::borrow_raw(*fd) }
}

/// How many bytes have been written that the peer has not acknowledged (tcp(7), `SIOCOUTQ`).
fn unacknowledged(fd: BorrowedFd<'_>) -> Result<usize, Errno> {
    const SIOCOUTQ: Opcode = 0x5411;
    // SAFETY: this request writes one `int`, and nothing else.
    let bytes = unsafe { ioctl(fd, Getter::<SIOCOUTQ, c_int>::new()) }?;
    Ok(usize::try_from(bytes).unwrap_or_default())
}

/// How many bytes could be read now, at most one.
fn peek(fd: BorrowedFd<'_>) -> Result<usize, Errno> {
    let mut byte = [0_u8; 1];
    let (read, _) = rustix::net::recv(fd, &mut byte[..], RecvFlags::PEEK | RecvFlags::DONTWAIT)?;
    Ok(read)
}

/// Ends a listener with all its copies, in whichever process they are.
pub(super) fn shut_listener(listener: &monoio::net::TcpListener) {
    let _ = rustix::net::shutdown(borrow(listener), Shutdown::Both);
}

fn borrow(listener: &monoio::net::TcpListener) -> BorrowedFd<'_> {
    // SAFETY: `listener` owns the descriptor and outlives the result.
    unsafe { BorrowedFd::borrow_raw(listener.as_raw_fd()) }
}

/// Takes one pending connection from a non-blocking listener, close-on-exec and in the blocking
/// mode that the driver wants.
pub(super) fn accept(
    listener: &monoio::net::TcpListener,
    nonblocking: bool,
) -> io::Result<(TcpStream, SocketAddr)> {
    let mut flags = SocketFlags::CLOEXEC;
    flags.set(SocketFlags::NONBLOCK, nonblocking);
    let (socket, peer) = rustix::net::acceptfrom_with(borrow(listener), flags)?;
    let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
    // A peer that has reset meanwhile has no address any more.
    let peer = peer.ok_or(io::ErrorKind::ConnectionAborted)?;
    Ok((TcpStream::from_std(std::net::TcpStream::from(socket))?, peer))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{Shutdown, TcpListener, TcpStream};

    use super::*;

    /// What is known of `sent` bytes once `peer` has done its part.
    fn fate(sent: usize, peer: impl FnOnce(TcpStream) -> Option<TcpStream>) -> Option<bool> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let kept = peer(listener.accept().unwrap().0);
        let _ = ours.write_all(&vec![b'x'; sent]);
        std::thread::sleep(Duration::from_millis(20));
        let control = Control { fd: ours.as_raw_fd() };
        let fate = control.has_refused(sent);
        drop(kept);
        fate
    }

    #[test]
    fn what_crosses_a_close_was_refused() {
        assert_eq!(fate(200, |_closed| None), Some(true));
    }

    #[test]
    fn what_was_acknowledged_may_have_been_read() {
        assert_eq!(fate(200, Some), Some(false), "it lies unread");
        let half = |stream: TcpStream| {
            stream.shutdown(Shutdown::Write).unwrap();
            Some(stream)
        };
        assert_eq!(fate(200, half), Some(false), "who will not answer may still read");
        let reads = |stream: TcpStream| {
            let mut reader = stream.try_clone().unwrap();
            std::thread::spawn(move || reader.read(&mut [0; 100]));
            Some(stream)
        };
        assert_eq!(fate(200, reads), Some(false));
    }
}
