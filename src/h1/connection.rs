//! A client's connection: request after request, until one side has had enough.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use monoio::net::TcpStream;

use super::answer;
use super::exchange::{After, exchange};
use super::plan::{Plan, Refusal, plan};
use super::request::too_large;
use crate::balance::Tried;
use crate::fault::Fault;
use crate::life::Stage;
use crate::limits::{FIRST_REQUEST_GRACE, HEAD_TIMEOUT, LINGER_BYTES, LINGER_TIMEOUT};
use crate::worker::Worker;
use crate::worker::buffers::{Buffer, NoLine};
use crate::worker::socket::Socket;

/// One client, for as long as its connection lasts.
pub struct Client {
    pub socket: Socket,
    /// Index of the entry point that it came in by.
    pub entry_point: usize,
    /// Its address without port, as text.
    pub peer: Box<str>,
    /// Its forwarding fields are believed.
    pub trusted: bool,
}

/// Serves one connection to its end.
pub async fn serve(worker: &Rc<Worker>, entry_point: usize, stream: TcpStream, peer: SocketAddr) {
    // An IPv4 client of a dual-stack listener is an IPv4 client, in lists and in headers.
    let address = peer.ip().to_canonical();
    let mut client = Client {
        socket: Socket::new(stream, &worker.deadlines),
        entry_point,
        peer: address.to_string().into(),
        trusted: worker.settings.entry_points[entry_point].trust.covers(address),
    };
    let mut grace = FIRST_REQUEST_GRACE;
    while let Some(input) = next_input(worker, &mut client, grace).await {
        if serve_input(worker, &mut client, input).await == After::Close {
            return;
        }
        grace = Duration::ZERO;
    }
}

/// Waits for the first bytes of a request; holds no buffer while there are none. `grace` is how
/// long it waits at least when the process drains.
async fn next_input(worker: &Rc<Worker>, client: &mut Client, grace: Duration) -> Option<Buffer> {
    let idle = worker.settings.entry_points[client.entry_point].idle_timeout;
    client.socket.deadline.arm_read(idle);
    client.socket.deadline.set_idle(grace);
    let ready = client.socket.readable(worker).await;
    client.socket.deadline.set_busy();
    // Bytes may have come at the very moment: their answer could not be sent any more.
    if ready.is_err() || client.socket.deadline.ended() {
        return None;
    }
    let mut input = worker.buffers.take();
    match input.fill(&mut client.socket.read).await {
        Ok(1..) => Some(input),
        Ok(0) | Err(_) => None,
    }
}

/// Serves what has come, and all that is pipelined behind it.
async fn serve_input(worker: &Rc<Worker>, client: &mut Client, mut input: Buffer) -> After {
    let mut output = worker.buffers.take();
    for round in 0.. {
        skip_empty_lines(&mut input);
        if input.is_empty() {
            break;
        }
        worker.take_turns(round).await;
        let mut added = Vec::new();
        let planned = read_head(worker, client, &mut input, &mut output, &mut added).await;
        let after = match planned {
            Ok(plan) => exchange(worker, client, &mut input, &mut output, plan, added).await,
            Err(refusal) => refuse(worker, client, &mut output, refusal, &mut input).await,
        };
        if after == After::Close {
            return After::Close;
        }
        output.clear();
    }
    After::Next
}

/// Empty lines before a request line are ignored (RFC 9112 section 2.2): old clients end a body
/// with one, and it must not look like the beginning of a request that never comes.
fn skip_empty_lines(input: &mut Buffer) {
    while input.filled().starts_with(b"\r\n") {
        input.consume(2);
    }
}

/// Reads until the head is complete, and plans what to do with it.
async fn read_head(
    worker: &Rc<Worker>,
    client: &mut Client,
    input: &mut Buffer,
    output: &mut Buffer,
    added: &mut Vec<u8>,
) -> Result<Plan, Refusal> {
    client.socket.deadline.arm_read(HEAD_TIMEOUT);
    loop {
        output.clear();
        let planned =
            plan(worker, client, input.filled(), output.writer(), added, &Tried::default())?;
        if let Some(plan) = planned {
            client.socket.deadline.disarm_read();
            return Ok(plan);
        }
        // A head is complete with a line: looking at it again before would make a sender of single
        // bytes cost the square of what it sends.
        let read = input.fill_line(&mut client.socket.read).await;
        read.map_err(|end| match end {
            NoLine::NoRoom => Refusal::unread(too_large(input.filled())),
            NoLine::Ended if client.socket.deadline.ended() => {
                Refusal::unread(Fault::RequestTimeout)
            }
            NoLine::Ended => Refusal::unread(Fault::ClientGone),
        })?;
    }
}

/// Answers in our own name, and goes on only where the next request provably begins.
pub(super) async fn refuse(
    worker: &Rc<Worker>,
    client: &mut Client,
    output: &mut Buffer,
    refusal: Refusal,
    input: &mut Buffer,
) -> After {
    let Refusal { fault, keep_alive, with_body, head_len } = refusal;
    worker.cells().requests.add(1);
    worker.cells().responses.record(fault.status());
    tracing::debug!(client = %client.peer, status = fault.status(), "refused: {fault}");
    if fault == Fault::ClientGone {
        return After::Close;
    }
    let close = !keep_alive || worker.life.stage() >= Stage::Draining;
    output.clear();
    answer::write_fault(output.writer(), fault, worker.settings.dialect, close, with_body);
    let sent = output.send_all(&mut client.socket.write, &client.socket.deadline).await;
    if close || sent.is_err() {
        if sent.is_ok() && !(input.is_empty() && keep_alive) {
            linger(worker, client).await;
        }
        return After::Close;
    }
    // Without this the same request would be found again, and refused again, for ever.
    input.consume(head_len);
    After::Next
}

/// Reads on for a moment after our last word. Closing over unread bytes would be a reset, and the
/// reset could overtake the answer (RFC 9112 section 9.6).
pub(super) async fn linger(worker: &Rc<Worker>, client: &mut Client) {
    client.socket.control.shut_write();
    client.socket.deadline.arm_read(LINGER_TIMEOUT);
    let mut sink = worker.buffers.take();
    let mut left = LINGER_BYTES;
    while left > 0 {
        sink.clear();
        match sink.fill(&mut client.socket.read).await {
            Ok(n @ 1..) => left = left.saturating_sub(n),
            Ok(0) | Err(_) => return,
        }
    }
}
