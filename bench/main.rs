//! The hot path in pieces, in this process, without a socket: `cargo bench`.
//!
//! For one of them: `cargo bench -- route`. What these cannot show (system calls, wake-ups, the
//! kernel's share) is measured by `loadtest/run`.

mod browser;
mod worlds;

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::sync::Arc;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, bench};
use ringress::balance::{Ask, Tried, choose};
use ringress::h1::chunked::Chunked;
use ringress::h1::forward::{self, Origin, Target};
use ringress::h1::request::{self, Fields};
use ringress::limits::{HeadLimits, MAX_HEAD_FIELDS};
use ringress::model::cookie::cookie_value;
use ringress::model::{Model, Rule};
use ringress::route::{Destination, Routes, Subject};
use ringress::table::{CookieTable, Store, find_cookie};

use browser::HEAD;
use worlds::{host, model, service, sticky, url};

/// The allocator of the binary, or publication would be measured with another one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

fn fields<'b>() -> Fields<'b> {
    [const { MaybeUninit::uninit() }; MAX_HEAD_FIELDS]
}

#[bench]
fn head_parse(bencher: Bencher) {
    bencher.counter(BytesCount::of_slice(HEAD)).bench(|| {
        let mut fields = fields();
        let head = request::parse(black_box(HEAD), &mut fields, &HeadLimits::default())
            .expect("valid")
            .expect("complete");
        black_box(&head);
    });
}

#[bench]
fn head_forward(bencher: Bencher) {
    let mut fields = fields();
    let head = request::parse(HEAD, &mut fields, &HeadLimits::default())
        .expect("valid")
        .expect("complete");
    let origin = Origin { peer: "192.0.2.1", trusted: false, server: "lb" };
    let mut out = Vec::with_capacity(4096);
    bencher.counter(BytesCount::of_slice(HEAD)).bench_local(|| {
        out.clear();
        forward::write(&mut out, black_box(&head), Target::default(), &origin);
        black_box(&out);
    });
}

/// A router of its own host each: the last of them is asked for.
#[bench(args = [1, 100, 10_000])]
fn route_by_host(bencher: Bencher, routers: usize) {
    let rules: Vec<Rule> = (0..routers).map(|i| Rule::Host(host(i))).collect();
    find_last(bencher, &rules, &host(routers - 1), "/shop");
}

/// A router of its own beginning of the path each.
#[bench(args = [1, 100, 10_000])]
fn route_by_prefix(bencher: Bencher, routers: usize) {
    let rules: Vec<Rule> = (0..routers).map(|i| Rule::PathPrefix(format!("/{i:05}/"))).collect();
    find_last(bencher, &rules, "h", &format!("/{:05}/x", routers - 1));
}

fn find_last(bencher: Bencher, rules: &[Rule], host: &str, path: &str) {
    let routes = Routes::compile(
        (0..).zip(rules).map(|(i, rule)| (rule, 1, Destination { router: i, node: i })),
    );
    let subject = Subject {
        host: host.as_bytes(),
        path: path.as_bytes(),
        method: b"GET",
        headers: &[],
        query: b"",
        client: "",
    };
    assert_eq!(routes.find(&subject).map(|to| to.node), Some(rules.len() as u32 - 1));
    bencher.bench_local(|| routes.find(black_box(&subject)));
}

/// From the field line to the backend.
#[bench(args = [2, 100, 10_000])]
fn cookie_lookup(bencher: Bencher, backends: usize) {
    let sticky = sticky();
    let table = CookieTable::of_servers(&sticky, (0..backends).map(|i| (url(i).to_string(), true)));
    let value = cookie_value(sticky.form, &url(backends - 1).to_string());
    let line = format!("theme=dark; _sid={value}; other=1").into_bytes();
    let find = |line: &[u8]| table.find(find_cookie(line, table.name())?);
    assert_eq!(find(&line).map(|hit| hit.index as usize), Some(backends - 1));
    bencher.bench_local(|| find(black_box(&line)));
}

/// The choice of a backend where no cookie says which, as in production: inside of a read.
#[bench(args = [2, 100, 10_000])]
fn rotation(bencher: Bencher, backends: usize) {
    let store = Store::new(1, vec!["http".into()]);
    let mut model = Model::default();
    model.services.insert("s@swarm".into(), service("s@swarm", 0..backends, 1).into());
    store.publish(model);
    let tried = Tried::default();
    let next = || {
        let (cookies, tried) = (std::iter::empty(), black_box(&tried));
        let ask = Ask { cookies, peer: "10.0.0.1", tried, now: 1, worker: 0, idempotent: true };
        store.read(|table| choose(table.service(0)?, &ask))
    };
    assert!(next().is_some());
    bencher.bench_local(next);
}

/// 64 KiB of payload in chunks of this size, as one piece. Counted in chunks: payload is stepped
/// over, not looked at, so bytes per second would say nothing.
#[bench(args = [1024, 4096, 65_536])]
fn chunk_decode_64k(bencher: Bencher, chunk: usize) {
    let mut wire = Vec::new();
    for _ in 0..65_536 / chunk {
        wire.extend_from_slice(format!("{chunk:x}\r\n").as_bytes());
        wire.resize(wire.len() + chunk, b'x');
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"0\r\n\r\n");
    bencher.counter(ItemsCount::new(65_536 / chunk)).bench_local(|| {
        let (mut chunked, mut payload) = (Chunked::new(), 0);
        let used = chunked.take(black_box(&wire), |range| payload += range.len());
        assert_eq!((used, payload), (Ok(wire.len()), 65_536));
        chunked
    });
}

/// A server of one service comes and goes: what every change in a swarm costs.
#[bench(args = [100, 1000, 10_000], sample_count = 20, sample_size = 1)]
fn publish(bencher: Bencher, services: usize) {
    let store = Store::new(2, vec!["http".into()]);
    let model = model(services);
    store.publish(model.clone());
    let mut there = true;
    bencher
        .with_inputs(|| {
            let mut model = model.clone();
            there = !there;
            if !there && let Some(mut last) = model.services.last_entry() {
                Arc::make_mut(last.get_mut()).servers.pop();
            }
            model
        })
        .bench_local_values(|model| store.publish(model));
}
