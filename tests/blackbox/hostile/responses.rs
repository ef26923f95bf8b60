//! Runs the tables of responses: what a client gets of a hostile backend, and who gets the rest.

use std::time::Duration;

use super::case::{self, expand, show};
use super::player::{HOSTILE, Player};
use crate::client::Conn;
use crate::engine::FakeEngine;
use crate::harness::{BACKEND_PORT_TEXT, Driver, Lb, eventually};

const LANES: usize = 4;

/// Far more than anything here takes, on a machine that has other things to do as well.
const PATIENCE: Duration = Duration::from_secs(15);

/// A response of a backend that means harm, or is broken.
pub struct Case {
    pub name: &'static str,
    pub method: &'static str,
    /// Field lines of the request, each with its line end.
    pub fields: &'static str,
    /// `{pause}`, `{close}` and `{reset}` are deeds; `{begun}` waits until the client has got
    /// something; at `{idle}` the next request waits for what is behind it; `{unasked}` in front
    /// begins before there is a request.
    pub script: &'static [u8],
    pub outcome: Outcome,
    pub section: &'static str,
}

pub enum Outcome {
    /// The client gets a whole 502 of ours, and can go on.
    BadGateway,
    /// The client gets a beginning, and the end of its connection shows that more was to come.
    Cut,
    /// The client gets exactly this, and can go on unless it was told `close`.
    Passed(&'static [u8]),
    /// The same, and the backend's connection is used again: nothing was wrong.
    PassedAndReused(&'static [u8]),
    /// The 502 or these bytes, whichever came first: nobody can tell from where we are.
    Either(&'static [u8]),
}

type Bytes = &'static [u8];

const fn case(name: &'static str, script: Bytes, outcome: Outcome, section: &'static str) -> Case {
    Case { name, method: "GET", fields: "", script, outcome, section }
}

pub const fn bad_gateway(name: &'static str, script: Bytes, section: &'static str) -> Case {
    case(name, script, Outcome::BadGateway, section)
}

pub const fn cut(name: &'static str, script: Bytes, section: &'static str) -> Case {
    case(name, script, Outcome::Cut, section)
}

pub const fn passed(
    name: &'static str,
    script: Bytes,
    client_gets: Bytes,
    section: &'static str,
) -> Case {
    case(name, script, Outcome::Passed(client_gets), section)
}

pub const fn passed_and_reused(
    name: &'static str,
    script: Bytes,
    client_gets: Bytes,
    section: &'static str,
) -> Case {
    case(name, script, Outcome::PassedAndReused(client_gets), section)
}

pub const fn either(
    name: &'static str,
    script: Bytes,
    client_gets: Bytes,
    section: &'static str,
) -> Case {
    case(name, script, Outcome::Either(client_gets), section)
}

impl Case {
    pub const fn to(mut self, method: &'static str, fields: &'static str) -> Self {
        self.method = method;
        self.fields = fields;
        self
    }
}

struct Lane {
    lb: Lb,
    player: Player,
    _engine: FakeEngine,
}

pub fn run(driver: Driver, cases: &[Case]) {
    let name = |case: &Case| format!("{} ({})", case.name, case.section);
    case::run_all(cases, LANES, || Lane::start(driver), name, Lane::run, |_| Ok(()));
}

impl Lane {
    fn start(driver: Driver) -> Self {
        let player = Player::start();
        let engine = FakeEngine::start();
        let labels =
            [("traefik.port", BACKEND_PORT_TEXT), ("traefik.frontend.rule", "PathPrefix: /")];
        engine.set("mystack_app", &labels, &[&player.ip]);
        let lb = Lb::start(driver, &engine, &[]);
        eventually("the player is a backend", crate::engine::EFFECT, || {
            (lb.get("/", &[]).status == 200).then_some(())
        });
        Self { lb, player, _engine: engine }
    }

    fn run(&self, case: &Case) -> Result<(), String> {
        self.player.set(case.script);
        let mut conn = self.lb.connect();
        let Case { method, fields, .. } = case;
        conn.send(format!("{method} {HOSTILE} HTTP/1.1\r\nHost: x\r\n{fields}\r\n"));
        if has(case.script, "{begun}") {
            conn.stream().peek(&mut [0]).map_err(|error| format!("no beginning: {error}"))?;
            self.player.go_on();
        }
        let goes_on = is_outcome(&mut conn, case)?;
        if has(case.script, "{idle}") {
            self.wait_for_the_end();
        }
        if goes_on {
            // On the same worker: here lies whatever was kept of the backend's connection.
            ask(&mut conn, "/same-connection")?;
        } else {
            let rest = conn.rest();
            require(rest.as_ref().is_ok_and(Vec::is_empty), || format!("and then {rest:?}"))?;
        }
        self.wait_for_the_end();
        for path in ["/new-connection", "/another", "/and-another"] {
            ask(&mut self.lb.connect(), path)?;
        }
        if goes_on {
            ask(&mut conn, "/same-connection-again")?;
        }
        let seen = self.player.seen();
        let reused = matches!(case.outcome, Outcome::PassedAndReused(_));
        require((seen.reused > 0) == reused, || format!("the backend's connection: {seen:?}"))?;
        // What is not used again is not kept either.
        if !reused {
            eventually("the end of the backend's connection", PATIENCE, || {
                (self.player.seen().open == 0).then_some(())
            });
        }
        Ok(())
    }

    fn wait_for_the_end(&self) {
        eventually("the end of the script", PATIENCE, || {
            (self.player.seen().played > 0).then_some(())
        });
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn has(script: &[u8], word: &str) -> bool {
    script.windows(word.len()).any(|w| w == word.as_bytes())
}

fn require(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

/// Reads what the client gets; true if its connection can go on.
fn is_outcome(conn: &mut Conn, case: &Case) -> Result<bool, String> {
    match case.outcome {
        Outcome::BadGateway => {
            let mut answer = conn.try_response(case.method).map_err(|e| e.to_string())?;
            while answer.status < 200 {
                answer = conn.try_response(case.method).map_err(|e| e.to_string())?;
            }
            let text = if case.method == "HEAD" { "" } else { "Bad Gateway" };
            let right = answer.status == 502 && answer.text() == text;
            require(right, || format!("{} {:?}", answer.head, answer.text()))?;
            Ok(answer.header("connection") != Some("close"))
        }
        Outcome::Cut => match conn.try_response(case.method) {
            Ok(answer) => Err(format!("whole: {} {:?}", answer.head, answer.text())),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                Err("the connection stays open".to_owned())
            }
            // What is left of it, if anything.
            Err(_) => conn.rest().map(|_| false).or(Ok(false)),
        },
        Outcome::Passed(bytes) | Outcome::PassedAndReused(bytes) => {
            let wanted = expand(bytes);
            let got = conn.exactly(wanted.len()).map_err(|e| e.to_string())?;
            require(got == wanted, || format!("got {}", show(&got)))?;
            Ok(!has(bytes, "Connection: close"))
        }
        Outcome::Either(bytes) => {
            let answer = conn.try_response(case.method).map_err(|e| e.to_string())?;
            let got = [answer.head.as_bytes(), &answer.body].concat();
            require(answer.status == 502 || got == bytes, || format!("got {}", show(&got)))?;
            Ok(answer.header("connection") != Some("close"))
        }
    }
}

/// A clean request and its own answer.
fn ask(conn: &mut Conn, path: &str) -> Result<(), String> {
    let sent = conn.try_send(format!("GET {path} HTTP/1.1\r\nHost: clean\r\n\r\n"));
    sent.map_err(|error| format!("{path}: {error}"))?;
    let answer = conn.try_response("GET").map_err(|error| format!("{path}: {error}"))?;
    let right = answer.status == 200 && answer.text() == path;
    require(right, || format!("{path} was answered {} {:?}", answer.status, answer.text()))
}
