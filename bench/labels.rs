//! How long many labels take: `cargo bench --bench labels`.
//!
//! Ten thousand services of a swarm with three routers each, as the discovery thread sees them:
//! from their labels to the first table, and from one changed label to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringress::config;
use ringress::discovery::workload::{Instance, Workload};
use ringress::discovery::{Board, labels};
use ringress::model::{Model, ServerState};
use ringress::table::Store;
use tokio::sync::watch;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SERVICES: usize = 10_000;
const ROUTERS: usize = 3;
const TASKS: usize = 2;
const ROUNDS: usize = 9;

fn main() {
    let flags = ["--providers.swarm", "--entrypoints.web.address=:80"].map(str::to_owned);
    let config = config::load(&flags, &[]).expect("valid flags");
    let store = Store::new(1, vec!["web".to_owned()]);
    let own = BTreeSet::from(["net".to_owned()]);
    let mut memory = labels::Memory::default();
    let before = resident();
    let mut workloads: Vec<Workload> = (0..SERVICES).map(workload).collect();
    let listed = resident();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let _entered = runtime.enter();
    let publish = |model: Arc<Model>| {
        assert!(model.complaints.is_empty(), "{:?}", model.complaints.first());
        assert_eq!(model.routers.len(), SERVICES * ROUTERS);
        store.publish(model);
    };
    let mut board = Board::new(1, publish, watch::Sender::new(false));
    let mut change = |workloads: &[Workload]| -> Duration {
        let begun = Instant::now();
        board.put(0, labels::build(workloads, &config.docker[0], &config, &own, &mut memory));
        begun.elapsed()
    };
    let first = change(&workloads);
    let mut later: Vec<Duration> = (0..ROUNDS)
        .map(|round| {
            let rule = format!("Host(`changed-{round}.example.com`)");
            let labels = &mut workloads[SERVICES / 2].labels;
            labels.insert("traefik.http.routers.r5000-0.rule".to_owned(), rule);
            change(&workloads)
        })
        .collect();
    later.sort_unstable();
    println!(
        "{SERVICES} services, {} routers: first table {:.0} ms, one changed label {:.0} ms \
         (median of {ROUNDS}); resident: labels {} MB, with tables {} MB",
        SERVICES * ROUTERS,
        first.as_secs_f64() * 1e3,
        later[ROUNDS / 2].as_secs_f64() * 1e3,
        (listed - before) / 1_000_000,
        (resident() - before) / 1_000_000,
    );
}

fn workload(index: usize) -> Workload {
    let mut labels = BTreeMap::new();
    let mut label = |name: String, value: String| labels.insert(format!("traefik.{name}"), value);
    for router in 0..ROUTERS {
        let name = format!("http.routers.r{index}-{router}");
        label(
            format!("{name}.rule"),
            format!("Host(`app-{index}.example.com`) && PathPrefix(`/{router}`)"),
        );
        label(format!("{name}.entrypoints"), "web".to_owned());
    }
    label(format!("http.services.s{index}.loadbalancer.server.port"), "8080".to_owned());
    label(format!("http.services.s{index}.loadbalancer.sticky.cookie"), "true".to_owned());
    let name = format!("stack_app-{index}");
    let instance = |slot: usize| {
        let number = index * TASKS + slot;
        let [_, b, c, d] = u32::try_from(number).expect("few").to_be_bytes();
        Instance {
            name: format!("{name}.{slot}"),
            addresses: [("net".to_owned(), IpAddr::from([10, b, c, d]))].into(),
            ports: Vec::new(),
            state: ServerState::Serving,
        }
    };
    Workload {
        labels,
        instances: (0..TASKS).map(instance).collect(),
        misplaced: None,
        virtual_addresses: BTreeMap::new(),
        name,
    }
}

/// Bytes of memory that the process has (Linux: the second field of statm, in pages).
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("statm");
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("a number of pages") * rustix::param::page_size()
}
