//! Both sides against each other, and each against somebody who behaves otherwise.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;

use super::{Door, HELLO, Predecessor, READY, network_namespace};

/// A path that is gone with the value.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("ringress-handover-{}-{number}.sock", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn listeners(count: usize) -> Vec<TcpListener> {
    (0..count).map(|_| TcpListener::bind("127.0.0.1:0").expect("bind")).collect()
}

/// Waits for one successor on a thread of its own and gives way to it.
fn serve(door: Door, listeners: Vec<TcpListener>) -> JoinHandle<io::Result<()>> {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut successor = door.knock().await?;
            let given = successor.give_way(&listeners).await;
            if let Err(error) = &given {
                successor.refuse(error);
            }
            given
        })
    })
}

fn ask(place: &Place) -> (Predecessor, Vec<TcpListener>) {
    Predecessor::ask(&place.0).expect("an answer").expect("a predecessor")
}

#[test]
fn listeners_live_on_with_what_is_queued() {
    let place = Place::new();
    let given = listeners(2);
    let addresses: Vec<_> = given.iter().map(|l| l.local_addr().expect("address")).collect();
    let mut early = TcpStream::connect(addresses[1]).expect("queued");
    early.write_all(b"early").expect("sent");
    let serving = serve(Door::open(&place.0).expect("open"), given);
    let (predecessor, taken) = ask(&place);
    assert!(!predecessor.is_gone());
    predecessor.take_over().expect("taken over");
    serving.join().expect("thread").expect("given way");
    let found: Vec<_> = taken.iter().map(|l| l.local_addr().expect("address")).collect();
    assert_eq!(found, addresses);
    let (mut accepted, _) = taken[1].accept().expect("the queued one");
    let mut bytes = [0; 5];
    accepted.read_exact(&mut bytes).expect("read");
    assert_eq!(&bytes, b"early");
}

#[test]
fn more_listeners_than_fit_into_a_message() {
    let place = Place::new();
    let one = listeners(1);
    let copies = (0..600).map(|_| one[0].try_clone().expect("copy")).collect();
    let serving = serve(Door::open(&place.0).expect("open"), copies);
    let (predecessor, taken) = ask(&place);
    assert_eq!(taken.len(), 600);
    predecessor.take_over().expect("taken over");
    serving.join().expect("thread").expect("given way");
}

#[test]
fn nobody_there_is_no_predecessor() {
    let place = Place::new();
    assert!(Predecessor::ask(&place.0).expect("no file").is_none());
    drop(UnixListener::bind(&place.0).expect("bind"));
    assert!(place.0.exists(), "the file stays");
    assert!(Predecessor::ask(&place.0).expect("nobody behind it").is_none());
    Door::open(&place.0).expect("replaces it");
    std::fs::remove_file(&place.0).expect("remove");
    std::fs::write(&place.0, "precious").expect("write");
    let error = Predecessor::ask(&place.0).expect_err("not ours to replace");
    assert!(error.to_string().contains("it is not a socket"), "{error}");
}

#[test]
fn nobody_else_may_connect() {
    let place = Place::new();
    let _door = Door::open(&place.0).expect("open");
    let mode = place.0.metadata().expect("file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_successor_that_leaves_is_noticed() {
    let place = Place::new();
    let serving = serve(Door::open(&place.0).expect("open"), listeners(1));
    drop(ask(&place));
    serving.join().expect("thread").expect_err("it has not taken over");
}

#[test]
fn a_predecessor_that_ends_leaves_everything() {
    let place = Place::new();
    let door = Door::open(&place.0).expect("open");
    let ending = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let given = listeners(1);
        runtime.expect("a runtime").block_on(async {
            let mut successor = door.knock().await.expect("a successor");
            let patience = std::time::Duration::from_millis(300);
            tokio::time::timeout(patience, successor.give_way(&given)).await
        })
    });
    let (predecessor, taken) = ask(&place);
    ending.join().expect("thread").expect_err("given up without a word");
    assert!(predecessor.is_gone());
    predecessor.take_over().expect("nobody else is there");
    TcpStream::connect(taken[0].local_addr().expect("address")).expect("still listens");
}

/// What a peer that sends this instead of HELLO is answered.
fn answer_to(hello: &str) -> String {
    let place = Place::new();
    let serving = serve(Door::open(&place.0).expect("open"), listeners(1));
    let mut stream = UnixStream::connect(&place.0).expect("connect");
    stream.write_all(hello.as_bytes()).expect("send");
    let mut answer = Vec::new();
    // Whether it was a reset, for what was not read of a long line, is all the same.
    let _ = stream.read_to_end(&mut answer);
    // The next one is served all the same.
    ask(&place).0.take_over().expect("taken over");
    serving.join().expect("thread").expect("given way");
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn strangers_are_refused_with_a_reason() {
    assert!(answer_to("GET / HTTP/1.1\r\n").contains("expected \"ringress handover 1 \""));
    let next = network_namespace();
    assert!(answer_to(&format!("ringress handover 2 {next}\n")).starts_with('-'));
    assert!(answer_to(&format!("{HELLO}net:[1]\n")).contains("network namespace net:[1]"));
    assert!(answer_to(&"x".repeat(2000)).starts_with('-'), "an endless line is cut");
}

#[test]
fn a_refusal_is_told_as_an_error() {
    let place = Place::new();
    let listener = UnixListener::bind(&place.0).expect("bind");
    let refusing = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("accept");
        stream.write_all(b"-not today").expect("send");
        stream.read_to_end(&mut Vec::new())
    });
    let error = Predecessor::ask(&place.0).expect_err("refused");
    assert!(error.to_string().ends_with("not today"), "{error}");
    drop(refusing);
}

/// A predecessor that is stopped or hangs: it cannot take DONE back, and has not said it.
#[test]
fn a_silent_predecessor_is_not_taken_over() {
    let (own, mut other) = UnixStream::pair().expect("pair");
    own.set_read_timeout(Some(std::time::Duration::from_millis(100))).expect("timeout");
    let error = Predecessor(own).take_over().expect_err("no answer");
    assert!(error.to_string().contains("does not answer"), "{error}");
    let mut word = [0];
    other.read_exact(&mut word).expect("it was asked");
    assert_eq!(word, [READY]);
    other.write_all(b"!").expect_err("too late");
}
