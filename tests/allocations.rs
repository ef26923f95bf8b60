//! In steady state a request allocates nothing.
//!
//! The load balancer runs inside this process, once for each driver, under an allocator that counts
//! what its worker asks for.

#![allow(unsafe_code, reason = "an allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Tells the child which driver it is to measure.
const DRIVER: &str = "RINGRESS_TEST_DRIVER";
/// More than any default keeps in reserve.
const CLIENTS: usize = 300;
/// Until pools are filled.
const WARM_UP: usize = 10;
const ROUNDS: usize = 40;
/// What comes with the clock and not with requests, in a second at most: slots of the timing wheel
/// that are used for the first time, a wait for clients that is begun anew, and what a peak takes
/// again that was given back a second before, because it had not been needed for that long.
const BY_THE_CLOCK: f64 = 120.0;

#[global_allocator]
static ALLOCATOR: Counting = Counting;
static COUNTS: AtomicBool = AtomicBool::new(false);
static COUNT: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, which counts what workers ask for while `COUNTS`.
struct Counting;

// SAFETY: every call goes on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

fn count() {
    if COUNTS.load(Ordering::Relaxed) && is_worker() {
        COUNT.fetch_add(1, Ordering::Relaxed);
    }
}

/// By the thread's name as the kernel knows it: asking the library for it would allocate.
fn is_worker() -> bool {
    let mut name = [0_u8; 16];
    // SAFETY: a name has 16 bytes at most, and `name` has room for them.
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    name.starts_with(b"worker-")
}

fn main() -> ExitCode {
    if let Ok(driver) = std::env::var(DRIVER) {
        return measure(&driver);
    }
    let this = std::env::current_exe().expect("this program");
    for driver in ["io_uring", "epoll"] {
        let output = Command::new(&this).env(DRIVER, driver).stderr(Stdio::inherit()).output();
        let output = output.expect("itself");
        // The demo says more.
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().filter(|line| line.starts_with("figure:")).for_each(|line| println!("{line}"));
        if !output.status.success() {
            eprintln!("with {driver} requests allocate, or are not served: {}", output.status);
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn measure(driver: &str) -> ExitCode {
    let [listen, dashboard] = free_addresses();
    let flags = [
        format!("--listen={listen}"),
        format!("--dashboard={dashboard}"),
        "--".to_owned(),
        "--ringress.workers=1".to_owned(),
        format!("--ringress.driver={driver}"),
    ];
    std::thread::spawn(|| ringress::command::demo::run(flags));
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::connect(&listen)).collect();
    let mut failed = false;
    for (kind, request) in requests() {
        ask(&mut clients, &request, WARM_UP);
        let begun = Instant::now();
        COUNT.store(0, Ordering::SeqCst);
        COUNTS.store(true, Ordering::SeqCst);
        ask(&mut clients, &request, ROUNDS);
        COUNTS.store(false, Ordering::SeqCst);
        let (count, requests) = (COUNT.load(Ordering::SeqCst), CLIENTS * ROUNDS);
        let allowed = (begun.elapsed().as_secs_f64() * BY_THE_CLOCK).ceil() as u64;
        println!(
            "figure: allocations with {driver}: {count} during {requests} requests ({kind}), of \
             which the clock may make {allowed}"
        );
        failed |= count > allowed;
    }
    // The demo has no other end than a signal.
    std::process::exit(failed.into())
}

fn free_addresses() -> [String; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("its address").to_string())
}

fn requests() -> Vec<(&'static str, Vec<u8>)> {
    let body = "b".repeat(16 << 10);
    let request =
        |line: &str, rest: &str| format!("{line} HTTP/1.1\r\nHost: demo\r\n{rest}").into();
    vec![
        ("GET", request("GET /", "\r\n")),
        ("GET with a cookie", request("GET /", "Cookie: _TRAEFIK_BACKEND=unknown\r\n\r\n")),
        ("POST", request("POST /", &format!("Content-Length: {}\r\n\r\n{body}", body.len()))),
        (
            "POST in chunks",
            request(
                "POST /",
                &format!("Transfer-Encoding: chunked\r\n\r\n4000\r\n{body}\r\n0\r\n\r\n"),
            ),
        ),
    ]
}

/// All clients ask, then all of them read their answers; so many times.
fn ask(clients: &mut [Client], request: &[u8], rounds: usize) {
    for _ in 0..rounds {
        for client in &mut *clients {
            client.0.get_mut().write_all(request).expect("send");
        }
        for client in &mut *clients {
            client.read();
        }
    }
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(address: &str) -> Self {
        for _ in 0..500 {
            if let Ok(stream) = TcpStream::connect(address) {
                stream.set_nodelay(true).expect("nodelay");
                stream.set_read_timeout(Some(Duration::from_secs(10))).expect("timeout");
                return Self(BufReader::new(stream));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("nobody listens on {address}");
    }

    fn read(&mut self) {
        let (mut line, mut length) = (String::new(), None);
        self.0.read_line(&mut line).expect("status line");
        assert!(line.starts_with("HTTP/1.1 200"), "{line}");
        while line != "\r\n" {
            line.clear();
            self.0.read_line(&mut line).expect("field line");
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok();
            }
        }
        let mut body = vec![0; length.expect("Content-Length")];
        self.0.read_exact(&mut body).expect("body");
    }
}
