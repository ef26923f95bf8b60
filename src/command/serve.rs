//! The load balancer itself: arguments, configuration, process, exit code.

use std::process::ExitCode;

use crate::config;
use crate::process::{Process, Source};

/// Serves until a stop signal. Exit codes: 0 after an orderly stop, 1 if it could not start, 2 if
/// an option has a bad value.
pub fn run(args: &[String]) -> ExitCode {
    let env: Vec<(String, String)> = std::env::vars_os()
        .map(|(k, v)| (k.to_string_lossy().into_owned(), v.to_string_lossy().into_owned()))
        .collect();
    let config = match config::load(args, &env) {
        Ok(config) => config,
        Err(complaints) => {
            for complaint in complaints {
                eprintln!("ringress: {complaint}");
            }
            return ExitCode::from(2);
        }
    };
    match Process::start(config, Source::Docker) {
        Ok(process) => process.run_until_stopped(),
        Err(error) => {
            // Also when the log goes elsewhere or is turned down: whoever starts us looks here.
            eprintln!("ringress: {error}");
            ExitCode::FAILURE
        }
    }
}
