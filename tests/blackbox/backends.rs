//! Backends: the good one, and each bad one named after what it does.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::harness::{BACKEND_PORT, fresh_address};

/// The echo backend of the binary, in this process.
pub struct Echo {
    pub ip: String,
    pub name: &'static str,
    stop: Option<oneshot::Sender<()>>,
}

impl Echo {
    pub fn start(name: &'static str) -> Self {
        Self::start_at(name, fresh_address())
    }

    pub fn start_at(name: &'static str, ip: String) -> Self {
        let listener = TcpListener::bind((ip.as_str(), BACKEND_PORT)).expect("bind a backend");
        listener.set_nonblocking(true).expect("nonblocking");
        let (stop, stopped) = oneshot::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("listener");
                let stopped = async {
                    let _ = stopped.await;
                };
                // Tests end without waiting for it; an error here shows as a failed request.
                let _ = ringress::echo::serve(listener, name.to_owned(), stopped).await;
            });
        });
        Self { ip, name, stop: Some(stop) }
    }

    /// The URL that Traefik 1 puts into its cookie.
    pub fn url(&self) -> String {
        format!("http://{}:{BACKEND_PORT}", self.ip)
    }

    /// Graceful, as a container that gets SIGTERM.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }
}

/// Several with the names, in their order.
pub fn echoes(names: &[&'static str]) -> Vec<Echo> {
    names.iter().map(|name| Echo::start(name)).collect()
}

pub fn ips(echoes: &[Echo]) -> Vec<&str> {
    echoes.iter().map(|echo| echo.ip.as_str()).collect()
}

/// A backend on plain threads that plays one role on each of its connections.
pub struct Mock {
    pub ip: String,
    ended: Arc<AtomicBool>,
}

impl Mock {
    /// Accepts, reads each request, never answers.
    pub fn silent() -> Self {
        Self::play(|mut peer| while peer.request().is_some() {})
    }

    /// Reads a request and closes without a word.
    pub fn slammer() -> Self {
        Self::play(|mut peer| {
            peer.request();
        })
    }

    /// Promises a hundred bytes, sends fifty, closes.
    pub fn truncator() -> Self {
        Self::play(|mut peer| {
            if peer.request().is_some() {
                peer.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
                peer.say(&"x".repeat(50));
            }
        })
    }

    /// Breaks off inside a chunk.
    pub fn chunk_truncator() -> Self {
        Self::play(|mut peer| {
            if peer.request().is_some() {
                peer.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n");
                peer.say(&"x".repeat(50));
            }
        })
    }

    /// Answers properly, says nothing about closing, and closes.
    pub fn quitter() -> Self {
        Self::play(|mut peer| {
            if peer.request().is_some() {
                peer.say("HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\nHostname: quitter\n");
            }
        })
    }

    /// Ends its body by closing, as HTTP/1.0 servers do.
    pub fn until_close() -> Self {
        Self::play(|mut peer| {
            if peer.request().is_some() {
                peer.say("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it");
            }
        })
    }

    /// Not HTTP at all.
    pub fn babbler() -> Self {
        Self::play(|mut peer| {
            if peer.request().is_some() {
                peer.say("SSH-2.0-OpenSSH_9.2\r\n");
            }
        })
    }

    /// Switches protocols, then reads to the end of what comes and only then says how much it was.
    pub fn counter_after_upgrade() -> Self {
        Self::play(|mut peer| {
            if peer.request().is_some() {
                peer.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n");
                peer.say("Upgrade: count\r\n\r\n");
                let mut bytes = Vec::new();
                let _ = peer.reader.read_to_end(&mut bytes);
                peer.say(&format!("{} bytes", bytes.len()));
            }
        })
    }

    /// Sends an interim response before the real one.
    pub fn hinter() -> Self {
        Self::play(|mut peer| {
            while peer.request().is_some() {
                peer.say("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
                peer.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            }
        })
    }

    /// Any other role, written down where it is played.
    pub fn play(role: impl Fn(Peer) + Send + Sync + 'static) -> Self {
        let ip = fresh_address();
        let listener = TcpListener::bind((ip.as_str(), BACKEND_PORT)).expect("bind a mock");
        let ended = Arc::new(AtomicBool::new(false));
        let (ending, role) = (Arc::clone(&ended), Arc::new(role));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ending.load(Ordering::Relaxed) {
                    return;
                }
                let role = Arc::clone(&role);
                std::thread::spawn(move || role(Peer::new(stream)));
            }
        });
        Self { ip, ended }
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // One connection wakes the accept loop, which then ends.
        let address = SocketAddr::new(self.ip.parse().expect("an address"), BACKEND_PORT);
        let _ = TcpStream::connect_timeout(&address, Duration::from_millis(200));
    }
}

/// The load balancer as a mock sees it.
pub struct Peer {
    reader: BufReader<TcpStream>,
}

impl Peer {
    fn new(stream: TcpStream) -> Self {
        let _ = stream.set_read_timeout(Some(Duration::from_secs(30)));
        Self { reader: BufReader::new(stream) }
    }

    /// Head of the next request; its body, if it declares a length, is read and dropped. `None`
    /// at the end of the connection.
    pub fn request(&mut self) -> Option<String> {
        let head = self.head()?;
        self.body(&head)?;
        Some(head)
    }

    /// Head and body of the next request; chunks stay as they are.
    pub fn whole_request(&mut self) -> Option<(String, String)> {
        let head = self.head()?;
        let mut body = self.body(&head)?;
        if head.contains("Transfer-Encoding: chunked\r\n") {
            while !body.ends_with("0\r\n\r\n") && self.reader.read_line(&mut body).ok()? > 0 {}
        }
        Some((head, body))
    }

    fn head(&mut self) -> Option<String> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.reader.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        Some(head)
    }

    fn body(&mut self, head: &str) -> Option<String> {
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then_some(value)?.trim().parse().ok()
        });
        let mut body = Vec::new();
        (&mut self.reader).take(length.unwrap_or(0)).read_to_end(&mut body).ok()?;
        Some(String::from_utf8_lossy(&body).into_owned())
    }

    pub fn say(&mut self, text: &str) {
        // The other side may be gone; that is the case's business.
        let _ = self.reader.get_mut().write_all(text.as_bytes());
    }
}
