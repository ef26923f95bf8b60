//! What Ringress forwards is one and the same request to every server.
//!
//! Mutated requests go through a running Ringress to a backend that keeps the bytes it gets.
//! These are then read by independent servers: nginx, Apache httpd, Node, h11 and Go. All must
//! see the same method, target, fields and body, and behind it a sentinel; of a request that was
//! broken off, none may see a whole one; and of a request that was refused the backend must not
//! have got a byte.
//!
//! Run by `tests/run differential`, which makes a network for it: the servers' ports are fixed.
//! `DIFFERENTIAL_MUTANTS` and `DIFFERENTIAL_SEED` choose how many, and which.

#[path = "../blackbox/client.rs"]
#[allow(dead_code, reason = "the black-box tests use more of it")]
mod client;
#[path = "../blackbox/engine.rs"]
#[allow(dead_code, reason = "the black-box tests use more of it")]
mod engine;
#[path = "../blackbox/harness.rs"]
#[allow(dead_code, unused, reason = "the black-box tests use more of it")]
mod harness;

mod clients;
mod excuses;
mod mutate;
mod oracles;
mod random;
mod recorder;
mod view;
// A table, not code.
#[rustfmt::skip]
mod words;

use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Instant;

use futures_util::stream::{self, StreamExt as _};
use tokio::runtime::Runtime;

use clients::{Script, Told, address};
use engine::FakeEngine;
use excuses::Head;
use harness::{BACKEND_PORT_TEXT, Driver, Lb, eventually};
use mutate::{Mutant, mutant};
use oracles::{Oracle, Seen};
use recorder::{Record, Recorder};

/// Mutants that are made, sent and compared before the next ones.
const BATCH: usize = 2000;
/// Clients of Ringress at a time.
const AT_ONCE: usize = 256;
/// So much of a request comes in one read, if it is sent in one piece.
const ONE_READ: usize = 16 * 1024;
/// More of them are counted only.
const SHOWN: usize = 20;

#[test]
fn every_server_reads_the_same() {
    let number = |name: &str, default: usize| match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")),
        Err(_) => default,
    };
    let (mutants, seed) = (number("DIFFERENTIAL_MUTANTS", 3000), number("DIFFERENTIAL_SEED", 1));
    // Ends the line that the test harness has begun, so that what follows can be picked out.
    println!();
    let home = Home::new();
    let mut oracles = oracles::start_all(&home.0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let mut run = Run {
        runtime: runtime.expect("a runtime"),
        seed: seed as u64,
        known: HashSet::new(),
        asked: 0,
        wrong: 0,
        figures: Figures::default(),
    };
    run.canaries(&mut oracles);
    for driver in [Driver::IoUring, Driver::Epoll] {
        run.drive(driver, mutants, &mut oracles);
    }
    println!("figure: {} servers read {} different forwards", oracles.len(), run.known.len());
    println!("figure: disagreements {} (seed {seed})", run.wrong);
    assert_eq!(run.wrong, 0, "see above");
}

/// The servers' files; removed at the end.
struct Home(PathBuf);

impl Home {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("ringress-oracles-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).expect("a folder for the servers");
        Self(path)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

#[derive(Debug, Default)]
struct Figures {
    forwarded: usize,
    broken_off: usize,
    refused: usize,
    excused: usize,
}

struct Run {
    runtime: Runtime,
    seed: u64,
    /// What was forwarded before, with the client's address blotted out, and whether whole.
    known: HashSet<(Vec<u8>, bool)>,
    /// Connections to each server so far.
    asked: usize,
    wrong: usize,
    figures: Figures,
}

impl Run {
    /// Requests that servers are known to read in different ways must not pass: with them the
    /// servers and the comparison are under test. And an ordinary one must.
    fn canaries(&mut self, oracles: &mut [Oracle]) {
        let start = "POST / HTTP/1.1\r\nHost: a\r\n";
        let good = format!("{start}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
        let bad = [
            format!("{start}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            format!("{start}Content-Length: 3\r\n\r\nhello"),
            format!("{start}Content-Length: 7\r\n\r\nhello"),
            format!("{start}A: b\nC: d\r\nContent-Length: 0\r\n\r\n"),
            format!("{start}A: b\r\n c\r\nContent-Length: 0\r\n\r\n"),
            format!("{start}A : b\r\nContent-Length: 0\r\n\r\n"),
            format!("{start}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
            format!("{start}Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n"),
            "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        ];
        let wires: Vec<_> = [good].into_iter().chain(bad).map(String::into_bytes).collect();
        let forwards: Vec<_> = wires.into_iter().map(|wire| (wire, true)).collect();
        for (at, verdict) in self.judge(oracles, &forwards).into_iter().enumerate() {
            let wire = forwards[at].0.escape_ascii();
            assert_eq!(verdict.is_ok(), at == 0, "{wire}: {verdict:?}");
        }
    }

    fn drive(&mut self, driver: Driver, mutants: usize, oracles: &mut [Oracle]) {
        let (engine, recorder) = (FakeEngine::start(), Recorder::start());
        let lb = Lb::start(driver, &engine, &[]);
        let rules = ["PathPrefix: /", "Method: OPTIONS"];
        for (name, rule) in ["paths", "asterisk"].into_iter().zip(rules) {
            let network = ("traefik.docker.network", "mystack_net");
            let port = ("traefik.port", BACKEND_PORT_TEXT);
            engine.set(name, &[network, port, ("traefik.frontend.rule", rule)], &[&recorder.ip]);
        }
        eventually("the recorder is a backend", engine::EFFECT, || {
            let is_there = |status: u16| (status == 200).then_some(());
            is_there(lb.get("/", &[]).status)?;
            let asterisk = lb.connect().request("OPTIONS", "*", &[], b"");
            is_there(asterisk.status)
        });
        recorder.take();

        let (begun, mut from) = (Instant::now(), 0);
        self.figures = Figures::default();
        while from < mutants {
            let count = BATCH.min(mutants - from);
            self.batch(&lb, &recorder, from, count, oracles);
            from += count;
            println!("{driver:?}: {from} mutants after {} s", begun.elapsed().as_secs());
        }
        let Figures { forwarded, broken_off, refused, excused } = self.figures;
        println!(
            "figure: {driver:?}: mutants {mutants}, requests forwarded {forwarded}, broken off \
             {broken_off}, mutants refused {refused}, refusals excused {excused}, {} s",
            begun.elapsed().as_secs()
        );
        assert!(forwarded > mutants / 4 && refused > mutants / 20, "nothing was tried");
    }

    fn batch(
        &mut self,
        lb: &Lb,
        recorder: &Recorder,
        from: usize,
        count: usize,
        oracles: &mut [Oracle],
    ) {
        let mutants: Vec<Mutant> =
            (from..from + count).map(|number| mutant(self.seed, number as u64)).collect();
        let plays: Vec<_> = mutants
            .iter()
            .enumerate()
            .map(|(at, mutant)| clients::play(address(from + at), lb.entry, mutant))
            .collect();
        let told: Vec<Told> =
            self.runtime.block_on(stream::iter(plays).buffered(AT_ONCE).collect());
        let mut records: HashMap<Ipv4Addr, Vec<Record>> = HashMap::new();
        for record in recorder.take() {
            let client = record.client;
            let client = client.unwrap_or_else(|| panic!("whose? {}", record.bytes.escape_ascii()));
            records.entry(client).or_default().push(record);
        }
        let mut fresh = Vec::new();
        let mut makers = Vec::new();
        for (at, (mutant, told)) in mutants.iter().zip(&told).enumerate() {
            let client = address(from + at);
            let records = records.remove(&client).unwrap_or_default();
            self.count(&records, told);
            if let Err(why) = check(mutant, told, &records) {
                self.complain(&why, mutant, &records, told);
            }
            for record in records {
                let forward = (blotted(&record.bytes, client), record.complete);
                if self.known.insert(forward.clone()) {
                    fresh.push(forward);
                    makers.push(mutant);
                }
            }
        }
        assert!(records.is_empty(), "requests of nobody: {:?}", records.keys());
        for (at, verdict) in self.judge(oracles, &fresh).into_iter().enumerate() {
            match verdict {
                Ok(excused) => self.figures.excused += excused,
                Err(why) => {
                    self.wrong += 1;
                    if self.wrong <= SHOWN {
                        let sent = makers[at].bytes();
                        println!("{why}  sent: {}", sent.escape_ascii());
                    }
                }
            }
        }
    }

    /// Asks all servers about all of these.
    fn judge(
        &mut self,
        oracles: &mut [Oracle],
        forwards: &[(Vec<u8>, bool)],
    ) -> Vec<Result<usize, String>> {
        let scripts: Vec<Script> = forwards
            .iter()
            .map(|(bytes, complete)| Script {
                bytes: bytes.clone(),
                behind: complete.then_some(view::SENTINEL),
                // Behind the offer of another protocol come its bytes, or HTTP: the answer tells.
                wait: Head::of(bytes).has(|name, _| name == b"upgrade"),
            })
            .collect();
        let seen = self.runtime.block_on(oracles::ask(oracles, &scripts, self.asked));
        self.asked += scripts.len();
        let verdicts = forwards.iter().zip(seen).map(|((bytes, complete), seen)| {
            view::judge(bytes, *complete, &seen).map_err(|why| {
                let shown: String = seen.iter().map(describe).collect();
                let state = if *complete { "forwarded" } else { "broken off" };
                format!("DISAGREEMENT\n{why}  {state}: {}\n{shown}", bytes.escape_ascii())
            })
        });
        verdicts.collect()
    }

    fn count(&mut self, records: &[Record], told: &Told) {
        let whole = records.iter().filter(|record| record.complete).count();
        self.figures.forwarded += whole;
        self.figures.broken_off += records.len() - whole;
        let refused = records.is_empty() && told.statuses().iter().any(|status| *status >= 400);
        self.figures.refused += usize::from(refused);
    }

    fn complain(&mut self, why: &str, mutant: &Mutant, records: &[Record], told: &Told) {
        self.wrong += 1;
        if self.wrong <= SHOWN {
            println!("WRONG: {why}\n  sent: {}", mutant.bytes().escape_ascii());
            println!("  pieces: {:?}", mutant.pieces.iter().map(Vec::len).collect::<Vec<_>>());
            for Record { bytes, complete, .. } in records {
                println!("  recorded, complete {complete}: {}", bytes.escape_ascii());
            }
            println!("  answered: {}", told.bytes.escape_ascii());
        }
    }
}

fn describe(seen: &Seen) -> String {
    let mut text = format!("  {} answered {:?}\n", seen.oracle, seen.told.statuses());
    for view in &seen.views {
        text += &format!("    saw {view}\n");
    }
    text
}

/// Whether the client was told what was done.
fn check(mutant: &Mutant, told: &Told, records: &[Record]) -> Result<(), String> {
    let statuses = told.statuses();
    let whole = records.iter().filter(|record| record.complete).count();
    let good = statuses.iter().filter(|status| **status == 200).count();
    let refused = statuses.iter().any(|status| *status >= 400);
    if !told.ended {
        return Err("the connection does not end".to_owned());
    }
    if let Some(status) =
        statuses.iter().find(|status| **status >= 500 && !matches!(status, 501 | 505))
    {
        return Err(format!("status {status}, though the backend answers all"));
    }
    if good > whole || refused && good < whole {
        return Err(format!("{good} requests were answered, {whole} forwarded"));
    }
    // Of a body that comes in pieces a part may be on its way when the next one turns out bad.
    let one_read = mutant.pieces.len() == 1 && mutant.bytes().len() < ONE_READ;
    if statuses.first().is_some_and(|status| *status >= 400) && one_read && !records.is_empty() {
        return Err("refused, and yet something was forwarded".to_owned());
    }
    Ok(())
}

/// The bytes with the client's address replaced: what is the same but for it is the same.
fn blotted(bytes: &[u8], client: Ipv4Addr) -> Vec<u8> {
    let (client, nobody) = (client.to_string().into_bytes(), address(0).to_string().into_bytes());
    let mut bytes = bytes.to_vec();
    let mut from = 0;
    while let Some(at) = recorder::find(&bytes[from..], &client) {
        bytes[from + at..from + at + client.len()].copy_from_slice(&nobody);
        from += at + client.len();
    }
    bytes
}
