//! Options of the access log.

use std::time::Duration;

use super::super::draft::{AccessDraft, Draft};
use super::super::options::Effect::{List, Switch, Text, Time};
use super::super::options::Family::{First, Later, Shared};
use super::super::options::Row;
use super::super::value::Wrong;
use super::{none, row};
use crate::model::{AccessFormat, AccessLog, HeaderMode, access_fields};
use crate::nearest::nearest;

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    row("accessLog", Shared, Switch(|d, _, on| d.access.section.set(on)), "write a line per request"),
    row("accessLog.filePath", Shared, Text(|d, _, v| { settings(d).path = path(v); Ok(none()) }), "a file, opened anew at SIGUSR1 (standard output)"),
    row("accessLogsFile", First, Text(|d, _, v| { settings(d).path = path(v); Ok(none()) }), "the same"),
    row("accessLog.format", Shared, Text(format), "common, genericCLF or json (common)"),
    row("accessLog.filters.statusCodes", Shared, List(statuses), "only of these statuses: 200,300-302"),
    row("accessLog.filters.retryAttempts", Shared, Switch(|d, _, on| settings(d).filters.retries = on), "only of requests that were tried again (false)"),
    row("accessLog.filters.minDuration", Shared, Time(min_duration), "only of requests that took longer"),
    row("accessLog.fields.defaultMode", Shared, Text(|d, _, v| { settings(d).keeps_fields = keeps(v)?; Ok(none()) }), "keep or drop the fields of JSON (keep)"),
    row("accessLog.fields.names", First, Text(names), "StartUTC=drop Duration=keep"),
    row("accessLog.fields.names.*", Later, Text(name), "keep or drop a field"),
    row("accessLog.fields.headers.defaultMode", Shared, Text(|d, _, v| { settings(d).header_mode = mode(v)?; Ok(none()) }), "keep, drop or redact header fields in JSON (drop)"),
    row("accessLog.fields.headers.names", First, Text(headers), "User-Agent=keep Authorization=redact"),
    row("accessLog.fields.headers.names.*", Later, Text(header), "keep, drop or redact a header field"),
    row("accessLog.fields.queryParameters.defaultMode", Later, Text(|d, _, v| { settings(d).keeps_query = keeps(v)?; Ok(none()) }), "keep or drop what is behind the ? (keep)"),
];

fn settings(draft: &mut Draft) -> &mut AccessLog {
    let AccessDraft { section, settings } = &mut draft.access;
    section.touch();
    settings
}

/// Standard output by its name is no file: it must not be made or moved.
fn path(text: &str) -> Option<std::path::PathBuf> {
    let text = text.trim();
    (!text.is_empty() && text != "/dev/stdout").then(|| text.into())
}

fn format(draft: &mut Draft, _: &str, text: &str) -> Result<Vec<String>, Wrong> {
    settings(draft).format = match text.trim().to_ascii_lowercase().as_str() {
        "common" => AccessFormat::Common,
        "genericclf" => AccessFormat::GenericClf,
        "json" => AccessFormat::Json,
        _ => {
            let problem = "is not a format of access logs";
            return Err(Wrong::new(problem, "use common, genericCLF or json"));
        }
    };
    Ok(none())
}

fn statuses(draft: &mut Draft, _: &str, ranges: Vec<String>) -> Result<(), Wrong> {
    for text in ranges {
        let (first, last) = text.split_once('-').unwrap_or((&text, &text));
        let status = |text: &str| text.trim().parse::<u16>().ok();
        match (status(first), status(last)) {
            (Some(first), Some(last)) if first <= last => {
                settings(draft).filters.statuses.push((first, last));
            }
            _ => {
                let problem = format!("holds {text:?}, which is neither a status nor a range");
                return Err(Wrong::new(problem, "use a list such as 200,300-302"));
            }
        }
    }
    Ok(())
}

fn min_duration(draft: &mut Draft, _: &str, time: Duration) {
    settings(draft).filters.min_duration = time;
}

fn keeps(text: &str) -> Result<bool, Wrong> {
    match text.trim().to_ascii_lowercase().as_str() {
        "keep" => Ok(true),
        "drop" => Ok(false),
        _ => Err(Wrong::new("is not one of the words that are possible", "use keep or drop")),
    }
}

fn mode(text: &str) -> Result<HeaderMode, Wrong> {
    match text.trim().to_ascii_lowercase().as_str() {
        "keep" => Ok(HeaderMode::Keep),
        "drop" => Ok(HeaderMode::Drop),
        "redact" => Ok(HeaderMode::Redact),
        _ => {
            let problem = "is not one of the words that are possible";
            Err(Wrong::new(problem, "use keep, drop or redact"))
        }
    }
}

fn name(draft: &mut Draft, name: &str, text: &str) -> Result<Vec<String>, Wrong> {
    let keeps = keeps(text)?;
    settings(draft).fields.insert(name.to_ascii_lowercase(), keeps);
    if access_fields().any(|field| field.eq_ignore_ascii_case(name)) {
        return Ok(none());
    }
    let near = nearest(name, access_fields());
    let hint = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
    Ok(vec![format!("names no field of the access log{hint}")])
}

fn header(draft: &mut Draft, name: &str, text: &str) -> Result<Vec<String>, Wrong> {
    let mode = mode(text)?;
    settings(draft).headers.insert(name.to_ascii_lowercase(), mode);
    Ok(none())
}

type Each = fn(&mut Draft, &str, &str) -> Result<Vec<String>, Wrong>;

fn names(draft: &mut Draft, _: &str, text: &str) -> Result<Vec<String>, Wrong> {
    pairs(draft, text, name)
}

fn headers(draft: &mut Draft, _: &str, text: &str) -> Result<Vec<String>, Wrong> {
    pairs(draft, text, header)
}

/// Traefik 1's form of a map: `a=b c=d`.
fn pairs(draft: &mut Draft, text: &str, each: Each) -> Result<Vec<String>, Wrong> {
    let mut notes = none();
    for pair in text.split([' ', ',']).filter(|pair| !pair.is_empty()) {
        let Some((name, word)) = pair.split_once('=') else {
            let problem = format!("holds {pair:?}, which has no =");
            return Err(Wrong::new(problem, "use a form such as StartUTC=drop Duration=keep"));
        };
        notes.extend(each(draft, name, word)?);
    }
    Ok(notes)
}
