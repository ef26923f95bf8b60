//! Options of Ringress alone.

use super::super::DriverChoice;
use super::super::draft::Draft;
use super::super::options::Effect::{Text, Time};
use super::super::options::Family::Own;
use super::super::options::Row;
use super::super::value::{self, Wrong};
use super::{MIN_HEAD_BYTES, none, row};
use crate::limits::{MAX_HEAD_BYTES, MAX_HEAD_FIELDS};

/// More clients than descriptors can ever be.
const MAX_CONNECTIONS: usize = 1 << 30;

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    row("ringress.driver", Own, Text(driver), "auto, io_uring or epoll (auto); also RINGRESS_DRIVER"),
    row("ringress.workers", Own, Text(workers), "worker threads (one per CPU); also RINGRESS_WORKERS"),
    row("ringress.maxConnections", Own, Text(|d, _, v| { d.limits.connections = Some(value::count(v, 1, MAX_CONNECTIONS)?); Ok(none()) }), "clients of each entry point (three quarters of the descriptors, of all together)"),
    row("ringress.entryPoints.*.maxConnections", Own, Text(|d, n, v| { d.limits.connections_of.push((n.to_owned(), value::count(v, 1, MAX_CONNECTIONS)?)); Ok(none()) }), "the same for one entry point"),
    row("ringress.bufferMemory", Own, Text(|d, _, v| { d.limits.buffer_memory = Some(value::size(v)?); Ok(none()) }), "memory for buffers, such as 256MB; past it requests get 503 (half of what there is)"),
    row("ringress.maxHeaderBytes", Own, Text(|d, _, v| { d.limits.header_bytes = Some(value::count(v, MIN_HEAD_BYTES, MAX_HEAD_BYTES)?); Ok(none()) }), "longest head of a request or response, at most 65536 (32768)"),
    row("ringress.maxHeaderFields", Own, Text(|d, _, v| { d.limits.header_fields = Some(value::count(v, 1, MAX_HEAD_FIELDS)?); Ok(none()) }), "most field lines of a head, at most 256 (100)"),
    row("ringress.maxTargetBytes", Own, Text(|d, _, v| { d.limits.target_bytes = Some(value::count(v, 1, MAX_HEAD_BYTES)?); Ok(none()) }), "longest request target (8192)"),
    row("ringress.headTimeout", Own, Time(|d, _, t| d.limits.head_timeout = Some(t)), "time for a request's head from its first byte (10)"),
    row("ringress.progressTimeout", Own, Time(|d, _, t| d.limits.progress_timeout = Some(t)), "a body that stands still for so long is cut (60)"),
    row("ringress.tunnelTimeout", Own, Time(|d, _, t| d.limits.tunnel_timeout = Some(t)), "a WebSocket or event stream that is silent for so long is cut (3600)"),
    row("ringress.handover", Own, Text(handover), "restart in place: take over from the process at this Unix socket; also RINGRESS_HANDOVER"),
];

fn driver(draft: &mut Draft, _: &str, text: &str) -> Result<Vec<String>, Wrong> {
    draft.driver = Some(match text.trim().to_ascii_lowercase().as_str() {
        "auto" => DriverChoice::Auto,
        "io_uring" | "io-uring" | "iouring" => DriverChoice::IoUring,
        "epoll" => DriverChoice::Epoll,
        _ => return Err(Wrong::new("is not a driver", "use auto, io_uring or epoll")),
    });
    Ok(none())
}

fn workers(draft: &mut Draft, _: &str, text: &str) -> Result<Vec<String>, Wrong> {
    let wrong = || Wrong::new("is not a number of workers", "use a number from 1 to 1024");
    let count: usize = text.trim().parse().map_err(|_| wrong())?;
    draft.workers = Some(count).filter(|count| (1..=1024).contains(count));
    if draft.workers.is_none() { Err(wrong()) } else { Ok(none()) }
}

fn handover(draft: &mut Draft, _: &str, text: &str) -> Result<Vec<String>, Wrong> {
    let path = std::path::PathBuf::from(text.trim());
    // A relative path would be another one for a process that is started elsewhere.
    if !path.is_absolute() || path.file_name().is_none() {
        return Err(Wrong::new("is not the path of a socket", "write the whole path of a file"));
    }
    draft.handover = Some(path);
    Ok(none())
}
