//! The configuration file: found where Traefik looks for it, and flattened into settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::tree::{Setting, Source, setting};
use crate::document::{self, Format, Node, Tree};
use crate::model::{Complaint, Severity};

/// Folders in which Traefik looks, in its order; a variable of the environment stands first.
const PLACES: &[(Option<&str>, &str)] = &[
    (None, "/etc/traefik"),
    (Some("XDG_CONFIG_HOME"), ""),
    (Some("HOME"), ".config"),
    // Traefik 1's.
    (Some("HOME"), ".traefik"),
    (None, "."),
];

const NAMES: &[&str] = &["traefik.toml", "traefik.yaml", "traefik.yml"];

/// Tables of dynamic configuration: Traefik 1 has them in the same file, the later ones never.
const DYNAMIC: &[&str] = &["backends", "frontends", "http", "tcp", "udp", "tls"];

/// Those of Traefik 1.
const FIRST: &[&str] = &["backends", "frontends"];

/// What a file says.
#[derive(Default)]
pub(super) struct Read {
    /// Without one, none was named and none found, or it could not be read.
    pub path: Option<Arc<str>>,
    pub settings: Vec<Setting>,
    pub complaints: Vec<Complaint>,
    /// It says `[file]` and names no other (Traefik 1): somebody else reads its frontends.
    is_dynamic: bool,
}

/// The settings of the file that is named, or else of the first that is found.
pub(super) fn settings(named: Option<&Setting>, env: &[(String, String)]) -> Read {
    let named_path = named.and_then(|named| named.value.as_deref()).map(str::trim);
    let path = match named_path.filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => match search(env) {
            Some(path) => path,
            None => return Read::default(),
        },
    };
    let name: Arc<str> = path.display().to_string().into();
    let mut found = Read::default();
    match read(&path) {
        Ok(fields) => {
            found.path = Some(Arc::clone(&name));
            found.is_dynamic = fields.iter().any(|(key, node)| is_itself(key, node));
            for (key, node) in &fields {
                found.take(&name, key, node);
            }
        }
        Err((place, problem, remedy)) => found.complaints.push(Complaint {
            severity: Severity::Error,
            subject: format!("file {name}{place}"),
            setting: named.map(|named| named.spelled.clone()).unwrap_or_default(),
            value: String::new(),
            problem,
            remedy: remedy.to_owned(),
        }),
    }
    found
}

fn search(env: &[(String, String)]) -> Option<PathBuf> {
    let variable = |name: &str| {
        let found = env.iter().find(|(other, value)| other == name && !value.is_empty());
        found.map(|(_, value)| PathBuf::from(value))
    };
    PLACES
        .iter()
        .filter_map(|(base, folder)| match base {
            Some(base) => variable(base).map(|base| base.join(folder)),
            None => Some(PathBuf::from(folder)),
        })
        .flat_map(|folder| NAMES.iter().map(move |name| folder.join(name)))
        .find(|path| path.is_file())
}

/// `[file]` that names neither a file nor a folder.
fn is_itself(key: &str, node: &Node) -> bool {
    let named = |(name, _): &(String, Node)| {
        ["filename", "directory"].iter().any(|known| name.eq_ignore_ascii_case(known))
    };
    match &node.tree {
        Tree::Table(fields) => key.eq_ignore_ascii_case("file") && !fields.iter().any(named),
        _ => false,
    }
}

type Fields = Vec<(String, Node)>;

/// What is wrong comes with its place, if there is one, and with what would be right.
fn read(path: &Path) -> Result<Fields, (String, String, &'static str)> {
    let nowhere = String::new;
    let format = Format::of(path).ok_or_else(|| {
        let problem = "is neither TOML nor YAML by its name".to_owned();
        (nowhere(), problem, "give it a name that ends in .toml, .yaml or .yml")
    })?;
    let text = std::fs::read_to_string(path).map_err(|error| {
        (nowhere(), format!("cannot be read: {error}"), "see its path and rights")
    })?;
    let node = document::tree(&text, format).map_err(|broken| {
        let place = match broken.line {
            0 => nowhere(),
            line => format!(":{line}:{}", broken.column),
        };
        (place, format!("is broken: {}", broken.problem), "mend it there")
    })?;
    match node.tree {
        Tree::Table(fields) => Ok(fields),
        _ => Err((nowhere(), "holds no names".to_owned(), "write name: value")),
    }
}

impl Read {
    fn take(&mut self, path: &Arc<str>, key: &str, node: &Node) {
        let source = |line| Source::File { path: Arc::clone(path), line };
        if self.is_dynamic && FIRST.contains(&key) {
            return;
        }
        if DYNAMIC.contains(&key) && !matches!(node.tree, Tree::Scalar(_)) {
            let names = match &node.tree {
                Tree::Table(fields) => fields.iter().map(|(name, _)| name.as_str()).collect(),
                _ => Vec::new(),
            };
            let problem = match names.is_empty() {
                true => "is dynamic configuration and is not read here".to_owned(),
                false => {
                    format!("({}) is dynamic configuration and is not read here", names.join(", "))
                }
            };
            let here = setting(key, key, None, source(node.line));
            let remedy = "move it to a file of --providers.file.filename";
            self.complaints.push(here.complain_of_name(&problem, remedy));
            return;
        }
        self.flatten(&source, key, node);
    }

    /// Dotted names; each text of a list is a setting of its own, a list of tables has numbers.
    fn flatten(&mut self, source: &dyn Fn(usize) -> Source, name: &str, node: &Node) {
        let at = |text: Option<&str>, line| setting(name, name, text, source(line));
        match &node.tree {
            Tree::Nothing => {
                let problem = "is empty, which says nothing, as Traefik has it";
                let remedy = format!("write {name}: {{}} to have it with its defaults");
                self.complaints.push(at(None, node.line).complain_of_name(problem, remedy));
            }
            Tree::Scalar(text) => self.settings.push(at(Some(text), node.line)),
            // A section that is named exists.
            Tree::Table(fields) if fields.is_empty() => self.settings.push(at(None, node.line)),
            Tree::Table(fields) => {
                for (key, node) in fields {
                    self.flatten(source, &format!("{name}.{key}"), node);
                }
            }
            Tree::List(nodes) => {
                for (index, node) in nodes.iter().enumerate() {
                    match &node.tree {
                        Tree::Scalar(text) => {
                            let element = Setting { is_element: true, ..at(Some(text), node.line) };
                            self.settings.push(element);
                        }
                        _ => self.flatten(source, &format!("{name}[{index}]"), node),
                    }
                }
            }
        }
    }
}
