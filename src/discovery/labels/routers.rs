//! Raw settings of a router become a checked one; whatever is wrong disables this router alone.

use crate::config::value::Wrong;
use crate::model::{Dialect, Router, Severity};
use crate::route::grammar;

use super::World;
use super::raw::{Given, Voice};

/// Traefik keeps the priorities above for its internal routers.
const MAX_PRIORITY: i64 = i64::MAX - 1000;

/// What the labels of either family want of a router.
pub(super) struct Wanted {
    /// The grammar of the rule; the router's own dialect is the workload's.
    pub dialect: Dialect,
    /// The text, or why the default rule could not be made.
    pub rule: Result<String, (String, Wrong)>,
    pub rule_label: Option<Given>,
    /// `None` and 0: the length of the rule's text.
    pub priority: Option<i64>,
    pub entry_points: Option<Given>,
    /// A label that the router must not serve without.
    pub blocked: Option<Given>,
    /// Qualified.
    pub service: String,
}

/// The router without its name, which the family gives.
pub(super) fn check(world: &World, wanted: Wanted, voice: &mut Voice) -> Router {
    let mut disabled = None;
    let mut disable = |why: String| {
        disabled.get_or_insert(why);
    };
    let nothing = Given { label: String::new(), value: String::new() };
    let label = wanted.rule_label.unwrap_or(nothing);
    let (rule_text, parsed) = match wanted.rule {
        Ok(text) => match grammar::parse(wanted.dialect, &text) {
            Ok(parsed) => {
                for note in &parsed.notes {
                    voice.say_of(Severity::Warning, &label, note, "");
                }
                (text, Some(parsed))
            }
            Err(error) => {
                disable(format!("the rule is not understood: {error}"));
                let problem = format!("is a rule that is not understood: {}", error.problem);
                let problem = format!("{problem} at character {}", error.position);
                let given = Given { value: text.clone(), ..label };
                voice.say_of(Severity::Error, &given, problem, error.remedy);
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
    if let Some(given) = wanted.blocked {
        let what = blocker(&given);
        disable(format!("uses {what}, which is not supported yet"));
        let problem = "is not supported yet, and its router is disabled rather than served without";
        let named = Given { label: given.label, value: String::new() };
        voice.say_of(Severity::Error, &named, problem, "");
    }
    let entry_points = entry_points(world, wanted.entry_points.as_ref(), voice);
    if entry_points.is_empty() {
        disable("none of its entry points exists".to_owned());
    }
    let length = parsed.as_ref().map_or(0, |parsed| parsed.priority);
    let priority = wanted.priority.filter(|priority| *priority != 0).unwrap_or(length);
    if priority > MAX_PRIORITY {
        disable(format!("the priority {priority} is greater than {MAX_PRIORITY}"));
        let problem =
            format!("a priority is greater than {MAX_PRIORITY}, so its router is disabled");
        voice.say(Severity::Error, problem, "use a smaller one");
    }
    Router {
        name: String::new(),
        provider: world.settings.name.clone(),
        dialect: wanted.dialect,
        rule_text,
        rule: parsed.map(|parsed| parsed.rule),
        priority,
        entry_points,
        service: wanted.service,
        middlewares: Vec::new(),
        tls: None,
        disabled,
    }
}

/// What stands in the way, in the user's words.
fn blocker(given: &Given) -> String {
    let folded = given.label.to_ascii_lowercase();
    if folded.ends_with(".middlewares") {
        return format!("middleware {}", given.value.trim());
    }
    if folded.starts_with("traefik.http.") {
        return "tls".to_owned();
    }
    given.label.clone()
}

/// The named entry points that exist, in the spelling of the options; the defaults where none is
/// named, be it by an empty label.
fn entry_points(world: &World, given: Option<&Given>, voice: &mut Voice) -> Vec<String> {
    let named = given.map(|given| (given, crate::config::value::list(&given.value)));
    let Some((given, names)) = named.filter(|(_, names)| !names.is_empty()) else {
        return world.statics.default_entry_points.clone();
    };
    let mut found: Vec<String> = Vec::new();
    for name in names {
        let all = &world.statics.entry_points;
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
            }
        }
    }
    found
}
