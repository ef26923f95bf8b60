//! Runs the tables of requests: sends, reads what comes back, asks the backend what it saw.

use std::time::{Duration, Instant};

use rustix::net::RecvFlags;

use super::case::{self, Case, Outcome, PAUSE, Requests, expand, replace, show, split};
use super::recorder::{Log, Recorder, first_line};
use crate::client::Conn;
use crate::engine::FakeEngine;
use crate::harness::{BACKEND_PORT_TEXT, Driver, Lb, eventually};

const LANES: usize = 4;

/// How the bytes of a case are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Delivery {
    /// In one piece, but for the pauses that the case asks for.
    Whole,
    /// Byte by byte; what is long, in many pieces.
    Drip,
    /// Three cuts with pauses.
    Cuts,
}

/// A load balancer with a recorder behind it, for one case at a time.
struct Lane {
    lb: Lb,
    recorder: Recorder,
    server: String,
    _engine: FakeEngine,
}

pub fn run(driver: Driver, cases: &[Case]) {
    let name = |case: &Case| format!("{} ({})", case.name, case.section);
    case::run_all(cases, LANES, || Lane::start(driver), name, Lane::run, Lane::finish);
}

impl Lane {
    fn start(driver: Driver) -> Self {
        let recorder = Recorder::start();
        let engine = FakeEngine::start();
        // `*` is no path, so that OPTIONS needs a service of its own.
        for (service, rule) in [("any", "PathPrefix: /"), ("options", "Method: OPTIONS")] {
            let labels = [("traefik.port", BACKEND_PORT_TEXT), ("traefik.frontend.rule", rule)];
            engine.set(service, &labels, &[&recorder.ip]);
        }
        let lb = Lb::start(driver, &engine, &[]);
        for (method, target) in [("GET", "/"), ("OPTIONS", "*")] {
            eventually("the recorder is a backend", crate::engine::EFFECT, || {
                (lb.connect().request(method, target, &[], b"").status == 200).then_some(())
            });
        }
        let server = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("hostname");
        // The probe of the server is no case's doing.
        lb.process.wait_for_log(&["accepts connections at"]);
        recorder.settle();
        Self { lb, recorder, server: server.trim().to_owned(), _engine: engine }
    }

    fn run(&self, case: &Case) -> Result<(), String> {
        let deliveries: &[Delivery] = match case.outcome {
            // Whoever is late is late in one piece, too.
            Outcome::Refused(408) => &[Delivery::Whole],
            _ => &[Delivery::Whole, Delivery::Drip, Delivery::Cuts],
        };
        for &delivery in deliveries {
            self.run_once(case, delivery).map_err(|why| {
                // What is left behind is this case's and not the next one's.
                self.recorder.take();
                format!("sent as {delivery:?}: {why}")
            })?;
        }
        Ok(())
    }

    /// What came late, after its case was already judged.
    fn finish(&self) -> Result<(), String> {
        std::thread::sleep(Duration::from_millis(100));
        let log = self.recorder.take();
        require(log.bytes == 0 && log.open.is_empty(), || format!("the backend got {log:?}"))
    }

    fn run_once(&self, case: &Case, delivery: Delivery) -> Result<(), String> {
        let mut conn = self.lb.connect();
        let answers = match &case.outcome {
            Outcome::Passed(requests)
            | Outcome::PassedThenClosed(requests)
            | Outcome::PassedThenRefused(requests, _) => requests.len(),
            _ => 0,
        };
        send(&mut conn, case.bytes, delivery, answers);
        let arrive = |requests: Requests| -> Vec<Vec<u8>> {
            requests.iter().map(|request| self.written_out(request, &conn)).collect()
        };
        let mut expected = match &case.outcome {
            Outcome::Passed(requests)
            | Outcome::PassedThenClosed(requests)
            | Outcome::PassedThenRefused(requests, _) => arrive(requests),
            _ => Vec::new(),
        };
        for request in &expected {
            is_answer(&mut conn, request).map_err(|why| {
                format!("{why}; the backend got {}", show(&self.recorder.take().all()))
            })?;
        }
        match case.outcome {
            Outcome::Refused(status) => {
                is_refusal(&rest(&mut conn)?, status)?;
                let log = self.recorder.look();
                require(log.connections == 0 && log.bytes == 0, || format!("it got {log:?}"))?;
            }
            Outcome::PassedThenRefused(_, status) => is_refusal(&rest(&mut conn)?, status)?,
            Outcome::PassedThenClosed(_) => {
                let rest = rest(&mut conn)?;
                require(rest.is_empty(), || format!("and then {}", show(&rest)))?;
            }
            Outcome::Passed(_) => expected.push(self.ask(&mut conn, "/same-connection")?),
            Outcome::Broken(status) => {
                self.is_broken(&mut conn, Some(status))?;
                // What is broken within the first bytes that are read gets nowhere at all.
                let at_once = delivery == Delivery::Whole && expand(case.bytes).len() < 4096;
                let begun = self.recorder.look().bytes;
                let parts = split(case.bytes, "{pause}").len();
                let early = at_once && parts == 1 && begun > 0;
                require(!early, || format!("the backend got {begun} bytes"))?;
            }
            Outcome::Abandoned => {
                conn.finish_sending();
                self.is_broken(&mut conn, None)?;
            }
        }
        drop(conn);
        expected.push(self.ask(&mut self.lb.connect(), "/new-connection")?);
        self.saw_exactly(&expected, matches!(case.outcome, Outcome::Broken(_) | Outcome::Abandoned))
    }

    /// The backend's side of a case: these requests and not a byte more.
    fn saw_exactly(&self, expected: &[Vec<u8>], cuts: bool) -> Result<(), String> {
        let log = self.recorder.take();
        for (n, request) in expected.iter().enumerate() {
            let got = log.requests.get(n).map(Vec::as_slice).unwrap_or_default();
            require(got == *request, || {
                format!("the backend got\n  {}, wanted\n  {}", show(got), show(request))
            })?;
        }
        let more = log.requests.get(expected.len()..).unwrap_or_default();
        require(more.is_empty(), || format!("the backend also got {}", show(&more.concat())))?;
        let bytes: usize = expected.iter().map(Vec::len).sum();
        let clean = log.cut.is_empty() && log.open.is_empty() && log.bytes == bytes;
        require(cuts || clean, || format!("the backend also got {:?} {:?}", log.cut, log.open))
    }

    /// One clean request and its own answer; gives what the backend must have got.
    fn ask(&self, conn: &mut Conn, path: &str) -> Result<Vec<u8>, String> {
        let sent = conn.try_send(format!("GET {path} HTTP/1.1\r\nHost: clean\r\n\r\n"));
        let wanted = format!("GET {path} HTTP/1.1\r\nHost: clean\r\n{{origin}}\r\n");
        let request = self.written_out(wanted.as_bytes(), conn);
        sent.map_err(|error| format!("{path}: {error}"))?;
        is_answer(conn, &request).map_err(|why| format!("{path}: {why}"))?;
        Ok(request)
    }

    /// The end of a request that never becomes whole, on both sides.
    fn is_broken(&self, conn: &mut Conn, status: Option<u16>) -> Result<(), String> {
        let end = rest(conn)?;
        match status {
            Some(status) if !end.is_empty() => is_refusal(&end, status)?,
            _ => require(end.is_empty(), || format!("it was answered {}", show(&end)))?,
        }
        let end = Instant::now() + Duration::from_secs(15);
        loop {
            let log = self.recorder.look();
            let whole = &log.requests;
            require(whole.is_empty(), || format!("it arrived as {}", show(&whole.concat())))?;
            if log.open.is_empty() {
                return Ok(());
            }
            require(Instant::now() < end, || "the backend's connection is open".to_owned())?;
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// A request from a table as it must arrive.
    fn written_out(&self, request: &[u8], conn: &Conn) -> Vec<u8> {
        let host = split(request, "\r\nHost: ");
        let host = host.get(1).map(|rest| first_line(rest)).unwrap_or_default();
        let host = String::from_utf8_lossy(host).replace("{backend}", "");
        let port = host.rsplit(':').next().filter(|_| host.contains(':') && !host.ends_with(']'));
        let port = port.filter(|port| !port.is_empty()).unwrap_or("80");
        let origin = format!(
            "X-Forwarded-For: {{peer}}\r\nX-Forwarded-Host: {host}\r\nX-Forwarded-Port: {port}\r\n\
             X-Forwarded-Proto: http\r\nX-Forwarded-Server: {{server}}\r\nX-Real-Ip: {{peer}}\r\n"
        );
        let request = replace(&expand(request), "{origin}", &origin);
        let backend = format!("{}:{BACKEND_PORT_TEXT}", self.recorder.ip);
        let request = replace(&request, "{backend}", &backend);
        replace(&replace(&request, "{peer}", &conn.local_ip()), "{server}", &self.server)
    }
}

impl Log {
    fn all(&self) -> Vec<u8> {
        let open: Vec<_> = self.open.values().cloned().collect();
        [self.requests.concat(), self.cut.concat(), open.concat()].concat()
    }
}

fn require(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

/// Sends the bytes. Takes its time no longer once there is an answer beyond the `answers` to good
/// requests: who is refused is listened to for a moment only (RFC 9112 section 9.6).
fn send(conn: &mut Conn, bytes: &[u8], delivery: Delivery, answers: usize) {
    let (pieces, pause): (Vec<Vec<u8>>, _) = match delivery {
        Delivery::Whole => (split(bytes, "{pause}").into_iter().map(expand).collect(), PAUSE),
        Delivery::Drip => {
            let bytes = replace(&expand(bytes), "{pause}", "");
            let size = if bytes.len() > 400 { bytes.len().div_ceil(200) } else { 1 };
            (bytes.chunks(size).map(<[u8]>::to_vec).collect(), Duration::from_micros(150))
        }
        Delivery::Cuts => {
            let bytes = replace(&expand(bytes), "{pause}", "");
            let n = bytes.len();
            let cuts = [0, n / 3, n * 2 / 3, n - 1, n];
            let pieces = cuts.windows(2).map(|cut| bytes[cut[0]..cut[1]].to_vec());
            (pieces.collect(), Duration::from_millis(10))
        }
    };
    for (n, piece) in pieces.iter().enumerate() {
        if n > 0 && answers_so_far(conn) <= answers {
            std::thread::sleep(pause);
        }
        if conn.try_send(piece).is_err() {
            return;
        }
    }
}

/// Counts status lines without taking them.
fn answers_so_far(conn: &Conn) -> usize {
    let mut bytes = [0; 4096];
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    let n = rustix::net::recv(conn.stream(), &mut bytes[..], flags).map_or(0, |(n, _)| n);
    split(&bytes[..n], "HTTP/1.1 ").len() - 1
}

fn rest(conn: &mut Conn) -> Result<Vec<u8>, String> {
    conn.rest().map_err(|error| format!("no clean end of the connection: {error}"))
}

/// The next response is the recorder's to this request and to no other.
fn is_answer(conn: &mut Conn, request: &[u8]) -> Result<(), String> {
    let method = if request.starts_with(b"HEAD ") { "HEAD" } else { "GET" };
    let answer = conn.try_response(method).map_err(|error| format!("no answer: {error}"))?;
    let wanted = if method == "HEAD" { &b""[..] } else { first_line(request) };
    require(answer.status == 200 && answer.body == wanted, || {
        format!("answered {} {}", answer.status, show(&answer.body))
    })
}

/// One answer of our own that says that it is the last, and not a byte more.
fn is_refusal(bytes: &[u8], status: u16) -> Result<(), String> {
    let wrong = || format!("wanted {status}, got {}", show(bytes));
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(wrong)?;
    let says_it = head.starts_with(&format!("HTTP/1.1 {status} "));
    let closes = status == 417 || head.contains("\r\nConnection: close");
    let length = format!("\r\nContent-Length: {}", body.len());
    // A HEAD has the length of a body that does not come.
    let one = body.is_empty() || head.contains(&format!("{length}\r\n")) || head.ends_with(&length);
    require(says_it && closes && one, wrong)
}
