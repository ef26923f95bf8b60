//! Three managers on a network of their own, and what can be done to them.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::client::Conn;
use crate::reports;

pub const STACK: &str = "mystack";
pub const APP: &str = "mystack_app";
pub const LB: &str = "mystack_lb";
pub const NODES: usize = 3;

/// In the place of a driver: the peer, for its figures alone.
pub const TRAEFIK: &str = "traefik";

/// A host of the cluster, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node(pub usize);

pub fn nodes() -> impl Iterator<Item = Node> {
    (1..=NODES).map(Node)
}

impl Node {
    pub fn address(self, port: u16) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::new(10, 213, 0, self.0 as u8), port))
    }

    /// Where its replica of the load balancer listens.
    pub fn entry(self) -> SocketAddr {
        self.address(25580)
    }

    pub fn api(self) -> SocketAddr {
        self.address(25581)
    }

    /// Where its engine listens for everybody on this network.
    pub fn engine(self) -> SocketAddr {
        self.address(2375)
    }

    pub fn name(self) -> String {
        format!("node{}", self.0)
    }

    fn folder(self) -> PathBuf {
        let cluster = std::env::var_os("RINGRESS_TEST_CLUSTER");
        PathBuf::from(cluster.expect("run by `tests/run cluster`")).join(self.name())
    }

    /// Runs docker against its engine.
    pub fn docker(self, args: &[&str]) -> String {
        self.try_docker(args).unwrap_or_else(|problem| panic!("docker {args:?}: {problem}"))
    }

    pub fn try_docker(self, args: &[&str]) -> Result<String, String> {
        let host = format!("unix://{}/docker.sock", self.folder().display());
        let mut command = Command::new("timeout");
        let out = command.args(["60", "docker", "-H", &host]).args(args).output();
        let out = out.map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&out.stdout).trim().to_owned();
        match out.status.success() {
            true => Ok(said),
            false => Err(format!("{said} {}", String::from_utf8_lossy(&out.stderr))),
        }
    }

    /// Pulls its network cable, or plugs it in again.
    pub fn cut(self, is_cut: bool) {
        let cable = format!("cable{}", self.0);
        run("ip", &["link", "set", &cable, if is_cut { "down" } else { "up" }]);
    }

    /// Stops its engine, and with it all that it runs, as `systemctl stop docker` does.
    pub fn stop_engine(self) {
        std::fs::write(self.folder().join("stopped"), "").expect("a note for engine-init");
        self.signal("TERM", &format!("dockerd .*{}/data ", self.folder().display()));
    }

    pub fn start_engine(self) {
        std::fs::remove_file(self.folder().join("stopped")).expect("it was stopped");
    }

    /// Takes away its power.
    pub fn kill(self) {
        self.signal("KILL", &format!("unshare .*engine-init {} ", self.folder().display()));
    }

    fn signal(self, signal: &str, pattern: &str) {
        run("pkill", &[&format!("-{signal}"), "-f", pattern]);
    }

    /// What its load balancer shows of itself.
    pub fn document(self) -> serde_json::Value {
        let text = Conn::open(self.api()).get("/api/ringress", &[]).text();
        serde_json::from_str(&text).expect("JSON")
    }
}

pub fn run(program: &str, args: &[&str]) -> String {
    let out = Command::new(program).args(args).output();
    let out = out.unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = String::from_utf8_lossy(&out.stdout).trim().to_owned();
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{program} {args:?}: {}\n{said}\n{errors}", out.status);
    said
}

/// Calls `attempt` until it gives something; says what was waited for when the time is over.
pub fn eventually<T>(what: &str, within: Duration, mut attempt: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(begun.elapsed() < within, "not within {within:?}: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The stack of compose.replicas.yml, removed again whatever happens.
pub struct Stack {
    boss: Node,
}

impl Stack {
    /// The file as it is, with the driver named beside it, backends that tell what they get, and
    /// so many of them.
    pub fn deploy(driver: &str, replicas: usize) -> Self {
        let stack = Self { boss: Node(1) };
        let file = match driver {
            TRAEFIK => "tests/cluster/traefik.yml",
            _ => "compose.replicas.yml",
        };
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file);
        let over = std::env::temp_dir().join(format!("ringress-over-{}.yml", std::process::id()));
        let text = format!(
            "version: \"3.8\"\nservices:\n  app:\n    command: echo --report {}\n    deploy:\n      \
             replicas: {replicas}\n  lb:\n    environment:\n      RINGRESS_DRIVER: {driver}\n",
            reports::ADDRESS
        );
        std::fs::write(&over, text).expect("write the override");
        let (file, also) = (file.display().to_string(), over.display().to_string());
        let deploy =
            ["stack", "deploy", "--resolve-image", "never", "-c", &file, "-c", &also, STACK];
        stack.boss.docker(&deploy);
        let _ = std::fs::remove_file(&over);
        stack.await_running(APP, replicas);
        stack.await_running(LB, NODES);
        stack
    }

    pub fn docker(&self, args: &[&str]) -> String {
        self.boss.docker(args)
    }

    /// Talks to this manager from now on.
    pub fn move_to(&mut self, boss: Node) {
        self.boss = boss;
    }

    /// Waits until exactly so many tasks of the service run.
    pub fn await_running(&self, service: &str, count: usize) {
        eventually(&format!("{count} running tasks of {service}"), Duration::from_secs(90), || {
            (self.running(service).len() == count).then_some(())
        });
    }

    /// Names and nodes of the tasks that run and shall run; none while the swarm has no leader.
    pub fn running(&self, service: &str) -> Vec<(String, String)> {
        let format = "{{.Name}}.{{.ID}} {{.Node}} {{.CurrentState}}";
        let wanted = ["service", "ps", "--no-trunc", "--filter", "desired-state=running"];
        let listed = self.boss.try_docker(&[&wanted[..], &["--format", format, service]].concat());
        let listed = listed.unwrap_or_default();
        let running = listed.lines().filter(|line| line.contains(" Running "));
        let fields = running.map(|line| line.split(' '));
        let pair = fields.filter_map(|mut line| Some((line.next()?.into(), line.next()?.into())));
        pair.collect()
    }

    /// Updates the service, whether its specification changes or not, and waits until the swarm
    /// calls that complete.
    pub fn update(&self, service: &str, options: &[&str]) {
        let status = "{{with .UpdateStatus}}{{.StartedAt}} {{.State}}{{end}}";
        let status = || self.docker(&["service", "inspect", "-f", status, service]);
        let begun = |status: &str| status.rsplit_once(' ').map(|(begun, _)| begun.to_owned());
        let before = begun(&status());
        let quick = ["service", "update", "--detach", "--force", "--update-monitor", "300ms"];
        self.docker(&[&quick[..], options, &[service]].concat());
        eventually(&format!("the update of {service}"), Duration::from_secs(120), || {
            let status = status();
            assert!(!status.contains("paused"), "the update of {service} is {status}");
            (begun(&status) != before && status.ends_with("completed")).then_some(())
        });
    }

    pub fn scale(&self, replicas: usize) {
        self.docker(&["service", "scale", "--detach", &format!("{APP}={replicas}")]);
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for args in [
                &["node", "ls"][..],
                &["stack", "ps", "--no-trunc", STACK],
                &["service", "logs", "--raw", "--tail", "60", LB],
            ] {
                eprintln!("--- docker {}\n{:?}", args.join(" "), self.boss.try_docker(args));
            }
        }
        let _ = self.boss.try_docker(&["stack", "rm", STACK]);
        for _ in 0..150 {
            let names = ["network", "ls", "-q", "--filter", "name=mystack_net"];
            let containers = ["ps", "-aq", "--filter", "label=com.docker.swarm.service.name"];
            let left =
                |node: Node, args: &[&str]| node.try_docker(args).is_ok_and(|l| !l.is_empty());
            if !left(self.boss, &names) && !nodes().any(|node| left(node, &containers)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}
