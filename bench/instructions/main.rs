//! The hot path in pieces, counted in instructions: `bench/count`.
//!
//! The same on every run, so that a regression shows in review, where time would only be noise.

#[path = "../browser.rs"]
mod browser;
#[path = "../worlds.rs"]
mod worlds;

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::sync::Arc;

use gungraun::{library_benchmark, library_benchmark_group, main};
use ringress::balance::{Ask, Tried, choose};
use ringress::h1::chunked::Chunked;
use ringress::h1::forward::{self, Origin, Target};
use ringress::h1::request::{self, Fields, RequestHead};
use ringress::limits::{HeadLimits, MAX_HEAD_FIELDS};
use ringress::model::cookie::cookie_value;
use ringress::model::{Model, Rule};
use ringress::route::{Destination, Routes, Subject};
use ringress::table::{CookieTable, Store, find_cookie};

use browser::HEAD;
use worlds::{host, model, service, sticky, url};

fn parse<'f>(fields: &'f mut Fields<'static>) -> RequestHead<'f, 'static> {
    let head = request::parse(black_box(HEAD), fields, &HeadLimits::default());
    head.expect("valid").expect("complete")
}

fn fields<'b>() -> Fields<'b> {
    [const { MaybeUninit::uninit() }; MAX_HEAD_FIELDS]
}

#[library_benchmark]
fn head_parse() {
    let mut fields = fields();
    black_box(&parse(&mut fields));
}

fn parsed() -> (RequestHead<'static, 'static>, Vec<u8>) {
    (parse(Box::leak(Box::new(fields()))), Vec::with_capacity(4096))
}

#[library_benchmark]
#[bench::browser(parsed())]
fn head_forward((head, mut out): (RequestHead<'_, '_>, Vec<u8>)) -> Vec<u8> {
    let origin = Origin { peer: "192.0.2.1", trusted: false, server: "lb" };
    forward::write(&mut out, black_box(&head), Target::default(), &origin);
    out
}

fn by_host(routers: usize) -> (Routes, String, String) {
    let rules: Vec<Rule> = (0..routers).map(|i| Rule::Host(host(i))).collect();
    (compiled(&rules), host(routers - 1), "/shop".to_owned())
}

fn by_prefix(routers: usize) -> (Routes, String, String) {
    let rules: Vec<Rule> = (0..routers).map(|i| Rule::PathPrefix(format!("/{i:05}/"))).collect();
    (compiled(&rules), "h".to_owned(), format!("/{:05}/x", routers - 1))
}

fn compiled(rules: &[Rule]) -> Routes {
    Routes::compile((0..).zip(rules).map(|(i, rule)| (rule, 1, Destination { router: i, node: i })))
}

// The last of so many routers.
#[library_benchmark]
#[benches::by_host(args = [1, 100, 10_000], setup = by_host)]
#[benches::by_prefix(args = [1, 100, 10_000], setup = by_prefix)]
fn route((routes, host, path): (Routes, String, String)) -> Routes {
    let subject = Subject {
        host: host.as_bytes(),
        path: path.as_bytes(),
        method: b"GET",
        headers: &[],
        query: b"",
        client: "",
    };
    black_box(routes.find(black_box(&subject)));
    routes
}

fn stuck(backends: usize) -> (CookieTable, Vec<u8>) {
    let sticky = sticky();
    let table = CookieTable::of_servers(&sticky, (0..backends).map(|i| (url(i).to_string(), true)));
    let value = cookie_value(sticky.form, &url(backends - 1).to_string());
    (table, format!("theme=dark; _sid={value}; other=1").into_bytes())
}

#[library_benchmark]
#[benches::backends(args = [2, 100, 10_000], setup = stuck)]
fn cookie_lookup((table, line): (CookieTable, Vec<u8>)) -> CookieTable {
    black_box(find_cookie(black_box(&line), table.name()).and_then(|value| table.find(value)));
    table
}

fn one_service(backends: usize) -> Store {
    let store = Store::new(1, vec!["http".into()]);
    let mut model = Model::default();
    model.services.insert("s@swarm".into(), service("s@swarm", 0..backends, 1).into());
    store.publish(model);
    pick(&store);
    store
}

fn pick(store: &Store) {
    let tried = Tried::default();
    let (cookies, tried) = (std::iter::empty(), black_box(&tried));
    let ask = Ask { cookies, peer: "10.0.0.1", tried, now: 1, worker: 0, idempotent: true };
    let pick = |table: &ringress::table::Table| choose(table.service(0)?, &ask);
    black_box(store.read(pick));
}

#[library_benchmark]
#[benches::backends(args = [2, 100, 10_000], setup = one_service)]
fn rotation(store: Store) -> Store {
    pick(&store);
    store
}

fn chunks(size: usize) -> Vec<u8> {
    let mut wire = Vec::new();
    for _ in 0..65_536 / size {
        wire.extend_from_slice(format!("{size:x}\r\n").as_bytes());
        wire.resize(wire.len() + size, b'x');
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"0\r\n\r\n");
    wire
}

#[library_benchmark]
#[benches::of(args = [1024, 65_536], setup = chunks)]
fn chunk_decode_64k(wire: Vec<u8>) -> Vec<u8> {
    let (mut chunked, mut payload) = (Chunked::new(), 0);
    let used = chunked.take(black_box(&wire), |range| payload += range.len());
    assert_eq!((used, payload), (Ok(wire.len()), 65_536));
    wire
}

fn changed(services: usize) -> (Store, Model) {
    let store = Store::new(2, vec!["http".into()]);
    let mut model = model(services);
    store.publish(model.clone());
    if let Some(mut last) = model.services.last_entry() {
        Arc::make_mut(last.get_mut()).servers.pop();
    }
    (store, model)
}

// A server of one service goes.
#[library_benchmark]
#[benches::services(args = [100, 1000], setup = changed)]
fn publish((store, model): (Store, Model)) -> Store {
    store.publish(model);
    store
}

library_benchmark_group!(
    name = hot,
    benchmarks =
        [head_parse, head_forward, route, cookie_lookup, rotation, chunk_decode_64k, publish]
);

main!(library_benchmark_groups = hot);
