//! The response's way: from the backend's connection to the client's.

use std::cell::Cell;
use std::io::Write as _;
use std::mem::MaybeUninit;
use std::rc::Rc;
use std::time::Instant;

use super::answer::{self, Changes, Transfer};
use super::chunked::{ChunkError, Chunked};
use super::exchange::is_draining;
use super::framing::{Body, Framing};
use super::noticed::Noticed;
use super::plan::Facts;
use super::response;
use crate::balance::Wishes;
use crate::fault::Fault;
use crate::limits::{INTERIM_RESPONSES, MAX_HEAD_FIELDS};
use crate::upstream::Latency;
use crate::worker::Worker;
use crate::worker::buffers::{Buffer, Buffers, NoLine};
use crate::worker::deadline::Deadline;
use crate::worker::socket::{ReadHalf, WriteHalf};

/// A response on its way, and how far it has come.
pub(super) struct Reply<'a> {
    worker: &'a Rc<Worker>,
    facts: &'a Facts,
    /// Field lines that the response gets on its way.
    added: &'a [u8],
    noticed: &'a Noticed,
    /// The backend has sent something.
    bytes: bool,
    /// The client has been sent something of the final response.
    begun: bool,
    /// An interim response is on its way to the client; nothing else can be said in its middle.
    torn: bool,
    status: u16,
    ends_by_closing: bool,
    /// Of groups to which some answers are no answers.
    pub(super) wishes: Option<&'a Wishes>,
    /// Who wants to know when the first byte came, and since when it was waited for.
    pub(super) latency: Option<(&'a Latency, Instant)>,
}

/// How a response ended.
pub(super) enum Replied {
    Final {
        status: u16,
        /// The backend's connection is at a proven message end.
        reusable: bool,
        /// The client's connection can carry another request.
        client_stays: bool,
    },
    /// The protocol has changed; `behind` came from the backend after its head.
    Switched { behind: Buffer },
}

/// What the head at the front of the input asks for. Lengths are in bytes of input.
enum Step {
    Interim { head: usize },
    Switch { head: usize },
    Final(Final),
}

#[derive(Clone, Copy)]
struct Final {
    head: usize,
    framing: Framing,
    transfer: Transfer,
    /// The head was written anew; otherwise it passes as it came.
    rewritten: bool,
    backend_stays: bool,
    client_stays: bool,
}

impl<'a> Reply<'a> {
    pub(super) fn new(
        worker: &'a Rc<Worker>,
        facts: &'a Facts,
        added: &'a [u8],
        noticed: &'a Noticed,
    ) -> Self {
        Self {
            worker,
            facts,
            added,
            noticed,
            bytes: false,
            begun: false,
            torn: false,
            status: 0,
            ends_by_closing: false,
            wishes: None,
            latency: None,
        }
    }

    /// The backend has sent something.
    pub(super) fn has_bytes(&self) -> bool {
        self.bytes
    }

    /// The client has seen something of the final response.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// The client may have seen a part of an interim response.
    pub(super) fn is_torn(&self) -> bool {
        self.torn
    }

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    /// The client knows the end of the body by the end of the connection alone, so a cut must
    /// not look like one.
    pub(super) fn ends_by_closing(&self) -> bool {
        self.ends_by_closing
    }

    /// Relays the response. Somebody else may still be sending the request meanwhile: `head_seen`
    /// tells them that the final head has come, and with it the end of its deadline.
    pub(super) async fn relay(
        &mut self,
        (from, from_deadline): (&mut ReadHalf, &Deadline),
        (to, to_deadline): (&mut WriteHalf, &Deadline),
        head_seen: &Cell<bool>,
    ) -> Result<Replied, Fault> {
        let mut input = self.worker.buffers.take();
        // Only needed for heads that are written anew.
        let mut output = None;
        let mut interims = 0;
        let last = loop {
            match self.step(&input, &mut output)? {
                None => self.read_head(&mut input, from, from_deadline).await?,
                Some(Step::Interim { head }) => {
                    interims += 1;
                    if interims > INTERIM_RESPONSES {
                        return Err(Fault::BadResponse("too many interim responses"));
                    }
                    input.consume(head);
                    if let Some(interim) = &mut output {
                        self.torn = true;
                        interim.send_all(to, to_deadline).await.map_err(|_| Fault::ClientGone)?;
                        self.torn = false;
                    }
                }
                Some(Step::Switch { head }) => {
                    from_deadline.disarm_read();
                    self.begun = true;
                    input.consume(head);
                    if let Some(switch) = &mut output {
                        switch.send_all(to, to_deadline).await.map_err(|_| Fault::ClientGone)?;
                    }
                    return Ok(Replied::Switched { behind: input });
                }
                Some(Step::Final(last)) => break last,
            }
        };
        head_seen.set(true);
        from_deadline.disarm_read();
        let mut body = Body::new(last.framing);
        // Looked at before anything is sent: a response that is broken from the start is a 502.
        let n = body.take(&input.filled()[last.head..]).map_err(broken)?;
        self.noticed.sent.set(body.payload());
        self.begun = true;
        self.ends_by_closing = last.transfer == Transfer::Unchunked
            || (last.framing == Framing::UntilClose && last.transfer == Transfer::Same);
        let client = (to, to_deadline);
        let backend = (from, from_deadline);
        let clean = match last.transfer {
            Transfer::Same => self.pass(last, n, body, (input, output), backend, client).await?,
            Transfer::Chunked => self.enchunk(last, (input, output), backend, client).await?,
            Transfer::Unchunked => self.unchunk(last, (input, output), backend, client).await?,
        };
        Ok(Replied::Final {
            status: self.status,
            reusable: last.backend_stays && clean,
            client_stays: last.client_stays,
        })
    }

    async fn read_head(
        &mut self,
        input: &mut Buffer,
        from: &mut ReadHalf,
        deadline: &Deadline,
    ) -> Result<(), Fault> {
        let limit = self.worker.settings.limits.response_heads.bytes;
        let read = input.fill_line(from, limit).await;
        self.bytes |= !input.is_empty();
        if let Some((latency, since)) = self.latency.take_if(|_| read.is_ok()) {
            latency.record(since.elapsed());
        }
        read.map_err(|end| match end {
            NoLine::NoRoom => Fault::BadResponse("head too large"),
            NoLine::Ended if deadline.ended() => Fault::ResponseTimeout,
            NoLine::Unreachable => Fault::Unreachable,
            NoLine::Ended => Fault::Reset,
        })
    }

    /// Looks at the head at the front of the input; `None` while it is not complete. What has to
    /// be written anew is written to `output`.
    fn step(&mut self, input: &Buffer, output: &mut Option<Buffer>) -> Result<Option<Step>, Fault> {
        let mut fields = [const { MaybeUninit::uninit() }; MAX_HEAD_FIELDS];
        let limits = &self.worker.settings.limits.response_heads;
        let parsed = response::parse(input.filled(), &mut fields, limits, self.facts.is_head)?;
        let Some(head) = parsed else { return Ok(None) };
        let length = head.bytes.len();
        // Cleared and written to only where the head cannot pass as it came.
        let buffers = &self.worker.buffers;
        match head.status {
            101 if self.facts.upgrade => {
                answer::write_interim(fresh(output, buffers), &head);
                self.status = head.status;
                return Ok(Some(Step::Switch { head: length }));
            }
            101 => return Err(Fault::BadResponse("101 that nobody asked for")),
            100..=199 => {
                // HTTP/1.0 knows no interim responses (RFC 9110 section 15.2).
                if self.facts.http11 {
                    answer::write_interim(fresh(output, buffers), &head);
                }
                return Ok(Some(Step::Interim { head: length }));
            }
            status if self.wishes.is_some_and(|wishes| wishes.fallback(status).is_some()) => {
                return Err(Fault::Unwanted(status));
            }
            _ => {}
        }
        let transfer = Transfer::choose(head.framing, self.facts.http11);
        let ends_by_closing = transfer == Transfer::Unchunked
            || (head.framing == Framing::UntilClose && transfer == Transfer::Same);
        let close = !self.facts.keep_alive || ends_by_closing || is_draining(self.worker);
        let changes = Changes {
            transfer,
            added: self.added,
            close,
            say_keep_alive: self.facts.say_keep_alive && !close,
        };
        let rewritten = !changes.are_none(&head);
        if rewritten {
            answer::write(fresh(output, buffers), &head, &changes);
        }
        self.noticed.answer(self.worker, head.headers, self.added);
        self.status = head.status;
        Ok(Some(Step::Final(Final {
            head: length,
            framing: head.framing,
            transfer,
            rewritten,
            backend_stays: head.keep_alive,
            client_stays: !close,
        })))
    }

    /// The body with the backend's own framing. True if nothing came behind it.
    async fn pass(
        &self,
        last: Final,
        n: usize,
        mut body: Body,
        (mut input, output): (Buffer, Option<Buffer>),
        (from, from_deadline): (&mut ReadHalf, &Deadline),
        (to, to_deadline): (&mut WriteHalf, &Deadline),
    ) -> Result<bool, Fault> {
        let gone = |_| Fault::ClientGone;
        match output {
            Some(mut output) if last.rewritten => {
                input.consume(last.head);
                // Head and first body bytes in one send, where one buffer holds them.
                let joined = if n <= output.room() { n } else { 0 };
                output.writer().extend_from_slice(&input.filled()[..joined]);
                input.consume(joined);
                output.send_all(to, to_deadline).await.map_err(gone)?;
                input.send(n - joined, to, to_deadline).await.map_err(gone)?;
            }
            _ => input.send(last.head + n, to, to_deadline).await.map_err(gone)?,
        }
        if body.is_done() {
            return Ok(input.is_empty());
        }
        drop(input);
        let mut buffer = self.worker.buffers.take_large();
        for round in 0.. {
            if body.is_done() {
                break;
            }
            self.worker.take_turns(round).await;
            if self.read_body(&mut buffer, from, from_deadline).await? == 0 {
                return if body.ends_with_stream() { Ok(false) } else { Err(Fault::Reset) };
            }
            let n = body.take(buffer.filled()).map_err(broken)?;
            self.noticed.sent.set(body.payload());
            buffer.send(n, to, to_deadline).await.map_err(gone)?;
        }
        Ok(buffer.is_empty())
    }

    /// A body that ends with the backend's connection, in chunks for the client.
    async fn enchunk(
        &self,
        last: Final,
        (mut input, output): (Buffer, Option<Buffer>),
        (from, from_deadline): (&mut ReadHalf, &Deadline),
        (to, to_deadline): (&mut WriteHalf, &Deadline),
    ) -> Result<bool, Fault> {
        let gone = |_| Fault::ClientGone;
        let mut output = output.unwrap_or_else(|| self.worker.buffers.take());
        input.consume(last.head);
        loop {
            if !input.is_empty() {
                // Writing to a Vec cannot fail.
                let _ = write!(output.writer(), "{:x}\r\n", input.filled().len());
                if input.filled().len() + 2 > output.room() {
                    output.send_all(to, to_deadline).await.map_err(gone)?;
                    input.send_all(to, to_deadline).await.map_err(gone)?;
                } else {
                    output.writer().extend_from_slice(input.filled());
                    input.clear();
                }
                output.writer().extend_from_slice(b"\r\n");
            }
            output.send_all(to, to_deadline).await.map_err(gone)?;
            let read = self.read_body(&mut input, from, from_deadline).await?;
            if read == 0 {
                break;
            }
            self.noticed.sent.set(self.noticed.sent.get() + read as u64);
        }
        output.writer().extend_from_slice(b"0\r\n\r\n");
        output.send_all(to, to_deadline).await.map_err(gone)?;
        Ok(false)
    }

    /// The payload of a chunked body for a client that cannot read chunks.
    async fn unchunk(
        &self,
        last: Final,
        (mut input, output): (Buffer, Option<Buffer>),
        (from, from_deadline): (&mut ReadHalf, &Deadline),
        (to, to_deadline): (&mut WriteHalf, &Deadline),
    ) -> Result<bool, Fault> {
        let gone = |_| Fault::ClientGone;
        let mut output = output.unwrap_or_else(|| self.worker.buffers.take());
        output.send_all(to, to_deadline).await.map_err(gone)?;
        input.consume(last.head);
        let mut chunked = Chunked::new();
        let mut content = 0;
        loop {
            // Payload is never longer than its coding, so it fits into a buffer of the same size.
            let bytes = input.filled();
            let taken = chunked.take(bytes, |r| output.writer().extend_from_slice(&bytes[r]));
            input.consume(taken.map_err(broken)?);
            content += output.filled().len() as u64;
            self.noticed.sent.set(content);
            output.send_all(to, to_deadline).await.map_err(gone)?;
            if chunked.is_done() {
                return Ok(input.is_empty());
            }
            if self.read_body(&mut input, from, from_deadline).await? == 0 {
                return Err(Fault::Reset);
            }
        }
    }

    /// Reads more of a body into a buffer that is empty. Streams may be silent for long
    /// (server-sent events): the bound is that of a tunnel.
    async fn read_body(
        &self,
        buffer: &mut Buffer,
        from: &mut ReadHalf,
        deadline: &Deadline,
    ) -> Result<usize, Fault> {
        deadline.arm_read(self.worker.settings.limits.tunnel_timeout);
        let read = buffer.fill(from).await;
        deadline.disarm_read();
        // What looks like the end of the stream may be ours, and must not end a body.
        if deadline.ended() { Err(Fault::ResponseTimeout) } else { read.map_err(|_| Fault::Reset) }
    }
}

/// An empty buffer to write a head into.
fn fresh<'o>(output: &'o mut Option<Buffer>, buffers: &Rc<Buffers>) -> &'o mut Vec<u8> {
    let output = output.get_or_insert_with(|| buffers.take());
    output.clear();
    output.writer()
}

fn broken(ChunkError(why): ChunkError) -> Fault {
    Fault::BadResponse(why)
}
