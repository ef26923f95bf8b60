//! The PROXY protocol: whom it is believed from, in which forms, and what is refused.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use crate::backends::Echo;
use crate::client::{Conn, Response};
use crate::engine::{FakeEngine, SEED_LABELS};
use crate::harness::{Driver, Lb, both_drivers, eventually, fresh_address};
use crate::heads::single;

both_drivers!(
    an_announced_client_is_the_peer,
    a_header_may_come_in_any_pieces,
    a_header_is_optional,
    what_announces_nobody_leaves_the_peer,
    strangers_announce_in_vain,
    everybody_may_announce_where_that_was_asked_for,
    forwarding_fields_are_judged_by_the_announced_client,
    bad_headers_close_without_a_word,
    an_unfinished_header_has_the_time_of_a_head,
    a_lone_header_keeps_the_first_requests_grace,
    without_the_option_a_header_is_a_bad_request,
    curl_announces_itself,
    haproxy_announces_its_client,
);

/// Where the proxies of these cases are: the kernel's choice for a client that binds nothing.
const PROXY: &str = "127.0.0.1";

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const LINE: &str = "PROXY TCP4 203.0.113.7 198.51.100.1 56324 80\r\n";

/// An entry point with further fields in front of one echo backend.
fn proxied(driver: Driver, fields: &str) -> (FakeEngine, Echo, Lb) {
    let echo = Echo::start("one");
    let engine = FakeEngine::start();
    engine.set("mystack_app", SEED_LABELS, &[&echo.ip]);
    let ip = fresh_address();
    let endpoint = format!("--docker.endpoint={}", engine.endpoint());
    let entry = format!("--entryPoints=Name:http Address:{ip}:25580 {fields}");
    let lb = Lb::start_at(driver, &ip, &endpoint, &[&entry]);
    lb.wait_for_backends(&["one"]);
    (engine, echo, lb)
}

fn trusting(driver: Driver) -> (FakeEngine, Echo, Lb) {
    proxied(driver, &format!("ProxyProtocol.TrustedIPs:{PROXY},192.0.2.0/24"))
}

/// A client with an address of its own.
fn connect_from(ip: &str, to: SocketAddr) -> Conn {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let own: IpAddr = ip.parse().expect("an address");
    socket.bind(&SocketAddr::new(own, 0).into()).expect("bind a client");
    socket.connect(&to.into()).expect("connect");
    Conn::over(TcpStream::from(socket))
}

/// A header of version 2.
fn v2(version_and_command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let length = u16::try_from(block.len()).expect("a block");
    let start = [version_and_command, family];
    [b"\r\n\r\n\0\r\nQUIT\n", &start[..], &length.to_be_bytes(), block].concat()
}

fn v2_ipv4(source: [u8; 4]) -> Vec<u8> {
    v2(0x21, 0x11, &[&source[..], &[198, 51, 100, 1], &[0xdc, 4, 0, 80]].concat())
}

fn v2_ipv6(source: &str) -> Vec<u8> {
    let source: Ipv6Addr = source.parse().expect("an address");
    let ends = [source.octets(), Ipv6Addr::LOCALHOST.octets()].concat();
    v2(0x21, 0x21, &[&ends[..], &[0xdc, 4, 0, 80]].concat())
}

#[track_caller]
fn assert_peer(page: &Response, peer: &str) {
    assert_eq!(page.status, 200, "{}", page.text());
    assert_eq!(page.received("x-forwarded-for"), [peer], "{}", page.text());
    assert_eq!(page.received("x-real-ip"), [peer]);
}

fn an_announced_client_is_the_peer(driver: Driver) {
    let (_engine, _echo, lb) = trusting(driver);
    let line = |family: &str, source: &str, to: &str| {
        format!("PROXY {family} {source} {to} 56324 80\r\n").into_bytes()
    };
    let with_tlvs =
        v2(0x21, 0x11, &[&[203, 0, 113, 7, 0, 0, 0, 0, 0, 0, 0, 0][..], &[4; 4000]].concat());
    let headers = [
        (line("TCP4", "203.0.113.7", "198.51.100.1"), "203.0.113.7"),
        (line("TCP6", "2001:DB8::7", "::1"), "2001:db8::7"),
        (line("TCP6", "::ffff:203.0.113.7", "::1"), "203.0.113.7"),
        (v2_ipv4([203, 0, 113, 7]), "203.0.113.7"),
        (v2_ipv6("2001:db8::7"), "2001:db8::7"),
        (v2_ipv6("::ffff:203.0.113.7"), "203.0.113.7"),
        (with_tlvs, "203.0.113.7"),
    ];
    for (header, peer) in &headers {
        let mut conn = lb.connect();
        assert_eq!(conn.local_ip(), PROXY);
        // In one segment with two requests, then further ones: it holds for the connection.
        conn.send([header.as_slice(), GET.as_bytes(), GET.as_bytes()].concat());
        for _ in 0..2 {
            assert_peer(&conn.response("GET"), peer);
        }
        assert_peer(&conn.get("/", &[]), peer);
        // In a segment of its own.
        let mut conn = lb.connect();
        conn.send(header);
        std::thread::sleep(Duration::from_millis(50));
        assert_peer(&conn.get("/", &[]), peer);
    }
    assert_peer(&lb.get("/", &[]), PROXY);
}

fn a_header_may_come_in_any_pieces(driver: Driver) {
    let (_engine, _echo, lb) = trusting(driver);
    for header in [LINE.as_bytes(), &v2_ipv4([203, 0, 113, 7])] {
        let all = [header, GET.as_bytes()].concat();
        let mut conn = lb.connect();
        for byte in &all {
            conn.send([*byte]);
            std::thread::sleep(Duration::from_millis(2));
        }
        assert_peer(&conn.response("GET"), "203.0.113.7");
        for cut in [1, 5, 6, 12, 13, 14, 15, 16, header.len() - 1, header.len() + 1] {
            let mut conn = lb.connect();
            conn.send(&all[..cut]);
            std::thread::sleep(Duration::from_millis(20));
            conn.send(&all[cut..]);
            assert_peer(&conn.response("GET"), "203.0.113.7");
        }
    }
}

/// As in Traefik. Methods that begin as a header does are none.
fn a_header_is_optional(driver: Driver) {
    let (_engine, _echo, lb) = trusting(driver);
    for start in ["POST", "PUT", "\r\nPOST", "\r\n\r\nGET", "GET"] {
        let mut conn = lb.connect();
        for byte in format!("{start} / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").bytes() {
            conn.send([byte]);
            std::thread::sleep(Duration::from_millis(2));
        }
        assert_peer(&conn.response("POST"), PROXY);
    }
}

fn what_announces_nobody_leaves_the_peer(driver: Driver) {
    let (_engine, _echo, lb) = trusting(driver);
    let ipv4 = [203, 0, 113, 7, 198, 51, 100, 1, 0xdc, 4, 0, 80];
    let headers = [
        b"PROXY UNKNOWN\r\n".to_vec(),
        b"PROXY UNKNOWN 203.0.113.7 198.51.100.1 56324 80\r\n".to_vec(),
        v2(0x20, 0x00, b""),
        v2(0x20, 0x11, &ipv4),
        v2(0x21, 0x00, b""),
        v2(0x21, 0x12, &ipv4),
        v2(0x21, 0x31, &[b'x'; 216]),
    ];
    for header in headers {
        let mut conn = lb.connect();
        conn.send([header.as_slice(), GET.as_bytes()].concat());
        assert_peer(&conn.response("GET"), PROXY);
    }
}

/// What they say is read and forgotten: the address that counts is the one they come from.
fn strangers_announce_in_vain(driver: Driver) {
    // Whom the forwarding fields are believed from, a stranger may try to pass for.
    let fields =
        format!("ProxyProtocol.TrustedIPs:{PROXY} ForwardedHeaders.TrustedIPs:{PROXY},203.0.113.7");
    let (_engine, _echo, lb) = proxied(driver, &fields);
    let stranger = fresh_address();
    let lines = ["X-Forwarded-For: 198.51.100.9", "X-Real-Ip: 198.51.100.9"];
    let request = format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n{}\r\n\r\n", lines[0], lines[1]);
    let trusted: &[u8] = b"PROXY TCP4 127.0.0.1 127.0.0.1 1 80\r\n";
    for header in [LINE.as_bytes(), trusted, &v2_ipv4([203, 0, 113, 7]), b"PROXY UNKNOWN\r\n"] {
        let mut conn = connect_from(&stranger, lb.entry);
        conn.send([header, request.as_bytes()].concat());
        assert_peer(&conn.response("GET"), &stranger);
        assert_peer(&conn.get("/", &lines), &stranger);
    }
    // It is not that nobody is believed.
    let mut conn = lb.connect();
    conn.send([LINE, &request].concat());
    assert_eq!(conn.response("GET").received("x-forwarded-for"), ["198.51.100.9, 203.0.113.7"]);
}

fn everybody_may_announce_where_that_was_asked_for(driver: Driver) {
    let (_engine, _echo, lb) = proxied(driver, "ProxyProtocol.Insecure:true");
    let mut conn = connect_from(&fresh_address(), lb.entry);
    conn.send([LINE, GET].concat());
    assert_peer(&conn.response("GET"), "203.0.113.7");
}

fn forwarding_fields_are_judged_by_the_announced_client(driver: Driver) {
    let fields = format!(
        "ProxyProtocol.TrustedIPs:{PROXY} ForwardedHeaders.TrustedIPs:{PROXY},203.0.113.0/24"
    );
    let (_engine, _echo, lb) = proxied(driver, &fields);
    for (source, expected) in [
        ([203, 0, 113, 7], "198.51.100.9, 203.0.113.7"),
        // Believing the proxy is not believing those for whom it connects.
        ([192, 0, 2, 1], "192.0.2.1"),
    ] {
        let mut conn = lb.connect();
        conn.send(v2_ipv4(source));
        let page = conn.get("/", &["X-Forwarded-For: 198.51.100.9"]);
        assert_eq!(page.received("x-forwarded-for"), [expected]);
    }
    let page = lb.get("/", &["X-Forwarded-For: 198.51.100.9"]);
    assert_eq!(page.received("x-forwarded-for"), [format!("198.51.100.9, {PROXY}")]);
}

fn bad_headers_close_without_a_word(driver: Driver) {
    let (_engine, _echo, lb) = trusting(driver);
    let headers = [
        b"PROXY / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"PROXY TCP4 203.0.113.7\r\n".to_vec(),
        b"PROXY TCP4 203.0.113.007 198.51.100.1 1 80\r\n".to_vec(),
        b"PROXY TCP4 203.0.113.7 198.51.100.1 1 80\n".to_vec(),
        format!("PROXY UNKNOWN {}", "x".repeat(200)).into_bytes(),
        v2(0x21, 0x41, &[9; 36]),
        v2(0x22, 0x11, &[9; 12]),
        v2(0x31, 0x11, &[9; 12]),
        v2(0x21, 0x11, &[9; 11]),
        // More than we buffer, known from its length before it has come.
        v2(0x21, 0x11, &[9; 4097])[..16].to_vec(),
    ];
    let stranger = fresh_address();
    for header in &headers {
        for from in [PROXY, &stranger] {
            let begun = Instant::now();
            let mut conn = connect_from(from, lb.entry);
            conn.send(header);
            // It may be a reset, if there was more behind what was read.
            let said = conn.rest().unwrap_or_default();
            assert_eq!(said, b"", "{} for {}", said.escape_ascii(), header.escape_ascii());
            assert!(begun.elapsed() < Duration::from_secs(5), "{}", header.escape_ascii());
        }
        assert_eq!(lb.get("/", &[]).status, 200, "others are served");
    }
    // Only the first bytes of a connection are looked at: a second header is a bad request.
    for header in [LINE.as_bytes(), &v2_ipv4([203, 0, 113, 8])] {
        let mut conn = lb.connect();
        conn.send([LINE.as_bytes(), header, GET.as_bytes()].concat());
        assert_eq!(conn.response("GET").status, 400);
        let mut conn = lb.connect();
        conn.send([GET.as_bytes(), header, GET.as_bytes()].concat());
        assert_peer(&conn.response("GET"), PROXY);
        assert_eq!(conn.response("GET").status, 400);
    }
}

/// Before its first byte a connection is idle, and has an idle one's time.
fn an_unfinished_header_has_the_time_of_a_head(driver: Driver) {
    let (_engine, _echo, lb) = trusting(driver);
    let begun = Instant::now();
    let mut idle = lb.connect();
    let mut lone = lb.connect();
    lone.send(LINE);
    let mut conn = lb.connect();
    conn.send(&LINE.as_bytes()[..20]);
    let mut gone = lb.connect();
    gone.send(&LINE.as_bytes()[..20]);
    gone.finish_sending();
    assert_eq!(gone.rest().unwrap_or_default(), b"");
    assert!(begun.elapsed() < Duration::from_secs(3), "its end is known at once");
    assert_eq!(conn.rest().unwrap_or_default(), b"");
    let took = begun.elapsed();
    assert!(took > Duration::from_secs(8) && took < Duration::from_secs(14), "after {took:?}");
    std::thread::sleep(Duration::from_secs(1));
    idle.send([LINE, GET].concat());
    assert_peer(&idle.response("GET"), "203.0.113.7");
    // Behind it the connection is idle again.
    assert_peer(&lone.get("/", &[]), "203.0.113.7");
}

fn a_lone_header_keeps_the_first_requests_grace(driver: Driver) {
    let (_engine, _echo, lb) = trusting(driver);
    let mut conn = lb.connect();
    conn.send(LINE);
    std::thread::sleep(Duration::from_millis(100));
    lb.process.terminate();
    std::thread::sleep(Duration::from_millis(300));
    let page = conn.get("/", &[]);
    assert_peer(&page, "203.0.113.7");
    assert_eq!(page.header("connection"), Some("close"));
}

fn without_the_option_a_header_is_a_bad_request(driver: Driver) {
    let (_engine, _echo, lb) = single(driver);
    for header in [LINE.as_bytes(), &v2_ipv4([203, 0, 113, 7])] {
        let mut conn = lb.connect();
        conn.send([header, GET.as_bytes()].concat());
        assert_eq!(conn.response("GET").status, 400);
        assert!(conn.rest().is_ok_and(|rest| rest.is_empty()), "and the connection closes");
    }
}

fn curl_announces_itself(driver: Driver) {
    let curl = |lb: &Lb, more: &[&str]| {
        let url = format!("http://{}/", lb.entry);
        let fixed = ["-sS", "--max-time", "10", "-w", "status=%{http_code}"];
        let out = Command::new("curl").args(fixed).args(more).args([&url, &url]).output();
        let out = out.expect("curl is installed");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    let (_engine, _echo, lb) = trusting(driver);
    for more in [&["--haproxy-protocol"][..], &[]] {
        let text = curl(&lb, more);
        assert_eq!(text.matches("status=200").count(), 2, "{text}");
        assert_eq!(text.matches(&format!("X-Real-Ip: {PROXY}")).count(), 2, "{text}");
    }
    // That it does send a header, one sees where none is expected.
    let (_engine, _echo, plain) = single(driver);
    assert!(curl(&plain, &["--haproxy-protocol"]).contains("status=400"));
}

/// A real HAProxy that relays to `to`, once with each version of the header.
struct HaProxy {
    process: Child,
    files: [PathBuf; 2],
    ip: String,
}

impl HaProxy {
    const V1: (u16, &str) = (25590, "send-proxy");
    /// Its checks are LOCAL, and the checksum is a TLV.
    const V2: (u16, &str) =
        (25591, "send-proxy-v2 proxy-v2-options crc32c,unique-id check inter 100ms");

    fn start(to: SocketAddr) -> Self {
        let ip = fresh_address();
        let mut text = String::from(
            "global\n log stdout format raw local0\n\
             defaults\n mode tcp\n log global\n option log-health-checks\n timeout connect 15s\n \
             timeout client 15s\n timeout server 15s\n timeout check 15s\n",
        );
        for (port, options) in [Self::V1, Self::V2] {
            text.push_str(&format!(
                "listen l{port}\n bind {ip}:{port}\n option httpchk GET /\n \
                 unique-id-format %ci:%cp\n server lb {to} source {PROXY} {options}\n"
            ));
        }
        let file = |end| std::env::temp_dir().join(format!("ringress-haproxy-{ip}.{end}"));
        let files = [file("cfg"), file("log")];
        std::fs::write(&files[0], text).expect("write the configuration");
        let log = std::fs::File::create(&files[1]).expect("make the log");
        let process = Command::new("haproxy")
            .args(["-db", "-f"])
            .arg(&files[0])
            .stdout(log)
            .spawn()
            .expect("haproxy is installed (apt-get install haproxy)");
        let new = Self { process, files, ip };
        for (port, _) in [Self::V1, Self::V2] {
            eventually("haproxy listens", Duration::from_secs(10), || {
                TcpStream::connect_timeout(&new.at(port), Duration::from_secs(1)).ok()
            });
        }
        new
    }

    fn at(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.ip.parse().expect("an address"), port)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(&self.files[1]).expect("its log")
    }
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        for file in &self.files {
            let _ = std::fs::remove_file(file);
        }
    }
}

fn haproxy_announces_its_client(driver: Driver) {
    let (_engine, _echo, lb) = trusting(driver);
    let haproxy = HaProxy::start(lb.entry);
    for (port, _) in [HaProxy::V1, HaProxy::V2] {
        for client in [fresh_address(), fresh_address()] {
            let mut conn = connect_from(&client, haproxy.at(port));
            for _ in 0..2 {
                assert_peer(&conn.get("/", &[]), &client);
            }
        }
    }
    let checked = eventually("a health check's outcome", Duration::from_secs(15), || {
        let log = haproxy.log();
        log.lines().find(|line| line.starts_with("Health check")).map(str::to_owned)
    });
    assert!(checked.contains("succeeded") && checked.contains("code: 200"), "{checked}");
}
