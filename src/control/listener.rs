//! The listener of the control plane, bounded in number and in patience.
//!
//! Descriptors are shared with the data path: whoever reaches the dashboard's port must not be
//! able to use them up by opening connections and saying nothing.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// Connections at one time: pages, scrapers and health checks; the others wait in the backlog.
const CONNECTIONS: usize = 512;

/// A connection on which nothing moves for so long is closed. Live views move every second, and
/// scrapers that come every 15 or 30 seconds keep theirs.
const IDLE: Duration = Duration::from_secs(60);

/// A listener that hands out so many connections and no more.
pub struct Bounded {
    /// `None` once it is closed.
    listener: Option<TcpListener>,
    close: Arc<Notify>,
    permits: Arc<Semaphore>,
    idle: Duration,
}

/// A connection that fails when it stands still for too long.
pub struct Watched {
    stream: TcpStream,
    idle: Duration,
    deadline: Pin<Box<Sleep>>,
    /// Given back with the connection.
    _permit: Option<OwnedSemaphorePermit>,
}

impl Bounded {
    /// Closes when it is notified; connections that are open go on.
    pub fn new(listener: TcpListener, close: Arc<Notify>) -> Self {
        Self {
            listener: Some(listener),
            close,
            permits: Arc::new(Semaphore::new(CONNECTIONS)),
            idle: IDLE,
        }
    }
}

impl Listener for Bounded {
    type Io = Watched;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Watched, SocketAddr) {
        let Some(listener) = &mut self.listener else { return std::future::pending().await };
        let accept = async {
            // The semaphore is never closed; were it, connections would just not be counted.
            let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
            // Accept errors are logged and waited out by axum's own listener.
            (permit, Listener::accept(listener).await)
        };
        let accepted = tokio::select! {
            accepted = accept => Some(accepted),
            () = self.close.notified() => None,
        };
        let Some((permit, (stream, peer))) = accepted else {
            self.listener = None;
            return std::future::pending().await;
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, %peer, "TCP_NODELAY was not set");
        }
        let deadline = Box::pin(sleep(self.idle));
        (Watched { stream, idle: self.idle, deadline, _permit: permit }, peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.as_ref().ok_or(io::ErrorKind::NotConnected)?.local_addr()
    }
}

impl Watched {
    /// Puts the deadline off when something moved, and fails when it has passed.
    fn watch<T>(
        &mut self,
        context: &mut Context<'_>,
        moved: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if moved.is_ready() {
            let deadline = Instant::now() + self.idle;
            self.deadline.as_mut().reset(deadline);
            return moved;
        }
        self.deadline.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.watch(context, read)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_silent_connection_is_closed_and_makes_room() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let idle = Duration::from_millis(80);
        let mut bounded = Bounded::new(listener, Arc::default());
        (bounded.permits, bounded.idle) = (Arc::new(Semaphore::new(1)), idle);

        let mut first = TcpStream::connect(address).await.expect("a connection");
        let (mut served, _) = bounded.accept().await;
        first.write_all(b"x").await.expect("a byte");
        assert_eq!(served.read_u8().await.expect("the byte"), b'x');
        let _second = TcpStream::connect(address).await.expect("a connection");
        let room = tokio::time::timeout(idle / 4, bounded.accept()).await;
        assert!(room.is_err(), "one is the bound");

        let silence = served.read_u8().await.expect_err("nothing came");
        assert_eq!(silence.kind(), io::ErrorKind::TimedOut);
        drop(served);
        bounded.accept().await;
    }
}
