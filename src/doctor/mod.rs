//! `ringress doctor`: what stands between this machine, this container, this swarm and a load
//! balancer at its best, each finding with what would be right.
//!
//! Every part gathers facts first and judges them in a pure function.

mod engine;
mod machine;
mod ports;

use std::fmt;

use crate::config::{self, Static};
use crate::model::{Complaint, Severity};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Fine,
    /// It works, but not as well as it could, or not everywhere.
    Warning,
    /// Something that was asked for does not work.
    Error,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub verdict: Verdict,
    pub text: String,
    /// What would be right; empty where nothing is to be done, or where the text says it.
    pub remedy: String,
}

impl Finding {
    fn fine(text: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Fine, text: text.into(), remedy: String::new() }
    }

    fn warning(text: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Warning, text: text.into(), remedy: remedy.into() }
    }

    fn error(text: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Error, text: text.into(), remedy: remedy.into() }
    }
}

impl From<&Complaint> for Finding {
    fn from(complaint: &Complaint) -> Finding {
        let verdict = match complaint.severity {
            Severity::Warning => Verdict::Warning,
            Severity::Error => Verdict::Error,
        };
        let value = config::secret::shown_value(&complaint.setting, &complaint.value);
        let remedy = complaint.remedy.clone();
        let text = Complaint { value, remedy: String::new(), ..complaint.clone() }.to_string();
        Finding { verdict, text, remedy }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.verdict {
            Verdict::Fine => "ok",
            Verdict::Warning => "warning",
            Verdict::Error => "error",
        };
        write!(f, "  {word:<8} {}", self.text)?;
        if !self.remedy.is_empty() {
            write!(f, "\n           → {}", self.remedy)?;
        }
        Ok(())
    }
}

/// What was found in one place.
#[derive(Debug)]
pub struct Chapter {
    pub title: String,
    pub findings: Vec<Finding>,
}

/// Looks at everything that `statics` needs. `is_beside` says that the process that serves runs
/// already and holds the ports.
pub fn examine(statics: &Static, is_beside: bool) -> Vec<Chapter> {
    let inspected: Vec<_> = statics
        .docker
        .iter()
        .map(|settings| (settings, crate::discovery::inspect::inspect(settings, statics)))
        .collect();
    let own = inspected.iter().find_map(|(_, inspection)| inspection.as_ref().ok());
    let own = own.and_then(|inspection| inspection.own_service.clone());
    let mut chapters = vec![
        Chapter {
            title: "machine".to_owned(),
            findings: machine::judge(&machine::gather(statics), own.as_deref()),
        },
        Chapter {
            title: "options".to_owned(),
            findings: statics.complaints.iter().map(Finding::from).collect(),
        },
        Chapter { title: "ports".to_owned(), findings: ports::look(statics, is_beside) },
    ];
    for (settings, inspection) in inspected {
        let findings = match inspection {
            Ok(inspection) => engine::judge(settings, &inspection),
            Err(error) => vec![Finding::error(format!("no runtime: {error}"), "")],
        };
        let endpoint = config::secret::without_credentials(&settings.endpoint);
        chapters.push(Chapter { title: format!("{} at {endpoint}", settings.name), findings });
    }
    chapters.retain(|chapter| !chapter.findings.is_empty());
    chapters
}
