//! `ringress top`: what the dashboard shows, in a terminal, for who came by ssh.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, ArgAction, Command, value_parser};
use serde_json::Value;

use super::first_process;
use crate::config;

const TIMEOUT: Duration = Duration::from_secs(2);

/// Moves to the upper left corner and clears what is below.
const CLEAR: &str = "\x1b[H\x1b[J";

/// Lines of a terminal that does not say how many it has.
const LINES: usize = 40;

/// Exit code 0 after `--once` or into a pipe, 1 if nobody answers, 2 for bad arguments.
pub fn run(args: impl IntoIterator<Item = String>) -> ExitCode {
    let matches = match command().try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let address = matches.get_one::<SocketAddr>("address").copied().unwrap_or_else(usual_address);
    let pause = Duration::from_secs(matches.get_one("interval").copied().unwrap_or(1));
    let is_once = matches.get_flag("once") || !io::stdout().is_terminal();
    let mut seen = false;
    loop {
        let text = match ask(address) {
            Ok(document) if is_once => {
                print!("{}", picture(&document, usize::MAX));
                return ExitCode::SUCCESS;
            }
            Ok(document) => picture(&document, lines()),
            Err(error) if seen => format!("{address}: {error}; asking again\n"),
            Err(error) => {
                eprintln!(
                    "ringress top: {address}: {error}; is the API on (--web, --api.insecure), and \
                     is it there? Else give --address=IP:PORT"
                );
                return ExitCode::FAILURE;
            }
        };
        seen = true;
        let mut out = io::stdout().lock();
        // Whoever closes the terminal has seen enough.
        if out.write_all(format!("{CLEAR}{text}").as_bytes()).and_then(|()| out.flush()).is_err() {
            return ExitCode::SUCCESS;
        }
        drop(out);
        std::thread::sleep(pause);
    }
}

fn command() -> Command {
    Command::new("ringress top")
        .about("Shows what a running ringress does, each second; Ctrl-C ends it")
        .no_binary_name(true)
        .arg(
            Arg::new("address")
                .long("address")
                .value_name("IP:PORT")
                .value_parser(value_parser!(SocketAddr))
                .help(
                    "Where its API listens [default: what process 1 was started with, else \
                     127.0.0.1:8080]",
                ),
        )
        .arg(
            Arg::new("interval")
                .long("interval")
                .value_name("SECONDS")
                .value_parser(value_parser!(u64).range(1..=3600))
                .help("Between two looks [default: 1]"),
        )
        .arg(
            Arg::new("once")
                .long("once")
                .action(ArgAction::SetTrue)
                .help("Look once, print everything, and end"),
        )
}

fn usual_address() -> SocketAddr {
    let env: Vec<(String, String)> = std::env::vars().collect();
    let args = first_process::arguments();
    let api = args.and_then(|args| config::load(&args, &env).ok()?.api);
    let default = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
    api.map_or(default, |api| first_process::reachable(api.address))
}

fn lines() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stdout());
    size.ok().map(|size| usize::from(size.ws_row)).filter(|lines| *lines > 0).unwrap_or(LINES)
}

fn ask(address: SocketAddr) -> io::Result<Value> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(b"GET /api/ringress HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = memchr::memmem::find(&answer, b"\r\n\r\n");
    let (head, body) = answer.split_at(end.map_or(answer.len(), |end| end + 4));
    let status = head.split(|byte| *byte == b' ').nth(1);
    if status != Some(b"200") {
        let first = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let first = String::from_utf8_lossy(first);
        return Err(io::Error::other(format!("/api/ringress was answered with {first:?}")));
    }
    serde_json::from_slice(body).map_err(io::Error::from)
}

/// The document as text, in so many lines: those services that have most to do.
fn picture(document: &Value, lines: usize) -> String {
    let mut text = head(document);
    let complaints = complaints(document);
    let room = lines.saturating_sub(text.lines().count() + complaints.lines().count() + 2);
    let _ = writeln!(
        text,
        "\n{:<44} {:>9} {:>9} {:>9} {:>7} {:>7} {:>7}",
        "SERVICE, BACKEND", "STATE", "REQ/S", "MEAN MS", "ACTIVE", "FAILED", "STICKY"
    );
    let mut services: Vec<&Value> = list(&document["services"]).collect();
    let rate = |service: &Value| service["perSecond"].as_f64().unwrap_or_default();
    services.sort_by(|a, b| rate(b).total_cmp(&rate(a)));
    let rows: Vec<String> = services.into_iter().flat_map(service).collect();
    for row in rows.iter().take(room) {
        text.push_str(row);
    }
    if rows.len() > room {
        let _ = writeln!(text, "… {} more", rows.len() - room);
    }
    text + &complaints
}

fn head(document: &Value) -> String {
    let mut text = String::new();
    let totals = &document["totals"];
    let _ = writeln!(
        text,
        "ringress {} on {}, up {}{}",
        word(&document["version"]),
        word(&document["hostname"]),
        span(whole(&document["uptimeSeconds"])),
        if document["terminating"] == true { ", stopping" } else { "" },
    );
    let driver = &document["drivers"][0];
    let workers = list(&document["drivers"]).count();
    let _ = writeln!(text, "{workers} workers on {}", word(&driver["rung"]));
    if let Some(reason) = driver["reason"].as_str() {
        let _ = writeln!(text, "  {reason}; {}", word(&driver["remedy"]));
    }
    let _ = writeln!(
        text,
        "table {}, {} old",
        document["generation"],
        span(whole(&document["ageSeconds"]))
    );
    for provider in list(&document["providers"]) {
        let state = match provider["lastError"].as_str() {
            Some(error) => format!("LOST: {error}"),
            None if provider["connected"] == true => "heard".to_owned(),
            None => "not heard yet".to_owned(),
        };
        let _ = writeln!(
            text,
            "{} at {}: {state}",
            word(&provider["name"]),
            word(&provider["endpoint"])
        );
    }
    let _ = write!(
        text,
        "requests {:.1}/s of {}, connections {}, retries {},",
        totals["perSecond"].as_f64().unwrap_or_default(),
        totals["requests"],
        totals["openConnections"],
        totals["retries"],
    );
    for class in ["2xx", "3xx", "4xx", "5xx"] {
        let _ = write!(text, " {class} {}", totals["responses"][class]);
    }
    text.push('\n');
    text
}

fn service(service: &Value) -> Vec<String> {
    let rate = service["perSecond"].as_f64().unwrap_or_default();
    let mut rows = vec![format!("{:<44} {:>9} {rate:>9.1}\n", word(&service["name"]), "")];
    rows.extend(list(&service["backends"]).map(|backend| {
        let mean = backend["meanMillis"].as_f64().map_or("-".to_owned(), |m| format!("{m:.2}"));
        format!(
            "  {:<42} {:>9} {:>9.1} {mean:>9} {:>7} {:>7} {:>7}\n",
            word(&backend["url"]),
            word(&backend["state"]),
            backend["perSecond"].as_f64().unwrap_or_default(),
            whole(&backend["active"]),
            whole(&backend["failures"]),
            whole(&backend["stickyHits"]),
        )
    }));
    rows
}

/// The first few, and how many there are: the dashboard and the log have all of them.
fn complaints(document: &Value) -> String {
    let all: Vec<&Value> = list(&document["complaints"]).collect();
    let mut text = String::new();
    if all.is_empty() {
        return text;
    }
    let _ = writeln!(text, "\n{} settings rejected or ignored:", all.len());
    for complaint in all.iter().take(5) {
        let _ = writeln!(
            text,
            "  {} {}: {} {}",
            word(&complaint["severity"]),
            word(&complaint["subject"]),
            word(&complaint["setting"]),
            word(&complaint["problem"]),
        );
    }
    text
}

/// Text of the document; what labels say may hold anything, and a terminal obeys some of it.
fn word(value: &Value) -> String {
    let text = value.as_str().unwrap_or("-");
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

fn whole(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// `1d02h`, `2h03m`, `4m05s`, `6s`.
fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(services: usize) -> Value {
        let service = |n: usize| {
            json!({
                "name": format!("service-{n}"), "perSecond": n, "backends": [{
                    "url": "http://10.0.0.1:80", "state": "serving", "perSecond": n,
                    "meanMillis": 1.5, "active": 1, "failures": 2, "stickyHits": 3,
                }],
            })
        };
        json!({
            "version": "0.1.0", "hostname": "h", "uptimeSeconds": 3_725, "terminating": false,
            "generation": 7, "ageSeconds": 61,
            "drivers": [{ "rung": "epoll", "reason": "seccomp", "remedy": "enable it" }],
            "providers": [{ "name": "docker", "endpoint": "unix:///s", "connected": true }],
            "totals": {
                "perSecond": 12.34, "requests": 99, "openConnections": 5, "retries": 0,
                "responses": { "2xx": 90, "3xx": 0, "4xx": 9, "5xx": 0 },
            },
            "services": (0..services).map(service).collect::<Vec<_>>(),
            "complaints": [{
                "severity": "error", "subject": "x", "setting": "traefik.\u{1b}[2Jport",
                "problem": "is no port",
            }],
        })
    }

    #[test]
    fn everything_is_there() {
        let text = picture(&document(1), usize::MAX);
        for words in [
            "ringress 0.1.0 on h, up 1h02m",
            "1 workers on epoll",
            "  seccomp; enable it",
            "table 7, 1m01s old",
            "docker at unix:///s: heard",
            "requests 12.3/s of 99, connections 5, retries 0, 2xx 90 3xx 0 4xx 9 5xx 0",
            "service-0",
            "1 settings rejected or ignored:",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        let row = text.lines().find(|line| line.starts_with("  http://10.0.0.1:80 "));
        let cells: Vec<&str> = row.unwrap_or_default().split_whitespace().collect();
        assert_eq!(cells[1..], ["serving", "0.0", "1.50", "1", "2", "3"], "{text}");
        let title = text.lines().find(|line| line.starts_with("SERVICE")).map(str::len);
        assert_eq!(row.map(str::len), title, "columns stand below their titles: {text}");
        assert!(!text.contains('\u{1b}'), "a label gives no orders to a terminal: {text:?}");
    }

    #[test]
    fn a_small_terminal_shows_the_busiest() {
        let text = picture(&document(100), 20);
        assert!(text.lines().count() <= 21, "{text}");
        assert!(text.contains("service-99") && !text.contains("service-12"), "{text}");
        assert!(text.contains(" more\n"), "{text}");
    }
}
