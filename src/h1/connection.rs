//! A client's connection: request after request, until one side has had enough.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

use monoio::net::TcpStream;

use super::answer;
use super::exchange::After;
use super::noticed::Noticed;
use super::plan::{Forward, Plan, Purpose, Refusal, plan};
use super::preface;
use super::request::too_large;
use crate::balance::Tried;
use crate::fault::Fault;
use crate::life::Stage;
use crate::limits::{HeadLimits, IDLE_GRACE, LINGER_BYTES, LINGER_TIMEOUT, PARKED_BYTES};
use crate::worker::Worker;
use crate::worker::buffers::{Buffer, NoLine};
use crate::worker::residents::{Desk, Living};
use crate::worker::socket::Socket;

/// One client, for as long as its connection lasts.
pub struct Client {
    pub socket: Socket,
    /// Its address without port, as text.
    pub peer: Box<str>,
    pub port: u16,
    /// Its forwarding fields are believed.
    pub trusted: bool,
    /// Index of the entry point that it came in by; a small number, for many clients are idle.
    entry_point: u16,
    /// It may introduce somebody else before its first request.
    preface_due: bool,
    /// When it came, in milliseconds on the process's clock.
    since: u64,
    /// Requests that it has begun.
    requests: Cell<u32>,
}

impl Client {
    /// The present request is its last, by the entry point's bounds on a connection.
    pub fn is_spent(&self, worker: &Worker) -> bool {
        let entry_point = worker.entry_point(self.entry_point());
        let (requests, time) = (entry_point.keep_alive_requests, entry_point.keep_alive_time);
        (requests != 0 && self.requests.get() >= requests)
            || (!time.is_zero()
                && u128::from(worker.deadlines.now().saturating_sub(self.since))
                    >= time.as_millis())
    }

    /// Index of the entry point that it came in by.
    pub fn entry_point(&self) -> usize {
        self.entry_point.into()
    }

    pub fn new(worker: &Worker, entry_point: usize, stream: TcpStream, peer: SocketAddr) -> Self {
        // An IPv4 client of a dual-stack listener is an IPv4 client, in lists and in headers.
        let address = peer.ip().to_canonical();
        let settings = worker.entry_point(entry_point);
        Self {
            socket: Socket::new(stream, &worker.deadlines),
            entry_point: entry_point.try_into().unwrap_or(u16::MAX),
            peer: address.to_string().into(),
            port: peer.port(),
            trusted: settings.trust.covers(address),
            preface_due: settings.proxy_protocol.is_some(),
            since: worker.deadlines.now(),
            requests: Cell::new(0),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let peer = &self.peer;
            tracing::error!("a connection from {peer} ended in a panic; others are not affected");
        }
    }
}

/// A client that has sent something, and who serves it.
pub type Job = (Rc<Worker>, Box<Client>);
/// The client, and what becomes of it.
pub type Done = (Box<Client>, After);

/// Serves one connection to its end.
///
/// Its state is what an idle client costs, and most clients are idle: what only a request needs is
/// with residents, the head's and then the exchange's, for as long as there is one. The client goes
/// there and comes back.
pub async fn serve(worker: &Rc<Worker>, mut client: Box<Client>) {
    while has_input(worker, &mut client).await {
        let after;
        (client, after) = worker.ready.ask((Rc::clone(worker), client)).await;
        if after == After::Close {
            return;
        }
    }
}

/// Serves what clients have sent, one after the other.
pub fn stay(desk: Rc<Desk<Job, Done>>) -> Living {
    Box::pin(async move {
        loop {
            let (worker, client) = desk.take().await;
            let done = serve_ready(&worker, client).await;
            desk.give(done);
        }
    })
}

/// Waits for the first bytes of a request; holds no buffer while there are none.
async fn has_input(worker: &Rc<Worker>, client: &mut Client) -> bool {
    let idle = worker.entry_point(client.entry_point()).idle_timeout;
    client.socket.deadline.arm_read(idle);
    client.socket.deadline.set_idle(IDLE_GRACE);
    let ready = client.socket.readable(worker).await;
    client.socket.deadline.set_busy();
    // Bytes may have come at the very moment: their answer could not be sent any more.
    ready.is_ok() && !client.socket.deadline.ended()
}

/// Takes in what has come, and serves it.
async fn serve_ready(worker: &Rc<Worker>, mut client: Box<Client>) -> Done {
    if worker.buffers.are_short() {
        Box::pin(turn_away(worker, &mut client)).await;
        return (client, After::Close);
    }
    let mut input = worker.buffers.take();
    match input.fill(&mut client.socket.read).await {
        Ok(1..) => {}
        Ok(0) | Err(_) => return (client, After::Close),
    }
    if std::mem::take(&mut client.preface_due)
        && preface::read(worker, &mut client, &mut input).await == After::Close
    {
        return (client, After::Close);
    }
    serve_input(worker, client, input).await
}

/// Answers without having read the request, because there is no room to read it.
async fn turn_away(worker: &Rc<Worker>, client: &mut Client) {
    let mut output = worker.buffers.take_sink();
    let fault = Fault::Overloaded;
    let noticed = Noticed::default();
    noticed.answered(worker, fault.status());
    noticed.over(worker, client.entry_point());
    answer::write_fault(output.writer(), fault, worker.settings.dialect, true, true);
    if output.send_all(&mut client.socket.write, &client.socket.deadline).await.is_ok() {
        drop(output);
        linger(worker, client).await;
    }
}

/// Serves what has come, and all that is pipelined behind it.
async fn serve_input(worker: &Rc<Worker>, mut client: Box<Client>, mut input: Buffer) -> Done {
    let write_timeout = worker.entry_point(client.entry_point()).write_timeout;
    for round in 0.. {
        skip_empty_lines(&mut input);
        if input.is_empty() {
            break;
        }
        worker.take_turns(round).await;
        client.requests.set(client.requests.get().saturating_add(1));
        let mut noticed = Noticed::default();
        let planned = read_head(worker, &mut client, &mut input, &mut noticed).await;
        client.socket.deadline.limit_writing(write_timeout);
        let after;
        match planned {
            Ok(planned) => {
                let job = (Rc::clone(worker), client, input, planned, noticed);
                (client, input, after) = worker.exchanges.ask(job).await;
            }
            Err(refusal) => {
                after = Box::pin(refuse(worker, &mut client, refusal, &mut input, &noticed)).await;
            }
        }
        if after == After::Close {
            return (client, After::Close);
        }
    }
    (client, After::Next)
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
    noticed: &mut Noticed,
) -> Result<(Plan, Forward), Refusal> {
    client.socket.deadline.arm_read(worker.settings.limits.head_timeout);
    client.socket.deadline.set_in_head();
    let limits = &worker.entry_point(client.entry_point()).heads;
    let tried = Tried::default();
    loop {
        // Taken anew each time: who sends his head slowly shall not hold more than it needs.
        let mut forward = Forward::new(worker);
        let purpose = Purpose::Answer(&tried);
        let planned = plan(worker, client, input.filled(), &mut forward, purpose, noticed)?;
        if let Some(plan) = planned {
            client.socket.deadline.set_busy();
            client.socket.deadline.disarm_read();
            return Ok((plan, forward));
        }
        drop(forward);
        let more = read_line(worker, client, input, limits).await;
        more.map_err(|end| match end {
            NoLine::NoRoom => Refusal::unread(too_large(input.filled(), limits)),
            NoLine::Ended if client.socket.deadline.ended() => {
                Refusal::unread(Fault::RequestTimeout)
            }
            NoLine::Ended | NoLine::Unreachable => Refusal::unread(Fault::ClientGone),
        })?;
    }
}

/// Reads until another line of a head has come: looking at it again before would make a sender of
/// single bytes cost the square of what it sends.
async fn read_line(
    worker: &Rc<Worker>,
    client: &mut Client,
    input: &mut Buffer,
    limits: &HeadLimits,
) -> Result<(), NoLine> {
    loop {
        // Nor shall he hold a buffer while there is nothing to put into it.
        if input.filled().len() <= PARKED_BYTES {
            input.park();
            client.socket.readable(worker).await.map_err(|_| NoLine::Ended)?;
            // Bytes at the very last moment are no whole head any more.
            if client.socket.deadline.ended() {
                return Err(NoLine::Ended);
            }
            input.unpark();
        }
        if input.fill_more(&mut client.socket.read, limits.bytes).await? {
            return Ok(());
        }
    }
}

/// Answers in our own name, and goes on only where the next request provably begins.
pub(super) async fn refuse(
    worker: &Rc<Worker>,
    client: &mut Client,
    refusal: Refusal,
    input: &mut Buffer,
    noticed: &Noticed,
) -> After {
    let Refusal { fault, keep_alive, with_body, head_len } = refusal;
    noticed.answered(worker, fault.status());
    tracing::debug!(client = %client.peer, status = fault.status(), "refused: {fault}");
    if fault == Fault::ClientGone {
        noticed.over(worker, client.entry_point());
        return After::Close;
    }
    let close = !keep_alive || worker.life.stage() >= Stage::Draining;
    if with_body {
        noticed.sent.set(fault.body(worker.settings.dialect).len() as u64);
    }
    let mut output = worker.buffers.take();
    answer::write_fault(output.writer(), fault, worker.settings.dialect, close, with_body);
    let sent = output.send_all(&mut client.socket.write, &client.socket.deadline).await;
    drop(output);
    // What is left is politeness, and takes its time.
    noticed.over(worker, client.entry_point());
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
    // Of whom a deadline has ended nothing more is read than what has come: closing says it too.
    if !client.socket.deadline.ended() {
        client.socket.control.shut_write();
    }
    client.socket.deadline.arm_read(LINGER_TIMEOUT);
    let mut sink = worker.buffers.take_sink();
    let mut left = LINGER_BYTES;
    while left > 0 {
        sink.clear();
        match sink.fill(&mut client.socket.read).await {
            Ok(n @ 1..) => left = left.saturating_sub(n),
            Ok(0) | Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an idle client costs is mostly this; a request's state must not get into it.
    #[test]
    fn an_idle_client_is_small() {
        fn size<'a, F>(_: impl FnOnce(&'a Rc<Worker>, Box<Client>) -> F) -> usize {
            size_of::<F>()
        }
        let (client, idle, head) = (size_of::<Client>(), size(serve), size(serve_ready));
        assert!(
            client <= 104 && idle <= 256 && head <= 1536,
            "client {client}, idle {idle}, head {head}"
        );
    }
}
