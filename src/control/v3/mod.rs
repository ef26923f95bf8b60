//! The API of the later dialects: `/api/rawdata`, `/api/overview`, `/api/entrypoints`,
//! `/api/http/…`, `/api/version`.

mod list;
mod shapes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::document::used_by;
use super::live::Shared;
use super::sampler::by_service;
use super::server::not_found;
use super::wording::rfc3339;
use crate::model::Model;
use crate::table::Snapshot;

/// `GET /api/rawdata`: everything as it stands. What there is nothing of is left out.
pub async fn rawdata(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let snapshot = shared.sources.store.snapshot();
    let named = |all: Vec<(&str, Value)>| -> Map<String, Value> {
        all.into_iter().map(|(name, view)| (name.to_owned(), view)).collect()
    };
    let routers = snapshot.model.routers.values();
    let routers = routers.map(|router| (router.name.as_str(), shapes::router(router))).collect();
    let mut raw = Map::new();
    for (kind, all) in [
        ("routers", named(routers)),
        ("middlewares", named(middleware_views(&snapshot))),
        ("services", named(service_views(&snapshot))),
    ] {
        if !all.is_empty() {
            raw.insert(kind.to_owned(), all.into());
        }
    }
    Json(raw.into())
}

/// Services and groups, by name.
fn service_views(snapshot: &Snapshot) -> Vec<(&str, Value)> {
    let model = &snapshot.model;
    let used_by = used_by(model);
    let users = |name: &str| used_by.get(name).map_or(&[][..], Vec::as_slice);
    let services = model.services.values().zip(by_service(snapshot));
    let services = services
        .map(|(service, (name, figures))| (name, shapes::service(service, figures, users(name))));
    let groups = model.groups.iter();
    let groups = groups.map(|(name, group)| (name.as_str(), shapes::group(group, users(name))));
    services.chain(groups).collect()
}

fn middleware_views(snapshot: &Snapshot) -> Vec<(&str, Value)> {
    let model = &snapshot.model;
    let mut used_by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for router in model.routers.values() {
        for name in &router.middlewares {
            used_by.entry(name).or_default().push(&router.name);
        }
    }
    let view = |name, found| {
        let users = used_by.get(name).map_or(&[][..], Vec::as_slice);
        (name, shapes::middleware(found, users))
    };
    model.middlewares.iter().map(|(name, found)| view(name.as_str(), &**found)).collect()
}

/// Adds what stands in a list beside the element itself.
fn listed(name: &str, provider: &str, kind: &str, mut view: Value) -> Value {
    view["name"] = name.into();
    view["provider"] = provider.into();
    view["type"] = kind.to_ascii_lowercase().into();
    view
}

fn listed_services(snapshot: &Snapshot) -> Vec<Value> {
    let model = &snapshot.model;
    let view = |(name, view)| match model.groups.get(name) {
        Some(group) => listed(name, &group.provider, shapes::kind_of(group), view),
        None => {
            let provider = model.services.get(name).map_or("", |service| &service.provider);
            listed(name, provider, "loadBalancer", view)
        }
    };
    service_views(snapshot).into_iter().map(view).collect()
}

fn listed_middlewares(snapshot: &Snapshot) -> Vec<Value> {
    let views = middleware_views(snapshot).into_iter();
    let with_model = views.zip(snapshot.model.middlewares.values());
    with_model.map(|((name, view), m)| listed(name, &m.provider, &m.kind, view)).collect()
}

/// `GET /api/http/{kind}`: `routers`, `services` or `middlewares`, page by page.
pub async fn elements(
    State(shared): State<Arc<Shared>>,
    Path(kind): Path<String>,
    Query(asked): Query<list::Asked>,
) -> Response {
    let snapshot = shared.sources.store.snapshot();
    match kind.as_str() {
        "routers" => {
            let all = snapshot
                .model
                .routers
                .values()
                .map(|router| shapes::listed_router(router))
                .collect();
            list::page(all, &list::ROUTERS, &asked)
        }
        "services" => list::page(listed_services(&snapshot), &list::SERVICES, &asked),
        "middlewares" => list::page(listed_middlewares(&snapshot), &list::MIDDLEWARES, &asked),
        _ => not_found(),
    }
}

/// `GET /api/http/{kind}/{name}`.
pub async fn element(
    State(shared): State<Arc<Shared>>,
    Path((kind, name)): Path<(String, String)>,
) -> Response {
    let snapshot = shared.sources.store.snapshot();
    let is_it = |view: &Value| view["name"] == *name;
    let (found, what) = match kind.as_str() {
        "routers" => (
            snapshot.model.routers.get(&name).map(|router| shapes::listed_router(router)),
            "router",
        ),
        "services" => (listed_services(&snapshot).into_iter().find(is_it), "service"),
        "middlewares" => (listed_middlewares(&snapshot).into_iter().find(is_it), "middleware"),
        _ => return not_found(),
    };
    found.map_or_else(|| missing(what, &name), |view| Json(view).into_response())
}

/// `GET /api/tcp/{kind}` and `/api/udp/{kind}`: none of them are served yet.
pub async fn none_of_them(Query(asked): Query<list::Asked>) -> Response {
    list::page(Vec::new(), &list::ROUTERS, &asked)
}

fn missing(what: &str, name: &str) -> Response {
    list::refuse(StatusCode::NOT_FOUND, &format!("{what} not found: {name}"))
}

/// `GET /api/version`.
pub async fn version(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(json!({
        "Version": shared.sources.version,
        "Codename": "Ringress",
        "startDate": rfc3339(shared.sources.started),
    }))
}

/// `GET /api/overview`: how many of each, and how many of them are ill.
pub async fn overview(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let sources = &shared.sources;
    let model = sources.store.snapshot().model;
    let section =
        |total: usize, errors: usize| json!({ "total": total, "warnings": 0, "errors": errors });
    let none = section(0, 0);
    let written = [
        sources.config.file.as_ref().map(|_| "file"),
        sources.config.http.as_ref().map(|_| "http"),
    ];
    let engines = sources.config.docker.iter().map(|docker| docker.name.as_str());
    let providers = engines.chain(written.into_iter().flatten());
    let has_metrics = sources.config.api.as_ref().is_some_and(|api| api.metrics);
    let bad_routers = model.routers.values().filter(|router| router.disabled.is_some());
    let bad_services = model.services.values().filter(|service| service.disabled.is_some());
    let bad_groups = model.groups.values().filter(|group| group.disabled.is_some());
    let bad_middlewares = model.middlewares.values().filter(|found| found.disabled.is_some());
    let services = model.services.len() + model.groups.len();
    Json(json!({
        "http": {
            "routers": section(model.routers.len(), bad_routers.count()),
            "services": section(services, bad_services.count() + bad_groups.count()),
            "middlewares": section(model.middlewares.len(), bad_middlewares.count()),
        },
        "tcp": { "routers": none, "services": none, "middlewares": none },
        "udp": { "routers": none, "services": none },
        "features": {
            "tracing": "",
            "metrics": if has_metrics { "Prometheus" } else { "" },
            "accessLog": sources.config.log.access.is_some(),
        },
        "providers": provider_titles(&model, providers),
    }))
}

/// `GET /api/entrypoints`.
pub async fn entry_points(
    State(shared): State<Arc<Shared>>,
    Query(asked): Query<list::Asked>,
) -> Response {
    let config = &shared.sources.config;
    let views = config.entry_points.iter().map(|found| shapes::entry_point(config, found));
    list::page(views.collect(), &list::ENTRY_POINTS, &asked)
}

/// `GET /api/entrypoints/{name}`.
pub async fn entry_point(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    let config = &shared.sources.config;
    match config.entry_points.iter().find(|entry_point| entry_point.name == name) {
        Some(found) => Json(shapes::entry_point(config, found)).into_response(),
        None => missing("entry point", &name),
    }
}

/// `Swarm`, `Docker`: providers that were asked for or that something came from.
fn provider_titles<'a>(model: &'a Model, asked: impl Iterator<Item = &'a str>) -> Vec<String> {
    let routers = model.routers.values().map(|router| router.provider.as_str());
    let services = model.services.values().map(|service| service.provider.as_str());
    let names: BTreeSet<&str> = asked.chain(routers).chain(services).collect();
    names.into_iter().map(title).collect()
}

fn title(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
