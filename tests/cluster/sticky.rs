//! The same cookie, the same backend, on each replica.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::Trial;
use crate::bed::{APP, Node, eventually, nodes};
use crate::client::Conn;

const CLIENTS: usize = 10_000;
const REQUESTS: usize = 100_000;

/// A kept connection to each replica.
struct Replicas(Vec<Conn>);

impl Replicas {
    fn open() -> Self {
        Self(nodes().map(|node| Conn::open(node.entry())).collect())
    }

    /// Asks one of them; who answered, and the cookie that it set.
    fn ask(&mut self, replica: usize, cookie: Option<&str>) -> (String, Option<String>) {
        let field = cookie.map(|cookie| format!("Cookie: {cookie}"));
        let fields: Vec<&str> = field.as_deref().into_iter().collect();
        let count = self.0.len();
        let answer = self.0[replica % count].get("/", &fields);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let cookie = answer.header("set-cookie").and_then(|set| set.split(';').next());
        (answer.backend().expect("a name").to_owned(), cookie.map(str::to_owned))
    }
}

/// The backends to which a replica sends new clients.
pub fn backends(node: Node) -> BTreeSet<String> {
    backends_at(node.entry())
}

pub fn backends_at(entry: SocketAddr) -> BTreeSet<String> {
    let ask = || {
        let stream = TcpStream::connect_timeout(&entry, Duration::from_secs(2));
        let mut conn = Conn::over(stream.ok()?);
        conn.send(b"GET / HTTP/1.1\r\nHost: cluster\r\nConnection: close\r\n\r\n");
        let answer = conn.try_response("GET").ok()?;
        (answer.status == 200).then(|| answer.backend().map(str::to_owned)).flatten()
    };
    (0..12).filter_map(|_| ask()).collect()
}

/// Ten thousand clients go from replica to replica; then one backend leaves.
pub fn nobody_moves(trial: &mut Trial) {
    let mut replicas = Replicas::open();
    let begun = Instant::now();
    let mut clients: Vec<(String, String)> = Vec::with_capacity(CLIENTS);
    for client in 0..CLIENTS {
        let (home, cookie) = replicas.ask(client, None);
        clients.push((home, cookie.expect("a cookie for a new client")));
    }
    let mut moves = 0;
    for request in CLIENTS..REQUESTS {
        let (home, cookie) = &clients[request % CLIENTS];
        // Another replica each time, whatever the client.
        let (found, given) = replicas.ask(request / CLIENTS + request, Some(cookie));
        moves += usize::from(found != *home || given.is_some());
    }
    let mut homes: BTreeMap<&str, usize> = BTreeMap::new();
    for (home, _) in &clients {
        *homes.entry(home).or_default() += 1;
    }
    trial.figure(format_args!(
        "stickiness: {CLIENTS} clients on {} backends, {REQUESTS} requests over three replicas in \
         {} s: {moves} moves",
        homes.len(),
        begun.elapsed().as_secs()
    ));
    if moves > 0 || homes.len() != 4 {
        trial.problems.push(format!("stickiness: {moves} moves, clients on {homes:?}"));
    }

    trial.stack.scale(3);
    let left = eventually("three backends by each replica", Duration::from_secs(30), || {
        let left: Vec<_> = nodes().map(backends).collect();
        (left.iter().all(|some| some.len() == 3 && *some == left[0])).then(|| left[0].clone())
    });
    // Who drains is still honoured; it is over when nobody answers there.
    let gone = clients.iter().find(|(home, _)| !left.contains(home)).expect("a backend left");
    eventually("the backend is gone", Duration::from_secs(30), || {
        (replicas.ask(0, Some(&gone.1)).0 != gone.0).then_some(())
    });
    let (mut of_the_gone, mut moved, mut again) = (0, 0, 0);
    for (client, (home, cookie)) in clients.iter().enumerate() {
        let (found, given) = replicas.ask(client, Some(cookie));
        if !left.contains(home) {
            of_the_gone += 1;
        }
        if found != *home {
            moved += 1;
            let given = given.expect("a cookie for a client that moves");
            let (once_more, _) = replicas.ask(client + 1, Some(&given));
            again += usize::from(once_more != found);
        }
    }
    trial.figure(format_args!(
        "stickiness: a backend leaves: {of_the_gone} clients were on it, {moved} moved, {again} of \
         them twice"
    ));
    if moved != of_the_gone || again > 0 {
        trial.problems.push(format!("stickiness: {moved} moved, {of_the_gone} had to, {again}"));
    }
    trial.stack.scale(4);
    trial.stack.await_running(APP, 4);
}
