//! One request and its response: try, perhaps try elsewhere, and leave both connections in a
//! state that is known.

use std::cell::Cell;
use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};

use super::chunked::ChunkError;
use super::connection::{Client, linger, refuse};
use super::copies;
use super::framing::Body;
use super::incoming::Incoming;
use super::kept::keep_body;
use super::noticed::Noticed;
use super::plan::{Facts, Forward, Plan, Purpose, Refusal, plan};
use super::reply::{Replied, Reply};
use crate::balance::{Tried, Wishes};
use crate::fault::Fault;
use crate::life::Stage;
use crate::limits::{DIALS_FOR_ALL_TRIES, REFUSAL_LOOKS, REFUSAL_PAUSE, RETRIES};
use crate::relay;
use crate::upstream::{Link, Passive, Reuse, Upstream};
use crate::worker::Worker;
use crate::worker::buffers::Buffer;
use crate::worker::deadline::Deadline;
use crate::worker::residents::{Desk, Living};
use crate::worker::socket::{Patience, ReadHalf, WriteHalf};

/// What becomes of the client's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    Next,
    Close,
}

/// A try that did not end well.
struct Failed {
    fault: Fault,
    /// Part of the response has reached the client: nothing can be said or repeated any more.
    answered: bool,
    /// The request may be sent again.
    repeatable: bool,
    /// All of it lies in our buffer, so somebody else could be given it.
    whole: bool,
}

/// A planned request: whose, with what of it has come, and who carries it out.
pub type Job = (Rc<Worker>, Box<Client>, Buffer, (Plan, Forward), Noticed);
/// The client, what it has sent behind the request, and what becomes of it.
pub type Done = (Box<Client>, Buffer, After);

/// Carries out planned requests, one after the other.
pub fn stay(desk: Rc<Desk<Job, Done>>) -> Living {
    Box::pin(async move {
        loop {
            let (worker, mut client, mut input, planned, mut noticed) = desk.take().await;
            let after = carry_out(&worker, &mut client, &mut input, planned, &mut noticed).await;
            noticed.over(&worker, client.entry_point());
            drop(noticed);
            desk.give((client, input, after));
        }
    })
}

/// Carries out a planned request. On return everything of it is consumed from `input`, or the
/// connection ends.
async fn carry_out(
    worker: &Rc<Worker>,
    client: &mut Client,
    input: &mut Buffer,
    (mut planned, mut forward): (Plan, Forward),
    noticed: &mut Noticed,
) -> After {
    let mut tried = Tried::default();
    let mut retries = 0;
    let mut reuse = if planned.facts.idempotent { Reuse::Any } else { Reuse::JustUsed };
    let mut dialling = planned.upstream.transport(worker).dial_timeout * DIALS_FOR_ALL_TRIES;
    worker.retries.earn(worker.deadlines.now());
    if planned.wishes.is_some()
        && let Err(refusal) = Box::pin(prepare(worker, client, input, &planned)).await
    {
        return Box::pin(refuse(worker, client, refusal, input, noticed)).await;
    }
    loop {
        let Plan { upstream, facts, passive, wishes } = planned;
        let wishes = wishes.as_deref();
        let started = Instant::now();
        noticed.tries(started);
        let guard = Active::new(&upstream);
        let timeout = dialling.min(upstream.transport(worker).dial_timeout);
        let way = Way { upstream: &upstream, reuse, timeout, started, passive, wishes };
        let result = attempt(worker, client, input, way, &facts, forward, noticed).await;
        drop(guard);
        let cells = upstream.cells();
        cells.busy_micros.add(u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX));
        let failed = match result {
            Ok(after) => return after,
            Err(failed) => failed,
        };
        let Failed { fault, answered, repeatable, whole } = failed;
        let fallback = wishes.filter(|_| whole).and_then(|wishes| fallback(wishes, fault));
        if let Fault::Unwanted(status) = fault {
            cells.responses.record(status);
            upstream.judge(passive, status >= 500, worker);
        }
        if fault.is_backends() {
            cells.failures.add(1);
            upstream.judge(passive, true, worker);
            tracing::debug!(backend = %upstream.state.url, "exchange failed: {fault}");
        }
        upstream.pass_over(fault, worker);
        if answered {
            return After::Close;
        }
        let refusal = Refusal::of(fault, &facts);
        // What has failed before a byte of the request was sent took its time with dialling.
        if fault.is_before_request() {
            dialling = dialling.saturating_sub(started.elapsed());
        }
        let may_repeat = repeatable && retries < RETRIES && !dialling.is_zero();
        if may_repeat && worker.retries.spend(worker.deadlines.now()) {
            retries += 1;
            if fault == Fault::Stale {
                // It says nothing about its backend, which may be chosen again, but much about the
                // other connections in the pool. A request goes out twice at the most this way.
                reuse = Reuse::Never;
            } else {
                tried.add(upstream.state.id);
            }
        } else if let Some(group) = fallback {
            tried.give_up(group);
        } else {
            return Box::pin(refuse(worker, client, refusal, input, noticed)).await;
        }
        forward = Forward::new(worker);
        let purpose = Purpose::Answer(&tried);
        planned = match plan(worker, client, input.filled(), &mut forward, purpose, noticed) {
            Ok(Some(again)) => again,
            // Nobody is left to try: the client learns what went wrong, not that we looked around.
            Ok(None) | Err(_) => {
                return Box::pin(refuse(worker, client, refusal, input, noticed)).await;
            }
        };
        noticed.retried(worker);
    }
}

/// The group whose fallback is to answer instead of this.
fn fallback(wishes: &Wishes, fault: Fault) -> Option<u64> {
    let status = match fault {
        Fault::Unwanted(status) => status,
        // What the client would be told of it is an answer like others.
        fault if fault.is_backends() => fault.status(),
        _ => return None,
    };
    wishes.fallback(status).map(|fallback| fallback.group)
}

/// What groups wish for before the first try: the body whole, copies on their way.
async fn prepare(
    worker: &Rc<Worker>,
    client: &mut Client,
    input: &mut Buffer,
    Plan { facts, wishes, .. }: &Plan,
) -> Result<(), Refusal> {
    let Some(wishes) = wishes else { return Ok(()) };
    let kept = keep_body(worker, client, input, facts, wishes).await;
    kept.map_err(|fault| Refusal::of(fault, facts))?;
    copies::send(worker, client, input.filled(), wishes);
    Ok(())
}

/// Counts an exchange with a backend for as long as it lasts.
pub(super) struct Active<'a>(&'a Upstream);

impl<'a> Active<'a> {
    pub(super) fn new(upstream: &'a Upstream) -> Self {
        upstream.cells().requests.add(1);
        upstream.cells().active.add(1);
        Self(upstream)
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.0.cells().active.sub(1);
    }
}

/// How a try gets to its backend, and who wants to know of it.
struct Way<'a> {
    upstream: &'a Upstream,
    reuse: Reuse,
    /// For dialling.
    timeout: Duration,
    started: Instant,
    passive: Option<Passive>,
    wishes: Option<&'a Wishes>,
}

async fn attempt(
    worker: &Rc<Worker>,
    client: &mut Client,
    input: &mut Buffer,
    way: Way<'_>,
    facts: &Facts,
    Forward { head: mut output, added }: Forward,
    noticed: &Noticed,
) -> Result<After, Failed> {
    let Way { upstream, reuse, timeout, started, wishes, .. } = way;
    let failed = |fault| Failed { fault, answered: false, repeatable: false, whole: false };
    let loaded = load(input, &mut output, facts, wishes.is_some());
    let Loaded { body, ahead, in_output } = loaded.map_err(failed)?;
    noticed.received.set(body.payload());
    let whole = body.is_done() && in_output == ahead;
    let failed = |fault| Failed { whole, ..failed(fault) };

    let link = upstream.connect(reuse, timeout, worker).await;
    let mut link = link.map_err(|fault| Failed { repeatable: true, ..failed(fault) })?;
    let added = added.as_ref().map_or(&[][..], Buffer::filled);
    let mut reply = Reply::new(worker, facts, added, noticed);
    reply.wishes = wishes.filter(|_| whole);
    reply.latency = upstream.latency().map(|latency| (latency, started));

    let sent = output.filled().len();
    let (result, uploaded) = if whole {
        let result = send_and_relay(client, &mut link, output, &mut reply).await;
        if result.is_ok() {
            input.consume(facts.head_len + ahead);
        }
        (result, true)
    } else {
        input.consume(facts.head_len + in_output);
        let (pending, entry_point) = (ahead - in_output, client.entry_point());
        let received = &noticed.received;
        let upload = Upload { input, output, body, pending, entry_point, received };
        both_ways(worker, client, &mut link, upload, &mut reply).await
    };
    // Where the client had gone, a tick has ended the backend's connection, too.
    let gone = |fault| fault == Fault::Reset && client.socket.deadline.ended();
    match result.map_err(|fault| if gone(fault) { Fault::ClientGone } else { fault }) {
        Ok(Replied::Final { status, reusable, client_stays }) => {
            record(worker, &way, noticed, status);
            if reusable && uploaded {
                if !whole {
                    link.socket.control.set_patience(Patience::Exchange);
                }
                upstream.give(link.socket, worker);
            }
            if !uploaded {
                noticed.over(worker, client.entry_point());
                Box::pin(linger(worker, client)).await;
            }
            Ok(if client_stays && uploaded { After::Next } else { After::Close })
        }
        Ok(Replied::Switched { behind }) => {
            record(worker, &way, noticed, 101);
            let ahead = std::mem::replace(input, worker.buffers.take());
            Box::pin(tunnel(worker, client, &mut link, ahead, behind)).await;
            Ok(After::Close)
        }
        Err(fault) if reply.has_begun() || reply.is_torn() => {
            let status = if reply.has_begun() { reply.status() } else { fault.status() };
            noticed.answered(worker, status);
            if reply.ends_by_closing() {
                client.socket.control.reset_on_close();
            }
            Err(Failed { answered: true, ..failed(fault) })
        }
        Err(fault) => {
            // The backend closed without a word: it may have closed before it read anything, as
            // servers do with idle connections, and when they stop with those that wait.
            let unanswered = !reply.has_bytes();
            let stale = fault == Fault::Reset && link.reused && unanswered;
            let fault = if stale { Fault::Stale } else { fault };
            let repeatable = whole && unanswered && is_harmless(fault, facts, &link, sent).await;
            Err(Failed { repeatable, ..failed(fault) })
        }
    }
}

/// What becomes of both connections once their protocol has changed.
async fn tunnel(
    worker: &Rc<Worker>,
    client: &mut Client,
    link: &mut Link,
    ahead: Buffer,
    behind: Buffer,
) {
    client.socket.deadline.limit_writing(Duration::ZERO);
    let (client, backend) = (&mut client.socket, &mut link.socket);
    backend.control.set_patience(Patience::Stream);
    relay::tunnel(worker, client, backend, ahead, behind).await;
}

/// Whether a request that went out whole, and was not answered at all, may be sent again: by its
/// method's promise (RFC 9110 section 9.2.2), or because nothing of it has reached the program.
async fn is_harmless(fault: Fault, facts: &Facts, link: &Link, sent: usize) -> bool {
    match fault {
        Fault::Stale | Fault::Reset => facts.idempotent || Box::pin(was_refused(link, sent)).await,
        Fault::Unreachable => facts.idempotent,
        _ => false,
    }
}

/// The end of a connection may come before the word about what was sent over it.
async fn was_refused(link: &Link, sent: usize) -> bool {
    for _ in 0..REFUSAL_LOOKS {
        if let Some(refused) = link.socket.control.has_refused(sent) {
            return refused;
        }
        monoio::time::sleep(REFUSAL_PAUSE).await;
    }
    false
}

/// What of a body has come, in bytes.
struct Loaded {
    body: Body,
    ahead: usize,
    /// It goes out with the head.
    in_output: usize,
}

/// Puts what has come of the body behind the head, if it fits. A body that is `kept` fits, if all
/// of it is there: it may be needed again, so it stays in the input, too.
fn load(input: &Buffer, output: &mut Buffer, facts: &Facts, kept: bool) -> Result<Loaded, Fault> {
    let mut body = Body::new(facts.framing);
    let behind = &input.filled()[facts.head_len..];
    let ahead = body.take(behind).map_err(|ChunkError(why)| Fault::BadRequest(why))?;
    if kept && body.is_done() {
        output.make_room(ahead);
    }
    let in_output = if ahead <= output.room() { ahead } else { 0 };
    output.writer().extend_from_slice(&behind[..in_output]);
    Ok(Loaded { body, ahead, in_output })
}

/// Counts a backend's final answer.
fn record(worker: &Worker, way: &Way<'_>, noticed: &Noticed, status: u16) {
    way.upstream.cells().responses.record(status);
    way.upstream.judge(way.passive, status >= 500, worker);
    noticed.relayed(worker, status);
}

/// A request that lies whole in one buffer, and then its response.
async fn send_and_relay(
    client: &mut Client,
    link: &mut Link,
    mut output: Buffer,
    reply: &mut Reply<'_>,
) -> Result<Replied, Fault> {
    let timeout = link.response_header_timeout;
    let (client, link) = (&mut client.socket, &mut link.socket);
    let _awaiting = client.deadline.await_backend(&link.control);
    // A backend may answer and close before it has read everything: whatever became of sending,
    // what is read tells.
    let _ = output.send_all(&mut link.write, &link.deadline).await;
    // Given back at once, and so the first to be taken for the response: it is still in the cache.
    drop(output);
    link.deadline.arm_read(timeout);
    let from = (&mut link.read, &link.deadline);
    reply.relay(from, (&mut client.write, &client.deadline), &Cell::new(false)).await
}

/// A request body on its way to the backend.
struct Upload<'a> {
    input: &'a mut Buffer,
    output: Buffer,
    body: Body,
    /// Bytes at the front of `input` that are known to belong to the body.
    pending: usize,
    entry_point: usize,
    /// Bytes of content so far.
    received: &'a Cell<u64>,
}

enum UploadFault {
    /// The client stopped, or broke its coding: there is no complete request.
    Client(Fault),
    /// The backend does not take it; it may still answer.
    Backend,
}

/// Sends the body while the response is being read, so that an early answer, a `100 Continue` and
/// a backend that streams both ways all work. True if the whole body was sent.
async fn both_ways(
    worker: &Rc<Worker>,
    client: &mut Client,
    link: &mut Link,
    upload: Upload<'_>,
    reply: &mut Reply<'_>,
) -> (Result<Replied, Fault>, bool) {
    let timeout = link.response_header_timeout;
    let (client, link) = (&mut client.socket, &mut link.socket);
    let _awaiting = client.deadline.await_backend(&link.control);
    link.control.set_patience(Patience::Stream);
    let head_seen = Cell::new(false);
    let expect_head = {
        let deadline = &link.deadline;
        let head_seen = &head_seen;
        move || {
            if !head_seen.get() {
                deadline.arm_read(timeout);
            }
        }
    };
    let uploading = pin!(upload.run(
        worker,
        (&mut client.read, &client.deadline),
        (&mut link.write, &link.deadline),
    ));
    let replying = pin!(reply.relay(
        (&mut link.read, &link.deadline),
        (&mut client.write, &client.deadline),
        &head_seen,
    ));
    match select(replying, uploading).await {
        // An early answer; the rest of the body is nobody's any more.
        Either::Left((replied, _unfinished)) => (replied, false),
        Either::Right((Ok(()), replying)) => {
            expect_head();
            (replying.await, true)
        }
        Either::Right((Err(UploadFault::Backend), replying)) => {
            expect_head();
            (replying.await, false)
        }
        Either::Right((Err(UploadFault::Client(fault)), _replying)) => (Err(fault), false),
    }
}

impl Upload<'_> {
    async fn run(
        mut self,
        worker: &Rc<Worker>,
        (from, from_deadline): (&mut ReadHalf, &Deadline),
        (to, to_deadline): (&mut WriteHalf, &Deadline),
    ) -> Result<(), UploadFault> {
        let backend = |_| UploadFault::Backend;
        self.output.send_all(to, to_deadline).await.map_err(backend)?;
        drop(self.output);
        self.input.send(self.pending, to, to_deadline).await.map_err(backend)?;
        if self.body.is_done() {
            return Ok(());
        }
        // Everything in `input` went with the head, so a larger buffer can take over.
        let mut buffer = worker.buffers.take_large();
        let incoming = Incoming::begin(worker, self.entry_point);
        for round in 0.. {
            worker.take_turns(round).await;
            let read = incoming.read(worker, &mut buffer, (from, from_deadline)).await;
            read.map_err(UploadFault::Client)?;
            let taken = self.body.take(buffer.filled());
            let n = taken.map_err(|ChunkError(why)| UploadFault::Client(Fault::BadRequest(why)))?;
            self.received.set(self.body.payload());
            buffer.send(n, to, to_deadline).await.map_err(backend)?;
            if self.body.is_done() {
                // What is left is the next request's; it fits unless it was sent without waiting,
                // in which case the connection's own buffer is exchanged for this larger one.
                if !buffer.is_empty() {
                    *self.input = buffer;
                }
                return Ok(());
            }
        }
        Ok(())
    }
}

/// The process is about to end: no further request on this connection.
pub(super) fn is_draining(worker: &Worker) -> bool {
    worker.life.stage() >= Stage::Draining
}
