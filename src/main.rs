//! The binary: picks the subcommand.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    match args.next().as_deref() {
        Some("echo") => ringress::echo::run(args),
        _ => {
            eprintln!("only `ringress echo` exists here yet");
            ExitCode::from(2)
        }
    }
}
