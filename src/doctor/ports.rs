//! Whether each address that is to be listened on is free, and who has it else.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

use super::Finding;
use crate::config::Static;

const DIAL: Duration = Duration::from_secs(1);

/// The state of a listening socket in `/proc/net/tcp`.
const LISTENING: &str = "0A";

pub(super) fn look(statics: &Static, is_beside: bool) -> Vec<Finding> {
    let entry_points = statics.entry_points.iter();
    let entry_points = entry_points.map(|e| (format!("entry point {}", e.name), e.address));
    let api = statics.api.iter().map(|api| ("API".to_owned(), api.address));
    entry_points.chain(api).map(|(name, address)| port(&name, address, is_beside)).collect()
}

fn port(name: &str, address: SocketAddr, is_beside: bool) -> Finding {
    let text = format!("{name} on {address}");
    match (bind(address), is_beside) {
        (Ok(()), false) => Finding::fine(format!("{text}: free")),
        (Ok(()), true) => Finding::error(
            format!("{text}: nobody listens, though a ringress runs here"),
            "look at its log; was it started with other flags?",
        ),
        (Err(error), _) if error.kind() == io::ErrorKind::AddrInUse => {
            let holder = holder(address.port());
            let is_ours =
                is_beside || holder.as_deref().is_some_and(|who| who.starts_with("ringress "));
            taken(&text, address, holder, is_ours)
        }
        (Err(error), _) if error.kind() == io::ErrorKind::PermissionDenied => Finding::error(
            format!("{text}: {error}"),
            "run as root, with CAP_NET_BIND_SERVICE, or with sysctl \
             net.ipv4.ip_unprivileged_port_start=0",
        ),
        (Err(error), _) => Finding::error(
            format!("{text}: {error}"),
            "use an address of this machine, or leave the host away: `:80`",
        ),
    }
}

fn taken(text: &str, address: SocketAddr, holder: Option<String>, is_ours: bool) -> Finding {
    let who = holder.map_or("somebody".to_owned(), |who| who);
    if !is_ours {
        return Finding::error(
            format!("{text}: {who} listens there"),
            "stop that one, or choose another port",
        );
    }
    let mut local = address;
    if local.ip().is_unspecified() {
        local.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    match TcpStream::connect_timeout(&local, DIAL) {
        Ok(_) => Finding::fine(format!("{text}: a running ringress accepts connections")),
        Err(error) => Finding::error(
            format!("{text}: a running ringress listens but accepts nothing: {error}"),
            "look at its log and its load",
        ),
    }
}

/// Binds without sharing, and lets go again.
fn bind(address: SocketAddr) -> io::Result<()> {
    let socket =
        Socket::new(Domain::for_address(address), Type::STREAM.cloexec(), Some(Protocol::TCP))?;
    if let SocketAddr::V6(v6) = address {
        socket.set_only_v6(!v6.ip().is_unspecified())?;
    }
    // What merely waits for its last segments is in nobody's way.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())
}

/// Who listens on the port in this network namespace: `nginx (pid 12)`. Others' processes are
/// visible to root alone.
fn holder(port: u16) -> Option<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(fs::read_to_string);
    let inodes: BTreeSet<String> =
        tables.iter().flatten().flat_map(|table| listeners(table, port)).collect();
    let sockets: BTreeSet<String> =
        inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let name = process.file_name().to_string_lossy().into_owned();
        if !name.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let Ok(open) = fs::read_dir(process.path().join("fd")) else { continue };
        let has = open.flatten().any(|fd| {
            fs::read_link(fd.path()).is_ok_and(|to| sockets.contains(&*to.to_string_lossy()))
        });
        if has {
            let command = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("{} (pid {name})", command.trim()));
        }
    }
    None
}

/// Inodes of the sockets of a table that listen on the port.
fn listeners(table: &str, port: u16) -> Vec<String> {
    let local = format!(":{port:04X}");
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let listening = |row: &Vec<&str>| {
        row.get(1).is_some_and(|address| address.ends_with(&local))
            && row.get(3) == Some(&LISTENING)
    };
    rows.filter(listening).filter_map(|row| row.get(9).map(|&inode| inode.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn tables_of_the_kernel_are_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   \
                     uid  timeout inode\n   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 \
                     00:00000000 00000000     0        0 4711 1 0000000000000000 100 0 0 10 0\n   \
                     1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     \
                     0        0 4712 1 0000000000000000 20 4 30 10 -1\n";
        assert_eq!(listeners(table, 8080), ["4711"]);
        assert_eq!(listeners(table, 8081), [""; 0]);
    }

    #[test]
    fn who_has_a_port_is_named() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
        let address = listener.local_addr().expect("address");
        let pid = format!("(pid {})", std::process::id());
        let found = port("entry point web", address, false);
        assert!(found.text.contains(&pid), "{found:?}");
        drop(listener);
        assert_eq!(port("entry point web", address, false).verdict, Verdict::Fine);
        assert_eq!(port("entry point web", address, true).verdict, Verdict::Error);
    }

    #[test]
    fn an_address_of_another_machine_is_none_to_listen_on() {
        let found = port("API", SocketAddr::from(([192, 0, 2, 1], 80)), false);
        assert_eq!(found.verdict, Verdict::Error);
        assert!(found.remedy.contains("address of this machine"), "{found:?}");
    }
}
