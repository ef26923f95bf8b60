//! What was wrong with the configuration, where, and what would be right.

use std::fmt;

/// How much a [`Complaint`] costs the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Understood and ignored, or doubtful; everything still works.
    Warning,
    /// Something the user asked for does not happen: a router is disabled, a service is left out.
    Error,
}

/// One rejection: who, which setting, which value, what is wrong, what would be right.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Complaint {
    pub severity: Severity,
    /// The service, container or source of settings concerned: `mystack_app`, `command line`.
    pub subject: String,
    /// The label or option; empty when no single one is at fault.
    pub setting: String,
    /// Its value as written; empty when there is none.
    pub value: String,
    /// What is wrong, as a clause: `is not a port number`.
    pub problem: String,
    /// What would be right, as a clause: `use a number from 1 to 65535`; may be empty.
    pub remedy: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.subject)?;
        match (self.setting.is_empty(), self.value.is_empty()) {
            (false, false) => write!(f, "{}={:?} ", self.setting, self.value)?,
            (false, true) => write!(f, "{} ", self.setting)?,
            (true, _) => {}
        }
        f.write_str(&self.problem)?;
        if !self.remedy.is_empty() {
            write!(f, "; {}", self.remedy)?;
        }
        Ok(())
    }
}
