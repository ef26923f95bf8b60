//! A request whose body is needed a second time, for a mirror or a fallback: it is read whole, in
//! so far as it is not too long, before anybody gets it.

use std::rc::Rc;

use super::chunked::ChunkError;
use super::connection::Client;
use super::framing::{Body, Framing};
use super::incoming::Incoming;
use super::plan::Facts;
use crate::balance::Wishes;
use crate::fault::Fault;
use crate::worker::Worker;
use crate::worker::buffers::Buffer;

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Reads the body behind the head in `input`, up to the longest that is wished for. One that is
/// longer stays where it is, and goes on its way in pieces.
pub(super) async fn keep_body(
    worker: &Rc<Worker>,
    client: &mut Client,
    input: &mut Buffer,
    facts: &Facts,
    wishes: &Wishes,
) -> Result<(), Fault> {
    let longest = wishes.kept_body();
    let broken = |ChunkError(why)| Fault::BadRequest(why);
    let mut body = Body::new(facts.framing);
    let mut length = body.take(&input.filled()[facts.head_len..]).map_err(broken)?;
    let is_too_long = |length: usize| {
        length > longest || matches!(facts.framing, Framing::Length(all) if all > longest as u64)
    };
    if body.is_done() || is_too_long(length) {
        return Ok(());
    }
    if wishes.expects_continue && length == 0 {
        let mut word = worker.buffers.take_line();
        word.writer().extend_from_slice(CONTINUE);
        let sent = word.send_all(&mut client.socket.write, &client.socket.deadline).await;
        sent.map_err(|_| Fault::ClientGone)?;
    }
    let incoming = Incoming::begin(worker, client.entry_point());
    for round in 0.. {
        if body.is_done() || is_too_long(length) || worker.buffers.are_short() {
            break;
        }
        worker.take_turns(round).await;
        if input.room() == 0 {
            input.make_room(input.filled().len());
        }
        let from = (&mut client.socket.read, &client.socket.deadline);
        incoming.read(worker, input, from).await?;
        length += body.take(&input.filled()[facts.head_len + length..]).map_err(broken)?;
    }
    Ok(())
}
