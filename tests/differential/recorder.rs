//! The only backend behind Ringress: keeps the bytes of each connection as they came.
//!
//! It asks for a new connection for each request, so what a connection brings until its end is
//! what Ringress takes for one request. Its own look at the framing only decides when to answer;
//! were that wrong, the servers that read the record afterwards would show it.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::{BACKEND_PORT, eventually, fresh_address};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// What came on one connection.
pub struct Record {
    /// The client's, as Ringress names it.
    pub client: Option<Ipv4Addr>,
    pub bytes: Vec<u8>,
    /// A whole request, and answered.
    pub complete: bool,
}

#[derive(Default)]
struct State {
    open: AtomicUsize,
    accepted: AtomicUsize,
    records: Mutex<Vec<Record>>,
}

pub struct Recorder {
    pub ip: String,
    state: Arc<State>,
}

impl Recorder {
    pub fn start() -> Self {
        let ip = fresh_address();
        let listener = TcpListener::bind((ip.as_str(), BACKEND_PORT)).expect("bind the recorder");
        listener.set_nonblocking(true).expect("nonblocking");
        let state = Arc::new(State::default());
        let kept = Arc::clone(&state);
        // Ends with the process.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("listener");
                loop {
                    let Ok((stream, _)) = listener.accept().await else { continue };
                    state.accepted.fetch_add(1, Ordering::SeqCst);
                    state.open.fetch_add(1, Ordering::SeqCst);
                    tokio::spawn(record(stream, Arc::clone(&state)));
                }
            });
        });
        Self { ip, state: kept }
    }

    /// What was recorded since the last time, once nothing is on its way any more.
    pub fn take(&self) -> Vec<Record> {
        let mut before = None;
        eventually("the end of all backend connections", Duration::from_secs(20), || {
            let now = self.state.accepted.load(Ordering::SeqCst);
            let quiet = self.state.open.load(Ordering::SeqCst) == 0 && before == Some(now);
            before = Some(now);
            quiet.then_some(()).or_else(|| {
                std::thread::sleep(Duration::from_millis(30));
                None
            })
        });
        std::mem::take(&mut *self.state.records.lock().expect("records"))
    }
}

async fn record(mut stream: tokio::net::TcpStream, state: Arc<State>) {
    let (mut bytes, mut complete) = (Vec::new(), false);
    while let Ok(1..) = stream.read_buf(&mut bytes).await {
        if !complete && end_of_request(&bytes).is_some() {
            complete = true;
            let _ = stream.write_all(ANSWER).await;
        }
    }
    // Dialled for a client that was gone before anything was sent: not a byte came.
    if !bytes.is_empty() {
        let record = Record { client: client(&bytes), bytes, complete };
        state.records.lock().expect("records").push(record);
    }
    state.open.fetch_sub(1, Ordering::SeqCst);
}

/// The last member of the field that Ringress writes itself, behind all that it passes on.
fn client(bytes: &[u8]) -> Option<Ipv4Addr> {
    let head = &bytes[..find(bytes, b"\r\n\r\n")? + 2];
    let name = b"\r\nX-Forwarded-For: ";
    let at = head.windows(name.len()).rposition(|window| window == name)? + name.len();
    let end = at + find(&head[at..], b"\r\n")?;
    let last = head[at..end].rsplit(|&b| b == b' ').next()?;
    std::str::from_utf8(last).ok()?.parse().ok()
}

/// Where the first request ends, if all of it is there.
fn end_of_request(bytes: &[u8]) -> Option<usize> {
    let head = find(bytes, b"\r\n\r\n")? + 4;
    let (mut length, mut chunked) = (0, false);
    for line in String::from_utf8_lossy(&bytes[..head]).lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            chunked = true;
        }
    }
    let end = if chunked { head + end_of_chunks(&bytes[head..])? } else { head + length };
    (bytes.len() >= end).then_some(end)
}

fn end_of_chunks(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let line = find(bytes.get(at..)?, b"\r\n")?;
        let text = std::str::from_utf8(bytes[at..at + line].split(|&b| b == b';').next()?).ok()?;
        let size = usize::from_str_radix(text, 16).ok()?;
        at += line + 2;
        if size == 0 {
            break;
        }
        at += size + 2;
    }
    // Trailers, to an empty line.
    loop {
        let line = find(bytes.get(at..)?, b"\r\n")?;
        at += line + 2;
        if line == 0 {
            return Some(at);
        }
    }
}

pub fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[test]
fn requests_end_where_they_say() {
    for (wire, end) in [
        (&b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET"[..], Some(27)),
        (b"GET / HTTP/1.1\r\nHost: a\r\n", None),
        (b"PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcd", Some(40)),
        (b"PUT / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", None),
        (
            b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;a\r\nb\r\n0\r\nT: v\r\n\r\nc",
            Some(65),
        ),
        (b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n", None),
    ] {
        assert_eq!(end_of_request(wire), end, "{}", wire.escape_ascii());
    }
}
