//! The independent servers: started from their own small configurations, asked in parallel.

use std::collections::HashMap;
use std::fs::{File, Permissions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};

use crate::clients::{self, Script, Told, address};
use crate::harness::eventually;
use crate::view::View;

/// Connections to one server at a time; Apache has a process for each.
const AT_ONCE: usize = 32;

pub struct Oracle {
    pub name: &'static str,
    to: SocketAddr,
    child: Child,
    views: PathBuf,
    /// How much of `views` has been looked at.
    seen: u64,
}

/// What a server made of one connection.
pub struct Seen {
    pub oracle: &'static str,
    /// Each request that it has read to its end.
    pub views: Vec<View>,
    pub told: Told,
}

/// Starts all servers that are there. Go's is built first, where there is Go.
pub fn start_all(folder: &Path) -> Vec<Oracle> {
    let servers = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/servers");
    let file = |name: &str| servers.join(name).display().to_string();
    let (nginx, apache) = (file("nginx.conf"), file("apache.conf"));
    let (node, python) = (file("server.js"), file("server.py"));
    let place = |name: &str| folder.join(name).display().to_string();
    let (nginx_home, apache_home) = (place("nginx"), place("apache"));
    // The distribution's Python has the distribution's h11.
    let mut oracles = vec![
        Oracle::start(
            folder,
            "nginx",
            29001,
            &["nginx", "-p", &nginx_home, "-c", &nginx, "-e", "error.log"],
        ),
        Oracle::start(
            folder,
            "apache",
            29002,
            &["apache2", "-d", &apache_home, "-f", &apache, "-DFOREGROUND"],
        ),
        Oracle::start(folder, "node", 29003, &["node", &node]),
        Oracle::start(folder, "h11", 29004, &["/usr/bin/python3", &python]),
    ];
    let binary = place("go-server");
    let build = Command::new("go").args(["build", "-o", &binary, &file("main.go")]).status();
    match build {
        Ok(built) => {
            assert!(built.success(), "go build: {built}");
            oracles.push(Oracle::start(folder, "go", 29005, &[&binary]));
        }
        Err(error) => println!("figure: no Go here ({error}): its net/http was not asked"),
    }
    oracles
}

impl Oracle {
    fn start(folder: &Path, name: &'static str, port: u16, command: &[&str]) -> Self {
        let home = folder.join(name);
        std::fs::create_dir(&home).expect("a folder for a server");
        let views = home.join("views");
        let file = File::create(&views).expect("a file for its views");
        // Apache's processes are nobody's in particular.
        file.set_permissions(Permissions::from_mode(0o666)).expect("permissions");
        let output = File::create(home.join("output.log")).expect("a log");
        let child = Command::new(command[0])
            .args(&command[1..])
            .current_dir(&home)
            .env("VIEWS", &views)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a log"))
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| panic!("start {}: {error}", command[0]));
        let to = SocketAddr::from(([127, 0, 0, 1], port));
        let mut oracle = Self { name, to, child, views, seen: 0 };
        eventually(
            &format!("{name} listens, see {}", home.display()),
            Duration::from_secs(20),
            || {
                let ended = oracle.child.try_wait().expect("wait");
                assert!(ended.is_none(), "{name} ended at its start, see {}", home.display());
                TcpStream::connect_timeout(&to, Duration::from_secs(1)).ok()
            },
        );
        oracle
    }

    /// The views that were written since the last time, by the address of the connection.
    fn new_views(&mut self) -> HashMap<Ipv4Addr, Vec<View>> {
        let mut text = String::new();
        let mut file = File::open(&self.views).expect("its views");
        file.seek(SeekFrom::Start(self.seen)).expect("seek");
        self.seen += u64::try_from(file.read_to_string(&mut text).expect("views")).expect("fits");
        let mut views: HashMap<_, Vec<_>> = HashMap::new();
        for line in text.lines() {
            let (client, view) = View::parse(line);
            views.entry(client).or_default().push(view);
        }
        views
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // Gently at first: a killed parent would leave its children.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        for _ in 0..100 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Plays each script to each server; gives for each script what each server saw. `first` is the
/// number of the first client's address: no two scripts ever share one.
pub async fn ask(oracles: &mut [Oracle], scripts: &[Script], first: usize) -> Vec<Vec<Seen>> {
    let told = join_all(oracles.iter().map(|oracle| {
        let to = oracle.to;
        let plays: Vec<_> = (first..)
            .zip(scripts)
            .map(|(number, script)| clients::replay(address(number), to, script))
            .collect();
        stream::iter(plays).buffered(AT_ONCE).collect::<Vec<Told>>()
    }));
    let told = told.await;
    let mut all: Vec<Vec<Seen>> = scripts.iter().map(|_| Vec::new()).collect();
    for (oracle, told) in oracles.iter_mut().zip(told) {
        let mut views = oracle.new_views();
        for (at, told) in told.into_iter().enumerate() {
            let views = views.remove(&address(first + at)).unwrap_or_default();
            all[at].push(Seen { oracle: oracle.name, views, told });
        }
        let late: Vec<_> = views.keys().collect();
        assert!(
            late.is_empty(),
            "{} saw requests of connections long closed: {late:?}",
            oracle.name
        );
    }
    all
}
