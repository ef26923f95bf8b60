//! `ringress echo`: a backend that says who it is and what it was asked.
//!
//! It stands in for the `app` of a demo or test stack: the page names the container, its
//! addresses and the request headers as they arrived, so that one look at it shows what the load
//! balancer did. Under `/__echo/`, where no user strays, are the endpoints that tests need: slow
//! answers, long ones, odd statuses, a WebSocket and an event stream.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use clap::{Arg, ArgAction, Command, value_parser};
use futures_util::{StreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Width of the ruled lines of the page.
const RULE_WIDTH: usize = 75;
/// Size of one piece of a generated body: big enough to be cheap, small enough to show streaming.
const PIECE_BYTES: usize = 16 * 1024;
/// Longest body that will be made up, so that a typo does not fill a network for an hour.
const BODY_MAX_BYTES: usize = 1 << 30;
/// Longest delay that will be waited.
const DELAY_MAX: Duration = Duration::from_secs(60);
/// Time between two events of the event stream.
const EVENT_INTERVAL: Duration = Duration::from_millis(200);
/// How long exchanges in flight may last after a stop signal; below the ten seconds after which
/// Docker kills.
const STOP_GRACE: Duration = Duration::from_secs(9);

/// Runs the subcommand with the arguments behind its name, until SIGTERM or SIGINT.
pub fn run(args: impl IntoIterator<Item = String>) -> ExitCode {
    let command = Command::new("ringress echo")
        .about("Answers each request with a page that says who answered and what was asked")
        .no_binary_name(true)
        .arg(Arg::new("listen").long("listen").value_name("ADDR").default_value(":8080"))
        .arg(Arg::new("name").long("name").value_name("NAME"))
        .arg(
            Arg::new("report")
                .long("report")
                .value_name("IP:PORT")
                .value_parser(value_parser!(SocketAddr))
                .help("Tells of each request there, in a datagram: NAME METHOD X-Request-Id"),
        )
        .arg(
            Arg::new("abrupt")
                .long("abrupt")
                .action(ArgAction::SetTrue)
                .help("Exits at once on SIGTERM, whatever is in flight"),
        );
    let matches = match command.try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => {
            // Help is asked for and goes to stdout with success; the rest is a usage error.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let listen = matches.get_one::<String>("listen").map_or(":8080", |s| s);
    let name = matches.get_one::<String>("name").cloned().unwrap_or_else(hostname);
    let reporter = matches.get_one("report").map(|to| Reporter::new(*to)).transpose();
    let reporter = match reporter {
        Ok(reporter) => reporter,
        Err(error) => {
            eprintln!("ringress echo: cannot report: {error}");
            return ExitCode::FAILURE;
        }
    };
    let grace = if matches.get_flag("abrupt") { Duration::ZERO } else { STOP_GRACE };

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(until_signal(listen, Echo { name, reporter }, grace)),
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ringress echo: cannot serve on {listen}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until `shutdown` completes, then finishes what is in flight.
pub async fn serve(
    listener: TcpListener,
    name: String,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    Echo { name, reporter: None }.serve(listener, shutdown).await
}

/// A backend before it listens.
struct Echo {
    name: String,
    reporter: Option<Reporter>,
}

impl Echo {
    async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let mut router = router(self.name.clone());
        if let Some(reporter) = self.reporter {
            let reporter = Arc::new((self.name, reporter));
            router = router.layer(from_fn(move |request: Request, next: Next| {
                let (name, reporter) = &*reporter;
                reporter.tell(name, &request);
                next.run(request)
            }));
        }
        axum::serve(listener, router).with_graceful_shutdown(shutdown).await
    }
}

/// Tells somebody of each request as soon as its head is there: who counts requests must not have
/// to ask a backend that is gone.
struct Reporter(UdpSocket);

impl Reporter {
    fn new(to: SocketAddr) -> std::io::Result<Self> {
        let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(any)?;
        socket.set_nonblocking(true)?;
        socket.connect(to)?;
        Ok(Self(socket))
    }

    fn tell(&self, name: &str, request: &Request) {
        let id = request.headers().get("x-request-id");
        let id = id.and_then(|id| id.to_str().ok()).unwrap_or("-");
        // Whoever counts takes what comes.
        let _ = self.0.send(format!("{name} {} {id}", request.method()).as_bytes());
    }
}

async fn until_signal(listen: &str, echo: Echo, grace: Duration) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = bind(listen).await?;
    println!("echo {} listens on {}", echo.name, listener.local_addr()?);

    let (stop, stopped) = tokio::sync::watch::channel(false);
    let stopping = |mut stopped: tokio::sync::watch::Receiver<bool>| async move {
        // An error means that the sender is gone, which also is a reason to stop.
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let serving = echo.serve(listener, stopping(stopped.clone()));
    let deadline = async {
        stopping(stopped).await;
        tokio::time::sleep(grace).await;
    };
    let signals = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        let _ = stop.send(true);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        outcome = serving => outcome,
        () = deadline => Ok(()),
        () = signals => Ok(()),
    }
}

/// `:8080` means every address of both families; a host without IPv6 gets IPv4.
async fn bind(listen: &str) -> std::io::Result<TcpListener> {
    match listen.strip_prefix(':') {
        None => TcpListener::bind(listen).await,
        Some(port) => match TcpListener::bind(format!("[::]:{port}")).await {
            Ok(listener) => Ok(listener),
            Err(_) => TcpListener::bind(format!("0.0.0.0:{port}")).await,
        },
    }
}

fn router(name: String) -> Router {
    Router::new()
        .route("/__echo/delay/{ms}", any(delay))
        .route("/__echo/bytes/{n}", get(bytes))
        .route("/__echo/chunked/{n}", get(chunked))
        .route("/__echo/status/{code}", any(status))
        .route("/__echo/ws", any(web_socket))
        .route("/__echo/sse", get(events))
        .fallback(page)
        .with_state(Arc::from(name))
}

type Name = State<Arc<str>>;

/// The page; a request with a body also gets the body's length and checksum.
async fn page(State(name): Name, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let mut text = describe(&name, &head.headers);

    let mut length = 0u64;
    let mut sum = Sha256::new();
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        // A body that does not end is the sender's fault; nobody may take it for a whole one.
        let Ok(piece) = piece else {
            return (StatusCode::BAD_REQUEST, "the body broke off\n").into_response();
        };
        length += piece.len() as u64;
        sum.update(&piece);
    }
    if length > 0 || matches!(head.method.as_str(), "POST" | "PUT" | "PATCH") {
        rule(&mut text, '-');
        let _ = writeln!(text, "Body: {length} bytes");
        text.push_str("SHA-256: ");
        for byte in sum.finalize() {
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
    }
    plain(text)
}

async fn delay(State(name): Name, Path(ms): Path<u64>, headers: HeaderMap) -> Response {
    tokio::time::sleep(Duration::from_millis(ms).min(DELAY_MAX)).await;
    plain(describe(&name, &headers))
}

async fn bytes(Path(n): Path<usize>) -> Response {
    let n = n.min(BODY_MAX_BYTES);
    ([(header::CONTENT_LENGTH, n)], generated(n)).into_response()
}

async fn chunked(Path(n): Path<usize>) -> Response {
    generated(n.min(BODY_MAX_BYTES)).into_response()
}

async fn status(Path(code): Path<u16>) -> Response {
    match StatusCode::from_u16(code) {
        Ok(status) if !status.is_informational() => status.into_response(),
        _ => (StatusCode::BAD_REQUEST, "not a final status\n").into_response(),
    }
}

async fn web_socket(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async |mut socket: WebSocket| {
        while let Some(Ok(message)) = socket.recv().await {
            // Pings are answered and closes acknowledged by the library.
            let echo = matches!(message, Message::Text(_) | Message::Binary(_));
            if echo && socket.send(message).await.is_err() {
                break;
            }
        }
    })
}

/// An endless event stream: a number every fifth of a second.
async fn events() -> Response {
    let counted = stream::unfold(0u64, async |n| {
        if n > 0 {
            tokio::time::sleep(EVENT_INTERVAL).await;
        }
        Some((Ok::<_, Infallible>(format!("data: {n}\n\n")), n + 1))
    });
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    (kind, Body::from_stream(counted)).into_response()
}

/// A body of `n` bytes in pieces; byte `i` is `i mod 251`, which no buffer size divides, so that
/// a piece lost, doubled or out of place shows.
fn generated(n: usize) -> Body {
    Body::from_stream(stream::unfold(0, move |from: usize| async move {
        let to = n.min(from + PIECE_BYTES);
        let piece: Bytes = (from..to).map(|i| (i % 251) as u8).collect();
        (from < to).then_some((Ok::<_, Infallible>(piece), to))
    }))
}

fn plain(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

/// The part of the page that every request gets.
fn describe(name: &str, headers: &HeaderMap) -> String {
    let mut text = String::with_capacity(1024);
    rule(&mut text, '=');
    let _ = writeln!(text, "Hostname: {name}");
    rule(&mut text, '-');
    for interface in if_addrs::get_if_addrs().unwrap_or_default() {
        let _ = writeln!(text, "Interface {}: {}", interface.name, interface.ip());
    }
    rule(&mut text, '-');
    let mut lines: Vec<String> = headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            format!("{}: {value}", title_case(name))
        })
        .collect();
    // By name, and values of one name in the order of arrival: the sort is stable on whole names.
    lines.sort_by(|a, b| a.split(':').next().cmp(&b.split(':').next()));
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

fn rule(text: &mut String, of: char) {
    text.extend(std::iter::repeat_n(of, RULE_WIDTH));
    text.push('\n');
}

/// `x-forwarded-for` → `X-Forwarded-For`: the spelling people know from other echo servers.
fn title_case(name: &HeaderName) -> String {
    let mut start = true;
    name.as_str()
        .chars()
        .map(|c| {
            let shown = if start { c.to_ascii_uppercase() } else { c };
            start = c == '-';
            shown
        })
        .collect()
}

/// The host's name as the kernel has it: in a container its short id or what the stack set.
fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_in_title_case() {
        assert_eq!(title_case(&HeaderName::from_static("x-real-ip")), "X-Real-Ip");
        assert_eq!(title_case(&header::HOST), "Host");
    }

    #[test]
    fn page_has_its_parts_in_order() {
        let mut headers = HeaderMap::new();
        headers.insert("x-b", "2".parse().unwrap());
        headers.insert(header::ACCEPT, "*/*".parse().unwrap());
        let page = describe("one", &headers);
        let parts = ["=====", "Hostname: one\n", "-----", "Accept: */*\nX-B: 2\n"];
        let mut from = 0;
        for part in parts {
            from += page[from..].find(part).expect(part);
        }
    }
}
