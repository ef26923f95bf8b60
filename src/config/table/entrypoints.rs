//! Options of Traefik 2 and 3 about entry points.

use super::super::draft::Draft;
use super::super::options::Effect::{List, Switch, Text, Time, Whole};
use super::super::options::Family::Later;
use super::super::options::Row;
use super::super::value::{self, Wrong};
use super::{MIN_HEAD_BYTES, none, row};
use crate::limits::MAX_HEAD_BYTES;

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    row("entryPoints.*", Later, Switch(|d, n, _| { d.entry(n); }), "an entry point of this name"),
    row("entryPoints.*.address", Later, Text(entry_address), ":80, 127.0.0.1:80 or [::1]:80"),
    row("entryPoints.*.asDefault", Later, Switch(|d, n, on| d.entry(n).as_default = on), "for routers that name no entry point (all are)"),
    row("entryPoints.*.forwardedHeaders.insecure", Later, Switch(|d, n, on| d.entry(n).insecure = Some(on)), "believe every peer's X-Forwarded-* (false)"),
    row("entryPoints.*.forwardedHeaders.trustedIPs", Later, List(|d, n, v| { d.entry(n).trusted.extend(value::networks(&v)?); Ok(()) }), "believe these networks' X-Forwarded-*"),
    row("entryPoints.*.proxyProtocol", Later, Switch(|d, n, on| d.entry(n).proxy_protocol.section.set(on)), "read PROXY protocol headers, versions 1 and 2 (false)"),
    row("entryPoints.*.proxyProtocol.insecure", Later, Switch(|d, n, on| d.entry(n).proxy_protocol().insecure = on), "believe every peer's, for tests only (false)"),
    row("entryPoints.*.proxyProtocol.trustedIPs", Later, List(|d, n, v| { let all = value::networks(&v)?; d.entry(n).proxy_protocol().trusted.extend(all); Ok(()) }), "believe these networks'; the others' are read and ignored"),
    row("entryPoints.*.transport.respondingTimeouts.idleTimeout", Later, Time(|d, n, t| d.entry(n).responding.idle = Some(t)), "life of an idle client connection (75)"),
    row("entryPoints.*.transport.respondingTimeouts.writeTimeout", Later, Time(|d, n, t| d.entry(n).responding.write = Some(t)), "time for a client to take a whole response (0: no bound)"),
    row("entryPoints.*.transport.keepAliveMaxTime", Later, Time(|d, n, t| d.entry(n).keep_alive_time = Some(t)), "a connection so old carries no further request (0: no bound)"),
    row("entryPoints.*.transport.keepAliveMaxRequests", Later, Whole(|d, n, v| d.entry(n).keep_alive_requests = Some(v)), "requests that a connection may carry (0: no bound)"),
    row("entryPoints.*.http.maxHeaderBytes", Later, Text(header_bytes), "longest head of a request, at most 65536 (32768)"),
    row("entryPoints.*.transport.respondingTimeouts.readTimeout", Later, Time(|d, n, t| d.entry(n).responding.read = Some(t)), "time for a whole request to arrive (0: no bound)"),
    row("entryPoints.*.transport.lifeCycle.graceTimeOut", Later, Time(|d, n, t| d.entry(n).life.grace = Some(t)), "time for exchanges in flight at the end (10)"),
    row("entryPoints.*.transport.lifeCycle.requestAcceptGraceTimeout", Later, Time(|d, n, t| d.entry(n).life.accept_grace = Some(t)), "go on accepting after the stop signal (0)"),
];

/// Traefik's bound may be larger than a buffer of ours.
fn header_bytes(draft: &mut Draft, name: &str, text: &str) -> Result<Vec<String>, Wrong> {
    let wanted = value::count(text, MIN_HEAD_BYTES, usize::MAX)?;
    draft.entry(name).header_bytes = Some(wanted.min(MAX_HEAD_BYTES));
    if wanted <= MAX_HEAD_BYTES {
        return Ok(none());
    }
    Ok(vec![format!("is more than we take; {MAX_HEAD_BYTES} bytes it will be")])
}

fn entry_address(draft: &mut Draft, name: &str, text: &str) -> Result<Vec<String>, Wrong> {
    if text.trim().ends_with("/udp") {
        draft.entry(name).needs = Some("UDP".to_owned());
        return Ok(none());
    }
    draft.entry(name).address = Some(value::address(text)?);
    Ok(none())
}
