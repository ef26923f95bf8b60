//! Servers transports, without TLS.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::dynamic::{Named, http};
use crate::limits::{BACKEND_IDLE, BACKEND_IDLE_CONNECTIONS, DIAL_TIMEOUT};
use crate::model::{Span, Transport};

use super::{Origin, Voice};

/// By qualified name; services that name one that could not be read are left without it.
pub fn transports(
    origin: &Origin,
    wanted: &Named<http::ServersTransport>,
    voice: &mut Voice,
) -> BTreeMap<String, Transport> {
    let mut found = BTreeMap::new();
    for (name, wanted) in wanted {
        match wanted {
            Ok(wanted) => drop(found.insert(origin.qualified(name), transport(wanted))),
            Err(flaw) => voice.flaw(flaw, "the transport is left out"),
        }
    }
    found
}

/// What a transport does not say is as usual here, whatever the static one says, as in Traefik.
fn transport(wanted: &http::ServersTransport) -> Transport {
    let timeouts = wanted.forwarding_timeouts.as_ref();
    let time = |field: fn(&http::ForwardingTimeouts) -> Option<Span>| -> Option<Duration> {
        timeouts.and_then(field).map(Span::duration)
    };
    let dial = time(|all| all.dial_timeout).filter(|dial| !dial.is_zero());
    Transport {
        dial_timeout: dial.unwrap_or(DIAL_TIMEOUT),
        response_header_timeout: time(|all| all.response_header_timeout).unwrap_or_default(),
        idle_timeout: time(|all| all.idle_conn_timeout).unwrap_or(BACKEND_IDLE),
        max_idle_per_host: match wanted.max_idle_conns_per_host {
            // Go takes this for two, which the first pause in the traffic shows.
            0 => BACKEND_IDLE_CONNECTIONS,
            count => usize::try_from(count).unwrap_or(0),
        },
    }
}
