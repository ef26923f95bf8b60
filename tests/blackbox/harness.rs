//! The tiny harness: the real binary as a child, on addresses that nobody else uses.
//!
//! All of 127.0.0.0/8 is loopback, so every load balancer and every backend of a run gets an
//! address of its own and ports never clash, whatever runs beside.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::client::{Conn, Response};
use crate::engine::FakeEngine;

/// Every backend listens here, each on an address of its own: a service has one port.
pub const BACKEND_PORT: u16 = 28080;
pub const BACKEND_PORT_TEXT: &str = "28080";

/// Which driver the load balancer of a case must run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    IoUring,
    Epoll,
}

impl Driver {
    pub fn flag(self) -> String {
        let name = match self {
            Self::IoUring => "io_uring",
            Self::Epoll => "epoll",
        };
        format!("--ringress.driver={name}")
    }
}

/// Makes of each case one test per driver: `case::io_uring` and `case::epoll`.
macro_rules! both_drivers {
    ($($case:ident),* $(,)?) => {$(
        mod $case {
            #[test]
            fn io_uring() {
                super::$case(crate::harness::Driver::IoUring);
            }
            #[test]
            fn epoll() {
                super::$case(crate::harness::Driver::Epoll);
            }
        }
    )*};
}
pub(crate) use both_drivers;

/// A loopback address that nothing else in this run has; another run beside has others.
pub fn fresh_address() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let run = 16 + std::process::id() % 200;
    format!("127.{run}.{}.{}", number / 250, number % 250 + 1)
}

/// Calls `attempt` until it gives something; says what was waited for when the time is over.
pub fn eventually<T>(what: &str, within: Duration, mut attempt: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + within;
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(Instant::now() < end, "not within {within:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A process of the real binary, with what it prints.
pub struct Process {
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Process {
    pub fn spawn(args: &[String]) -> Self {
        Self::spawn_by(&mut Command::new(env!("CARGO_BIN_EXE_ringress")), args)
    }

    /// With no more than so many descriptors.
    pub fn spawn_scarce(args: &[String], descriptors: usize) -> Self {
        let limit = format!("--nofile={descriptors}:{descriptors}");
        let mut command = Command::new("prlimit");
        Self::spawn_by(command.arg(limit).arg(env!("CARGO_BIN_EXE_ringress")), args)
    }

    /// By a command that takes the arguments behind its own.
    fn spawn_by(command: &mut Command, args: &[String]) -> Self {
        let mut child = command
            .args(args)
            .env_remove("RINGRESS_DRIVER")
            .env_remove("RINGRESS_HANDOVER")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start ringress");
        let log = Arc::new(Mutex::new(String::new()));
        let out = child.stdout.take().expect("stdout");
        let err = child.stderr.take().expect("stderr");
        let sources: [Box<dyn std::io::Read + Send>; 2] = [Box::new(out), Box::new(err)];
        for source in sources {
            let log = Arc::clone(&log);
            std::thread::spawn(move || {
                for line in BufReader::new(source).lines().map_while(Result::ok) {
                    let mut log = log.lock().expect("log");
                    log.push_str(&line);
                    log.push('\n');
                }
            });
        }
        Self { child, log }
    }

    pub fn log(&self) -> String {
        self.log.lock().expect("log").clone()
    }

    /// Waits for a line with all the words.
    pub fn wait_for_log(&self, words: &[&str]) -> String {
        eventually(&format!("a log line with {words:?}"), crate::engine::EFFECT, || {
            let log = self.log();
            let mut lines = log.lines();
            lines.find(|l| words.iter().all(|w| l.contains(w))).map(str::to_owned)
        })
    }

    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    /// By kill(1): the standard library only knows SIGKILL.
    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().expect("kill");
        assert!(sent.success());
    }

    /// Descriptors that it has open.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("its descriptors").count()
    }

    /// Processor time of all its threads so far.
    pub fn cpu(&self) -> Duration {
        let path = format!("/proc/{}/stat", self.child.id());
        let stat = std::fs::read_to_string(path).expect("its stat");
        // Behind the name in parentheses: user and system time are the 12th and 13th field, in
        // hundredths of a second on every Linux of today (USER_HZ).
        let fields = stat.rsplit(')').next().unwrap_or("").split_whitespace();
        let hundredths: u64 = fields.skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
        Duration::from_millis(hundredths * 10)
    }

    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("wait")
    }

    pub fn wait_for_exit(&mut self, within: Duration) -> ExitStatus {
        eventually("the end of the process", within, || self.exited())
    }

    pub fn is_running(&mut self) -> bool {
        self.exited().is_none()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let from = log.len().saturating_sub(6000);
            let from = (from..log.len()).find(|at| log.is_char_boundary(*at)).unwrap_or(0);
            eprintln!("--- end of the log of ringress ---\n{}", &log[from..]);
        }
    }
}

/// A load balancer with the user's flags, watching a fake engine.
pub struct Lb {
    pub process: Process,
    /// Where clients connect.
    pub entry: SocketAddr,
    /// Dashboard and API.
    pub web: SocketAddr,
    args: Vec<String>,
}

impl Lb {
    /// Starts it with the flags of the user's stack and waits until it accepts.
    pub fn start(driver: Driver, engine: &FakeEngine, more: &[&str]) -> Self {
        let endpoint = format!("--docker.endpoint={}", engine.endpoint());
        Self::start_at(driver, &fresh_address(), &endpoint, more)
    }

    /// The same with no more than so many descriptors.
    pub fn start_scarce(driver: Driver, engine: &FakeEngine, descriptors: usize) -> Self {
        let ip = fresh_address();
        let endpoint = format!("--docker.endpoint={}", engine.endpoint());
        let args = Self::args(driver, &ip, &endpoint, &[]);
        Self::start_process(&ip, args.clone(), Process::spawn_scarce(&args, descriptors))
    }

    pub fn start_at(driver: Driver, ip: &str, endpoint: &str, more: &[&str]) -> Self {
        Self::start_with(ip, Self::args(driver, ip, endpoint, more))
    }

    fn args(driver: Driver, ip: &str, endpoint: &str, more: &[&str]) -> Vec<String> {
        let mut args: Vec<String> = ["--docker", "\\", "--docker.swarmmode", "--docker.watch"]
            .iter()
            .map(|arg| (*arg).to_owned())
            .collect();
        args.push(endpoint.to_owned());
        args.push("--web".to_owned());
        args.push(format!("--web.address={ip}:25581"));
        args.push(format!("--entryPoints=Name:http Address:{ip}:25580"));
        args.push("--loglevel=DEBUG".to_owned());
        args.push("--ringress.workers=2".to_owned());
        args.push(driver.flag());
        args.extend(more.iter().map(|arg| (*arg).to_owned()));
        args
    }

    /// Starts it with Traefik 2's spelling of the same.
    pub fn start_second(driver: Driver, engine: &FakeEngine, more: &[&str]) -> Self {
        let ip = fresh_address();
        let mut args = vec![
            "--providers.docker.swarmMode".to_owned(),
            format!("--providers.docker.endpoint={}", engine.endpoint()),
            format!("--entryPoints.web.address={ip}:25580"),
            format!("--entryPoints.traefik.address={ip}:25581"),
            "--api.insecure=true".to_owned(),
            "--log.level=DEBUG".to_owned(),
            "--ringress.workers=2".to_owned(),
            driver.flag(),
        ];
        args.extend(more.iter().map(|arg| (*arg).to_owned()));
        Self::start_with(&ip, args)
    }

    /// Starts it with today's spelling of the same.
    pub fn start_modern(driver: Driver, engine: &FakeEngine, more: &[&str]) -> Self {
        let ip = fresh_address();
        let mut args = vec![
            "--providers.swarm".to_owned(),
            format!("--providers.swarm.endpoint={}", engine.endpoint()),
            format!("--entryPoints.web.address={ip}:25580"),
            format!("--entryPoints.traefik.address={ip}:25581"),
            "--api.insecure=true".to_owned(),
            "--log.level=DEBUG".to_owned(),
            "--ringress.workers=2".to_owned(),
            driver.flag(),
        ];
        args.extend(more.iter().map(|arg| (*arg).to_owned()));
        Self::start_with(&ip, args)
    }

    /// Starts it on a file of dynamic configuration alone.
    pub fn start_written(driver: Driver, file: &std::path::Path, more: &[&str]) -> Self {
        let ip = fresh_address();
        let mut args = vec![
            format!("--providers.file.filename={}", file.display()),
            format!("--entryPoints.web.address={ip}:25580"),
            format!("--entryPoints.traefik.address={ip}:25581"),
            "--api.insecure=true".to_owned(),
            "--log.level=DEBUG".to_owned(),
            "--ringress.workers=2".to_owned(),
            driver.flag(),
        ];
        args.extend(more.iter().map(|arg| (*arg).to_owned()));
        Self::start_with(&ip, args)
    }

    pub fn start_with(ip: &str, args: Vec<String>) -> Self {
        let process = Process::spawn(&args);
        Self::start_process(ip, args, process)
    }

    fn start_process(ip: &str, args: Vec<String>, process: Process) -> Self {
        let at = |port: u16| SocketAddr::new(ip.parse().expect("an address"), port);
        let (entry, web) = (at(25580), at(25581));
        let process = Self::launched(process, entry, web);
        Self { process, entry, web, args }
    }

    fn launched(mut process: Process, entry: SocketAddr, web: SocketAddr) -> Process {
        eventually("listeners", Duration::from_secs(10), || {
            assert!(process.is_running(), "ended at its start: {}", process.log());
            let up = |at| TcpStream::connect_timeout(at, Duration::from_secs(1)).is_ok();
            (up(&entry) && up(&web)).then_some(())
        });
        process
    }

    /// Ends the process the hard way and starts it again with the same arguments.
    pub fn restart(&mut self) {
        let _ = self.process.child.kill();
        let _ = self.process.child.wait();
        // The kernel takes io_uring apart behind the end of its process; until then an accept in
        // flight keeps the old listener, and clients that reach it are reset.
        eventually("the old listeners are gone", Duration::from_secs(5), || {
            let refused = |at| TcpStream::connect_timeout(at, Duration::from_secs(1)).is_err();
            (refused(&self.entry) && refused(&self.entry)).then_some(())
        });
        self.process = Self::launched(Process::spawn(&self.args), self.entry, self.web);
    }

    /// The next process beside this one, with the same arguments and more. Its predecessor stays
    /// in `self` until somebody puts the other in its place.
    pub fn successor(&self, more: &[&str]) -> Process {
        let more = more.iter().map(|arg| (*arg).to_owned());
        Process::spawn(&self.args.iter().cloned().chain(more).collect::<Vec<_>>())
    }

    /// A successor in a PID namespace of its own, as containers are to each other; `None` where
    /// such a namespace is not allowed.
    pub fn contained_successor(&self) -> Option<Process> {
        let unshare = || {
            let mut command = Command::new("unshare");
            command.args(["--user", "--map-current-user", "--pid", "--fork", "--kill-child"]);
            command
        };
        let allowed = unshare().arg("true").status().is_ok_and(|status| status.success());
        let mut command = unshare();
        command.arg(env!("CARGO_BIN_EXE_ringress"));
        allowed.then(|| Process::spawn_by(&mut command, &self.args))
    }

    /// A connection to the entry point.
    pub fn connect(&self) -> Conn {
        Conn::open(self.entry)
    }

    /// One GET on a connection of its own, with extra header lines.
    pub fn get(&self, path: &str, headers: &[&str]) -> Response {
        self.connect().get(path, headers)
    }

    /// Body of a page of the API or dashboard.
    pub fn web(&self, path: &str) -> Response {
        Conn::open(self.web).get(path, &[])
    }

    /// Waits until requests without a cookie are answered by exactly these backends.
    pub fn wait_for_backends(&self, names: &[&str]) {
        let mut wanted: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        wanted.sort();
        let mut seen = Vec::new();
        let end = Instant::now() + crate::engine::EFFECT;
        while Instant::now() < end {
            // So often round that one that should be gone shows up, even when a case's load takes
            // turns of the rotation in between.
            seen = (0..wanted.len() * 8)
                .map(|_| self.get("/", &[]).backend().unwrap_or("an error").to_owned())
                .collect();
            seen.sort();
            seen.dedup();
            if seen == wanted {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("waited for the backends {wanted:?}, the last ones seen: {seen:?}");
    }
}
