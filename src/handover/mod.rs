//! Restart in place: a process gives its listening sockets to the one that follows it.
//!
//! Both speak over a Unix socket at a path that both are told (`--ringress.handover`). The sockets
//! themselves go over (SCM_RIGHTS), not only their addresses: a queue of connections belongs to
//! the socket, which lives on in the successor, so nothing that is queued is lost.
//!
//! ```text
//! successor                            predecessor
//! HELLO, its network namespace    →
//!                                 ←    MORE with descriptors, as often as needed
//!                                 ←    LAST with descriptors
//! learns its first table               serves on
//! READY                           →
//!                                 ←    DONE, and from now on it drains
//! accepts
//! ```
//!
//! Until DONE the predecessor serves as before, whatever becomes of the other; a REFUSED with a
//! reason may take the place of each of its words. Its end without a word means that it is no
//! more, and then the successor, which has the sockets, serves alone.

mod predecessor;
mod successor;
#[cfg(test)]
mod tests;

use std::io;
use std::time::Duration;

use tokio::net::UnixStream;

/// What a successor wants to be asked for: a take-over in this version of the conversation.
const HELLO: &str = "ringress handover 1 ";

/// Longest HELLO or reason. Both are a line's worth; the bound is against who is no Ringress.
const TEXT_BYTES: usize = 512;

/// A word that is due at once.
const PROMPT: Duration = Duration::from_secs(5);

/// Time for the successor to become ready: longer than it waits for its first table.
const READINESS: Duration = Duration::from_secs(30);

/// Descriptors in one message. (The kernel's bound: SCM_MAX_FD)
const BATCH: usize = 253;

const MORE: u8 = b'+';
const LAST: u8 = b'.';
const READY: u8 = b'?';
const DONE: u8 = b'!';
const REFUSED: u8 = b'-';

pub use predecessor::Predecessor;
pub use successor::{Door, Successor};

/// Only a process of the same user may have our sockets, or give us any.
fn check_peer(stream: &UnixStream) -> io::Result<()> {
    // Not rustix's `socket_peercred`: it fails for a peer in another PID namespace, as containers
    // are to each other, because that has no PID here.
    let (peer, own) = (stream.peer_cred()?.uid(), rustix::process::geteuid().as_raw());
    if peer == own {
        return Ok(());
    }
    let problem = format!("it runs as user {peer}, this process as user {own}");
    Err(io::Error::new(io::ErrorKind::PermissionDenied, problem))
}

/// The name of our network namespace. A socket works in the one that it was made in, and in a
/// container of its own it would be deaf once the predecessor's container is gone.
fn network_namespace() -> String {
    std::fs::read_link("/proc/self/ns/net")
        .map_or_else(|_| "unknown".to_owned(), |name| name.to_string_lossy().into_owned())
}
