//! The subcommands that are more than a call into another room.

pub mod check;
pub mod demo;
pub mod doctor;
mod first_process;
pub mod ping;
pub mod serve;
pub mod swarm;
pub mod top;

use std::process::ExitCode;

/// Prints what can be asked for.
pub fn help() -> ExitCode {
    println!(
        "ringress {} - a load balancer on io_uring in the place of Traefik\n\n\
         Usage:\n  \
         ringress [FLAGS]   serve; the flags are Traefik's (1.7, 2 and 3)\n  \
         ringress check [FLAGS]   print what the flags, variables and files come to; 2 if it would \
         not start\n  \
         ringress doctor [FLAGS]   look at the machine, the ports, the Docker API and every \
         backend; say what is wrong and what would be right\n  \
         ringress swarm enable-io-uring SERVICE   let the containers of a service use io_uring \
         (--help for more)\n  \
         ringress demo      show it on this machine, with backends of its own (--help for more)\n  \
         ringress echo      be a backend that prints what it was asked\n  \
         ringress ping      ask the ringress of this container whether it serves (health check)\n  \
         ringress top       show in a terminal what a running ringress does (--help for more)\n  \
         ringress version\n\n{}",
        env!("CARGO_PKG_VERSION"),
        crate::config::help()
    );
    ExitCode::SUCCESS
}

/// Prints the version.
pub fn version() -> ExitCode {
    println!("ringress {}", env!("CARGO_PKG_VERSION"));
    ExitCode::SUCCESS
}
