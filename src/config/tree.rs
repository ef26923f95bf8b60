//! Stage one: arguments, environment and file become one flat tree of dotted lower-case keys.
//!
//! Nothing is judged here but the shape of an argument; what a key means is stage two's affair.

use std::sync::Arc;

use crate::model::{Complaint, Severity};

use super::secret::shown_value;
use super::{entrypoint, file, options};

/// One setting as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    /// Dotted and in lower case: `entrypoints.web.address`.
    pub key: String,
    /// The same segments as the user spelled them: names of entry points keep their case.
    pub segments: Vec<String>,
    /// As the user gave it: `--entryPoints.web.address`, `TRAEFIK_ENTRYPOINTS_WEB_ADDRESS`.
    pub spelled: String,
    /// `None` for a flag without a value, which means true where that makes sense.
    pub value: Option<String>,
    /// An element of a file's list, which holds no list itself.
    pub is_element: bool,
    pub source: Source,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Flags,
    Environment,
    /// The line is 0 where it is not known.
    File {
        path: Arc<str>,
        line: usize,
    },
}

impl Setting {
    /// Another option in the way in which this one was given.
    pub fn like(&self, name: &str) -> String {
        match self.source {
            Source::Flags => format!("--{name}"),
            Source::Environment => format!("TRAEFIK_{}", name.replace('.', "_").to_uppercase()),
            Source::File { .. } => name.to_owned(),
        }
    }

    /// The same without the value: it is not the value that is wrong, and it may be a secret.
    pub fn complain_of_name(&self, problem: &str, remedy: impl Into<String>) -> Complaint {
        let value = String::new();
        Complaint { value, ..self.complain(Severity::Warning, problem, remedy) }
    }

    pub fn complain(
        &self,
        severity: Severity,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Complaint {
        Complaint {
            severity,
            subject: match &self.source {
                Source::Flags => "command line".to_owned(),
                Source::Environment => "environment".to_owned(),
                Source::File { path, line: 0 } => format!("file {path}"),
                Source::File { path, line } => format!("file {path}:{line}"),
            },
            setting: self.spelled.clone(),
            value: shown_value(&self.key, self.value.as_deref().unwrap_or_default()),
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }
}

/// The short forms that Traefik 1 has, and what they stand for.
const SHORT: &[(&str, &str)] = &[("-c", "configFile"), ("-d", "debug"), ("-l", "logLevel")];

/// Our own variables, which hold whatever else is given.
const OWN: &[(&str, &str)] = &[
    ("RINGRESS_DRIVER", "ringress.driver"),
    ("RINGRESS_WORKERS", "ringress.workers"),
    ("RINGRESS_HANDOVER", "ringress.handover"),
];

/// All settings, those that count more behind the others.
///
/// Traefik 2 and 3 never merge their sources: a file makes them deaf to every flag, and a flag to
/// every `TRAEFIK_*` variable, without a word. What was never in force must not come into force
/// with another image, so it is the same here, and said. Traefik 1 puts its flags over its file.
pub(super) fn gather(args: &[String], env: &[(String, String)]) -> (Vec<Setting>, Vec<Complaint>) {
    let mut complaints = Vec::new();
    let flags = from_flags(args, &mut complaints);
    let variables = from_environment(env);
    let named = flags.iter().chain(&variables).rfind(|setting| setting.key == "configfile");
    let file = file::settings(named, env);
    complaints.extend(file.complaints);
    let mut expanded = |all: Vec<Setting>| -> Vec<Setting> {
        all.into_iter().flat_map(|one| entrypoint::expand(one, &mut complaints)).collect()
    };
    let (mut flags, mut variables) = (expanded(flags), expanded(variables));
    if let Some(path) = &file.path {
        let because = format!("because {path} is read");
        let remedy = "write it there, or take the file away";
        complaints.extend(silence(&mut variables, &because, remedy));
        if !options::is_first(file.settings.iter().chain(&flags)) {
            complaints.extend(silence(&mut flags, &because, remedy));
        }
    }
    if flags.iter().any(is_traefiks) {
        let because = "because options are given on the command line";
        complaints.extend(silence(&mut variables, because, "use one of both"));
    }
    let mut tree: Vec<Setting> = Vec::new();
    for (name, value) in env {
        if let Some((_, key)) = OWN.iter().find(|(own, _)| own == name) {
            tree.push(setting(key, name, Some(value), Source::Environment));
        }
    }
    for stronger in [variables, file.settings, flags] {
        tree.retain(|weaker| !stronger.iter().any(|setting| setting.key == weaker.key));
        tree.extend(stronger);
    }
    (tree, complaints)
}

/// Our own options say nothing about Traefik's, so they silence none of them.
fn is_traefiks(setting: &Setting) -> bool {
    !setting.key.starts_with("ringress.") && setting.key != "configfile"
}

/// Takes Traefik's options out, and names them.
fn silence(lost: &mut Vec<Setting>, because: &str, remedy: &str) -> Option<Complaint> {
    let lost: Vec<Setting> = lost.extract_if(.., |setting| is_traefiks(setting)).collect();
    let names: Vec<&str> = lost.iter().map(|setting| setting.spelled.as_str()).collect();
    let all = Setting { spelled: names.join(", "), ..lost.first()?.clone() };
    let verb = if lost.len() == 1 { "is" } else { "are" };
    Some(all.complain_of_name(&format!("{verb} ignored, {because}, as Traefik has it"), remedy))
}

pub(super) fn setting(name: &str, spelled: &str, value: Option<&str>, source: Source) -> Setting {
    Setting {
        key: name.to_lowercase(),
        segments: name.split('.').map(str::to_owned).collect(),
        spelled: spelled.to_owned(),
        value: value.map(str::to_owned),
        is_element: false,
        source,
    }
}

fn from_environment(env: &[(String, String)]) -> Vec<Setting> {
    let mut found: Vec<Setting> = env
        .iter()
        .filter_map(|(name, value)| {
            let path = name.strip_prefix("TRAEFIK_").filter(|path| !path.is_empty())?;
            let mut dotted = String::new();
            for segment in path.to_lowercase().split('_') {
                // An element of a list: TRAEFIK_..._DOMAINS_0_MAIN.
                match segment.parse::<u32>() {
                    Ok(index) => dotted.push_str(&format!("[{index}]")),
                    Err(_) if dotted.is_empty() => dotted.push_str(segment),
                    Err(_) => dotted.push_str(&format!(".{segment}")),
                }
            }
            Some(setting(&dotted, name, Some(value), Source::Environment))
        })
        .collect();
    // The order of an environment is nobody's intention.
    found.sort_by(|a, b| a.spelled.cmp(&b.spelled));
    found
}

fn from_flags(args: &[String], complaints: &mut Vec<Complaint>) -> Vec<Setting> {
    let mut found = Vec::new();
    let mut rest = args.iter().map(|arg| bare(arg)).filter(|arg| !arg.is_empty()).peekable();
    // The original image's entry point takes its own name as the first argument as well.
    rest.next_if(|arg| matches!(*arg, "traefik" | "ringress"));
    while let Some(arg) = rest.next() {
        let (spelled, mut value) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (arg, None),
        };
        let short = SHORT.iter().find(|(short, _)| *short == spelled).map(|(_, name)| *name);
        // Go's flags have one dash or two.
        let dashed = spelled.strip_prefix('-').map(|name| name.strip_prefix('-').unwrap_or(name));
        let Some(name) = short.or(dashed).filter(|name| !name.is_empty()) else {
            let stray = setting("", arg, None, Source::Flags);
            complaints.push(stray.complain_of_name("is not an option", "write --name=value"));
            continue;
        };
        if value.is_none() && options::takes_value(&name.to_lowercase()) {
            // As Traefik's own flag reader does for options that are no switches.
            value = rest.next_if(|next| !next.starts_with('-'));
        }
        found.push(setting(name, spelled, value, Source::Flags));
    }
    found
}

/// An argument without the traces of a shell's line continuation.
///
/// A `command:` over several lines with backslashes reaches the process as lone `\` arguments,
/// or, from other readers of compose files, as arguments that start with an escaped blank.
fn bare(arg: &str) -> &str {
    let arg = arg.trim();
    if arg.starts_with(['\\', '\n']) {
        arg.trim_start_matches(['\\', ' ', '\n', '\r'])
    } else {
        arg
    }
}
