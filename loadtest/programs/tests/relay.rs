//! The relay hands on every byte and a half-close, whichever driver it has.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// More than all buffers on the way hold, so that sends find no room.
const BYTES: usize = 24 << 20;
const DRIVERS: [&str; 2] = ["epoll", "io_uring"];

struct Relay {
    process: Child,
    address: String,
}

impl Relay {
    fn start(driver: &str, backend: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_relay"))
            .args(["--driver", driver, "--listen", "127.0.0.1:0", "--backend", backend])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the relay starts");
        let mut address = String::new();
        let output = process.stdout.take().expect("a pipe");
        BufReader::new(output).read_line(&mut address).expect("an address");
        Self { process, address: address.trim().to_owned() }
    }

    fn connect(&self) -> TcpStream {
        patient(TcpStream::connect(&self.address).expect("the relay accepts"))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What hangs is to fail.
fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    stream.set_write_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    stream
}

fn backend() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    (listener, address)
}

/// Bytes whose order shows: with another seed, others.
fn payload(seed: u32) -> Vec<u8> {
    let next = |n: &mut u32| {
        *n = n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some((*n >> 24) as u8)
    };
    std::iter::repeat_n((), BYTES).scan(seed, |n, ()| next(n)).collect()
}

/// Sends all and half-closes, and meanwhile, but slowly at first, receives until the end.
fn exchange(mut stream: TcpStream, bytes: Vec<u8>) -> Vec<u8> {
    let mut other = stream.try_clone().expect("a second handle");
    let sender = thread::spawn(move || {
        other.write_all(&bytes).expect("all is sent");
        other.shutdown(Shutdown::Write).expect("a half-close");
    });
    thread::sleep(Duration::from_millis(300));
    let mut received = Vec::new();
    stream.read_to_end(&mut received).expect("all until the end");
    sender.join().expect("the sender");
    received
}

#[test]
fn payloads_pass_both_ways_at_once() {
    for driver in DRIVERS {
        let (listener, address) = backend();
        let relay = Relay::start(driver, &address);
        let server = thread::spawn(move || {
            let (stream, _) = listener.accept().expect("the relay connects");
            exchange(patient(stream), payload(2))
        });
        let received = exchange(relay.connect(), payload(1));
        assert!(received == payload(2), "{driver}: {} bytes to the client", received.len());
        let received = server.join().expect("the server");
        assert!(received == payload(1), "{driver}: {} bytes to the backend", received.len());
    }
}

#[test]
fn a_half_close_leaves_the_other_direction_open() {
    for driver in DRIVERS {
        let (listener, address) = backend();
        let relay = Relay::start(driver, &address);
        let mut client = relay.connect();
        client.shutdown(Shutdown::Write).expect("a half-close");
        let mut server = patient(listener.accept().expect("the relay connects").0);
        assert_eq!(server.read(&mut [0]).expect("an end"), 0, "{driver}");
        for byte in *b"after the half-close" {
            server.write_all(&[byte]).expect("a byte is sent");
            let mut received = [0];
            client.read_exact(&mut received).expect("the byte arrives");
            assert_eq!(received, [byte], "{driver}");
        }
        drop(server);
        assert_eq!(client.read(&mut [0]).expect("an end"), 0, "{driver}");
    }
}

#[test]
fn a_client_ends_when_its_backend_does_and_the_next_is_served() {
    for driver in DRIVERS {
        let (listener, address) = backend();
        let relay = Relay::start(driver, &address);
        for _ in 0..3 {
            // Closing with bytes unread resets the connection, in the middle of what is sent.
            let mut client = relay.connect();
            client.write_all(b"never read").expect("it is sent");
            let (server, _) = listener.accept().expect("the relay connects");
            server.peek(&mut [0]).expect("a byte");
            drop(server);
            let end = client.read(&mut [0]);
            assert!(!matches!(end, Ok(1)), "{driver}: a byte from nowhere");
        }
        drop(listener);
        let refused = relay.connect().read(&mut [0]);
        assert!(!matches!(refused, Ok(1)), "{driver}: a byte from nobody");
        let (listener, _) = (TcpListener::bind(&address).expect("the same port"), ());
        let mut client = relay.connect();
        client.write_all(b"x").expect("it is sent");
        let mut byte = [0];
        patient(listener.accept().expect("the relay connects").0)
            .read_exact(&mut byte)
            .expect("it arrives");
        assert_eq!(byte, *b"x", "{driver}");
    }
}

#[test]
fn descriptors_are_given_back() {
    for driver in DRIVERS {
        let (listener, address) = backend();
        let relay = Relay::start(driver, &address);
        let folder = format!("/proc/{}/fd", relay.process.id());
        let open = || std::fs::read_dir(&folder).expect("the relay's descriptors").count();
        let before = open();
        let pairs: Vec<_> = (0..50)
            .map(|_| (relay.connect(), listener.accept().expect("the relay connects")))
            .collect();
        assert_eq!(open(), before + 100, "{driver}");
        drop(pairs);
        for _ in 0..200 {
            if open() == before {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(open(), before, "{driver}");
    }
}
