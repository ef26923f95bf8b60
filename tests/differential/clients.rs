//! Clients, each with an address of its own: that is how what a server saw finds back to what
//! was sent to it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::mutate::Mutant;

/// Between two pieces, so that they are read one by one.
const BETWEEN: Duration = Duration::from_millis(3);
/// Nothing has come for so long: the other side waits for more.
const QUIET: Duration = Duration::from_millis(400);
/// A connection whose client has ended its direction is over by then.
const PATIENCE: Duration = Duration::from_secs(5);

/// The loopback address with this number. Each is as long as any other, as text.
pub fn address(number: usize) -> Ipv4Addr {
    let octet = |n: usize| u8::try_from(100 + n % 156).expect("below 256");
    Ipv4Addr::new(127, octet(number / 156 / 156), octet(number / 156), octet(number))
}

/// What came back on one connection.
pub struct Told {
    pub bytes: Vec<u8>,
    /// The other side closed.
    pub ended: bool,
}

impl Told {
    /// Status codes of all responses.
    pub fn statuses(&self) -> Vec<u16> {
        let starts = self.bytes.windows(13).filter(|w| {
            w.starts_with(b"HTTP/1.") && w[7].is_ascii_digit() && w[8] == b' ' && w[12] == b' '
        });
        starts.filter_map(|w| std::str::from_utf8(&w[9..12]).ok()?.parse().ok()).collect()
    }
}

async fn connect(from: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((from, 0).into()).expect("bind a client");
    let connected = timeout(PATIENCE, socket.connect(to)).await.expect("connect in time");
    let stream = connected.unwrap_or_else(|error| panic!("connect to {to}: {error}"));
    stream.set_nodelay(true).expect("nodelay");
    stream
}

/// Reads until the other side ends, or is quiet for so long.
async fn read(stream: &mut TcpStream, told: &mut Told, quiet: Duration) {
    loop {
        match timeout(quiet, stream.read_buf(&mut told.bytes)).await {
            Ok(Ok(1..)) => {}
            Ok(Ok(0) | Err(_)) => {
                told.ended = true;
                return;
            }
            Err(_) => return,
        }
    }
}

/// Sends a mutant and reads all that is said about it.
pub async fn play(from: Ipv4Addr, to: SocketAddr, mutant: &Mutant) -> Told {
    let mut stream = connect(from, to).await;
    let mut told = Told { bytes: Vec::new(), ended: false };
    for (at, piece) in mutant.pieces.iter().enumerate() {
        if at > 0 {
            tokio::time::sleep(BETWEEN).await;
        }
        // Refused before all of it was sent: what is there to be read says so.
        if timeout(PATIENCE, stream.write_all(piece)).await.is_err() {
            return told;
        }
    }
    if !mutant.truncated {
        read(&mut stream, &mut told, QUIET).await;
    }
    if !told.ended {
        let _ = stream.shutdown().await;
        read(&mut stream, &mut told, PATIENCE).await;
    }
    told
}

/// What one connection brings to a server.
pub struct Script {
    pub bytes: Vec<u8>,
    /// A second request; without one, the client ends its direction.
    pub behind: Option<&'static [u8]>,
    /// The second one is sent when there is an answer to the first.
    pub wait: bool,
}

/// Plays a script and reads all that is said about it.
pub async fn replay(from: Ipv4Addr, to: SocketAddr, script: &Script) -> Told {
    let mut stream = connect(from, to).await;
    let mut told = Told { bytes: Vec::new(), ended: false };
    let at_once = script.behind.filter(|_| !script.wait).unwrap_or_default();
    let _ = timeout(PATIENCE, stream.write_all(&[&*script.bytes, at_once].concat())).await;
    match script.behind {
        Some(behind) if script.wait => {
            let _ = timeout(PATIENCE, stream.read_buf(&mut told.bytes)).await;
            let _ = timeout(PATIENCE, stream.write_all(behind)).await;
        }
        Some(_) => {}
        None => drop(stream.shutdown().await),
    }
    read(&mut stream, &mut told, PATIENCE).await;
    told
}

#[test]
fn addresses_differ_and_are_of_one_length() {
    let all: std::collections::HashSet<_> = (0..200_000).map(address).collect();
    assert_eq!(all.len(), 200_000);
    assert!(all.iter().all(|a| a.to_string().len() == "127.100.100.100".len()));
}
