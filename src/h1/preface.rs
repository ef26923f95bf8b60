//! What may come before a client's first request: a PROXY protocol header.

use std::net::IpAddr;
use std::time::Duration;

use super::connection::Client;
use super::exchange::After;
use crate::proxy_protocol::{Bad, Beginning, Header, parse};
use crate::worker::Worker;
use crate::worker::buffers::Buffer;

/// Takes the header off the first bytes of a connection, if there is one, and makes the client the
/// one that a trusted peer announces.
///
/// A stranger's header is read, and closes the connection if it is bad, but what it says is
/// forgotten: Traefik's policy, and the safe one, since the address that counts stays the one that
/// the kernel has seen. A bad header is answered with nothing: who sent it relays connections and
/// has asked for nothing in HTTP, and an answer could reach a client as one to its own request.
pub(super) async fn read(worker: &Worker, client: &mut Client, input: &mut Buffer) -> After {
    let time = worker.settings.limits.head_timeout;
    let found = match read_header(client, input, time).await {
        Ok(found) => found,
        Err(bad) => {
            tracing::debug!(client = %client.peer, "closed: {bad}");
            return After::Close;
        }
    };
    let Some(header) = found else { return After::Next };
    input.consume(header.length);
    let entry_point = worker.entry_point(client.entry_point());
    let trust = entry_point.proxy_protocol.as_ref();
    // So far the client is the peer.
    let peer = client.peer.parse::<IpAddr>();
    let believed = trust.zip(peer.ok()).is_some_and(|(trust, peer)| trust.covers(peer));
    if let Some(source) = header.source.filter(|_| believed) {
        client.peer = source.to_string().into();
        // From here on the announced client is the peer, as in Traefik: whether its forwarding
        // fields are believed is a question about it and not about the proxy, which relays them
        // unseen.
        client.trusted = entry_point.trust.covers(source);
    }
    After::Next
}

/// As with a request's head, the time runs from the first byte.
async fn read_header(
    client: &mut Client,
    input: &mut Buffer,
    time: Duration,
) -> Result<Option<Header>, Bad> {
    client.socket.deadline.arm_read(time);
    let found = loop {
        match parse(input.filled())? {
            Beginning::Incomplete => {}
            Beginning::Absent => break None,
            Beginning::Header(header) => break Some(header),
        }
        match input.fill(&mut client.socket.read).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => return Err(Bad("it ended, or its time did, before it was whole")),
        }
    };
    client.socket.deadline.disarm_read();
    Ok(found)
}
