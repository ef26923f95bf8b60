//! What nobody wants: tasks killed, nodes drained, cut off or dead, engines that stop.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::bed::{APP, LB, NODES, Node, Stack, eventually, nodes};
use crate::client::Conn;
use crate::load::{Load, Outcome};
use crate::sticky::{backends, backends_at};
use crate::{Trial, at_length};

/// For so long after its use, a connection is good for a POST.
const JUST_USED: Duration = Duration::from_millis(1_050);
/// An answer that took so long waited for somebody who did not answer.
const SLOW: Duration = Duration::from_millis(600);

/// `docker kill` of a task.
pub fn killed_task(trial: &mut Trial) {
    let begun = Instant::now();
    let load = trial.load();
    let filter = format!("label=com.docker.swarm.service.name={APP}");
    let (node, victim) = nodes()
        .find_map(|node| {
            let ids = node.docker(&["ps", "-q", "--filter", &filter]);
            ids.lines().next().map(|id| (node, id.to_owned()))
        })
        .expect("a task");
    let killed = Instant::now();
    node.docker(&["kill", &victim]);
    let dead = Instant::now();
    trial.stack.await_running(APP, 4);
    eventually("four backends by each replica", Duration::from_secs(30), || {
        nodes().all(|node| backends(node).len() == 4).then_some(())
    });
    let outcomes = load.finish();
    // GETs in flight have to be saved; a POST that the task was given cannot be.
    trial.judge("a task killed", begun, &outcomes, |o| !(o.is_post && in_flight(o, killed, dead)));
    last_slow(trial, "a task killed", killed, &outcomes);
}

/// `docker node update --availability drain`.
pub fn drained_node(trial: &mut Trial) {
    let node = Node(2);
    let begun = Instant::now();
    let load = trial.load();
    trial.stack.docker(&["node", "update", "--availability", "drain", &node.name()]);
    eventually("no task on the drained node", Duration::from_secs(60), || {
        trial.stack.running(APP).iter().all(|(_, at)| *at != node.name()).then_some(())
    });
    trial.stack.await_running(APP, 4);
    let others = || nodes().filter(|other| *other != node);
    eventually("four backends by the other replicas", Duration::from_secs(30), || {
        others().all(|node| backends(node).len() == 4).then_some(())
    });
    let outcomes = load.finish();
    trial.judge("a node drained", begun, &outcomes, |_| true);
    trial.stack.docker(&["node", "update", "--availability", "active", &node.name()]);
    everybody_back(trial);
}

/// A node's cable is pulled: its tasks answer nobody, its replica is out of reach.
pub fn cut_node(trial: &mut Trial) {
    trial.stack.update(APP, &[]);
    let running = trial.stack.running(APP);
    let backends_of = |node: &Node| running.iter().filter(|(_, at)| *at == node.name()).count();
    // Not the one that is talked to.
    let node = [Node(2), Node(3)].into_iter().max_by_key(backends_of).expect("two nodes");
    let on_it = backends_of(&node);
    let begun = Instant::now();
    // Clients of the cut replica would only learn that it is away.
    let entries: Vec<_> = nodes().filter(|other| *other != node).map(Node::entry).collect();
    let load = Load::start(&entries);
    std::thread::sleep(Duration::from_secs(1));
    let cut = Instant::now();
    node.cut(true);
    std::thread::sleep(Duration::from_secs(25));
    let what = format!("a node with {on_it} of 4 backends cut off");
    node.cut(false);
    let outcomes = load.finish();
    // A POST that it was given is lost, and it is given some over connections that it has just
    // used: nobody can know so soon.
    let given = |outcome: &Outcome| {
        in_flight(outcome, cut, cut) || (cut..cut + JUST_USED).contains(&outcome.at)
    };
    trial.judge(&what, begun, &outcomes, |o| !(o.is_post && given(o)));
    last_slow(trial, &what, cut, &outcomes);
    everybody_back(trial);
}

/// A replica that reads another host's engine over the network.
struct Reader<'a> {
    stack: &'a Stack,
    host: Node,
}

const READER: &str = "mystack_reader";

impl<'a> Reader<'a> {
    fn start(trial: &'a Trial, host: Node, engine: Node) -> Self {
        let reader = Self { stack: &trial.stack, host };
        let driver = format!("RINGRESS_DRIVER={}", trial.driver);
        let place = format!("node.hostname=={}", host.name());
        let endpoint = format!("--docker.endpoint=tcp://{}", engine.engine());
        reader.stack.docker(&[
            "service",
            "create",
            "--detach",
            "--no-resolve-image",
            "--name",
            READER,
            "--network",
            "mystack_net",
            "--constraint",
            &place,
            "--env",
            &driver,
            "--publish",
            "mode=host,published=25590,target=80",
            "--publish",
            "mode=host,published=25591,target=8080",
            "ringress:latest",
            "--docker",
            "--docker.swarmmode",
            &endpoint,
            "--web",
        ]);
        eventually("the reader serves", Duration::from_secs(60), || {
            (backends_at(reader.entry()).len() == 4).then_some(())
        });
        reader
    }

    fn entry(&self) -> SocketAddr {
        self.host.address(25590)
    }

    /// What it says of its provider: seconds since it last heard of it, and what is wrong.
    fn provider(&self) -> (f64, String) {
        let text = Conn::open(self.host.address(25591)).get("/api/ringress", &[]).text();
        let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let provider = &document["providers"][0];
        let now = document["now"].as_f64().expect("a time");
        let age = (now - provider["lastSync"].as_f64().expect("a time")) / 1000.0;
        (age, provider["lastError"].as_str().unwrap_or_default().to_owned())
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.stack.docker(&["service", "rm", READER]);
    }
}

/// The engine that a replica reads stops and comes back, with another replica's backends.
pub fn stopped_engine(trial: &mut Trial) {
    let node = Node(3);
    trial.stack.docker(&["node", "update", "--availability", "drain", &node.name()]);
    trial.stack.await_running(APP, 4);
    let reader = Reader::start(trial, Node(1), node);
    let begun = Instant::now();
    let load = Load::start(&[reader.entry()]);
    std::thread::sleep(Duration::from_secs(1));
    let (stopped, away) = (Instant::now(), Duration::from_secs(at_length(60, 20)));
    node.stop_engine();
    std::thread::sleep(away.saturating_sub(stopped.elapsed()));
    let (age, said) = reader.provider();
    trial.stack.scale(5);
    trial.stack.await_running(APP, 5);
    node.start_engine();
    let back = eventually("the engine answers", Duration::from_secs(60), || {
        node.try_docker(&["service", "ls", "-q"]).is_ok().then(Instant::now)
    });
    let fresh = eventually("the table is fresh", Duration::from_secs(20), || {
        (backends_at(reader.entry()).len() == 5).then(Instant::now)
    });
    let outcomes = load.finish();
    drop(reader);
    trial.figure(format_args!(
        "the engine away for {} s: table {age:.0} s old, \"{said}\"; all of it known {} ms after \
         its return",
        away.as_secs(),
        (fresh - back).as_millis()
    ));
    trial.judge("the engine stopped", begun, &outcomes, |_| true);
    if age < away.as_secs_f64() - 10.0 || said.is_empty() {
        trial.problems.push(format!("the engine was away, and nobody said so: {age} {said}"));
    }
    if fresh - back > Duration::from_secs(1) {
        trial.problems.push(format!("fresh only after {:?}", fresh - back));
    }
    trial.stack.docker(&["node", "update", "--availability", "active", &node.name()]);
    trial.stack.scale(4);
    trial.stack.await_running(APP, 4);
}

/// The leading manager loses its power.
pub fn killed_leader(trial: &mut Trial) {
    let leader = nodes()
        .find(|node| {
            let format = "{{.ManagerStatus.Leader}}";
            trial.stack.docker(&["node", "inspect", "-f", format, &node.name()]) == "true"
        })
        .expect("a leader");
    let others: Vec<Node> = nodes().filter(|other| *other != leader).collect();
    trial.stack.docker(&["node", "update", "--availability", "drain", &leader.name()]);
    eventually("no task on the leader", Duration::from_secs(60), || {
        trial.stack.running(APP).iter().all(|(_, at)| *at != leader.name()).then_some(())
    });
    trial.stack.await_running(APP, 4);
    trial.stack.move_to(others[0]);
    let begun = Instant::now();
    let load = Load::start(&others.iter().map(|n| n.entry()).collect::<Vec<_>>());
    std::thread::sleep(Duration::from_secs(1));
    let killed = Instant::now();
    leader.kill();
    let elected = eventually("another leader", Duration::from_secs(60), || {
        others[0].try_docker(&["service", "ls", "-q"]).is_ok().then(Instant::now)
    });
    trial.stack.scale(5);
    eventually("the other replicas see what is new", Duration::from_secs(60), || {
        others.iter().all(|node| backends(*node).len() == 5).then_some(())
    });
    let outcomes = load.finish();
    trial.figure(format_args!(
        "the leader killed: another one after {} ms",
        (elected - killed).as_millis()
    ));
    trial.judge("the leader killed", begun, &outcomes, |_| true);
}

/// The request was on its way at some moment between these two, which is when it happened: a
/// command to the engine takes its time, and a busy machine that of ending a process.
fn in_flight(outcome: &Outcome, from: Instant, to: Instant) -> bool {
    let margin = Duration::from_millis(100);
    outcome.at <= to + margin && outcome.ended() + margin >= from
}

fn last_slow(trial: &Trial, what: &str, since: Instant, outcomes: &[Outcome]) {
    let slow = outcomes.iter().filter(|outcome| outcome.at >= since && outcome.took > SLOW);
    let (count, last) = slow.fold((0, since), |(n, last), o| (n + 1, last.max(o.at)));
    trial.figure(format_args!(
        "{what}: {count} answers took over {} ms, the last was asked for {} ms after",
        SLOW.as_millis(),
        (last - since).as_millis()
    ));
}

/// All replicas know all four backends again.
fn everybody_back(trial: &Trial) {
    trial.stack.await_running(LB, NODES);
    trial.stack.await_running(APP, 4);
    eventually("four backends by each replica", Duration::from_secs(90), || {
        nodes().all(|node| backends(node).len() == 4).then_some(())
    });
}
