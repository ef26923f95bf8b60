//! `ringress demo`: the main job on one machine, without Docker.
//!
//! Backends that print the page of the user's own `app` image run inside the process, each on a
//! loopback address of its own; the load balancer in front of them is the real one, configured by
//! the very flags and labels of the user's stack.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use tokio::sync::oneshot;

use crate::config::{self, Static};
use crate::discovery::workload::{Instance, Workload};
use crate::discovery::{self, labels};
use crate::echo;
use crate::model::{Model, ServerState};
use crate::process::{Process, Source};

/// More than fit on one screen of the dashboard help nobody to understand it.
const MOST_BACKENDS: u8 = 20;

/// How long an address that is in use is waited for.
const FREE_TRIES: u32 = 10;
const FREE_PAUSE: Duration = Duration::from_millis(100);

/// Runs the demo until it is interrupted.
pub fn run(args: impl IntoIterator<Item = String>) -> ExitCode {
    let matches = match command().try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match start(&matches) {
        Ok(process) => process.run_until_stopped(),
        Err(error) => {
            eprintln!("ringress demo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn command() -> Command {
    let address = |name: &'static str, default: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("IP:PORT")
            .default_value(default)
            .value_parser(value_parser!(SocketAddr))
            .help(help)
    };
    Command::new("ringress demo")
        .about("Shows the load balancer on this machine, with backends of its own")
        .no_binary_name(true)
        .arg(address("listen", "127.0.0.1:25580", "Where the load balancer listens"))
        .arg(address("dashboard", "127.0.0.1:25581", "Where the dashboard listens"))
        .arg(
            Arg::new("backends")
                .long("backends")
                .value_name("N")
                .default_value("2")
                .value_parser(value_parser!(u8).range(1..=i64::from(MOST_BACKENDS)))
                .help("Backends to start with"),
        )
        .arg(
            Arg::new("backend")
                .long("backend")
                .value_name("IP")
                .action(ArgAction::Append)
                .value_parser(value_parser!(IpAddr))
                .requires("backend-port")
                .help("A server of yours instead of the embedded ones; may be repeated"),
        )
        .arg(
            Arg::new("backend-port")
                .long("backend-port")
                .value_name("PORT")
                .value_parser(value_parser!(u16).range(1..))
                .help("The port of all servers of yours"),
        )
        .arg(
            Arg::new("flags")
                .value_name("FLAGS")
                .last(true)
                .num_args(0..)
                .help("Further flags of the load balancer, behind --"),
        )
}

fn start(matches: &ArgMatches) -> io::Result<Process> {
    // clap has filled in the defaults.
    let address = |name: &str| *matches.get_one::<SocketAddr>(name).expect("has a default");
    let (listen, dashboard) = (address("listen"), address("dashboard"));
    check_free(listen, "--listen")?;
    check_free(dashboard, "--dashboard")?;
    let mut flags: Vec<String> = vec![
        "--docker".into(),
        "--docker.swarmmode".into(),
        "--web".into(),
        format!("--web.address={dashboard}"),
        format!("--entryPoints=Name:http Address:{listen}"),
        "--loglevel=WARN".into(),
    ];
    flags.extend(matches.get_many::<String>("flags").into_iter().flatten().cloned());
    let config = config::load(&flags, &std::env::vars().collect::<Vec<_>>()).map_err(|all| {
        let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
        io::Error::other(lines.join("\n"))
    })?;

    if let Some(servers) = matches.get_many::<IpAddr>("backend") {
        let port = *matches.get_one::<u16>("backend-port").expect("required by --backend");
        let model = model(&config, port, &servers.copied().collect::<Vec<_>>());
        return Process::start(config, Source::Given(model));
    }
    let count = *matches.get_one::<u8>("backends").expect("has a default");
    let mut fleet = Fleet::new()?;
    while fleet.running.len() < usize::from(count) {
        fleet.grow()?;
    }
    let process = Process::start(config.clone(), Source::Given(fleet.model(&config)))?;
    println!("{}", welcome(listen, dashboard, fleet.running.len()));
    let publish = process.publisher();
    std::thread::Builder::new()
        .name("keys".to_owned())
        .spawn(move || follow_keys(fleet, &config, publish))?;
    Ok(process)
}

/// Fails with advice if the address is taken. The listeners themselves would not notice: they
/// share their port by SO_REUSEPORT, even with another demo.
fn check_free(address: SocketAddr, flag: &str) -> io::Result<()> {
    let mut tries = 0;
    loop {
        let Err(error) = TcpListener::bind(address) else { return Ok(()) };
        tries += 1;
        // The kernel takes a moment to tear down the rings, and with them the listeners, of a demo
        // that has just ended.
        if tries == FREE_TRIES || error.kind() != io::ErrorKind::AddrInUse {
            let advice =
                format!("cannot listen on {address}: {error}; choose another with {flag} IP:PORT");
            return Err(io::Error::new(error.kind(), advice));
        }
        std::thread::sleep(FREE_PAUSE);
    }
}

fn welcome(listen: SocketAddr, dashboard: SocketAddr, backends: usize) -> String {
    format!(
        "Ringress serves {backends} backends of its own. Try:\n\n  \
         curl http://{listen}/    twice: the Hostname alternates\n  \
         http://{listen}/         in a browser: reloading stays on one backend, by its cookie\n  \
         http://{dashboard}/         the dashboard\n\n\
         Keys, each followed by Enter:  s  one backend more   d  one backend less   q  quit\n"
    )
}

/// Scales by the keyboard until there is none (a pipe, a service) or the user quits.
fn follow_keys(mut fleet: Fleet, config: &Static, publish: impl Fn(Model)) {
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        let done = match line.trim() {
            "s" => fleet.grow().map(|()| true),
            "d" => Ok(fleet.shrink()),
            "q" => {
                // The one way out is the signal's: it drains.
                let own = rustix::process::getpid();
                let _ = rustix::process::kill_process(own, rustix::process::Signal::INT);
                return;
            }
            _ => Ok(false),
        };
        match done {
            Ok(true) => {
                publish(fleet.model(config));
                println!("{} backends", fleet.running.len());
            }
            Ok(false) => println!("s, d or q, please; there are {} backends", fleet.running.len()),
            Err(error) => println!("no further backend: {error}"),
        }
    }
    // The backends live as long as this thread; without a keyboard that is until the process ends.
    loop {
        std::thread::park();
    }
}

/// The embedded backends.
struct Fleet {
    port: u16,
    running: Vec<Backend>,
}

struct Backend {
    address: IpAddr,
    /// Dropped to stop it; it finishes what is in flight.
    _stop: oneshot::Sender<()>,
}

impl Fleet {
    /// Finds a port that the backends can share, each on an address of its own, as tasks on an
    /// overlay network do.
    fn new() -> io::Result<Self> {
        let port = TcpListener::bind((address(1), 0))?.local_addr()?.port();
        Ok(Self { port, running: Vec::new() })
    }

    fn grow(&mut self) -> io::Result<()> {
        let number = self.running.len() + 1;
        let own = u8::try_from(number).ok().filter(|&n| n <= MOST_BACKENDS);
        let own = own.ok_or_else(|| io::Error::other(format!("{MOST_BACKENDS} are enough")))?;
        let address = address(own);
        let listener = TcpListener::bind((address, self.port))?;
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let name = format!("demo-{number}");
        std::thread::Builder::new().name(name.clone()).spawn(move || {
            let serving = async {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                // An error is the sender's end, which is the signal.
                echo::serve(listener, name, async { drop(stopped.await) }).await
            };
            if let Err(error) = runtime.block_on(serving) {
                tracing::error!("a demo backend failed: {error}");
            }
        })?;
        self.running.push(Backend { address, _stop: stop });
        Ok(())
    }

    /// Stops the newest, unless it is the last. The caller publishes the smaller model.
    fn shrink(&mut self) -> bool {
        self.running.len() > 1 && self.running.pop().is_some()
    }

    fn model(&self, config: &Static) -> Model {
        model(config, self.port, &self.running.iter().map(|b| b.address).collect::<Vec<_>>())
    }
}

/// Every address of 127.0.0.0/8 is this machine, on Linux without any setup.
fn address(number: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 25, 58, number))
}

/// The user's own labels, with these tasks.
fn model(config: &Static, port: u16, addresses: &[IpAddr]) -> Model {
    let labels = [
        ("traefik.backend.loadbalancer.sticky", "true".to_owned()),
        ("traefik.docker.network", "demo_net".to_owned()),
        ("traefik.port", port.to_string()),
        ("traefik.frontend.rule", "Method: GET, POST, PUT".to_owned()),
    ];
    let workload = Workload {
        name: "demo_app".to_owned(),
        labels: labels.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
        instances: (1..)
            .zip(addresses)
            .map(|(slot, &address)| Instance {
                name: format!("demo_app.{slot}"),
                addresses: BTreeMap::from([("demo_net".to_owned(), address)]),
                ports: Vec::new(),
                state: ServerState::Serving,
            })
            .collect(),
        misplaced: None,
        virtual_addresses: BTreeMap::new(),
    };
    let docker = config.docker.first();
    let built = docker.map(|docker| {
        labels::build(&[workload], docker, config, &BTreeSet::new(), &mut labels::Memory::default())
    });
    let mut model = built.unwrap_or_default();
    discovery::link(&mut model);
    model
}
