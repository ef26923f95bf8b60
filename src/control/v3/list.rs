//! Lists as the API gives them out: searched, sorted, and page by page.

use std::collections::HashMap;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

const NEXT_PAGE: HeaderName = HeaderName::from_static("x-next-page");
const PER_PAGE: usize = 100;

/// The parameters of a request for a list.
pub type Asked = HashMap<String, String>;

/// Fields of an element that `search` looks into, and those that numbers are sorted by.
pub struct Kind {
    pub searched: &'static [&'static str],
    pub sorted: &'static [&'static str],
}

pub const ROUTERS: Kind = Kind {
    searched: &["rule", "name"],
    sorted: &["name", "provider", "priority", "status", "rule", "service", "entryPoints"],
};
pub const SERVICES: Kind =
    Kind { searched: &["name"], sorted: &["name", "type", "provider", "status"] };
pub const MIDDLEWARES: Kind =
    Kind { searched: &["name"], sorted: &["name", "type", "provider", "status"] };
pub const ENTRY_POINTS: Kind = Kind { searched: &["name"], sorted: &["name"] };

/// The page that was asked for, and in a field which one comes next; 1 for none.
pub fn page(mut all: Vec<Value>, kind: &Kind, asked: &Asked) -> Response {
    all.retain(|one| is_wanted(one, kind, asked));
    sort(&mut all, kind, asked);
    let number = |name: &str, default: usize| match asked.get(name).map(String::as_str) {
        None | Some("") => Ok(default),
        Some(text) => match text.parse::<i64>() {
            Ok(number) if number > 0 => Ok(usize::try_from(number).unwrap_or(usize::MAX)),
            Ok(number) => Err(format!("invalid request: {name}: {number}")),
            Err(_) => Err(format!("invalid request: {name}: 0")),
        },
    };
    let (per_page, page) = match (number("per_page", PER_PAGE), number("page", 1)) {
        (Ok(per_page), Ok(page)) => (per_page, page),
        (Err(message), _) | (_, Err(message)) => return refuse(StatusCode::BAD_REQUEST, &message),
    };
    let start = (page - 1).saturating_mul(per_page);
    if start != 0 && start >= all.len() {
        let message = format!("invalid request: page: {page}, per_page: {per_page}");
        return refuse(StatusCode::BAD_REQUEST, &message);
    }
    let end = start.saturating_add(per_page).min(all.len());
    let next = if end < all.len() { page + 1 } else { 1 };
    let shown: Vec<Value> = all.drain(start..end).collect();
    ([(NEXT_PAGE, HeaderValue::from(next))], axum::Json(shown)).into_response()
}

/// What is wrong, in Traefik's form: JSON that calls itself a text.
pub fn refuse(status: StatusCode, message: &str) -> Response {
    let body = format!("{}\n", json!({ "message": message }));
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response()
}

fn text<'a>(one: &'a Value, field: &str) -> &'a str {
    one.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn is_wanted(one: &Value, kind: &Kind, asked: &Asked) -> bool {
    let given = |name: &str| asked.get(name).map(String::as_str).filter(|text| !text.is_empty());
    let has_status = |status: &str| text(one, "status").eq_ignore_ascii_case(status);
    let found = |search: &str| {
        let search = search.to_lowercase();
        kind.searched.iter().any(|field| text(one, field).to_lowercase().contains(&search))
    };
    // A name without its provider means the one of that provider.
    let leads_to = |wanted: &str| match text(one, "service") {
        service if service.contains('@') => service == wanted,
        service => wanted.split('@').next() == Some(service),
    };
    let uses = |wanted: &str| {
        let middlewares = one.get("middlewares").and_then(Value::as_array);
        middlewares.is_some_and(|names| names.iter().any(|name| name == wanted))
    };
    given("status").is_none_or(has_status)
        && given("search").is_none_or(found)
        && given("serviceName").is_none_or(leads_to)
        && given("middlewareName").is_none_or(uses)
}

fn sort(all: &mut [Value], kind: &Kind, asked: &Asked) {
    let by = asked.get("sortBy").map_or("name", String::as_str);
    let by = if kind.sorted.contains(&by) { by } else { "name" };
    all.sort_by(|a, b| {
        let order = match (a.get(by), b.get(by)) {
            (Some(Value::Number(a)), Some(Value::Number(b))) => a.as_i64().cmp(&b.as_i64()),
            (Some(Value::Array(a)), Some(Value::Array(b))) => a.len().cmp(&b.len()),
            _ => text(a, by).cmp(text(b, by)),
        };
        order.then_with(|| text(a, "name").cmp(text(b, "name")))
    });
    if asked.get("direction").is_some_and(|direction| direction == "desc") {
        all.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routers() -> Vec<Value> {
        let router = |name: &str, rule: &str, priority: i64, status: &str| {
            json!({ "name": name, "rule": rule, "priority": priority, "status": status,
                "service": "app", "middlewares": ["m@file"], "entryPoints": ["web"] })
        };
        vec![
            router("c@file", "Host(`C.example`)", 10, "enabled"),
            router("a@file", "Path(`/`)", 9, "disabled"),
            router("b@file", "Host(`b.example`)", 9, "enabled"),
        ]
    }

    fn names(query: &str) -> (String, Result<Vec<String>, String>) {
        let asked: Asked =
            form_urlencoded::parse(query.as_bytes()).map(|(k, v)| (k.into(), v.into())).collect();
        let response = page(routers(), &ROUTERS, &asked);
        let next = response.headers().get(&NEXT_PAGE).map(|next| next.to_str().unwrap().to_owned());
        let body = response.into_body();
        let body = futures_util::FutureExt::now_or_never(axum::body::to_bytes(body, 1 << 20));
        let body: Value = serde_json::from_slice(&body.unwrap().unwrap()).unwrap();
        let names = match &body {
            Value::Array(all) => Ok(all.iter().map(|one| text(one, "name").to_owned()).collect()),
            other => Err(text(other, "message").to_owned()),
        };
        (next.unwrap_or_default(), names)
    }

    #[test]
    fn lists_are_searched_sorted_and_cut_into_pages() {
        for (query, next, expected) in [
            ("", "1", "a@file b@file c@file"),
            ("per_page=2", "2", "a@file b@file"),
            ("per_page=2&page=2", "1", "c@file"),
            ("per_page=3&page=1", "1", "a@file b@file c@file"),
            ("search=EXAMPLE", "1", "b@file c@file"),
            ("search=a%40", "1", "a@file"),
            ("status=Disabled", "1", "a@file"),
            ("serviceName=app%40file&search=c.ex", "1", "c@file"),
            ("serviceName=other%40file", "1", ""),
            ("middlewareName=m%40file&per_page=1", "2", "a@file"),
            ("middlewareName=x%40file", "1", ""),
            ("sortBy=priority&direction=desc", "1", "c@file b@file a@file"),
            ("sortBy=status", "1", "a@file b@file c@file"),
            ("sortBy=nonsense&direction=asc", "1", "a@file b@file c@file"),
        ] {
            let (found_next, found) = names(query);
            let expected: Vec<String> = expected.split_whitespace().map(str::to_owned).collect();
            assert_eq!((found_next.as_str(), found), (next, Ok(expected)), "{query}");
        }
        for (query, message) in [
            ("page=9", "invalid request: page: 9, per_page: 100"),
            ("page=0", "invalid request: page: 0"),
            ("per_page=-1", "invalid request: per_page: -1"),
            ("per_page=x", "invalid request: per_page: 0"),
        ] {
            assert_eq!(names(query).1, Err(message.to_owned()), "{query}");
        }
    }
}
