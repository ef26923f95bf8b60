//! Bytes from one connection to another, at the pace of the slower one.

use futures_util::future::join;

use crate::limits::{LINGER_TIMEOUT, TURN_ROUNDS};
use crate::worker::Worker;
use crate::worker::buffers::Buffer;
use crate::worker::deadline::Deadline;
use crate::worker::socket::{Control, ReadHalf, Socket, WriteHalf};

/// How a direction ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Its sender has said so.
    Said,
    SenderGone,
    /// It can take no more, but may have said something before.
    ReceiverGone,
}

/// One peer, to whoever does not read from it or write to it.
#[derive(Clone, Copy)]
struct Peer<'a> {
    control: &'a Control,
    deadline: &'a Deadline,
}

/// Carries both directions of an upgraded connection until both have ended.
///
/// `ahead` and `behind` are what either side has sent already. The end of one direction is passed
/// on as such; the other goes on (half-close). When a peer is gone, the other still gets all that
/// it had said: a server that refuses what it is sent says why, closes, and resets what comes.
pub async fn tunnel(
    worker: &Worker,
    client: &mut Socket,
    backend: &mut Socket,
    ahead: Buffer,
    behind: Buffer,
) {
    let (up, down) = {
        let c = Peer { control: &client.control, deadline: &client.deadline };
        let b = Peer { control: &backend.control, deadline: &backend.deadline };
        join(
            one_way(worker, (&mut client.read, c), (&mut backend.write, b), ahead),
            one_way(worker, (&mut backend.read, b), (&mut client.write, c), behind),
        )
        .await
    };
    // Who is left may still be sending: closing under bytes that nobody has read would be a reset,
    // and that overtakes the last words.
    if up == End::ReceiverGone {
        linger(worker, client).await;
    } else if down == End::ReceiverGone {
        linger(worker, backend).await;
    }
}

/// One direction, and what its end means for both peers.
async fn one_way(
    worker: &Worker,
    (read, from): (&mut ReadHalf, Peer<'_>),
    (write, to): (&mut WriteHalf, Peer<'_>),
    buffer: Buffer,
) -> End {
    let end = pass(worker, (read, from), (write, to), buffer).await;
    // Nothing is cancelled: the other direction's operation ends by itself.
    match end {
        End::Said => to.control.shut_write(),
        End::SenderGone => {
            from.control.shut_both();
            to.control.shut_write();
            // It would otherwise wait for somebody whom nobody hears.
            to.deadline.arm_read(LINGER_TIMEOUT);
        }
        // What it had said can still be read.
        End::ReceiverGone => to.control.shut_both(),
    }
    end
}

async fn pass(
    worker: &Worker,
    (read, from): (&mut ReadHalf, Peer<'_>),
    (write, to): (&mut WriteHalf, Peer<'_>),
    mut buffer: Buffer,
) -> End {
    let silence = worker.settings.limits.tunnel_timeout;
    for round in (0..TURN_ROUNDS).cycle() {
        if !buffer.is_empty() {
            if buffer.send_all(write, to.deadline).await.is_err() {
                return End::ReceiverGone;
            }
            // Bytes in one direction are a sign of life for both.
            to.deadline.arm_read(silence);
        }
        from.deadline.arm_read(silence);
        match buffer.fill(read).await {
            Ok(1..) => worker.take_turns(round).await,
            Ok(0) => return End::Said,
            Err(_) => break,
        }
    }
    End::SenderGone
}

/// Reads what a peer still sends, so that it gets to read what it was sent.
async fn linger(worker: &Worker, peer: &mut Socket) {
    peer.deadline.arm_read(LINGER_TIMEOUT);
    let mut sink = worker.buffers.take_sink();
    for round in (0..TURN_ROUNDS).cycle() {
        sink.clear();
        match sink.fill(&mut peer.read).await {
            Ok(1..) => worker.take_turns(round).await,
            Ok(0) | Err(_) => return,
        }
    }
}
