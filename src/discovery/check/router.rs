//! Raw settings of a router become a checked one; whatever is wrong disables this router alone.

use crate::config::value::Wrong;
use crate::dynamic::decode::below;
use crate::dynamic::http;
use crate::model::{Dialect, Router, Severity};
use crate::route::grammar;

use super::Origin;
use super::voice::{Given, Voice};

/// Traefik keeps the priorities above for its internal routers.
const MAX_PRIORITY: i64 = i64::MAX - 1000;

/// What is wanted of a router, in whatever language it was said.
pub struct Wanted {
    /// The grammar of the rule.
    pub dialect: Dialect,
    /// The text, or why the default rule could not be made.
    pub rule: Result<String, (String, Wrong)>,
    /// Empty for the default rule.
    pub rule_given: Given,
    /// `None` and 0: the length of the rule's text.
    pub priority: Option<i64>,
    pub entry_points: Given,
    /// What the router must not serve without: the setting, and what it is called.
    pub blocked: Option<(Given, String)>,
    /// Qualified.
    pub service: String,
}

/// A router of the later dialects. `service` is qualified; the rule comes apart, because it may
/// be a default.
pub fn router_of(
    origin: &Origin,
    name: &str,
    place: &str,
    wanted: &http::Router,
    (rule, service): (Result<String, (String, Wrong)>, String),
    voice: &mut Voice,
) -> Router {
    let given =
        |field: &str, value: &str| Given { label: below(place, field), value: value.to_owned() };
    let rule_given = match wanted.rule.as_str() {
        "" => Given::default(),
        text => given("rule", text),
    };
    let syntax = match wanted.rule_syntax.trim().to_ascii_lowercase().as_str() {
        "v2" => Some(Dialect::V2),
        "v3" => Some(Dialect::V3),
        "" => None,
        _ => {
            // Traefik takes it for none without a word.
            let wrong = Wrong::new("is no syntax of rules", "use v3, or v2");
            let given = given("ruleSyntax", &wanted.rule_syntax);
            let problem = format!("{}, so the usual one holds", wrong.problem);
            voice.say_of(Severity::Warning, &given, problem, wrong.remedy);
            None
        }
    };
    let dialect = match syntax {
        Some(syntax) => syntax,
        None if origin.dialect == Dialect::V3 && origin.statics.dialect == Dialect::V3 => {
            origin.statics.default_rule_syntax
        }
        None => origin.dialect,
    };
    let described = Wanted {
        dialect,
        rule,
        rule_given,
        priority: Some(wanted.priority),
        entry_points: given("entryPoints", &wanted.entry_points.join(",")),
        blocked: wanted.tls.as_ref().map(|_| (given("tls", ""), "tls".to_owned())),
        service,
    };
    let names = wanted.middlewares.iter().filter(|name| !name.trim().is_empty());
    Router {
        name: origin.qualified(name),
        middlewares: names.map(|name| origin.qualified(name)).collect(),
        tls: wanted.tls.as_ref().and_then(|tls| serde_json::to_value(tls).ok()),
        syntax,
        ..router(origin, described, voice)
    }
}

/// A router that could not be read.
pub fn broken_router(origin: &Origin, name: &str, why: String, voice: &Voice) -> Router {
    Router {
        name: origin.qualified(name),
        provider: origin.provider.to_owned(),
        source: voice.subject.to_owned(),
        dialect: origin.dialect,
        rule_text: String::new(),
        rule: None,
        priority: 0,
        precedence: origin.precedence(),
        entry_points: origin.statics.default_entry_points.clone(),
        lost_entry_points: Vec::new(),
        syntax: None,
        service: String::new(),
        middlewares: Vec::new(),
        tls: None,
        disabled: Some(why),
    }
}

/// The router without its name and its middlewares.
pub fn router(origin: &Origin, wanted: Wanted, voice: &mut Voice) -> Router {
    let mut disabled = None;
    let mut disable = |why: String| {
        disabled.get_or_insert(why);
    };
    let label = wanted.rule_given;
    let (rule_text, parsed) = match wanted.rule {
        Ok(text) => match grammar::parse(wanted.dialect, &text) {
            Ok(parsed) => {
                for note in &parsed.notes {
                    let (problem, remedy) = note.split_once("; ").unwrap_or((note, ""));
                    voice.say_of(Severity::Warning, &label, problem, remedy);
                }
                (text, Some(parsed))
            }
            Err(error) => {
                disable(format!("the rule is not understood: {error}"));
                let problem = format!("is a rule that is not understood: {}", error.problem);
                let problem = format!("{problem} at character {}", error.position);
                let given = Given { value: text.clone(), ..label };
                let remedy = Some(error.remedy).filter(|remedy| !remedy.is_empty());
                let remedy = remedy.unwrap_or_else(|| "correct the rule there".to_owned());
                voice.say_of(Severity::Error, &given, problem, remedy);
                (text, None)
            }
        },
        Err((template, wrong)) => {
            disable(format!("the default rule {}", wrong.problem));
            let problem = format!("the default rule {template:?} {}", wrong.problem);
            voice.say(Severity::Error, problem, wrong.remedy);
            (template, None)
        }
    };
    if let Some((given, what)) = wanted.blocked {
        disable(format!("uses {what}, which is not supported yet"));
        let problem = "is not supported yet, and its router is disabled rather than served without";
        let named = Given { label: given.label, value: String::new() };
        voice.say_of(Severity::Error, &named, problem, "");
    }
    let (entry_points, lost_entry_points) = entry_points(origin, &wanted.entry_points, voice);
    if entry_points.is_empty() {
        disable("none of its entry points exists".to_owned());
    }
    let length = i64::try_from(rule_text.len()).unwrap_or(i64::MAX);
    let priority = wanted.priority.filter(|priority| *priority != 0).unwrap_or(length);
    if priority > MAX_PRIORITY {
        disable(format!("the priority {priority} is greater than {MAX_PRIORITY}"));
        let problem =
            format!("a priority is greater than {MAX_PRIORITY}, so its router is disabled");
        voice.say(Severity::Error, problem, "use a smaller one");
    }
    Router {
        name: String::new(),
        source: voice.subject.to_owned(),
        provider: origin.provider.to_owned(),
        dialect: origin.dialect,
        rule_text,
        rule: parsed.map(|parsed| parsed.rule),
        precedence: origin.precedence(),
        priority,
        entry_points,
        lost_entry_points,
        syntax: None,
        service: wanted.service,
        middlewares: Vec::new(),
        tls: None,
        disabled,
    }
}

/// The named entry points that exist, in the spelling of the options, and those that do not; the
/// defaults where none is named, be it by an empty label.
fn entry_points(origin: &Origin, given: &Given, voice: &mut Voice) -> (Vec<String>, Vec<String>) {
    let names = crate::config::value::list(&given.value);
    if names.is_empty() {
        return (origin.statics.default_entry_points.clone(), Vec::new());
    }
    let (mut found, mut lost): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for name in names {
        let all = &origin.statics.entry_points;
        let exact = all.iter().find(|entry| entry.name == name);
        let entry = exact.or_else(|| all.iter().find(|e| e.name.eq_ignore_ascii_case(&name)));
        match entry {
            Some(entry) if !found.contains(&entry.name) => found.push(entry.name.clone()),
            Some(_) => {}
            None => {
                let names: Vec<&str> = all.iter().map(|entry| entry.name.as_str()).collect();
                let problem = format!("names the entry point {name}, which does not exist");
                let remedy = format!("the entry points are {}", names.join(", "));
                voice.say_of(Severity::Error, given, problem, remedy);
                lost.push(name);
            }
        }
    }
    (found, lost)
}
