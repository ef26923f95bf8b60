//! Checks against servers of this test.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::model::{HealthMode, Model, Scheme, Server, ServerState, ServerUrl, Service};

/// A server that answers each request by what `answer` makes of its head; it keeps the heads.
struct Peer {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    async fn start(answer: impl Fn(&str) -> String + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        tokio::task::spawn_local(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = vec![0; 4096];
                let length = stream.read(&mut head).await.unwrap_or(0);
                let head = String::from_utf8_lossy(&head[..length]).into_owned();
                let reply = answer(&head);
                seen.lock().expect("heads").push(head);
                if reply.is_empty() {
                    // Silent, and still there.
                    tokio::task::spawn_local(async move {
                        sleep(Duration::from_secs(60)).await;
                        drop(stream);
                    });
                } else {
                    let _ = stream.write_all(reply.as_bytes()).await;
                }
            }
        });
        Self { address, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("heads").clone()
    }
}

fn status(status: u16) -> String {
    format!("HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\n\r\n")
}

fn leads(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} There\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

fn check() -> HealthCheck {
    HealthCheck {
        mode: HealthMode::Http,
        path: "/health?full=1".into(),
        method: "GET".into(),
        status: None,
        scheme: None,
        port: None,
        interval: Duration::from_millis(100),
        unhealthy_interval: Duration::from_millis(100),
        timeout: Duration::from_millis(500),
        hostname: String::new(),
        follow_redirects: true,
        headers: BTreeMap::new(),
    }
}

fn question(check: HealthCheck, address: SocketAddr) -> Question {
    Question { check: Arc::new(check), address, authority: address.to_string().into() }
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let limited = async { timeout(Duration::from_secs(20), test).await.expect("in time") };
    LocalSet::new().block_on(&runtime.expect("a runtime"), limited);
}

#[test]
fn statuses_decide() {
    run(async {
        let peer = Peer::start(|head| {
            status(head.split("full=").nth(1).and_then(|rest| rest[..3].parse().ok()).unwrap_or(0))
        });
        let peer = peer.await;
        for (answered, wanted, healthy) in [
            (200, None, true),
            (204, None, true),
            (399, None, true),
            (400, None, false),
            (503, None, false),
            (200, Some(204), false),
            (404, Some(404), true),
        ] {
            let path = format!("/health?full={answered}");
            let check = HealthCheck { path, status: wanted, ..check() };
            let answer = probe::ask(&question(check, peer.address)).await;
            assert_eq!(answer.is_ok(), healthy, "{answered} {wanted:?}: {answer:?}");
        }
    });
}

#[test]
fn the_question_is_as_configured() {
    run(async {
        let peer = Peer::start(|_| status(200)).await;
        let headers = BTreeMap::from([("X-Probe".to_owned(), "yes".to_owned())]);
        let asked = HealthCheck {
            method: "HEAD".into(),
            hostname: "app.example".into(),
            headers,
            port: Some(peer.address.port()),
            ..check()
        };
        // The port of the check is not the server's.
        let server = SocketAddr::new(peer.address.ip(), 1);
        probe::ask(&question(asked, server)).await.expect("healthy");
        probe::ask(&question(check(), peer.address)).await.expect("healthy");
        let named = Question { authority: "app.internal".into(), ..question(check(), server) };
        let named = Question {
            check: Arc::new(HealthCheck { port: Some(peer.address.port()), ..check() }),
            ..named
        };
        probe::ask(&named).await.expect("its address is known");
        let heads = peer.heads();
        assert!(heads[0].starts_with("HEAD /health?full=1 HTTP/1.1\r\n"), "{}", heads[0]);
        assert!(heads[0].to_lowercase().contains("x-probe: yes\r\n"), "{}", heads[0]);
        assert!(heads[0].contains("host: app.example\r\n"), "{}", heads[0]);
        assert!(heads[1].contains(&format!("host: {}\r\n", peer.address)), "{}", heads[1]);
        let host = format!("host: app.internal:{}\r\n", peer.address.port());
        assert!(heads[2].contains(&host), "{}", heads[2]);
    });
}

#[test]
fn redirects_are_followed_as_go_does_it() {
    run(async {
        let other = Peer::start(|_| status(200)).await;
        let elsewhere = format!("http://{}/there", other.address);
        let peer = Peer::start(move |head| match head.split(' ').nth(1) {
            Some("/rel/a") => leads(302, "b"),
            Some("/rel/b") => leads(307, "/end"),
            Some("/end") => status(204),
            Some("/away") => leads(301, &elsewhere),
            Some("/tls") => leads(302, "https://127.0.0.1/"),
            Some("/nowhere") => status(302),
            Some(path) => leads(302, path),
            None => String::new(),
        });
        let peer = peer.await;
        let ask = async |path: &str, follow_redirects| {
            let hostname = "app.example".into();
            let (path, method) = (path.into(), "POST".into());
            let check = HealthCheck { path, method, hostname, follow_redirects, ..check() };
            probe::ask(&question(check, peer.address)).await
        };
        ask("/rel/a", true).await.expect("healthy");
        let heads = peer.heads();
        assert_eq!(heads.len(), 3);
        assert!(heads[0].starts_with("POST ") && heads[2].starts_with("GET /end "), "{heads:?}");
        assert!(heads.iter().all(|head| head.contains("host: app.example")), "{heads:?}");
        ask("/away", true).await.expect("healthy");
        let away = other.heads();
        assert!(away[0].contains(&format!("host: {}\r\n", other.address)), "{away:?}");
        ask("/away", false).await.expect("a redirect is an answer");
        ask("/nowhere", true).await.expect("one that leads nowhere is an answer");
        assert!(ask("/tls", true).await.unwrap_err().contains("only http"));
        let before = peer.heads().len();
        assert!(ask("/circle", true).await.unwrap_err().contains("10 times"));
        assert_eq!(peer.heads().len() - before, 11);
    });
}

#[test]
fn who_says_nothing_sensible_is_not_healthy() {
    run(async {
        for answer in ["hello\r\n\r\n", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nbad"] {
            let peer = Peer::start(move |_| answer.to_owned()).await;
            assert!(probe::ask(&question(check(), peer.address)).await.is_err(), "{answer}");
        }
    });
}

/// A store with one service of these servers.
fn publish(store: &Store, servers: &[SocketAddr], check: Option<HealthCheck>) {
    let server = |&addr: &SocketAddr| {
        Server::new(ServerUrl { scheme: Scheme::Http, addr }, ServerState::Serving, "")
    };
    let servers = servers.iter().map(server).collect();
    let service = Service { name: "s".into(), servers, health_check: check, ..Service::default() };
    store.publish(Model {
        services: BTreeMap::from([("s".into(), service.into())]),
        ..Model::default()
    });
}

fn downs(store: &Store) -> Vec<bool> {
    store.snapshot().backends.iter().map(|figures| figures.down).collect()
}

async fn becomes(store: &Store, wanted: &[bool]) -> Duration {
    let begun = Instant::now();
    while downs(store) != wanted {
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", downs(store));
        sleep(Duration::from_millis(5)).await;
    }
    begun.elapsed()
}

#[test]
fn what_is_found_follows_the_server_and_nothing_else() {
    run(async {
        let healthy = Rc::new(std::cell::Cell::new(false));
        let says = Rc::clone(&healthy);
        let peer = Peer::start(move |_| status(if says.get() { 200 } else { 503 })).await;
        let silent = Peer::start(|_| String::new()).await;
        let store = Arc::new(Store::new(1, vec![]));
        tokio::task::spawn_local(Checks::new(Arc::clone(&store)).follow());
        let slow = HealthCheck { interval: Duration::from_secs(60), ..check() };
        publish(&store, &[peer.address, silent.address], Some(slow.clone()));
        let took = becomes(&store, &[true, true]).await;
        assert!(took > Duration::from_millis(400), "a silent one has its time: {took:?}");

        // Another server comes, and nobody is asked anew because of it.
        let asked = peer.heads().len();
        let third = Peer::start(|_| status(200)).await;
        publish(&store, &[peer.address, silent.address, third.address], Some(slow.clone()));
        assert_eq!(downs(&store), [true, true, false]);
        while third.heads().is_empty() {
            sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(downs(&store), [true, true, false]);
        healthy.set(true);
        becomes(&store, &[false, true, false]).await;
        assert!(peer.heads().len() > asked, "it is asked at the unhealthy interval");
        sleep(Duration::from_millis(300)).await;
        assert_eq!(third.heads().len(), 1, "a healthy one is left alone for long");

        // Without a check nobody is down.
        publish(&store, &[peer.address, silent.address, third.address], None);
        becomes(&store, &[false, false, false]).await;
        publish(&store, &[peer.address, silent.address], Some(slow));
        becomes(&store, &[false, true]).await;
    });
}

#[test]
fn first_questions_are_spread_over_half_an_interval() {
    let mut parts: Vec<f64> = (0..100).map(spread).collect();
    parts.sort_by(f64::total_cmp);
    assert!(parts[0] >= 0.5 && parts[99] < 1.0);
    assert!(parts.windows(2).all(|pair| pair[1] - pair[0] < 0.02), "{parts:?}");
}
