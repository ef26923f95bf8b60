//! The API of the later dialects: `/api/rawdata`, `/api/overview`, `/api/entrypoints`,
//! `/api/version`.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::document::{same_site, state, used_by};
use super::live::Shared;
use super::sampler::by_service;
use super::wording::{entry_point_address, rfc3339};
use crate::config::{EntryPoint, Trust};
use crate::model::{Model, Router, Service, Span};
use crate::table::BackendFigures;

/// `GET /api/rawdata`: routers and services as they stand.
pub async fn rawdata(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let snapshot = shared.sources.store.snapshot();
    let model = &snapshot.model;
    let mut raw = Map::new();
    // As with Traefik, what there is nothing of is left out.
    if !model.routers.is_empty() {
        let routers = model.routers.values();
        let routers: Map<_, _> = routers.map(|r| (r.name.clone(), router(r))).collect();
        raw.insert("routers".to_owned(), routers.into());
    }
    if !model.services.is_empty() {
        let used_by = used_by(model);
        let services: Map<_, _> = model
            .services
            .values()
            .zip(by_service(&snapshot))
            .map(|(found, (name, figures))| {
                let users = used_by.get(name).map_or(&[][..], Vec::as_slice);
                (name.to_owned(), service(found, figures, users))
            })
            .collect();
        raw.insert("services".to_owned(), services.into());
    }
    Json(raw.into())
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
    let disabled = model.routers.values().filter(|router| router.disabled.is_some()).count();
    let none = json!({ "total": 0, "warnings": 0, "errors": 0 });
    let has_metrics = sources.config.api.as_ref().is_some_and(|api| api.metrics);
    Json(json!({
        "http": {
            "routers": { "total": model.routers.len(), "warnings": 0, "errors": disabled },
            "services": { "total": model.services.len(), "warnings": 0, "errors": 0 },
            "middlewares": none,
        },
        "tcp": { "routers": none, "services": none, "middlewares": none },
        "udp": { "routers": none, "services": none },
        "features": {
            "tracing": "",
            "metrics": if has_metrics { "Prometheus" } else { "" },
            "accessLog": sources.config.log.access,
        },
        "providers": provider_titles(&model, sources.config.docker.iter().map(|d| d.name.as_str())),
    }))
}

/// `GET /api/entrypoints`.
pub async fn entry_points(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let config = &shared.sources.config;
    let grace = Span::from(config.life.grace).to_string();
    Json(config.entry_points.iter().map(|found| entry_point_view(found, &grace)).collect())
}

/// `GET /api/entrypoints/{name}`.
pub async fn entry_point(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Response {
    let config = &shared.sources.config;
    match config.entry_points.iter().find(|entry_point| entry_point.name == name) {
        Some(found) => Json(entry_point_view(found, &Span::from(config.life.grace).to_string()))
            .into_response(),
        None => {
            let message = format!("entry point not found: {name}");
            (StatusCode::NOT_FOUND, Json(json!({ "message": message }))).into_response()
        }
    }
}

fn router(router: &Router) -> Value {
    let mut view = json!({
        "entryPoints": router.entry_points,
        "service": router.service,
        "rule": router.rule_text,
        "priority": router.priority,
        "status": if router.disabled.is_some() { "disabled" } else { "enabled" },
        "using": router.entry_points,
    });
    if let Some(reason) = &router.disabled {
        view["error"] = json!([reason]);
    }
    view
}

fn service(service: &Service, figures: &[BackendFigures], used_by: &[&str]) -> Value {
    let servers: Vec<Value> = service
        .servers
        .iter()
        .map(|server| {
            let mut view = json!({ "url": server.url.to_string() });
            if server.weight != 1 {
                view["weight"] = server.weight.into();
            }
            view
        })
        .collect();
    // Up is what takes new clients; our own API tells the states apart.
    let status: Map<String, Value> = service
        .servers
        .iter()
        .zip(figures)
        .map(|(server, figures)| {
            let is_up = state(server, figures) == "serving";
            (server.url.to_string(), (if is_up { "UP" } else { "DOWN" }).into())
        })
        .collect();
    let mut balancer = json!({
        "servers": servers,
        "strategy": "wrr",
        "passHostHeader": service.pass_host_header,
    });
    if let Some(sticky) = &service.sticky {
        let mut cookie = json!({ "name": sticky.cookie_name, "path": sticky.path });
        if sticky.secure {
            cookie["secure"] = true.into();
        }
        if sticky.http_only {
            cookie["httpOnly"] = true.into();
        }
        if sticky.max_age != 0 {
            cookie["maxAge"] = sticky.max_age.into();
        }
        if !sticky.domain.is_empty() {
            cookie["domain"] = sticky.domain.as_str().into();
        }
        if let Some(attribute) = sticky.same_site {
            cookie["sameSite"] = same_site(attribute).into();
        }
        balancer["sticky"] = json!({ "cookie": cookie });
    }
    json!({
        "loadBalancer": balancer,
        "status": "enabled",
        "usedBy": used_by,
        "serverStatus": status,
    })
}

fn entry_point_view(entry_point: &EntryPoint, grace: &str) -> Value {
    let mut view = json!({
        "name": entry_point.name,
        "address": entry_point_address(entry_point.address),
        "transport": {
            "lifeCycle": { "graceTimeOut": grace },
            "respondingTimeouts": {
                "readTimeout": Span::from(entry_point.read_timeout).to_string(),
                "idleTimeout": Span::from(entry_point.idle_timeout).to_string(),
            },
        },
        "forwardedHeaders": trust_view(&entry_point.trust),
        "http": {},
    });
    if let Some(trust) = &entry_point.proxy_protocol {
        view["proxyProtocol"] = trust_view(trust);
    }
    view
}

fn trust_view(trust: &Trust) -> Value {
    let mut view = Map::new();
    if trust.insecure {
        view.insert("insecure".to_owned(), true.into());
    }
    if !trust.networks.is_empty() {
        let networks = trust.networks.iter();
        let networks: Value =
            networks.map(|net| Value::from(format!("{}/{}", net.address, net.prefix))).collect();
        view.insert("trustedIPs".to_owned(), networks);
    }
    view.into()
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
