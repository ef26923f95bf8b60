//! Copies of requests for mirrors: sent beside the request, answered to nobody.
//!
//! A client never waits for one: a copy is a task of its own, bounded in time, and where there are
//! too many, or they could leave others short of buffers, none is made.

use std::mem::MaybeUninit;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use futures_util::FutureExt as _;

use super::connection::Client;
use super::exchange::Active;
use super::framing::Body;
use super::noticed::Noticed;
use super::plan::{Facts, Forward, Plan, Purpose, plan};
use super::response;
use crate::balance::Wishes;
use crate::fault::Fault;
use crate::limits::{COPIES, COPY_TIMEOUT, MAX_HEAD_FIELDS};
use crate::upstream::{Link, Reuse, Upstream};
use crate::worker::Worker;
use crate::worker::buffers::Buffer;

/// Sends the copies that are wished for. `request` begins with the head; its body, framed as it
/// came, is there whole where it is wanted, or there is no copy with a body.
pub(super) fn send(worker: &Rc<Worker>, client: &Client, request: &[u8], wishes: &Wishes) {
    for mirror in &wishes.copies {
        if worker.copies.get() >= COPIES || worker.buffers.are_half_lent() {
            return;
        }
        let mut forward = Forward::new(worker);
        // Nobody waits for what becomes of it, so it is no client's request.
        let (purpose, mut noticed) = (Purpose::Copy(mirror), Noticed::default());
        let planned = plan(worker, client, request, &mut forward, purpose, &mut noticed);
        let Ok(Some(plan)) = planned else {
            continue;
        };
        let Plan { upstream, facts, .. } = plan;
        if facts.upgrade {
            // Nobody would be at the other end of it.
            continue;
        }
        let mut output = forward.head;
        let mut body = Body::new(facts.framing);
        let behind = &request[facts.head_len..];
        let Some(length) = body.take(behind).ok().filter(|length| {
            body.is_done() && mirror.body.is_none_or(|longest| *length <= longest)
        }) else {
            continue;
        };
        output.make_room(length);
        output.writer().extend_from_slice(&behind[..length]);
        let copy = deliver(UnderWay::new(worker), upstream, facts, output);
        // The handle may be dropped: it stays on this thread, and nobody waits for the end.
        drop(monoio::spawn(async move {
            if AssertUnwindSafe(copy).catch_unwind().await.is_err() {
                tracing::error!("a copy of a request ended in a panic; others are not affected");
            }
        }));
    }
}

/// Counts a copy for as long as it is under way.
struct UnderWay(Rc<Worker>);

impl UnderWay {
    fn new(worker: &Rc<Worker>) -> Self {
        worker.copies.set(worker.copies.get() + 1);
        Self(Rc::clone(worker))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.copies.set(self.0.copies.get() - 1);
    }
}

async fn deliver(under_way: UnderWay, upstream: Rc<Upstream>, facts: Facts, output: Buffer) {
    let worker = &under_way.0;
    let guard = Active::new(&upstream);
    let exchanged = exchange(worker, &upstream, &facts, output).await;
    drop(guard);
    let cells = upstream.cells();
    match exchanged {
        Ok(status) => cells.responses.record(status),
        Err(fault) => {
            cells.failures.add(1);
            upstream.pass_over(fault, worker);
            tracing::debug!(mirror = %upstream.state.url, "copy lost: {fault}");
        }
    }
}

/// Sends a copy and reads its answer to the end; gives the status.
async fn exchange(
    worker: &Rc<Worker>,
    upstream: &Upstream,
    facts: &Facts,
    mut output: Buffer,
) -> Result<u16, Fault> {
    let reuse = if facts.idempotent { Reuse::Any } else { Reuse::JustUsed };
    let timeout = upstream.transport(worker).dial_timeout.min(COPY_TIMEOUT);
    let Link { mut socket, .. } = upstream.connect(reuse, timeout, worker).await?;
    socket.deadline.limit_writing(COPY_TIMEOUT);
    socket.deadline.arm_read(COPY_TIMEOUT);
    output.send_all(&mut socket.write, &socket.deadline).await.map_err(|_| Fault::Reset)?;
    drop(output);
    let mut input = worker.buffers.take();
    let (status, mut body, keep_alive) = loop {
        if let Some(head) = read_head(worker, &mut input, facts)? {
            break head;
        }
        let limit = worker.settings.limits.response_heads.bytes;
        input.fill_line(&mut socket.read, limit).await.map_err(|_| Fault::Reset)?;
    };
    let mut reusable = keep_alive;
    for round in 0.. {
        let taken = body.take(input.filled()).map_err(|_| Fault::BadResponse("its body"))?;
        input.consume(taken);
        if body.is_done() {
            break;
        }
        worker.take_turns(round).await;
        if input.fill(&mut socket.read).await.map_err(|_| Fault::Reset)? == 0 {
            reusable = false;
            break;
        }
    }
    if reusable && input.is_empty() && !socket.deadline.ended() {
        socket.deadline.disarm_read();
        upstream.give(socket, worker);
    }
    Ok(status)
}

/// The final head at the front of the input, which is consumed, and all interim ones before it.
fn read_head(
    worker: &Worker,
    input: &mut Buffer,
    facts: &Facts,
) -> Result<Option<(u16, Body, bool)>, Fault> {
    loop {
        let mut fields = [const { MaybeUninit::uninit() }; MAX_HEAD_FIELDS];
        let limits = &worker.settings.limits.response_heads;
        let parsed = response::parse(input.filled(), &mut fields, limits, facts.is_head)?;
        let Some(head) = parsed else { return Ok(None) };
        let (length, status) = (head.bytes.len(), head.status);
        let found = (status, Body::new(head.framing), head.keep_alive);
        input.consume(length);
        match status {
            // What it changes to is nobody's.
            101 => return Err(Fault::BadResponse("a copy cannot change the protocol")),
            100..=199 => {}
            _ => return Ok(Some(found)),
        }
    }
}
