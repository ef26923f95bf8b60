//! The binary: picks the subcommand; without one it is the load balancer, with Traefik's flags.

use std::process::ExitCode;

use ringress::{command, echo};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args: Vec<String> =
        std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    match args.first().map(String::as_str) {
        Some("check") => command::check::run(&args[1..]),
        Some("demo") => command::demo::run(args.into_iter().skip(1)),
        Some("doctor") => command::doctor::run(&args[1..]),
        Some("echo") => echo::run(args.into_iter().skip(1)),
        Some("ping") => command::ping::run(args.into_iter().skip(1)),
        Some("swarm") => command::swarm::run(args.into_iter().skip(1)),
        Some("top") => command::top::run(args.into_iter().skip(1)),
        Some("help" | "--help" | "-h") => command::help(),
        Some("version" | "--version") => command::version(),
        _ => command::serve::run(&args),
    }
}
