//! What clients notice of publications: `cargo bench --bench publish`.
//!
//! One worker serves a client that asks at fixed times; meanwhile a server of one service among
//! many comes and goes. Publishing takes a processor for a while, and on a small machine whoever
//! takes one is noticed. So slices of three kinds alternate: nothing else happens, a table is
//! published, and a thread computes for as long as publishing takes. Published and computed alike
//! means that the table itself disturbs nobody.

mod worlds;

use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringress::config;
use ringress::model::{Model, Rule, Scheme, ServerUrl};
use ringress::process::{Process, Source};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SERVICES: usize = 10_000;
const ROUNDS: usize = 10;
const SLICE: Duration = Duration::from_secs(1);
/// Between two requests.
const PACE: Duration = Duration::from_micros(500);
/// Between two publications.
const CHANGE: Duration = Duration::from_millis(250);
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn main() {
    for driver in ["io_uring", "epoll"] {
        measure(driver);
    }
}

fn measure(driver: &str) {
    let mut model = worlds::model(SERVICES);
    make_reachable(&mut model, backend());
    let address = free_address();
    let flags = [
        "--docker".to_owned(),
        format!("--entryPoints=Name:http Address:{address}"),
        "--ringress.workers=1".to_owned(),
        format!("--ringress.driver={driver}"),
        "--loglevel=ERROR".to_owned(),
    ];
    let config = config::load(&flags, &[]).expect("valid flags");
    let process = Process::start(config, Source::Given(model.clone())).expect("starts");
    let publish = process.publisher();
    let mut client = TcpStream::connect(&address).expect("connects");
    client.set_nodelay(true).expect("nodelay");

    let mut change = model.clone();
    let mut last = change.services.last_entry().expect("many");
    Arc::make_mut(last.get_mut()).servers.pop();
    let begun = Instant::now();
    publish(change.clone());
    publish(model.clone());
    let taken = begun.elapsed() / 2;

    let mut all: [Vec<Duration>; 3] = Default::default();
    for _ in 0..ROUNDS {
        let publish_all = [&model, &change, &model].map(|world| {
            let (world, publish) = (world.clone(), process.publisher());
            Box::new(move || publish(world)) as Event
        });
        let compute_all = [(); 3].map(|()| Box::new(move || compute(taken)) as Event);
        all[0].extend(slice(&mut client, Vec::new()));
        all[1].extend(slice(&mut client, publish_all.into()));
        all[2].extend(slice(&mut client, compute_all.into()));
    }
    let backends = model.services.values().map(|service| service.servers.len()).sum::<usize>();
    println!(
        "{driver}: {backends} backends of {SERVICES} services, publication {:.1} ms, every {} ms",
        taken.as_secs_f64() * 1e3,
        CHANGE.as_millis()
    );
    for (what, times) in ["quiet", "published", "computed"].into_iter().zip(&mut all) {
        times.sort_unstable();
        let at = |part: f64| times[(times.len() as f64 * part) as usize].as_micros();
        println!(
            "  {what:10} p50 {:5} µs   p99 {:5} µs   p99.9 {:6} µs",
            at(0.5),
            at(0.99),
            at(0.999)
        );
    }
}

/// What happens beside the client, at one moment.
type Event = Box<dyn FnOnce() + Send>;

/// How long each answer of one slice took.
fn slice(client: &mut TcpStream, events: Vec<Event>) -> Vec<Duration> {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for event in events {
                std::thread::sleep(CHANGE);
                event();
            }
        });
        let begun = Instant::now();
        let mut times = Vec::new();
        let mut due = begun;
        while due < begun + SLICE {
            due += PACE;
            let wait = due.saturating_duration_since(Instant::now());
            std::thread::sleep(wait);
            // Who was kept from asking in time has waited since then.
            let asked = if wait.is_zero() { due } else { Instant::now() };
            ask(client);
            times.push(asked.elapsed());
        }
        times
    })
}

fn ask(client: &mut TcpStream) {
    client.write_all(b"GET / HTTP/1.1\r\nHost: known\r\n\r\n").expect("send");
    let mut answer = [0; 4096];
    let n = client.read(&mut answer).expect("receive");
    let text = String::from_utf8_lossy(&answer[..n]);
    assert!(text.starts_with("HTTP/1.1 200") && text.ends_with("ok"), "{text}");
}

fn compute(time: Duration) {
    let begun = Instant::now();
    let mut numbers = vec![1_u64; 1 << 20];
    while begun.elapsed() < time {
        for number in &mut numbers {
            *number = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(7);
        }
        black_box(&numbers);
    }
}

/// Gives the first service a server that is there.
fn make_reachable(model: &mut Model, port: u16) {
    let mut routers = model.routers.values_mut();
    let router = Arc::make_mut(routers.next().expect("many"));
    router.rule = Some(Rule::Host("known".into()));
    let service = model.services.get_mut(&router.service).expect("its service");
    let service = Arc::make_mut(service);
    service.sticky = None;
    service.servers.truncate(1);
    let addr = ([127, 0, 0, 1], port).into();
    service.servers[0].url = ServerUrl { scheme: Scheme::Http, addr };
}

/// A backend that answers everything alike.
fn backend() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                let mut stream = stream.expect("accepted");
                let mut request = [0; 4096];
                while stream.read(&mut request).is_ok_and(|n| n > 0) {
                    if stream.write_all(ANSWER).is_err() {
                        break;
                    }
                }
            });
        }
    });
    port
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").to_string()
}
