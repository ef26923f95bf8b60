//! `ringress swarm`: what only an operator may have done to a swarm.

use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};

use crate::discovery::operate::{self, Outcome};

const SOCKET: &str = "unix:///var/run/docker.sock";

/// Exit codes: 0 if all is as wished, 1 if it could not be had, 2 for bad arguments.
pub fn run(args: impl IntoIterator<Item = String>) -> ExitCode {
    let matches = match command().try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let Some(("enable-io-uring", matches)) = matches.subcommand() else {
        return ExitCode::from(2);
    };
    let text = |name| matches.get_one::<String>(name).map(String::as_str).unwrap_or_default();
    let (service, endpoint) = (text("service"), text("endpoint"));
    let (allow, dry) = (!matches.get_flag("undo"), matches.get_flag("dry-run"));
    match operate::allow_io_uring(endpoint, service, allow, dry) {
        Ok(outcome) => {
            report(service, allow, &outcome);
            ExitCode::SUCCESS
        }
        Err(obstacle) => {
            eprintln!("ringress swarm enable-io-uring: {service}: {obstacle}");
            ExitCode::FAILURE
        }
    }
}

fn command() -> Command {
    let enable = Command::new("enable-io-uring")
        .about("Lets the containers of a service use io_uring, which Engine 25 and later forbid")
        .long_about(
            "Lets the containers of a service use io_uring, which the default seccomp profile of \
             Engine 25 and later forbids: sets ContainerSpec.Privileges.Seccomp to unconfined and \
             leaves everything else of the service as it is. The swarm then replaces its \
             containers by the service's own update rules. A stack file cannot say this: each \
             `docker stack deploy` takes it away again.\n\nUnconfined means that no system call \
             is filtered in these containers; a profile for the node that allows io_uring alone \
             is in tuning.md.",
        )
        .arg(Arg::new("service").value_name("SERVICE").required(true).help("Its name or id"))
        .arg(
            Arg::new("endpoint")
                .long("endpoint")
                .value_name("URL")
                .default_value(SOCKET)
                .help("The engine of a manager, with the right to change services"),
        )
        .arg(
            Arg::new("undo")
                .long("undo")
                .action(ArgAction::SetTrue)
                .help("Take it away again, if it is what this command sets"),
        )
        .arg(
            Arg::new("dry-run")
                .long("dry-run")
                .action(ArgAction::SetTrue)
                .help("Show what would change, and change nothing"),
        );
    Command::new("ringress swarm")
        .about("Changes in a swarm that only its operator may ask for")
        .no_binary_name(true)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(enable)
}

fn report(service: &str, allow: bool, outcome: &Outcome) {
    match outcome {
        Outcome::Unchanged if allow => println!("{service}: no seccomp filter already"),
        Outcome::Unchanged => println!("{service}: nothing to take away"),
        Outcome::Planned { from, to } => {
            println!("{service}: Privileges would change");
            println!("  from {from}");
            println!("  to   {to}");
        }
        Outcome::Changed { warnings } => {
            println!("{service}: changed; the swarm replaces its containers now");
            warnings.iter().for_each(|warning| println!("  the engine warns: {warning}"));
            if allow {
                println!("A later `docker stack deploy` takes it away: run this again after each.");
            }
        }
    }
}
