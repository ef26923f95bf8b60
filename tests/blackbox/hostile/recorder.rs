//! A backend that writes down every byte that reaches it, and answers whole requests.
//!
//! Its reading of where a request ends is deliberately not the project's own.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::harness::{BACKEND_PORT, fresh_address};

/// What has come since it was last taken.
#[derive(Debug, Default, Clone)]
pub struct Log {
    pub connections: usize,
    pub bytes: usize,
    /// Whole ones, in the order in which they became whole.
    pub requests: Vec<Vec<u8>>,
    /// What had come of a request when its connection ended, or when nobody waited for more.
    pub cut: Vec<Vec<u8>>,
    /// What has come of requests that may go on, by connection.
    pub open: BTreeMap<usize, Vec<u8>>,
}

pub struct Recorder {
    pub ip: String,
    log: Arc<Mutex<Log>>,
    ended: Arc<AtomicBool>,
}

impl Recorder {
    pub fn start() -> Self {
        let ip = fresh_address();
        let listener = TcpListener::bind((ip.as_str(), BACKEND_PORT)).expect("bind a recorder");
        let (log, ended) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (shared, ending) = (Arc::clone(&log), Arc::clone(&ended));
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                if ending.load(Ordering::Relaxed) {
                    return;
                }
                lock(&shared).connections += 1;
                let log = Arc::clone(&shared);
                std::thread::spawn(move || record(stream, number, &log));
            }
        });
        Self { ip, log, ended }
    }

    /// Forgets everything up to now: whoever connected before is accepted before.
    pub fn settle(&self) {
        let mut last = TcpStream::connect((self.ip.as_str(), BACKEND_PORT)).expect("connect");
        last.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("send");
        last.read_exact(&mut [0]).expect("an answer");
        self.take();
    }

    pub fn look(&self) -> Log {
        lock(&self.log).clone()
    }

    /// Gives what was written down, and begins anew; open requests stay open.
    pub fn take(&self) -> Log {
        let mut log = lock(&self.log);
        let open = log.open.clone();
        std::mem::replace(&mut *log, Log { open, ..Log::default() })
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let address = SocketAddr::new(self.ip.parse().expect("an address"), BACKEND_PORT);
        let _ = TcpStream::connect_timeout(&address, Duration::from_millis(200));
    }
}

fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().expect("log")
}

fn record(mut stream: TcpStream, number: usize, log: &Mutex<Log>) {
    let _ = stream.set_nodelay(true);
    let mut piece = [0; 16 * 1024];
    let mut early = false;
    while let Ok(n @ 1..) = stream.read(&mut piece) {
        let mut answers = Vec::new();
        {
            let mut log = lock(log);
            log.bytes += n;
            let mut bytes = log.open.remove(&number).unwrap_or_default();
            bytes.extend_from_slice(&piece[..n]);
            while let Some(length) = whole(&bytes) {
                let request: Vec<u8> = bytes.drain(..length).collect();
                answers.push(answer(&request));
                log.requests.push(request);
            }
            if !early && bytes.starts_with(b"POST /early ") && head_length(&bytes).is_some() {
                early = true;
                answers
                    .push(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n".into());
            }
            if !bytes.is_empty() {
                log.open.insert(number, bytes);
            }
        }
        for answer in answers {
            let _ = stream.write_all(&answer);
        }
    }
    let mut log = lock(log);
    if let Some(bytes) = log.open.remove(&number) {
        log.cut.push(bytes);
    }
}

/// Each request is answered with its own first line: whose answer it is can be seen.
fn answer(request: &[u8]) -> Vec<u8> {
    let line = first_line(request);
    let mut answer =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", line.len()).into_bytes();
    if !request.starts_with(b"HEAD ") {
        answer.extend_from_slice(line);
    }
    answer
}

pub fn first_line(bytes: &[u8]) -> &[u8] {
    bytes.split(|&b| b == b'\r').next().unwrap_or_default()
}

fn head_length(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|w| w == b"\r\n\r\n").map(|at| at + 4)
}

/// Length of the request at the front, if all of it has come.
fn whole(bytes: &[u8]) -> Option<usize> {
    let head = head_length(bytes)?;
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let value = |name: &str| {
        let mut fields = text.split("\r\n").filter_map(|line| line.split_once(':'));
        fields.find(|(n, _)| *n == name).map(|(_, value)| value.trim().to_owned())
    };
    if value("transfer-encoding").is_some() {
        return chunks(bytes, head);
    }
    let length = value("content-length").map_or(0, |v| v.parse().expect("a length"));
    Some(head + length).filter(|&end| end <= bytes.len())
}

fn chunks(bytes: &[u8], mut at: usize) -> Option<usize> {
    let line = |at: usize| {
        let rest = bytes.get(at..)?;
        let end = rest.windows(2).position(|w| w == b"\r\n")?;
        Some((String::from_utf8_lossy(&rest[..end]).into_owned(), at + end + 2))
    };
    loop {
        let (size, behind) = line(at)?;
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).expect("a chunk size");
        at = behind;
        if size == 0 {
            break;
        }
        at = at.checked_add(size + 2)?;
    }
    loop {
        let (trailer, behind) = line(at)?;
        at = behind;
        if trailer.is_empty() {
            return Some(at);
        }
    }
}
