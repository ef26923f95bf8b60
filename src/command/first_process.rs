//! The ringress that this container was started for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What process 1 was started with, without its name; `None` where that is no ringress: outside of
/// a container it is somebody else's.
pub fn arguments() -> Option<Vec<String>> {
    let line = std::fs::read("/proc/1/cmdline").unwrap_or_default();
    let mut args = line.split(|&b| b == 0).map(|arg| String::from_utf8_lossy(arg).into_owned());
    if !args.next()?.ends_with("ringress") {
        return None;
    }
    let mut args: Vec<String> = args.collect();
    // Behind the last terminator.
    args.pop();
    Some(args)
}

/// An address that stands for all of them is reached through the loopback of its family.
pub fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        // Dual-stack: IPv4 works even where the container has no IPv6 at all.
        IpAddr::V6(ip) if ip == Ipv6Addr::UNSPECIFIED => {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        _ => {}
    }
    address
}
