//! Steady clients while something happens to the swarm, and what each request came to.
//!
//! Half of them ask again as soon as they have been answered (a closed loop), half at fixed times
//! whatever the answers do (an open loop). Every second client has a cookie, every second one keeps
//! its connection, three of ten requests are POSTs, and one of five is answered only after a while.

use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::client::Conn;

/// Clients of each kind.
const CLOSED: usize = 12;
const OPEN: usize = 24;
/// Pause of a client of the closed loop: no contest for two cores with three engines.
const PACE: Duration = Duration::from_millis(50);
/// Time between two requests of a client of the open loop.
const PERIOD: Duration = Duration::from_millis(200);

/// Distinguishes all requests of this process.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// One request and its fate.
#[derive(Clone)]
pub struct Outcome {
    pub id: u64,
    pub is_post: bool,
    /// The client sends the cookie that it was given.
    pub has_cookie: bool,
    /// When it was sent, or was due.
    pub at: Instant,
    pub took: Duration,
    /// Which backend answered with 200; otherwise what happened.
    pub backend: Result<String, String>,
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cookie = if self.has_cookie { "with a cookie" } else { "without a cookie" };
        let ago = self.at.elapsed().as_millis();
        write!(f, "{} {cookie}, {ago} ms ago, after {:?}: {:?}", self.id, self.took, self.backend)
    }
}

impl Outcome {
    pub fn ended(&self) -> Instant {
        self.at + self.took
    }
}

pub struct Load {
    stop: Arc<AtomicBool>,
    outcomes: Arc<Mutex<Vec<Outcome>>>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    /// Clients of these entries in turn. A client whose entry refuses the connection goes to the
    /// next, as one does that knows several addresses.
    pub fn start(entries: &[SocketAddr]) -> Self {
        let mut load = Self { stop: Arc::default(), outcomes: Arc::default(), clients: Vec::new() };
        for number in 0..CLOSED + OPEN {
            let (stop, outcomes) = (Arc::clone(&load.stop), Arc::clone(&load.outcomes));
            let mut client = Client::new(number, entries.to_vec());
            let is_open_loop = number >= CLOSED;
            load.clients.push(std::thread::spawn(move || {
                let mut due = Instant::now() + PERIOD.mul_f64(number as f64 / OPEN as f64);
                while !stop.load(Ordering::Relaxed) {
                    if is_open_loop {
                        std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    } else {
                        due = Instant::now();
                    }
                    let outcome = client.ask(due);
                    outcomes.lock().expect("outcomes").push(outcome);
                    if is_open_loop {
                        due += PERIOD;
                    } else {
                        std::thread::sleep(PACE);
                    }
                }
            }));
        }
        load
    }

    /// All that have ended so far.
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

/// One client with its habits.
pub struct Client {
    number: usize,
    entries: Vec<SocketAddr>,
    asked: usize,
    has_cookie: bool,
    pub cookie: Option<String>,
    kept: Option<Conn>,
}

impl Client {
    pub fn new(number: usize, mut entries: Vec<SocketAddr>) -> Self {
        let first = number / 4 % entries.len();
        entries.rotate_left(first);
        Self {
            number,
            entries,
            asked: 0,
            has_cookie: number.is_multiple_of(2),
            cookie: None,
            kept: None,
        }
    }

    fn ask(&mut self, due: Instant) -> Outcome {
        self.asked += 1;
        let is_post = (self.asked + self.number) % 10 < 3;
        let path =
            if (self.asked + self.number).is_multiple_of(5) { "/__echo/delay/100" } else { "/" };
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let cookie = self.cookie.as_ref().map_or(String::new(), |c| format!("Cookie: {c}\r\n"));
        let (method, body) =
            if is_post { ("POST", "x".repeat(200)) } else { ("GET", String::new()) };
        let keeps = (self.number / 2).is_multiple_of(2);
        let close = if keeps { "" } else { "Connection: close\r\n" };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: load\r\nX-Request-Id: {id}\r\n{cookie}{close}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let backend = self.exchange(method, &request, keeps);
        let took = due.elapsed();
        Outcome { id, is_post, has_cookie: self.has_cookie, at: due, took, backend }
    }

    fn exchange(&mut self, method: &str, request: &str, keeps: bool) -> Result<String, String> {
        let mut conn = match self.kept.take() {
            Some(conn) => conn,
            None => self.connect()?,
        };
        let answer = conn.try_send(request).and_then(|()| conn.try_response(method));
        let answer = answer.map_err(|error| format!("{method}: {error}"))?;
        if answer.status != 200 {
            return Err(format!("{method}: {} {}", answer.status, answer.text().trim()));
        }
        let given = answer.header("set-cookie").and_then(|set| set.split(';').next());
        if let Some(given) = given.filter(|_| self.has_cookie) {
            self.cookie = Some(given.to_owned());
        }
        if keeps && answer.header("connection") != Some("close") {
            self.kept = Some(conn);
        }
        answer.backend().map(str::to_owned).ok_or_else(|| answer.text())
    }

    fn connect(&mut self) -> Result<Conn, String> {
        let mut problem = String::new();
        for _ in 0..self.entries.len() {
            match TcpStream::connect_timeout(&self.entries[0], Duration::from_secs(3)) {
                Ok(stream) => return Ok(Conn::over(stream)),
                Err(error) => problem = format!("connect to {}: {error}", self.entries[0]),
            }
            self.entries.rotate_left(1);
        }
        Err(problem)
    }
}
