//! The control plane: API, dashboard, ping and metrics, on a thread of its own.
//!
//! It reads what the others write (the table, the counters, what the drivers and providers say
//! of themselves) and changes nothing. One thread with a current-thread tokio runtime serves all
//! of it, so that nothing here can take a worker's time.

mod dashboard;
mod document;
mod listener;
mod live;
mod metrics;
mod sampler;
mod server;
mod sources;
mod v1;
mod v3;
mod wording;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::{Notify, oneshot};

pub use sources::{DriverView, ProviderView, Sources};

/// The running control plane. Dropping it stops it.
#[derive(Debug)]
pub struct Control {
    address: SocketAddr,
    close: Arc<Notify>,
    /// Dropped to stop the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Control {
    /// Where it listens: tells the port when the listener was bound to port 0.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the listener alone: somebody else accepts from its other copies.
    pub fn stop_accepting(&self) {
        self.close.notify_one();
    }

    /// Closes the listener and every connection, and waits for the thread.
    ///
    /// Live streams never end by themselves, so nothing is waited for: who watches the dashboard
    /// sees the connection go and says so.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the control thread panicked");
        }
    }
}

/// Serves what `sources.config.api` asks for on the listener, until the result is dropped.
pub fn spawn(listener: TcpListener, sources: Sources) -> io::Result<Control> {
    // A blocking listener would stop the whole runtime in its first accept.
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _inside = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    let (stop, stopped) = oneshot::channel();
    let close = Arc::new(Notify::new());
    let closed = Arc::clone(&close);
    let thread = std::thread::Builder::new().name("control".to_owned()).spawn(move || {
        runtime.block_on(server::serve(listener, closed, sources, stopped));
        // Dropping the runtime drops the tasks of all connections, and with them their sockets.
    })?;
    Ok(Control { address, close, stop: Some(stop), thread: Some(thread) })
}
