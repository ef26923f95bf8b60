//! `ringress ping`: the health check of the image, without a shell or curl in it.
//!
//! In a container the process to ask is number 1, and its own arguments say where it listens.
//! Where the ping endpoint was not asked for, a connection that is accepted has to do: an image
//! that calls a working process unhealthy would have Swarm kill it again and again.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, Command};

use super::first_process;
use crate::config;

const TIMEOUT: Duration = Duration::from_secs(1);

/// Where to ask, and how.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    /// `GET /ping` must be answered with 200.
    Ping(SocketAddr),
    /// A connection must be accepted.
    Accepts(SocketAddr),
}

/// Exit code 0 for a process that serves, 1 for one that does not, 2 for bad arguments.
pub fn run(args: impl IntoIterator<Item = String>) -> ExitCode {
    let command = Command::new("ringress ping")
        .about("Asks a running ringress whether it serves")
        .no_binary_name(true)
        .arg(Arg::new("address").long("address").value_name("IP:PORT").help(
            "Where its API listens [default: what process 1 was started with, else 127.0.0.1:8080]",
        ));
    let matches = match command.try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let target = match matches.get_one::<String>("address").map(|text| (text, text.parse())) {
        Some((_, Ok(address))) => Target::Ping(address),
        Some((text, Err(_))) => {
            eprintln!("ringress ping: --address={text:?} is not an address; use IP:PORT");
            return ExitCode::from(2);
        }
        None => target_of(&first_process::arguments().unwrap_or_default(), &environment()),
    };
    match ask(&target) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ringress ping: {target:?}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn ask(target: &Target) -> io::Result<()> {
    let (Target::Ping(address) | Target::Accepts(address)) = target;
    let mut stream = TcpStream::connect_timeout(address, TIMEOUT)?;
    if let Target::Ping(_) = target {
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.write_all(b"GET /ping HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
        let mut head = [0_u8; 12];
        stream.read_exact(&mut head)?;
        if !head.ends_with(b" 200") {
            let status = String::from_utf8_lossy(&head[8..]).trim().to_owned();
            return Err(io::Error::other(format!("answered {status}")));
        }
    }
    Ok(())
}

fn target_of(args: &[String], env: &[(String, String)]) -> Target {
    let default = Target::Ping(SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)));
    if args.first().is_none_or(|first| first == "echo") {
        return default;
    }
    let Ok(config) = config::load(args, env) else { return default };
    match (&config.api, config.entry_points.first()) {
        (Some(api), _) if api.ping => Target::Ping(first_process::reachable(api.address)),
        (_, Some(entry_point)) => Target::Accepts(first_process::reachable(entry_point.address)),
        _ => default,
    }
}

fn environment() -> Vec<(String, String)> {
    std::env::vars().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(args: &[&str]) -> Target {
        target_of(&args.iter().map(|&a| a.to_owned()).collect::<Vec<_>>(), &[])
    }

    #[test]
    fn the_target_follows_the_arguments() {
        let ping = |port| Target::Ping(SocketAddr::from(([127, 0, 0, 1], port)));
        assert_eq!(target(&[]), ping(8080));
        assert_eq!(target(&["echo"]), ping(8080));
        assert_eq!(target(&["--docker", "--web"]), ping(8080));
        assert_eq!(target(&["--docker", "--web", "--web.address=:9090"]), ping(9090));
        let plain = target(&["--providers.swarm", "--entrypoints.web.address=:8000"]);
        assert_eq!(plain, Target::Accepts(SocketAddr::from(([127, 0, 0, 1], 8000))));
    }
}
