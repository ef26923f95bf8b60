//! The user's stack on a real swarm: the six steps of the manual, by curl and by a real browser.
//!
//! Run by `tests/run swarm`, which brings up the engine and enters its network. A plain `cargo
//! test` leaves this target out; run by name without an engine, it fails and says so.

#[path = "../blackbox/client.rs"]
#[allow(dead_code, reason = "the black-box tests use more of it")]
mod client;

mod browser;
mod confined;
mod docker;
mod load;
mod plain;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use browser::Browser;
use client::{Conn, Response};
use docker::{APP, LB, NETWORK, Stack, docker, eventually};
use load::{Load, Outcome};

const ENTRY: SocketAddr = loopback(25580);
const WEB: SocketAddr = loopback(25581);
const COOKIE: &str = "_TRAEFIK_BACKEND";

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), port)
}

#[test]
fn six_steps_of_the_manual() {
    let driver = asked_for();
    let shots = std::env::var_os("RINGRESS_TEST_OUTPUT").map(PathBuf::from);
    let shots = shots.expect("RINGRESS_TEST_OUTPUT");
    let stack = deploy(&driver);
    let two = docker::addresses(APP);
    let browser = Browser::start(&shots);
    let dashboard = look_at_the_dashboard(&browser, &two, &driver);
    let (app, home) = bind_the_browser(&browser, &two, &driver);
    alternate_by_curl(&two);

    browser.switch_to(&dashboard);
    let five = scale_up(&browser, &two, &driver);
    browser.switch_to(&app);
    browser.reload();
    assert_eq!(hostname_on(&browser.text()), home, "the browser stays on its first backend");
    browser.switch_to(&dashboard);
    scale_down(&browser, &five, &driver);
    drop(browser);
    drop(stack);
}

/// The driver to test, once there is an engine to test with.
fn asked_for() -> String {
    let driver = std::env::var("RINGRESS_TEST_DRIVER");
    let driver = driver.expect("run by `tests/run swarm`, which brings up the engine");
    docker(&["version"]);
    // Ends the line that the test harness has begun, so that what follows can be picked out.
    println!();
    driver
}

/// Steps 1 and 2: the stack comes up.
fn deploy(driver: &str) -> Stack {
    let begun = Instant::now();
    let stack = Stack::deploy(driver);
    let networks = docker(&["network", "ls", "--format", "{{.Name}}"]);
    assert!(networks.lines().any(|name| name == NETWORK), "{networks}");
    let services = docker(&["stack", "services", "--format", "{{.Name}}", docker::STACK]);
    let services: BTreeSet<&str> = services.lines().collect();
    assert_eq!(services, BTreeSet::from([APP, LB]));
    docker::wait_for_running(LB, 1);
    docker::wait_for_running(APP, 2);
    println!("figure: {driver}: stack deployed and running in {} ms", begun.elapsed().as_millis());
    docker::stand_in_for_the_mesh();
    eventually("the two backends answer", Duration::from_secs(20), || {
        let all: BTreeSet<_> = (0..4).filter_map(|_| name_of(&get(&[]))).collect();
        (all.len() == 2).then_some(())
    });
    println!("figure: {driver}: first answers of both after {} ms", begun.elapsed().as_millis());
    let document = Conn::open(WEB).get("/api/ringress", &[]).text();
    assert!(document.contains(driver), "runs on another driver than {driver}: {document}");
    stack
}

fn get(headers: &[&str]) -> Response {
    Conn::open(ENTRY).get("/", headers)
}

fn name_of(response: &Response) -> Option<String> {
    (response.status == 200).then(|| response.backend().map(str::to_owned)).flatten()
}

fn url(address: &str) -> String {
    format!("http://{address}:8080")
}

/// Step 3: rules and backends in the browser.
fn look_at_the_dashboard(
    browser: &Browser,
    two: &BTreeMap<String, String>,
    driver: &str,
) -> String {
    browser.open("http://127.0.0.1:25581/");
    let tab = browser.tab();
    wait_for_shown(browser, two);
    let text = browser.text();
    assert!(text.contains("Method"), "what is matched is shown: {text}");
    // A reload would lose this mark.
    browser.script("window.unreloaded = true");
    browser.shot(&format!("{driver}-dashboard-2"));
    tab
}

/// Waits until the dashboard shows exactly the backends of these containers.
fn wait_for_shown(browser: &Browser, containers: &BTreeMap<String, String>) {
    let wanted: BTreeSet<String> = containers.values().map(|address| url(address)).collect();
    let script = "return [...document.querySelectorAll('[data-backend]')]\
                  .map(element => element.dataset.backend)";
    let mut shown = BTreeSet::new();
    let end = Instant::now() + Duration::from_secs(15);
    while Instant::now() < end {
        let found = browser.script(script);
        let found = found.as_array().into_iter().flatten();
        shown = found.filter_map(|value| value.as_str().map(str::to_owned)).collect();
        if shown == wanted {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    browser.shot("dashboard-failed");
    panic!("the dashboard shows {shown:?} instead of {wanted:?}:\n{}", browser.text());
}

fn hostname_on(page: &str) -> String {
    let line = page.lines().find_map(|line| line.strip_prefix("Hostname:"));
    line.unwrap_or_else(|| panic!("no hostname on the page: {page}")).trim().to_owned()
}

/// Step 4: the app in the browser, bound by its cookie. Tab and hostname.
fn bind_the_browser(
    browser: &Browser,
    two: &BTreeMap<String, String>,
    driver: &str,
) -> (String, String) {
    let tab = browser.new_tab();
    browser.open("http://127.0.0.1:25580/");
    let page = browser.text();
    let home = hostname_on(&page);
    let address = &two[&home];
    assert!(page.contains(&format!(": {address}")), "its own overlay address: {page}");
    assert!(page.contains("X-Forwarded-Server:"), "{page}");
    let cookie = browser.cookie(COOKIE).expect("the cookie that binds this browser");
    assert_eq!(cookie["value"], url(address));
    assert_eq!(cookie["path"], "/");
    for _ in 0..20 {
        browser.reload();
        assert_eq!(hostname_on(&browser.text()), home);
    }
    browser.shot(&format!("{driver}-app"));
    (tab, home)
}

/// Step 5: without a cookie, in turn; and what the backend sees.
fn alternate_by_curl(two: &BTreeMap<String, String>) {
    let curl = || docker::run("curl", &["-sS", "--max-time", "5", "http://127.0.0.1:25580/"]);
    let pages: Vec<String> = (0..4).map(|_| curl()).collect();
    let names: Vec<String> = pages.iter().map(|page| hostname_on(page)).collect();
    assert!(names[0] != names[1] && names[..2] == names[2..], "not A, B, A, B: {names:?}");
    assert!(names.iter().all(|name| two.contains_key(name)), "{names:?}");

    let page = &pages[0];
    let of = |name: &str| {
        let fields = page.lines().filter_map(|line| line.split_once(": "));
        let mut found = fields.filter(|(found, _)| *found == name).map(|(_, value)| value);
        found.next().unwrap_or_else(|| panic!("no {name} on\n{page}")).to_owned()
    };
    let peer = of("X-Forwarded-For");
    assert!(peer.parse::<std::net::IpAddr>().is_ok(), "{peer}");
    assert_eq!(of("X-Forwarded-Host"), "127.0.0.1:25580");
    assert_eq!(of("X-Forwarded-Proto"), "http");
    assert!(docker::addresses(LB).contains_key(&of("X-Forwarded-Server")), "the lb's hostname");
    assert_eq!(of("Accept"), "*/*");
    assert!(of("User-Agent").starts_with("curl/"));
    let vip = "{{range .Endpoint.VirtualIPs}}{{.Addr}} {{end}}";
    let vip = docker(&["service", "inspect", "-f", vip, APP]);
    let vip = vip.split('/').next().expect("a virtual address");
    // The engine puts it on an interface of the task only where the kernel can balance on it.
    if std::path::Path::new("/proc/net/ip_vs").exists() {
        assert!(
            page.contains(&format!(": {vip}\n")),
            "the service's virtual address {vip}: {page}"
        );
    } else {
        println!("figure: no IPVS in this kernel: the virtual address {vip} is not on the page");
    }
}

/// Step 6, first half: five under load; what the dashboard shows without a reload.
fn scale_up(
    browser: &Browser,
    two: &BTreeMap<String, String>,
    driver: &str,
) -> BTreeMap<String, String> {
    let cookies: Vec<_> = [None, None].into_iter().chain(two.values().map(bound)).collect();
    let load = Load::start(ENTRY, &cookies);
    std::thread::sleep(Duration::from_millis(500));

    let begun = Instant::now();
    docker(&["service", "scale", "--detach", &format!("{APP}=5")]);
    docker::wait_for_running(APP, 5);
    let five = docker::addresses(APP);
    assert_eq!(five.len(), 5);
    eventually("all five answer", Duration::from_secs(20), || {
        let all: BTreeSet<_> =
            load.outcomes().into_iter().rev().take(200).filter_map(|o| o.backend.ok()).collect();
        (all.len() == 5).then_some(())
    });
    wait_for_shown(browser, &five);
    println!("figure: {driver}: dashboard shows five {} ms after", begun.elapsed().as_millis());
    assert_eq!(browser.script("return window.unreloaded"), true);
    browser.shot(&format!("{driver}-dashboard-5"));
    let outcomes = load.finish();
    let round: BTreeSet<_> = (0..5).filter_map(|_| name_of(&get(&[]))).collect();
    assert_eq!(round.len(), 5, "without a cookie, a round of all five: {round:?}");

    let new = |o: &&Outcome| o.backend.as_ref().is_ok_and(|name| !two.contains_key(name));
    let first = outcomes.iter().find(new).expect("an answer of a new backend");
    let took = first.at.saturating_duration_since(begun).as_millis();
    println!("figure: {driver}: scale to first answer of a new backend {took} ms");
    for name in five.keys().filter(|name| !two.contains_key(*name)) {
        let first = outcomes.iter().find(|o| o.backend.as_ref() == Ok(name)).expect("an answer");
        // Both clocks are this machine's.
        let since = docker::running_since_ms(name);
        let behind = load::epoch_ms(first.at) as i128 - since as i128;
        println!("figure: {driver}: {name} first answers {behind} ms after swarm calls it running");
    }
    report(driver, "2 to 5", &outcomes, |_| true);
    five
}

/// Step 6, second half: back to two; who was on a backend that stays notices nothing.
fn scale_down(browser: &Browser, five: &BTreeMap<String, String>, driver: &str) {
    let clients: Vec<&String> = five.values().collect();
    let cookies: Vec<_> = clients.iter().map(bound).chain([None, None, None]).collect();
    let load = Load::start(ENTRY, &cookies);
    std::thread::sleep(Duration::from_millis(500));

    let begun = Instant::now();
    docker(&["service", "scale", "--detach", &format!("{APP}=2")]);
    let two = eventually("two containers are left", Duration::from_secs(60), || {
        Some(docker::addresses(APP)).filter(|two| two.len() == 2)
    });
    wait_for_shown(browser, &two);
    println!("figure: {driver}: dashboard shows two {} ms after", begun.elapsed().as_millis());
    assert_eq!(browser.script("return window.unreloaded"), true);
    browser.shot(&format!("{driver}-dashboard-2-again"));
    std::thread::sleep(Duration::from_secs(2));
    let outcomes = load.finish();

    let free = clients.len();
    let stays = |client: usize| client >= free || two.values().any(|left| left == clients[client]);
    let last = |bound: bool| {
        let removed = outcomes.iter().filter(|o| (o.client < free) == bound);
        let removed =
            removed.filter(|o| o.backend.as_ref().is_ok_and(|name| !two.contains_key(name)));
        let last = removed.map(|o| o.at).max().unwrap_or(begun);
        last.saturating_duration_since(begun).as_millis()
    };
    println!(
        "figure: {driver}: scale to last answer of a removed backend {} ms without a cookie, \
         {} ms with its cookie",
        last(false),
        last(true)
    );
    let moved = outcomes.iter().filter(|o| !stays(o.client));
    let (sent, failed) = moved.fold((0, 0), |(s, f), o| (s + 1, f + u32::from(o.backend.is_err())));
    println!("figure: {driver}: 5 to 2, cookie of a removed backend: {sent} sent, {failed} failed");
    report(driver, "5 to 2, all others", &outcomes, stays);
}

/// The cookie of the backend at this address.
fn bound(address: impl AsRef<str>) -> Option<String> {
    Some(format!("{COOKIE}={}", url(address.as_ref())))
}

/// Prints what was sent and failed, and fails the test if anything did for these clients.
fn report(driver: &str, when: &str, outcomes: &[Outcome], counted: impl Fn(usize) -> bool) {
    let all: Vec<&Outcome> = outcomes.iter().filter(|o| counted(o.client)).collect();
    let failed: Vec<_> = all.iter().filter(|o| o.backend.is_err()).collect();
    println!("figure: {driver}: {when}: {} sent, {} failed", all.len(), failed.len());
    assert!(all.len() > 50, "the load was no load");
    assert!(failed.is_empty(), "{when}: {:?}", &failed[..failed.len().min(10)]);
}
