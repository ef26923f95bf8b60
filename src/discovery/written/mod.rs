//! Configuration that is written out: in files, or as answers of an HTTP server.
//!
//! A text that is broken changes nothing: what was last understood of it stands, beside a
//! complaint that says where it is broken.

mod file;
mod http;
mod names;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::{self, Static};
use crate::document::{self, Format};
use crate::dynamic::tree::{Node, TooDeep};
use crate::dynamic::{self, Configuration};
use crate::model::{Complaint, Dialect, Model, Severity};
use crate::nearest::nearest;

use super::check::{self, Names, Origin, Voice};

/// A provider of written configuration.
#[derive(Debug, Clone)]
pub struct Written {
    pub statics: Arc<Static>,
    pub source: Source,
}

#[derive(Debug, Clone)]
pub enum Source {
    File(config::File),
    Http(config::Http),
}

/// Where a provider puts what it found out.
pub trait Desk {
    fn put(&self, model: Model);
    /// All of it was read, from so many texts.
    fn read(&self, texts: usize);
    fn lost(&self, why: &str);
}

impl Written {
    /// All that the settings ask for.
    pub fn all(statics: &Arc<Static>) -> Vec<Self> {
        let file = statics.file.clone().map(Source::File);
        let http = statics.http.clone().map(Source::Http);
        let sources = file.into_iter().chain(http);
        sources.map(|source| Self { statics: Arc::clone(statics), source }).collect()
    }

    /// The name behind the `@`.
    pub fn name(&self) -> &'static str {
        match self.source {
            Source::File(_) => "file",
            Source::Http(_) => "http",
        }
    }

    /// Where it is read.
    pub fn endpoint(&self) -> String {
        match &self.source {
            Source::File(file) => file.path.display().to_string(),
            Source::Http(http) => http.endpoint.clone(),
        }
    }

    /// Follows it for ever.
    pub async fn follow(&self, desk: &impl Desk) {
        let mut texts = Texts::new(self.name(), &self.statics);
        texts.is_own = matches!(&self.source, Source::File(file) if file.is_own);
        match &self.source {
            Source::File(file) => file::follow(file, texts, desk).await,
            Source::Http(http) => http::follow(http, texts, desk).await,
        }
    }
}

/// What is known of each text, by what it is called: a path, a URL.
struct Texts<'a> {
    origin: Origin<'a>,
    understood: BTreeMap<String, Configuration>,
    broken: BTreeMap<String, Complaint>,
    /// They hold the static configuration, too, which somebody else has read.
    is_own: bool,
}

impl<'a> Texts<'a> {
    fn new(provider: &'a str, statics: &'a Static) -> Self {
        let dialect = match statics.dialect {
            Dialect::V2 => Dialect::V2,
            Dialect::V1 | Dialect::V3 => Dialect::V3,
        };
        let origin = Origin { provider, dialect, statics };
        Self { origin, understood: BTreeMap::new(), broken: BTreeMap::new(), is_own: false }
    }

    /// Takes a text in, or notes why not.
    fn take(&mut self, subject: &str, text: &str, format: Format) {
        match understand(text, format, self.is_own) {
            Ok(configuration) => {
                self.broken.remove(subject);
                self.understood.insert(subject.to_owned(), configuration);
            }
            Err((problem, remedy)) => self.break_off(subject, &problem, &remedy),
        }
    }

    /// The text cannot be had, or not be understood.
    fn break_off(&mut self, subject: &str, problem: &str, remedy: &str) {
        let stands = match self.understood.contains_key(subject) {
            true => "; what it said before stands",
            false => "",
        };
        let complaint = Complaint {
            severity: Severity::Error,
            subject: subject.to_owned(),
            setting: String::new(),
            value: String::new(),
            problem: format!("{problem}{stands}"),
            remedy: remedy.to_owned(),
        };
        self.broken.insert(subject.to_owned(), complaint);
    }

    /// Forgets all but these.
    fn keep(&mut self, subjects: &BTreeSet<String>) {
        self.understood.retain(|subject, _| subjects.contains(subject));
        self.broken.retain(|subject, _| subjects.contains(subject));
    }

    fn host_names(&self) -> BTreeSet<String> {
        self.understood.values().flat_map(check::host_names).collect()
    }

    /// The model of all texts together. A name that several define is the first one's.
    fn model(&self, names: &Names) -> Model {
        let mut model = Model::default();
        model.complaints.extend(self.broken.values().cloned());
        for (subject, wanted) in &self.understood {
            let mut complaints = Vec::new();
            let mut voice = Voice { subject, complaints: &mut complaints };
            let own = check::whole(&self.origin, wanted, names, &mut voice);
            let mut twice = Vec::new();
            merge("router", &mut model.routers, own.routers, &mut twice);
            merge("service", &mut model.services, own.services, &mut twice);
            merge("service", &mut model.groups, own.groups, &mut twice);
            merge("middleware", &mut model.middlewares, own.middlewares, &mut twice);
            merge("servers transport", &mut model.transports, own.transports, &mut twice);
            for what in twice {
                let problem = format!("the {what} is defined in an earlier file too, which holds");
                voice.say(Severity::Error, problem, "give each its own name");
            }
            model.complaints.append(&mut complaints);
        }
        model
    }
}

fn merge<T>(
    kind: &str,
    to: &mut BTreeMap<String, T>,
    from: BTreeMap<String, T>,
    twice: &mut Vec<String>,
) {
    for (name, one) in from {
        match to.contains_key(&name) {
            true => twice.push(format!("{kind} {name}")),
            false => drop(to.insert(name, one)),
        }
    }
}

/// A text as a configuration; the error is a problem and a remedy.
fn understand(text: &str, format: Format, is_own: bool) -> Result<Configuration, (String, String)> {
    if let Some(line) = text.lines().position(|line| line.contains("{{")) {
        let problem =
            format!("holds a Go template in line {}, which is not supported yet", line + 1);
        return Err((problem, "write it out".to_owned()));
    }
    let value = document::parse(text, format)
        .map_err(|broken| (format!("is broken at {broken}"), "mend it there".to_owned()))?;
    let root = Node::of_json("", &value)
        .map_err(|TooDeep| ("is nested too deep".to_owned(), String::new()))?;
    let mut configuration = dynamic::read(&root, "");
    for node in &root.below {
        let families = ["http", "tcp", "udp", "tls", "frontends", "backends"];
        if !is_own && !families.iter().any(|family| node.name.eq_ignore_ascii_case(family)) {
            configuration.unknown.push(dynamic::decode::Unknown {
                setting: node.name.clone(),
                nearest: nearest(&node.name, families).map(str::to_owned),
            });
        }
    }
    Ok(configuration)
}
