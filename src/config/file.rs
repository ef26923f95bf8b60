//! The configuration file: found where Traefik looks for it, and flattened into settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::tree::{Setting, Source, setting};
use crate::document::{self, Format};
use crate::model::{Complaint, Severity};

/// Folders in which Traefik looks, in its order; a variable of the environment stands first.
const PLACES: &[(Option<&str>, &str)] = &[
    (None, "/etc/traefik"),
    (Some("XDG_CONFIG_HOME"), "traefik"),
    (Some("HOME"), ".config/traefik"),
    // Traefik 1's.
    (Some("HOME"), ".traefik"),
    (None, "."),
];

const NAMES: &[&str] = &["traefik.toml", "traefik.yaml", "traefik.yml"];

/// The settings of the file that is named, or else of the first that is found.
pub(super) fn settings(
    named: Option<&Setting>,
    env: &[(String, String)],
) -> Result<Vec<Setting>, Box<Complaint>> {
    let named_path = named.and_then(|named| named.value.as_deref()).map(str::trim);
    let path = match named_path.filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => match search(env) {
            Some(path) => path,
            None => return Ok(Vec::new()),
        },
    };
    read(&path).map_err(|(problem, remedy)| {
        Box::new(Complaint {
            severity: Severity::Error,
            subject: format!("file {}", path.display()),
            setting: named.map(|named| named.spelled.clone()).unwrap_or_default(),
            value: String::new(),
            problem,
            remedy,
        })
    })
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

fn read(path: &Path) -> Result<Vec<Setting>, (String, String)> {
    let format = Format::of(path).ok_or_else(|| {
        let problem = "is neither TOML nor YAML by its name".to_owned();
        (problem, "give it a name that ends in .toml, .yaml or .yml".to_owned())
    })?;
    let text = std::fs::read_to_string(path).map_err(|error| {
        (format!("cannot be read: {error}"), "see its path and rights".to_owned())
    })?;
    let value = document::parse(&text, format)
        .map_err(|broken| (format!("is broken at {broken}"), "mend it there".to_owned()))?;
    let mut found = Vec::new();
    flatten(&Source::File(path.display().to_string().into()), "", &value, &mut found);
    Ok(found)
}

/// Dotted names; a list of texts is one text with commas, a list of tables has numbers.
fn flatten(source: &Source, name: &str, value: &Value, to: &mut Vec<Setting>) {
    let below = |key: &str| if name.is_empty() { key.to_owned() } else { format!("{name}.{key}") };
    let mut leaf = |text: Option<String>| {
        if !name.is_empty() {
            to.push(setting(name, name, text.as_deref(), source.clone()));
        }
    };
    match value {
        // A section that is named exists.
        Value::Null => leaf(None),
        Value::Bool(switch) => leaf(Some(switch.to_string())),
        Value::Number(number) => leaf(Some(number.to_string())),
        Value::String(text) => leaf(Some(text.clone())),
        Value::Object(fields) if fields.is_empty() => leaf(None),
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| flatten(source, &below(key), value, to));
        }
        Value::Array(elements) if elements.iter().any(|element| element.is_object()) => {
            for (at, element) in elements.iter().enumerate() {
                flatten(source, &format!("{name}[{at}]"), element, to);
            }
        }
        Value::Array(elements) => {
            let texts: Vec<String> = elements
                .iter()
                .map(|element| element.as_str().map_or_else(|| element.to_string(), str::to_owned))
                .collect();
            leaf(Some(texts.join(",")));
        }
    }
}

/// What stands on the command line or in the environment and is not heard because of a file.
pub(super) fn unheard(settings: Vec<Setting>, path: &Arc<str>) -> Vec<Complaint> {
    let problem = format!("is ignored, because {path} is read, as Traefik has it");
    let all = settings.iter();
    all.map(|setting| setting.complain_of_name(&problem, "write it there, or take the file away"))
        .collect()
}
