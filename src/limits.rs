//! Every bound and every default timeout of the data path, in one place. Those that say "unless an
//! option says otherwise" are only defaults; `config` has the options.
//!
//! Each constant says its unit in its name, why it has its value and, in brackets, what nginx,
//! HAProxy, Envoy's edge guide and Traefik use. Relations between them are asserted below, so
//! that changing one cannot silently break another.

use std::time::Duration;

/// Longest request or response head, unless an option says otherwise.
/// (4 × 8 KiB / 15 KiB / 60 KiB / 1 MiB)
///
/// A head lies in one pooled buffer from its first to its last byte.
pub const HEAD_BYTES: usize = 32 * 1024;

/// What the options may raise it to.
pub const MAX_HEAD_BYTES: usize = BODY_BUFFER_BYTES;

/// Most field lines in one head, unless an option says otherwise.
/// (unlimited within the bytes / 101 / 100 / unlimited)
pub const HEAD_FIELDS: usize = 100;

/// What the options may raise it to: room on the stack, which costs nothing while it is unused.
pub const MAX_HEAD_FIELDS: usize = 256;

/// Longest request target, unless an option says otherwise. (8 KiB / 15 KiB / 60 KiB / in the head)
pub const TARGET_BYTES: usize = 8 * 1024;

/// The bounds of one kind of head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    pub bytes: usize,
    pub fields: usize,
    /// Of a request's target, in bytes.
    pub target: usize,
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self { bytes: HEAD_BYTES, fields: HEAD_FIELDS, target: TARGET_BYTES }
    }
}

/// A pooled buffer for heads and small bodies: a body of 16 KiB goes out with its head, in one
/// piece. Nearly all heads fit; one that does not moves to a buffer of [`BODY_BUFFER_BYTES`].
pub const BUFFER_BYTES: usize = 20 * 1024;

/// The beginning of a head that is no longer than this waits for the rest in memory of its own
/// size, and not in a pooled buffer.
pub const PARKED_BYTES: usize = 4 * 1024;

/// A pooled buffer for relaying bodies. Measured: with 64 KiB a large download costs as much CPU
/// as a bare relay, with 16 KiB more than HAProxy.
pub const BODY_BUFFER_BYTES: usize = 64 * 1024;

/// Field lines that a response gets on its way: a cookie and its attributes.
pub const LINE_BYTES: usize = 512;

/// A chunk-size line: 16 hexadecimal digits and room for extensions. (– / 2^31 size / – / 4 KiB)
pub const CHUNK_LINE_BYTES: usize = 1024;

/// Trailer section of a chunked body. (within the head / 15 KiB / 60 KiB / 1 MiB)
pub const TRAILER_BYTES: usize = 8 * 1024;

/// What follows the fixed part of a PROXY protocol header of version 2: addresses, and TLVs that
/// are skipped. Its length field would allow 64 KiB; a client's certificate, the longest thing
/// known to be sent so, has some 2 KiB. (4 KiB / 16 KiB / – / 4 KiB)
pub const PROXY_BLOCK_BYTES: usize = 4096;

/// Interim (1xx) responses before the final one; a backend that sends more is broken.
pub const INTERIM_RESPONSES: u32 = 16;

/// Further tries after the first, on other backends.
pub const RETRIES: u32 = 2;

/// Retries of all requests together: a fifth of the requests of the last ten seconds and ten a
/// second, as linkerd's default budget has it. (unlimited / – / 20 % and 3 at a time / unlimited)
pub const RETRY_PERCENT: u64 = 20;
pub const RETRIES_PER_SECOND: u64 = 10;

/// All tries of a request together may dial for so many times the dial timeout: the first may wait
/// in vain, and one more may follow it.
pub const DIALS_FOR_ALL_TRIES: u32 = 2;

/// A whole head must arrive so soon after its first byte, unless an option says otherwise.
/// (60 s / advised 5–10 s / on / 60 s)
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// A body that makes no progress for so long is cut, unless an option says otherwise.
/// (60 s / – / 300 s / –)
pub const PROGRESS_TIMEOUT: Duration = Duration::from_secs(60);

/// A tunnel (WebSocket) without a byte in either direction, or a response (server-sent events)
/// without a byte from the backend, for so long is cut, unless an option says otherwise.
/// (60 s / 1 h / – / –)
pub const TUNNEL_TIMEOUT: Duration = Duration::from_secs(3600);

/// Idle kept-alive client connection, unless an option says otherwise. (75 s / – / 1 h / 180 s)
pub const CLIENT_IDLE: Duration = Duration::from_secs(75);

/// Dial to a backend, unless an option says otherwise. (60 s / – / 5 s / 30 s)
///
/// Overlay addresses answer within a round trip or never: waiting longer only turns a retry that
/// would have succeeded into a failure that the user sees. But the kernel repeats a lost SYN after
/// one second, and a backend whose accept queue overflows for a moment loses some: the bound lies
/// just behind that repetition.
pub const DIAL_TIMEOUT: Duration = Duration::from_millis(1500);

/// Idle pooled backend connection, unless an option says otherwise. (60 s / – / – / 90 s)
///
/// Shorter than what servers commonly use, so that we and not they close it (no race on reuse).
pub const BACKEND_IDLE: Duration = Duration::from_secs(30);

/// Idle connections per worker and backend, unless an option says otherwise. (– / – / – / 200)
pub const BACKEND_IDLE_CONNECTIONS: usize = 200;

/// A backend that refused a dial, or left it unanswered, is passed over for so long, unless it is
/// the last one; twice as long each time that it does so again, up to [`LONGEST_EJECTION`]: behind
/// a cable that is cut, every look costs a client the whole [`DIAL_TIMEOUT`].
pub const EJECTION: Duration = Duration::from_millis(500);
pub const LONGEST_EJECTION: Duration = Duration::from_secs(8);

/// A backend that acknowledges nothing of what it is sent for so long is out of reach
/// (`TCP_USER_TIMEOUT`). (off / off / off / –) The kernel has sent it again four times by then.
///
/// Not while a body is streamed or a tunnel is open: a peer that reads slowly is none that is out
/// of reach, but the kernel takes a full window for the same.
pub const UNACKNOWLEDGED: Duration = Duration::from_secs(4);

/// Who waits for an answer has sent nothing that could go unacknowledged: after so long, the kernel
/// asks a silent backend whether it is there, and again each second. (off / off / off / 15 s)
pub const KEEPALIVE_IDLE: Duration = Duration::from_secs(8);
/// The same for uploads and tunnels, where silence is usual and connections are many.
pub const TUNNEL_KEEPALIVE_IDLE: Duration = Duration::from_secs(60);

/// A response is read so long after we answered early, so that the client sees our answer and
/// not a reset (lingering close, RFC 9112 section 9.6).
pub const LINGER_TIMEOUT: Duration = Duration::from_secs(2);

/// Bytes that are read and thrown away during such a close.
pub const LINGER_BYTES: usize = 256 * 1024;

/// Resolution of every deadline above: a worker looks at its connections this often.
pub const DEADLINE_TICK: Duration = Duration::from_millis(100);

/// Pending connections of a listening socket, before `net.core.somaxconn` cuts it.
pub const LISTEN_BACKLOG: i32 = 4096;

/// A backend that closes without an answer has so long to say what became of the request: more
/// than its way back takes on any network that backends are on.
pub const REFUSAL_PAUSE: Duration = Duration::from_millis(5);
pub const REFUSAL_LOOKS: u32 = 20;

/// Connections taken from a listener before other work gets its turn.
pub const ACCEPT_BATCH: u32 = 64;

/// Rounds of a loop (requests of one connection, buffers of one body) before others get their
/// turn. Rarely reached: mostly a peer lets us wait before.
pub const TURN_ROUNDS: u32 = 64;

/// A client keeps its connection for so long after it came, or had its last answer, when the
/// process drains: its next request may be on the way. Who asks again meanwhile is told to close.
pub const IDLE_GRACE: Duration = Duration::from_secs(1);

/// A request that must not be repeated goes over a pooled connection only if that was used so
/// short a time ago: then the backend has hardly had a reason to close it.
pub const FRESH_CONNECTION: Duration = Duration::from_secs(1);

/// Pause before accepting again when there is no room: long enough for connections that were asked
/// to leave to be gone, short enough that who waits does not notice.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// A complaint about the lack of room is repeated this often at most.
pub const COMPLAINT_PAUSE: Duration = Duration::from_secs(1);

/// Clients that have to leave at a time when there is no room: one in so many of all, but at least
/// [`LEAVE_AT_LEAST`], if so many have let us wait for [`LEAVE_AFTER`]. Who asks one thing after
/// the other never does.
pub const ONE_WAITING_IN: usize = 64;
pub const LEAVE_AT_LEAST: usize = 16;
pub const LEAVE_AFTER: Duration = Duration::from_secs(1);

/// Memory for the buffers of all workers, unless an option says otherwise: this part of what the
/// process may have. Past it, requests are answered with 503 and not read.
pub const BUFFER_MEMORY_PART: u64 = 2;

/// A client whose exchange waits for a backend is looked after this often: it may have gone.
pub const ABANDONED_LOOK: Duration = Duration::from_secs(1);

/// Groups that may stand one behind the other between a router and a service.
pub const GROUP_DEPTH: usize = 16;

/// Of a request whose body may be needed a second time, for a mirror or a fallback, so much of the
/// body is kept, unless an option says otherwise. (Traefik: all of it)
pub const KEPT_BODY_BYTES: usize = 1 << 20;

/// Copies for mirrors that one worker has under way. Further ones are not made: a mirror that does
/// not keep up costs its clients nothing. (Traefik: unlimited)
pub const COPIES: usize = 256;

/// A copy has so long to be delivered and answered. (Traefik: unlimited)
pub const COPY_TIMEOUT: Duration = Duration::from_secs(10);

/// Health checks under way at a time, of all services. (Traefik: one per service)
pub const CHECKS: usize = 256;

/// Redirects that a health check follows. (Go: 10)
pub const CHECK_REDIRECTS: usize = 10;

/// Steps in a service's precomputed weighted schedule. Weights are scaled down to fit.
pub const SCHEDULE_STEPS: usize = 4096;

/// Upper bounds of the buckets of metrics about time, in seconds: Traefik's.
pub const BUCKETS: [f64; 4] = [0.1, 0.3, 1.2, 5.0];

const _: () = assert!(TARGET_BYTES < BUFFER_BYTES, "a target that fits is seen without moving it");
const _: () = assert!(HEAD_BYTES <= MAX_HEAD_BYTES && HEAD_FIELDS <= MAX_HEAD_FIELDS);
const _: () = assert!(BODY_BUFFER_BYTES >= MAX_HEAD_BYTES, "a head lies in one buffer");
const _: () = assert!(BODY_BUFFER_BYTES > BUFFER_BYTES && PARKED_BYTES < BUFFER_BYTES);
const _: () = assert!(CHUNK_LINE_BYTES + TRAILER_BYTES < BUFFER_BYTES);
const _: () = assert!(16 + PROXY_BLOCK_BYTES < BUFFER_BYTES, "a PROXY header lies in one buffer");
const _: () = assert!(DEADLINE_TICK.as_millis() * 5 <= DIAL_TIMEOUT.as_millis());
