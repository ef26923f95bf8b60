//! Connections that stop speaking HTTP: WebSockets and raw tunnels.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::Duration;

use tungstenite::Message;

use crate::backends::Mock;
use crate::harness::{Driver, both_drivers};
use crate::heads::{behind, single};

both_drivers!(
    web_socket_echoes,
    many_web_sockets_at_once,
    half_close_goes_through,
    last_words_reach_a_client_that_still_sends,
    a_reset_ends_the_tunnel,
);

pub type Socket = tungstenite::WebSocket<TcpStream>;

pub fn open(lb: &crate::harness::Lb) -> Socket {
    let stream = TcpStream::connect(lb.entry).expect("connect");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("timeout");
    stream.set_write_timeout(Some(Duration::from_secs(10))).expect("timeout");
    let url = format!("ws://{}/__echo/ws", lb.entry);
    let (socket, answer) = tungstenite::client(url, stream).expect("the upgrade");
    assert_eq!(answer.status(), 101);
    socket
}

fn web_socket_echoes(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    let mut socket = open(&lb);
    for size in [0, 1, 125, 126, 70_000, 2 << 20] {
        let message = Message::binary(vec![7u8; size]);
        socket.send(message.clone()).expect("send");
        assert!(socket.read().expect("read") == message, "{size} bytes came back changed");
    }
    socket.send(Message::text("grüße")).expect("send");
    assert_eq!(socket.read().expect("read"), Message::text("grüße"));
    socket.close(None).expect("close");
    // The backend's answer to the close, then the end.
    while socket.read().is_ok() {}
    assert_eq!(lb.get("/", &[]).status, 200);
}

fn many_web_sockets_at_once(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    let mut sockets: Vec<Socket> = (0..20).map(|_| open(&lb)).collect();
    for (n, socket) in sockets.iter_mut().enumerate() {
        socket.send(Message::text(n.to_string())).expect("send");
    }
    for (n, socket) in sockets.iter_mut().enumerate().rev() {
        assert_eq!(socket.read().expect("read"), Message::text(n.to_string()));
    }
    // Half of them vanish without a word; the others do not notice.
    let mut rest = sockets.split_off(10);
    drop(sockets);
    for socket in &mut rest {
        socket.send(Message::text("still here")).expect("send");
        assert_eq!(socket.read().expect("read"), Message::text("still here"));
    }
}

/// The end of one direction must reach the other side while the opposite direction goes on.
fn half_close_goes_through(driver: Driver) {
    let mock = Mock::counter_after_upgrade();
    // Without an upgrade the mock answers 101 all the same, which is a 502: a backend for us.
    let (_engine, lb) = behind(driver, &mock, &[]);
    let mut conn = lb.connect();
    conn.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: count\r\n\r\nearly");
    let answer = conn.response("GET");
    assert_eq!((answer.status, answer.header("upgrade")), (101, Some("count")));
    conn.send(vec![b'x'; 100_000]);
    conn.finish_sending();
    let reply = conn.rest().expect("the reply after our end");
    assert_eq!(String::from_utf8_lossy(&reply), "100005 bytes");
}

const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
const SWITCH: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";

/// A server that refuses what it is sent says why, closes, and its kernel resets what comes then.
fn last_words_reach_a_client_that_still_sends(driver: Driver) {
    let mock = Mock::play(|mut peer| {
        if peer.request().is_some() {
            peer.say(SWITCH);
            std::thread::sleep(Duration::from_millis(50));
            peer.say("too big");
        }
    });
    let (_engine, lb) = behind(driver, &mock, &[]);
    for _ in 0..20 {
        let mut stream = TcpStream::connect(lb.entry).expect("connect");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("timeout");
        stream.set_write_timeout(Some(Duration::from_secs(1))).expect("timeout");
        stream.write_all(UPGRADE.as_bytes()).expect("the request");
        // As long as it gets rid of it, and at most so much.
        for _ in 0..100 {
            if stream.write_all(&[b'x'; 65536]).is_err() {
                break;
            }
        }
        let mut all = Vec::new();
        // How it ends is another matter than what comes before.
        let _ = stream.read_to_end(&mut all);
        let all = String::from_utf8_lossy(&all);
        assert!(all.ends_with("too big"), "{all}");
    }
}

/// A client that resets is no reason to keep its backend, however silent that is.
fn a_reset_ends_the_tunnel(driver: Driver) {
    let (tell, told) = mpsc::channel();
    let mock = Mock::play(move |mut peer| {
        if peer.request().is_some() {
            peer.say(SWITCH);
            let _ = tell.send(peer.request().is_none());
        }
    });
    let (_engine, lb) = behind(driver, &mock, &[]);
    let mut stream = TcpStream::connect(lb.entry).expect("connect");
    stream.write_all(UPGRADE.as_bytes()).expect("the request");
    let mut switch = vec![0; SWITCH.len()];
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("timeout");
    stream.read_exact(&mut switch).expect("the answer");
    let linger = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    linger.expect("closing is a reset from now on");
    drop(stream);
    assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok(true));
}
