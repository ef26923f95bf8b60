//! How settings are complained about.

use crate::config::value::Wrong;
use crate::dynamic::decode::{Flaw, Unknown};
use crate::model::{Complaint, Severity};

/// A setting as the user wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// A label's name, or the dotted path in a file.
    pub label: String,
    pub value: String,
}

/// The label's name behind `traefik.`, whose own case does not count.
pub fn below_traefik(label: &str) -> Option<&str> {
    let (head, path) = label.split_once('.')?;
    head.eq_ignore_ascii_case("traefik").then_some(path)
}

/// Speaks for one workload or file.
pub struct Voice<'a> {
    /// The workload's name, or the file's.
    pub subject: &'a str,
    pub complaints: &'a mut Vec<Complaint>,
}

impl Voice<'_> {
    pub fn say(
        &mut self,
        severity: Severity,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.say_of(severity, &Given::default(), problem, remedy);
    }

    pub fn say_of(
        &mut self,
        severity: Severity,
        given: &Given,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.complaints.push(Complaint {
            severity,
            subject: self.subject.to_owned(),
            setting: given.label.clone(),
            value: given.value.clone(),
            problem: problem.into(),
            remedy: remedy.into(),
        });
    }

    /// A bad value; `cost` says what it costs the user.
    pub fn reject(&mut self, given: &Given, wrong: Wrong, cost: &str) {
        let problem =
            if cost.is_empty() { wrong.problem } else { format!("{}, so {cost}", wrong.problem) };
        self.say_of(Severity::Error, given, problem, wrong.remedy);
    }

    /// A value that ended the decoding of an element.
    pub fn flaw(&mut self, flaw: &Flaw, cost: &str) {
        let given = Given { label: flaw.setting.clone(), value: flaw.value.clone() };
        self.reject(&given, Wrong::new(&flaw.problem, &flaw.remedy), cost);
    }

    /// Names the label without its value, which may be a secret (password hashes).
    pub fn not_yet(&mut self, given: &Given) {
        let named = Given { label: given.label.clone(), value: String::new() };
        let problem = "is known to Traefik but not supported yet, and is ignored";
        self.say_of(Severity::Warning, &named, problem, "");
    }

    pub fn unknown(&mut self, unknown: &Unknown, kind: &str) {
        let named = Given { label: unknown.setting.clone(), value: String::new() };
        let near = unknown.nearest.as_ref();
        let remedy = near.map(|near| format!("did you mean {near}?"));
        let remedy = remedy.unwrap_or_else(|| "correct its name, or remove it".to_owned());
        let problem = format!("is not a known {kind} and is ignored");
        self.say_of(Severity::Warning, &named, problem, remedy);
    }
}
