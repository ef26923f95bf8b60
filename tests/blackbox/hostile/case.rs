//! What the tables are made of, and the few words in braces that their bytes may hold.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What a sender waits at `{pause}`: long enough for everything before to be read and acted on.
pub const PAUSE: Duration = Duration::from_millis(40);

/// A request, or several, on a connection of its own.
pub struct Case {
    pub name: &'static str,
    /// `{pause}` is a pause, `{9*text}` nine times the text; other braces are themselves.
    pub bytes: &'static [u8],
    pub outcome: Outcome,
    /// What requires the outcome.
    pub section: &'static str,
}

/// Requests as the backend must get them: `{origin}` stands for the fields that say where a
/// request came from, `{peer}` for the client's address, `{server}` for our own name, `{backend}`
/// for the backend's, which takes the place of one that the client does not say.
pub type Requests = &'static [&'static [u8]];

pub enum Outcome {
    /// An answer of our own, and the end of the connection: readable, no reset, nothing behind
    /// it. The backend gets no byte and no connection.
    Refused(u16),
    /// Exactly these arrive and each gets its own answer; the connection can still be used.
    Passed(Requests),
    /// Exactly these arrive and each gets its own answer; then the connection closes.
    PassedThenClosed(Requests),
    /// Exactly these arrive and each gets its own answer; then the refusal, as above.
    PassedThenRefused(Requests, u16),
    /// The backend may see a beginning but never a whole request, and its connection ends. The
    /// client gets this answer, or none, and the end of the connection.
    Broken(u16),
    /// The client ends its side behind the bytes; for the rest like `Broken`.
    Abandoned,
}

type Bytes = &'static [u8];

pub const fn refused(name: &'static str, bytes: Bytes, status: u16, section: &'static str) -> Case {
    Case { name, bytes, outcome: Outcome::Refused(status), section }
}

pub const fn passed(
    name: &'static str,
    bytes: Bytes,
    arrive: Requests,
    section: &'static str,
) -> Case {
    Case { name, bytes, outcome: Outcome::Passed(arrive), section }
}

pub const fn passed_then_closed(
    name: &'static str,
    bytes: Bytes,
    arrive: Requests,
    section: &'static str,
) -> Case {
    Case { name, bytes, outcome: Outcome::PassedThenClosed(arrive), section }
}

pub const fn passed_then_refused(
    name: &'static str,
    bytes: Bytes,
    arrive: Requests,
    status: u16,
    section: &'static str,
) -> Case {
    Case { name, bytes, outcome: Outcome::PassedThenRefused(arrive, status), section }
}

pub const fn broken(name: &'static str, bytes: Bytes, status: u16, section: &'static str) -> Case {
    Case { name, bytes, outcome: Outcome::Broken(status), section }
}

pub const fn abandoned(name: &'static str, bytes: Bytes, section: &'static str) -> Case {
    Case { name, bytes, outcome: Outcome::Abandoned, section }
}

/// Writes out `{9*text}`.
pub fn expand(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while let Some((&byte, tail)) = rest.split_first() {
        match repetition(rest) {
            Some((count, text, behind)) => {
                out.extend(text.repeat(count));
                rest = behind;
            }
            None => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    out
}

/// The `{9*text}` at the front, and what is behind it.
fn repetition(bytes: &[u8]) -> Option<(usize, &[u8], &[u8])> {
    let inside = bytes.strip_prefix(b"{")?;
    let end = inside.iter().position(|&b| b == b'}')?;
    let star = inside[..end].iter().position(|&b| b == b'*')?;
    let count = std::str::from_utf8(&inside[..star]).ok()?.parse().ok()?;
    Some((count, &inside[star + 1..end], &inside[end + 1..]))
}

/// Takes bytes apart at a word in braces.
pub fn split<'b>(bytes: &'b [u8], word: &str) -> Vec<&'b [u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(word.len()).position(|w| w == word.as_bytes()) {
        parts.push(&rest[..at]);
        rest = &rest[at + word.len()..];
    }
    parts.push(rest);
    parts
}

/// Replaces a word in braces.
pub fn replace(bytes: &[u8], word: &str, by: &str) -> Vec<u8> {
    split(bytes, word).join(by.as_bytes())
}

/// Bytes as one reads them in a message.
pub fn show(bytes: &[u8]) -> String {
    const MOST: usize = 1500;
    let cut = if bytes.len() > MOST { " …" } else { "" };
    format!("\"{}\"{cut}", bytes[..bytes.len().min(MOST)].escape_ascii())
}

/// Runs all cases on a few lanes, each with a load balancer and a backend of its own: what a
/// backend sees is then the doing of one case. Says all that failed, by name.
pub fn run_all<C: Sync, L>(
    cases: &[C],
    lanes: usize,
    lane: impl Fn() -> L + Sync,
    name: impl Fn(&C) -> String + Sync,
    run: impl Fn(&L, &C) -> Result<(), String> + Sync,
    finish: impl Fn(&L) -> Result<(), String> + Sync,
) {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let note = |name: String, result: Result<(), String>| {
        if let Err(why) = result {
            failed.lock().expect("failures").push(format!("{name}: {why}"));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..lanes.min(cases.len()) {
            scope.spawn(|| {
                let lane = lane();
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let done = catch_unwind(AssertUnwindSafe(|| run(&lane, case)));
                    note(name(case), done.unwrap_or_else(|_| Err("panicked, see above".into())));
                }
                note("behind the last case".to_owned(), finish(&lane));
            });
        }
    });
    let failed = failed.into_inner().expect("failures");
    assert!(failed.is_empty(), "{} failed:\n{}\n", failed.len(), failed.join("\n"));
}

#[test]
fn words_in_braces_are_written_out() {
    assert_eq!(expand(b"a{3*xy}b{0*z}{pause}{c}"), b"axyxyxyb{pause}{c}");
    assert_eq!(split(b"a{pause}b", "{pause}"), [b"a", b"b"]);
    assert_eq!(replace(b"a{peer}{peer}", "{peer}", "1"), b"a11");
}
