//! `ringress doctor`: what a serving process would meet here, and what to do about it.

use std::process::ExitCode;

use super::first_process;
use crate::config;
use crate::doctor::{self, Finding, Verdict};
use crate::model::Severity;

/// Prints every finding. Exit codes: 0 without an error among them, 1 with one, 2 if an option has
/// a bad value.
pub fn run(args: &[String]) -> ExitCode {
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        println!(
            "Looks at the machine, the ports, the Docker API and every backend.\n\n\
             Usage: ringress doctor [FLAGS]\n\n\
             The flags are those that ringress serves with. Without any, in a container whose \
             process 1 is a ringress,\nthose of that one are taken: docker exec CONTAINER ringress \
             doctor"
        );
        return ExitCode::SUCCESS;
    }
    let env: Vec<(String, String)> = std::env::vars_os()
        .map(|(k, v)| (k.to_string_lossy().into_owned(), v.to_string_lossy().into_owned()))
        .collect();
    let running = first_process::arguments().filter(|_| args.is_empty());
    let is_beside = running.is_some();
    if let Some(flags) = &running {
        println!("with the flags of process 1: {}", flags.join(" "));
    }
    let (statics, _) = config::explained(running.as_deref().unwrap_or(args), &env);
    let is_refused = statics.complaints.iter().any(|c| c.severity == Severity::Error);
    let mut worst = Verdict::Fine;
    if is_refused {
        println!("options");
        statics.complaints.iter().for_each(|complaint| println!("{}", Finding::from(complaint)));
        println!("\nIt would not start; correct these first.");
        return ExitCode::from(2);
    }
    if statics.docker.is_empty() {
        println!("no Docker provider among the flags: no engine is looked at");
    }
    for chapter in doctor::examine(&statics, is_beside) {
        println!("{}", chapter.title);
        for finding in chapter.findings {
            println!("{finding}");
            worst = worst.max(finding.verdict);
        }
    }
    match worst {
        Verdict::Error => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}
