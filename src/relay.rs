//! Bytes from one connection to another, at the pace of the slower one.

use std::io;
use std::time::Duration;

use futures_util::future::join;

use crate::worker::buffers::Buffer;
use crate::worker::deadline::Deadline;
use crate::worker::socket::{Control, ReadHalf, Socket, WriteHalf};

/// Carries both directions of an upgraded connection until both have ended.
///
/// `ahead` and `behind` are what either side has sent already; `silence` is how long neither may
/// say anything. The end of one direction is passed
/// on as such; the other goes on (half-close). An error in one ends both.
pub async fn tunnel(
    client: &mut Socket,
    backend: &mut Socket,
    (ahead, behind): (Buffer, Buffer),
    silence: Duration,
) {
    let up = async {
        let ends = (&mut client.read, &mut backend.write);
        let deadlines = (&client.deadline, &backend.deadline);
        let result = one_way(ends, ahead, deadlines, silence).await;
        conclude(&result, &backend.control, &client.control);
    };
    let down = async {
        let ends = (&mut backend.read, &mut client.write);
        let deadlines = (&backend.deadline, &client.deadline);
        let result = one_way(ends, behind, deadlines, silence).await;
        conclude(&result, &client.control, &backend.control);
    };
    join(up, down).await;
}

/// One direction, until its end or an error.
async fn one_way(
    (from, to): (&mut ReadHalf, &mut WriteHalf),
    mut buffer: Buffer,
    (from_deadline, to_deadline): (&Deadline, &Deadline),
    silence: Duration,
) -> io::Result<()> {
    loop {
        if !buffer.is_empty() {
            buffer.send_all(to, to_deadline).await?;
            // Bytes in one direction are a sign of life for both.
            to_deadline.arm_read(silence);
        }
        from_deadline.arm_read(silence);
        if buffer.fill(from).await? == 0 {
            return Ok(());
        }
    }
}

fn conclude(result: &io::Result<()>, forward: &Control, backward: &Control) {
    match result {
        Ok(()) => forward.shut_write(),
        // Nothing is cancelled: the other direction's operation ends by itself.
        Err(_) => {
            forward.shut_both();
            backward.shut_both();
        }
    }
}
