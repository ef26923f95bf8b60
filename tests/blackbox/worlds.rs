//! Whole configurations, beside what Traefik itself does with them.
//!
//! `tests/traefik/record` has given them to Traefik and has asked it; here Ringress gets the same.
//! Where it differs, it does so on purpose, and a row of the table says why.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::{Map, Value};

use crate::client::Conn;
use crate::engine::EFFECT;
use crate::harness::{Driver, Lb, both_drivers, eventually, fresh_address};
use differences::DIFFERENCES;

mod differences;

both_drivers!(the_third_generation, the_second_generation);

#[derive(serde::Deserialize)]
struct Recorded {
    version: String,
    /// What servers got: the request line, sorted fields, the body; as JSON.
    forwarded: Vec<String>,
    /// Entry point, and the request as it is sent.
    requests: Vec<(String, String)>,
    worlds: Vec<World>,
}

#[derive(serde::Deserialize)]
struct World {
    name: String,
    dynamic: Value,
    /// Of each request all that may come of it.
    outcomes: Vec<Vec<Outcome>>,
    /// Cookies, and what comes of the first request with them.
    again: Vec<(String, Vec<Outcome>)>,
    api: BTreeMap<String, BTreeMap<String, Map<String, Value>>>,
}

/// Status, server, index of what it got, cookies that were set.
type Outcome = (u16, String, usize, Vec<String>);

/// The same with what the server got, as text.
type Seen = (u16, String, String, Vec<String>);

/// Where the recorded servers are.
const SERVERS: [&str; 3] = ["127.99.0.1:29099", "127.99.0.2:29099", "127.99.0.3:29099"];
/// As often as the recorder asks: enough for every server to have its turn.
const REPEATS: usize = 6;

fn the_third_generation(driver: Driver) {
    replay(driver, include_str!("../traefik/worlds-v3.json"), "--core.defaultRuleSyntax=v3");
}

fn the_second_generation(driver: Driver) {
    // The option is one of Traefik 2 alone, and says nothing else.
    replay(driver, include_str!("../traefik/worlds-v2.json"), "--pilot.dashboard=false");
}

fn replay(driver: Driver, recorded: &str, dialect: &str) {
    let recorded: Recorded = serde_json::from_str(recorded).expect("a recording");
    serve_echoes();
    let provider = Provider::start();
    let (lb, other) = start(driver, &provider, dialect);
    let mut tally = Tally::new(&recorded.version);
    for (number, world) in recorded.worlds.iter().enumerate() {
        provider.say(world.dynamic.to_string());
        let mark = format!("/api/http/routers/mark-{number}@http");
        eventually(&world.name, EFFECT, || (lb.web(&mark).status == 200).then_some(()));
        let expected = |request: &str, outcomes: &[Outcome]| -> Vec<Seen> {
            let seen = |(status, server, got, cookies): &Outcome| {
                let got = normalised(request, &recorded.forwarded[*got]);
                (*status, server.clone(), got, cookies.clone())
            };
            outcomes.iter().map(seen).collect()
        };
        for ((entry_point, request), outcomes) in recorded.requests.iter().zip(&world.outcomes) {
            let at = if entry_point == "web" { lb.entry } else { other };
            tally.compare(&world.name, request, &expected(request, outcomes), &ask(at, request));
        }
        for (cookies, outcomes) in &world.again {
            let request = format!("GET / HTTP/1.1\r\nHost: a.b\r\nCookie: {cookies}\r\n\r\n");
            tally.compare(
                &world.name,
                &request,
                &expected(&request, outcomes),
                &ask(lb.entry, &request),
            );
        }
        for (kind, elements) in &world.api {
            let list = lb.web(&format!("/api/http/{kind}?per_page=1000")).text();
            let list: Vec<Map<String, Value>> = serde_json::from_str(&list).expect("a list");
            tally.compare_lists(&world.name, kind, elements, list);
        }
    }
    tally.finish();
}

fn start(driver: Driver, provider: &Provider, dialect: &str) -> (Lb, SocketAddr) {
    let ip = fresh_address();
    let other = format!("{ip}:25582");
    let args = vec![
        format!("--providers.http.endpoint=http://{}/", provider.address),
        "--providers.http.pollInterval=50ms".to_owned(),
        format!("--entryPoints.web.address={ip}:25580"),
        format!("--entryPoints.other.address={other}"),
        format!("--entryPoints.traefik.address={ip}:25581"),
        "--api.insecure=true".to_owned(),
        "--log.level=ERROR".to_owned(),
        "--ringress.workers=1".to_owned(),
        dialect.to_owned(),
        driver.flag(),
    ];
    (Lb::start_with(&ip, args), other.parse().expect("an address"))
}

/// What a server got from Traefik, without what comes of Traefik's client alone.
///
/// It asks servers for gzip where nobody else does, and unpacks the answer; and it leaves out the
/// `Connection: TE` that RFC 9110 (10.1.4) wants beside a `TE`.
fn normalised(request: &str, got: &str) -> String {
    let got = match request.contains("Accept-Encoding") {
        true => got.to_owned(),
        false => got.replace("\"accept-encoding: gzip\", ", ""),
    };
    got.replace("\"cookie: a=b; c=d\", \"host", "\"connection: TE\", \"cookie: a=b; c=d\", \"host")
}

/// What comes of a request that is sent so often, each time on a connection of its own.
fn ask(at: SocketAddr, request: &str) -> Vec<Seen> {
    let method = request.split(' ').next().unwrap_or_default();
    let mut seen: Vec<Seen> = (0..REPEATS)
        .map(|_| {
            let mut client = Conn::open(at);
            client.send(request);
            let response = client.response(method);
            let one = |name| response.header(name).unwrap_or_default().to_owned();
            let mut cookies: Vec<String> =
                response.headers("set-cookie").iter().map(|c| (*c).to_owned()).collect();
            cookies.sort();
            (response.status, one("x-server"), one("x-got"), cookies)
        })
        .collect();
    seen.sort();
    seen.dedup();
    seen
}

/// What differed, and on purpose or not.
struct Tally {
    version: String,
    compared: usize,
    explained: Vec<usize>,
    unexplained: Vec<String>,
}

impl Tally {
    fn new(version: &str) -> Self {
        let explained = vec![0; DIFFERENCES.len()];
        Self { version: version.to_owned(), compared: 0, explained, unexplained: Vec::new() }
    }

    fn judge(&mut self, world: &str, what: &str, theirs: &str, ours: &str) {
        self.compared += 1;
        if theirs == ours {
            return;
        }
        let applies = |row: &&differences::Row| {
            self.version.starts_with(row.version)
                && world.contains(row.world)
                && what.contains(row.what)
                && theirs.contains(row.theirs)
                && ours.contains(row.ours)
        };
        match DIFFERENCES.iter().find(applies) {
            Some(row) => {
                let index = DIFFERENCES.iter().position(|other| std::ptr::eq(other, row));
                self.explained[index.unwrap_or_default()] += 1;
            }
            None => self.unexplained.push(format!(
                "{world}: {what}\n  Traefik {}: {theirs}\n  here: {ours}",
                self.version
            )),
        }
    }

    fn compare(&mut self, world: &str, request: &str, theirs: &[Seen], ours: &[Seen]) {
        let mut theirs = theirs.to_vec();
        theirs.sort();
        self.judge(world, &format!("{request:?}"), &format!("{theirs:?}"), &format!("{ours:?}"));
    }

    fn compare_lists(
        &mut self,
        world: &str,
        kind: &str,
        theirs: &BTreeMap<String, Map<String, Value>>,
        ours: Vec<Map<String, Value>>,
    ) {
        let named = ours.into_iter().map(|mut element| {
            let name = element.remove("name").unwrap_or_default();
            (name.as_str().unwrap_or_default().to_owned(), element)
        });
        let mut ours: BTreeMap<String, _> = named.collect();
        for (name, element) in theirs {
            let what = format!("{kind} {name}");
            let Some(mut own) = ours.remove(name) else {
                self.judge(world, &what, &Value::from(element.clone()).to_string(), "missing");
                continue;
            };
            for (key, value) in element {
                let own = own.remove(key).unwrap_or_default();
                // Each has its own words for what is wrong.
                let (value, own) = match key.as_str() {
                    "error" => (Value::from(!value.is_null()), Value::from(!own.is_null())),
                    _ => (value.clone(), own),
                };
                self.judge(world, &format!("{what} {key}"), &value.to_string(), &own.to_string());
            }
            for (key, own) in own {
                self.judge(world, &format!("{what} {key}"), "nothing", &own.to_string());
            }
        }
        for (name, own) in ours {
            self.judge(world, &format!("{kind} {name}"), "missing", &Value::from(own).to_string());
        }
    }

    fn finish(self) {
        let Self { version, compared, explained, unexplained } = self;
        let count = unexplained.len();
        assert!(count == 0, "{count} of {compared}:\n{}", unexplained.join("\n"));
        for (row, used) in DIFFERENCES.iter().zip(explained) {
            if version.starts_with(row.version) {
                println!("figure: Traefik {version}: {used} differ on purpose: {}", row.why);
                assert!(used > 0, "{row:?} does not differ any more");
            }
        }
        println!("figure: Traefik {version}: {compared} answers compared");
    }
}

/// Serves the configuration of the moment.
struct Provider {
    address: SocketAddr,
    text: Arc<Mutex<String>>,
}

impl Provider {
    fn start() -> Self {
        let listener = TcpListener::bind((fresh_address(), 0)).expect("bind");
        let address = listener.local_addr().expect("an address");
        let text = Arc::new(Mutex::new("{}".to_owned()));
        let said = Arc::clone(&text);
        std::thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let mut lines = BufReader::new(client.try_clone().expect("clone")).lines();
                while lines.next().and_then(Result::ok).is_some_and(|line| !line.is_empty()) {}
                let body = said.lock().expect("text").clone();
                let length = body.len();
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n");
                // In one piece, or Nagle's algorithm makes it wait.
                let answer = format!("{head}Connection: close\r\n\r\n{body}");
                let _ = client.write_all(answer.as_bytes());
            }
        });
        Self { address, text }
    }

    fn say(&self, text: String) {
        *self.text.lock().expect("text") = text;
    }
}

/// The recorder's servers, for all cases of this run.
fn serve_echoes() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        for address in SERVERS {
            let listener = TcpListener::bind(address).expect("bind");
            std::thread::spawn(move || {
                for client in listener.incoming().flatten() {
                    std::thread::spawn(move || echo(client, address));
                }
            });
        }
    });
}

/// Says which server it is and what it got: the line, the fields sorted, the body.
fn echo(mut client: TcpStream, address: &str) -> Option<()> {
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let own_name = format!("x-forwarded-server: {}", hostname.trim());
    let mut lines = BufReader::new(client.try_clone().ok()?);
    loop {
        let mut read_line = || {
            let mut line = String::new();
            lines.read_line(&mut line).ok().map(|_| line.trim_end().to_owned())
        };
        let line = read_line().filter(|line| !line.is_empty())?;
        let mut fields = Vec::new();
        while let Some((name, value)) = read_line()?.split_once(':') {
            let field = format!("{}: {}", name.to_ascii_lowercase(), value.trim());
            fields.push(field.replace(&own_name, "x-forwarded-server: HOSTNAME"));
        }
        let length = fields.iter().find_map(|field| field.strip_prefix("content-length: "));
        let mut body = vec![0; length.and_then(|length| length.parse().ok()).unwrap_or(0)];
        lines.read_exact(&mut body).ok()?;
        fields.sort();
        let body = String::from_utf8_lossy(&body).into_owned();
        let got: Vec<String> = [line].into_iter().chain(fields).chain([body]).collect();
        // As the recorder writes it.
        let got = serde_json::to_string(&got).ok()?.replace("\",\"", "\", \"");
        let head = format!("HTTP/1.1 200 OK\r\nX-Server: {address}\r\nX-Got: {got}\r\n");
        client.write_all(format!("{head}Content-Length: 0\r\n\r\n").as_bytes()).ok()?;
    }
}
