//! `ringress check`: what the flags, variables and files come to, and what is wrong with them.

use std::process::ExitCode;

use crate::config;
use crate::model::{Complaint, Severity};

/// Prints each setting that holds with its source, and then every complaint. Exit codes: 0 if it
/// would start, 2 if not.
pub fn run(args: &[String]) -> ExitCode {
    let env: Vec<(String, String)> = std::env::vars_os()
        .map(|(k, v)| (k.to_string_lossy().into_owned(), v.to_string_lossy().into_owned()))
        .collect();
    let (statics, lines) = config::explained(args, &env);
    for line in lines {
        let value = if line.value.is_empty() { "\"\"" } else { &line.value };
        println!("{} = {value}  ({})", line.key, line.source);
    }
    for option in &statics.pointless {
        println!("note: {option} is taken and changes nothing here");
    }
    statics.complaints.iter().for_each(print);
    match statics.complaints.iter().any(|complaint| complaint.severity == Severity::Error) {
        false => ExitCode::SUCCESS,
        true => ExitCode::from(2),
    }
}

fn print(complaint: &Complaint) {
    let severity = match complaint.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let value = config::secret::shown_value(&complaint.setting, &complaint.value);
    println!("{severity}: {}", Complaint { value, ..complaint.clone() });
}
