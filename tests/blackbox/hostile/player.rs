//! A backend that plays a script on one request and serves all others.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use socket2::SockRef;

use super::case::{PAUSE, expand};
use crate::harness::{BACKEND_PORT, eventually, fresh_address};

/// What the backend does when it is asked for [`HOSTILE`]: bytes, and between them these.
const WORDS: [(&str, Act); 5] = [
    ("{pause}", Act::Pause),
    ("{begun}", Act::Await),
    ("{idle}", Act::Pause),
    ("{close}", Act::Close),
    ("{reset}", Act::Reset),
];

/// In front of a script that does not wait for a request.
pub const UNASKED: &str = "{unasked}";

pub const HOSTILE: &str = "/hostile";

#[derive(Debug, Clone, Copy)]
enum Act {
    Pause,
    Await,
    Close,
    Reset,
}

#[derive(Default)]
struct Stage {
    script: Vec<u8>,
    /// The client has got something.
    begun: bool,
    /// Each script's own: a connection of the one before may end late.
    seen: Arc<Mutex<Seen>>,
}

/// What has happened since the script was set.
#[derive(Debug, Default, Clone, Copy)]
pub struct Seen {
    /// Scripts that were played to their end.
    pub played: usize,
    /// Connections on which something came behind a script.
    pub reused: usize,
    /// Connections with a script that are still open.
    pub open: usize,
}

pub struct Player {
    pub ip: String,
    stage: Arc<Mutex<Stage>>,
    ended: Arc<AtomicBool>,
}

impl Player {
    pub fn start() -> Self {
        let ip = fresh_address();
        let listener = TcpListener::bind((ip.as_str(), BACKEND_PORT)).expect("bind a player");
        let (stage, ended) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (shared, ending) = (Arc::clone(&stage), Arc::clone(&ended));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ending.load(Ordering::Relaxed) {
                    return;
                }
                let stage = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &stage));
            }
        });
        Self { ip, stage, ended }
    }

    pub fn set(&self, script: &[u8]) {
        *lock(&self.stage) = Stage { script: expand(script), ..Stage::default() };
    }

    /// Ends the wait at `{begun}`.
    pub fn go_on(&self) {
        lock(&self.stage).begun = true;
    }

    pub fn seen(&self) -> Seen {
        *lock(&lock(&self.stage).seen)
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let address = SocketAddr::new(self.ip.parse().expect("an address"), BACKEND_PORT);
        let _ = TcpStream::connect_timeout(&address, Duration::from_millis(200));
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().expect("no player has panicked")
}

fn serve(stream: TcpStream, stage: &Mutex<Stage>) {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream);
    let unasked = {
        let mut stage = lock(stage);
        let unasked = stage.script.strip_prefix(UNASKED.as_bytes()).map(<[u8]>::to_vec);
        if let Some(script) = &unasked {
            // Once, whoever comes; who asks again gets it as an answer.
            stage.script.clone_from(script);
        }
        unasked
    };
    if let Some(script) = unasked {
        return play(reader, &script, stage, true);
    }
    while let Some(line) = request(&mut reader) {
        let path = line.split(' ').nth(1).unwrap_or_default();
        if path == HOSTILE {
            let script = lock(stage).script.clone();
            return play(reader, &script, stage, false);
        }
        answer(&mut reader, path);
    }
}

/// Its own path is the answer to a clean request. Such a connection is not kept, so that each
/// script begins on a new one.
fn answer(reader: &mut BufReader<TcpStream>, path: &str) {
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n";
    let page = format!("{head}Content-Length: {}\r\n\r\n{path}", path.len());
    let _ = reader.get_mut().write_all(page.as_bytes());
}

/// First line of the next request, whose head is all there is of it.
fn request(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    head.lines().next().map(str::to_owned)
}

fn play(mut reader: BufReader<TcpStream>, script: &[u8], stage: &Mutex<Stage>, owes_one: bool) {
    let seen = Arc::clone(&lock(stage).seen);
    lock(&seen).open += 1;
    let last = perform(&mut reader, script, stage);
    if let Some(Act::Reset) = last {
        drop(reader);
        let mut seen = lock(&seen);
        (seen.played, seen.open) = (seen.played + 1, seen.open - 1);
        return;
    }
    lock(&seen).played += 1;
    if owes_one {
        // The request that the script did not wait for.
        let _ = request(&mut reader);
    }
    if !matches!(reader.fill_buf(), Ok([]) | Err(_)) {
        lock(&seen).reused += 1;
        while let Some(line) = request(&mut reader) {
            answer(&mut reader, line.split(' ').nth(1).unwrap_or_default());
        }
    }
    lock(&seen).open -= 1;
}

/// Gives the deed that ended the script early, if one did.
fn perform(reader: &mut BufReader<TcpStream>, script: &[u8], stage: &Mutex<Stage>) -> Option<Act> {
    let mut rest = script;
    while !rest.is_empty() {
        let words = WORDS.iter().filter_map(|&(word, act)| {
            let at = rest.windows(word.len()).position(|w| w == word.as_bytes())?;
            Some((at, word, act))
        });
        let Some((at, word, act)) = words.min_by_key(|(at, ..)| *at) else {
            let _ = reader.get_mut().write_all(rest);
            return None;
        };
        let _ = reader.get_mut().write_all(&rest[..at]);
        match act {
            Act::Pause => std::thread::sleep(PAUSE),
            Act::Await => eventually("a beginning at the client", Duration::from_secs(15), || {
                lock(stage).begun.then_some(())
            }),
            Act::Close => {
                // The other direction is read to its end, so that this is no reset.
                let _ = reader.get_mut().shutdown(Shutdown::Write);
                return Some(act);
            }
            Act::Reset => {
                let _ = SockRef::from(reader.get_ref()).set_linger(Some(Duration::ZERO));
                return Some(act);
            }
        }
        rest = &rest[at + word.len()..];
    }
    None
}
