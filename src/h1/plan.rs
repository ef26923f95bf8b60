//! From a head to what is to be done: the request's way through the house, in one visible list.
//!
//! Nothing here waits. A head is parsed, routed, given a backend and written anew in one call, so
//! that the parsed form never has to live longer than the stack frame; for a retry it is simply
//! done again.

use std::mem::MaybeUninit;
use std::rc::Rc;

use super::connection::Client;
use super::forward::{self, Origin, Target};
use super::framing::Framing;
use super::noticed::Noticed;
use super::request::{self, RequestHead};
use crate::balance::{Ask, Mirror, Tried, Wishes, choose, descend};
use crate::fault::Fault;
use crate::limits::MAX_HEAD_FIELDS;
use crate::request::routing_host;
use crate::route::Subject;
use crate::upstream::{Passive, Upstream};
use crate::worker::Worker;
use crate::worker::buffers::Buffer;

/// A request that is ready to be sent.
pub struct Plan {
    pub upstream: Rc<Upstream>,
    pub facts: Facts,
    /// Who wants to know how it went.
    pub passive: Option<Passive>,
    /// Of groups on the way; most requests meet none.
    pub wishes: Option<Box<Wishes>>,
}

/// What a plan writes: the head for the backend, and field lines for the client's response.
pub struct Forward {
    pub head: Buffer,
    pub added: Option<Buffer>,
}

impl Forward {
    pub fn new(worker: &Worker) -> Self {
        Self { head: worker.buffers.take(), added: None }
    }
}

/// What the exchange has to know of a request's head once the head itself is forwarded.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// Bytes of the head in the client's input.
    pub head_len: usize,
    pub framing: Framing,
    pub http11: bool,
    /// HTTP/1.0 with `keep-alive`: the answer has to say so too.
    pub say_keep_alive: bool,
    pub keep_alive: bool,
    pub upgrade: bool,
    pub is_head: bool,
    pub idempotent: bool,
}

/// A request that we answer ourselves.
#[derive(Debug, Clone, Copy)]
pub struct Refusal {
    pub fault: Fault,
    /// The next request can be found: the head was understood and nothing of a body is open.
    pub keep_alive: bool,
    /// The method allows a body in the response.
    pub with_body: bool,
    /// Bytes at the front of the input that the next request stands behind, if it is looked for.
    pub head_len: usize,
}

impl Refusal {
    /// Of a request that could not be read: nobody knows where the next one begins.
    pub fn unread(fault: Fault) -> Self {
        Self { fault, keep_alive: false, with_body: true, head_len: 0 }
    }

    pub fn of(fault: Fault, facts: &Facts) -> Self {
        let keep_alive =
            facts.keep_alive && matches!(facts.framing, Framing::None | Framing::Length(0));
        Self { fault, keep_alive, with_body: !facts.is_head, head_len: facts.head_len }
    }
}

/// What a head is written for.
#[derive(Clone, Copy)]
pub enum Purpose<'a> {
    /// The client's answer; this has failed it already.
    Answer(&'a Tried),
    /// Nobody: what is answered is dropped.
    Copy(&'a Mirror),
}

/// Plans the request at the front of `input`; `None` while its head is not complete.
///
/// `forward` is empty before.
pub fn plan(
    worker: &Worker,
    client: &Client,
    input: &[u8],
    forward: &mut Forward,
    purpose: Purpose<'_>,
    noticed: &mut Noticed,
) -> Result<Option<Plan>, Refusal> {
    let mut fields = [const { MaybeUninit::uninit() }; MAX_HEAD_FIELDS];
    let limits = &worker.entry_point(client.entry_point()).heads;
    let parsed = request::parse(input, &mut fields, limits).map_err(Refusal::unread)?;
    let Some(mut head) = parsed else { return Ok(None) };
    noticed.request(worker, client, &head);
    if let Purpose::Copy(Mirror { body: None, .. }) = purpose {
        head.framing = Framing::None;
    }
    let facts = Facts {
        head_len: head.bytes.len(),
        framing: head.framing,
        http11: head.http11,
        say_keep_alive: head.keep_alive && !head.http11,
        keep_alive: head.keep_alive && !client.is_spent(worker),
        upgrade: head.upgrade,
        is_head: head.method == "HEAD",
        idempotent: head.is_idempotent(),
    };
    choose_and_write(worker, client, &head, forward, purpose, noticed)
        .map(|(upstream, passive, wishes)| Some(Plan { upstream, facts, passive, wishes }))
        .map_err(|fault| Refusal::of(fault, &facts))
}

type Chosen = (Rc<Upstream>, Option<Passive>, Option<Box<Wishes>>);

fn choose_and_write(
    worker: &Worker,
    client: &Client,
    head: &RequestHead<'_, '_>,
    forward: &mut Forward,
    purpose: Purpose<'_>,
    noticed: &mut Noticed,
) -> Result<Chosen, Fault> {
    let host = routing_host(head.authority);
    let subject = Subject {
        host: &host,
        path: &head.path,
        method: head.method.as_bytes(),
        headers: head.headers,
        query: &head.query,
        client: &client.peer,
    };
    let origin =
        Origin { peer: &client.peer, trusted: client.trusted, server: &worker.settings.hostname };
    let nothing = Tried::default();
    let (tried, mirror) = match purpose {
        Purpose::Answer(tried) => (tried, None),
        Purpose::Copy(mirror) => (&nothing, Some(mirror.node)),
    };
    let (cookies, now) = (head.cookies(), worker.deadlines.now());
    let (worker_index, idempotent) = (worker.index, head.is_idempotent());
    let ask = Ask { cookies, peer: &client.peer, tried, now, worker: worker_index, idempotent };
    let Forward { head: output, added } = forward;
    let mut add = |line: &[u8]| {
        added.get_or_insert_with(|| worker.buffers.take_line()).writer().extend_from_slice(line);
    };
    let mut wishes = None;
    // The table is looked at in this closure and nowhere else on the request's way.
    worker.store.read(|table| {
        let route = || table.routes(client.entry_point()).and_then(|routes| routes.find(&subject));
        let node = match mirror {
            Some(node) => node,
            None => {
                let to = route().ok_or(Fault::NoRoute)?;
                if let Some(router) = table.router(to.router) {
                    noticed.router(&router.name, &router.traffic, worker.index);
                }
                to.node
            }
        };
        let service = descend(table, node, &ask, &mut wishes, &mut add).ok_or(Fault::NoBackend)?;
        noticed.service(&service.state.name, &service.state.traffic, worker.index);
        let choice = choose(service, &ask).ok_or(Fault::NoBackend)?;
        let backend = service.backends.get(choice.backend as usize).ok_or(Fault::NoBackend)?;
        if choice.set_cookie
            && let Some(cookies) = &service.sticky
        {
            add(cookies.set_cookie(choice.backend));
        }
        // HTTP/1.0 may come without a host; many servers refuse HTTP/1.1 with an empty one.
        let own_host = service.pass_host_header && !head.authority.is_empty();
        let host = (!own_host).then_some(&*backend.authority);
        let target = Target { host, prefix: &backend.path };
        forward::write(output.writer(), head, target, &origin);
        if let Some(wishes) = &mut wishes {
            wishes.expects_continue = head.expects_continue();
        }
        noticed.backend(&backend.url);
        let upstream = worker.upstreams.get(backend, service, worker.index);
        if choice.by_cookie {
            upstream.cells().sticky_hits.add(1);
        }
        Ok((upstream, service.passive, wishes.take()))
    })
}
