//! Steady clients during a change, and what each of their requests came to.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::client::Conn;

/// Pause between two requests of one client: steady, and no contest for two cores with the engine.
const PACE: Duration = Duration::from_millis(10);

/// One request and its fate.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Number of the client.
    pub client: usize,
    pub at: Instant,
    /// Which backend answered with 200; otherwise what happened.
    pub backend: Result<String, String>,
}

pub struct Load {
    stop: Arc<AtomicBool>,
    outcomes: Arc<Mutex<Vec<Outcome>>>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    /// One client per entry: `Some(cookie)` sends that cookie all along, as a browser that keeps
    /// its first one; every second client keeps its connection.
    pub fn start(entry: SocketAddr, cookies: &[Option<String>]) -> Self {
        let mut load = Self { stop: Arc::default(), outcomes: Arc::default(), clients: Vec::new() };
        for (client, cookie) in cookies.iter().enumerate() {
            let (stop, outcomes) = (Arc::clone(&load.stop), Arc::clone(&load.outcomes));
            let cookie = cookie.as_ref().map_or(String::new(), |c| format!("Cookie: {c}\r\n"));
            let request = format!("GET / HTTP/1.1\r\nHost: load\r\n{cookie}\r\n");
            load.clients.push(std::thread::spawn(move || {
                let mut kept = None;
                while !stop.load(Ordering::Relaxed) {
                    let mut conn = kept.take().unwrap_or_else(|| Conn::open(entry));
                    let answer = conn.try_send(&request).and_then(|()| conn.try_response("GET"));
                    let backend = match &answer {
                        Ok(ok) if ok.status == 200 => {
                            ok.backend().map(str::to_owned).ok_or_else(|| ok.text())
                        }
                        Ok(other) => Err(format!("{} {}", other.status, other.text())),
                        Err(error) => Err(error.to_string()),
                    };
                    if client % 2 == 0 && answer.is_ok() {
                        kept = Some(conn);
                    }
                    let outcome = Outcome { client, at: Instant::now(), backend };
                    outcomes.lock().expect("outcomes").push(outcome);
                    std::thread::sleep(PACE);
                }
            }));
        }
        load
    }

    /// All so far.
    pub fn outcomes(&self) -> Vec<Outcome> {
        self.outcomes.lock().expect("outcomes").clone()
    }

    pub fn finish(self) -> Vec<Outcome> {
        self.stop.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.join().expect("a client");
        }
        Arc::into_inner(self.outcomes).expect("clients ended").into_inner().expect("outcomes")
    }
}

/// A moment of ours as milliseconds of the Unix epoch, to be set beside the engine's.
pub fn epoch_ms(moment: Instant) -> u128 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (now - moment.elapsed()).as_millis()
}
