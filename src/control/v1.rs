//! The API of the first dialect: `/api`, `/api/providers/…`, `/health`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use sha1::{Digest, Sha1};

use super::document::same_site;
use super::live::Shared;
use super::server::{not_found, parts};
use super::wording::{rfc3339, unix_seconds};
use crate::model::{Dialect, Model, Router, Service, Span};

/// `GET /api` and `GET /api/providers`: backends and frontends by provider.
pub async fn providers(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(tree(&shared.sources.store.snapshot().model))
}

/// `GET /api/providers/{provider}[/backends[/{name}[/servers[/{name}]]]]`, and the same with
/// frontends and routes.
pub async fn element(State(shared): State<Arc<Shared>>, path: Path<String>) -> Response {
    let parts = parts(&path);
    let exists = matches!(
        parts.as_slice(),
        [_] | [_, "backends" | "frontends"]
            | [_, "backends" | "frontends", _]
            | [_, "backends", _, "servers"]
            | [_, "backends", _, "servers", _]
            | [_, "frontends", _, "routes"]
            | [_, "frontends", _, "routes", _]
    );
    if !exists {
        return not_found();
    }
    let mut tree = tree(&shared.sources.store.snapshot().model);
    for part in parts {
        match tree.get_mut(part) {
            Some(below) => tree = below.take(),
            None => return not_found(),
        }
    }
    Json(tree).into_response()
}

/// `GET /health`, in the first dialect's shape with what we really count.
///
/// It differs from Traefik where we would have to invent: status codes are counted by class
/// (`2xx`); response times are the backends' (from choosing one to the end of its response) and
/// cover the backends of the current table; sizes and recent errors are left out.
pub async fn health(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let sources = &shared.sources;
    let total = sources.stats.responses();
    let last_second = shared.sampled(|sampler| sampler.last_second());
    let backends = sources.store.snapshot().backends;
    let busy = Duration::from_micros(backends.iter().map(|figures| figures.busy_micros).sum());
    let answered: u64 = backends.iter().flat_map(|figures| figures.responses).sum();
    let average = busy.checked_div(u32::try_from(answered).unwrap_or(u32::MAX)).unwrap_or_default();
    let (now, uptime) = (SystemTime::now(), sources.uptime());
    Json(json!({
        "pid": std::process::id(),
        "uptime": Span::from(uptime).to_string(),
        "uptime_sec": uptime.as_secs_f64(),
        "time": rfc3339(now),
        "unixtime": unix_seconds(now) as u64,
        "status_code_count": by_class(last_second),
        "total_status_code_count": by_class(total),
        "count": last_second.iter().sum::<u64>(),
        "total_count": total.iter().sum::<u64>(),
        "total_response_time": Span::from(busy).to_string(),
        "total_response_time_sec": busy.as_secs_f64(),
        "average_response_time": Span::from(average).to_string(),
        "average_response_time_sec": average.as_secs_f64(),
    }))
}

fn by_class(responses: [u64; 5]) -> Value {
    let counted = (1..).zip(responses).filter(|(_, count)| *count > 0);
    counted.map(|(class, count)| (format!("{class}xx"), json!(count))).collect::<Map<_, _>>().into()
}

fn tree(model: &Model) -> Value {
    let mut tree = Map::new();
    for service in model.services.values() {
        let id = provider_id(&service.provider, service.dialect);
        put(&mut tree, id, "backends", &service.name, backend(service));
    }
    for router in model.routers.values() {
        let id = provider_id(&router.provider, router.dialect);
        put(&mut tree, id, "frontends", &router.name, frontend(router, model));
    }
    tree.into()
}

/// The first dialect knows one Docker provider, whether it looks at a swarm or at one engine.
fn provider_id(provider: &str, dialect: Dialect) -> &str {
    if dialect == Dialect::V1 && provider == "swarm" { "docker" } else { provider }
}

fn put(tree: &mut Map<String, Value>, provider: &str, kind: &str, name: &str, element: Value) {
    let provider =
        tree.entry(provider).or_insert_with(|| json!({ "backends": {}, "frontends": {} }));
    provider[kind][name] = element;
}

fn backend(service: &Service) -> Value {
    let servers: Map<String, Value> = service
        .servers
        .iter()
        .map(|server| {
            let url = server.url.to_string();
            let id = server_id(&server.label, &url);
            (id, json!({ "url": url, "weight": server.weight }))
        })
        .collect();
    let mut balancer = json!({ "method": "wrr" });
    if let Some(sticky) = &service.sticky {
        let mut stickiness = json!({ "cookieName": sticky.cookie_name });
        if sticky.secure {
            stickiness["secure"] = true.into();
        }
        if sticky.http_only {
            stickiness["httpOnly"] = true.into();
        }
        if let Some(attribute) = sticky.same_site {
            stickiness["sameSite"] = same_site(attribute).into();
        }
        balancer["stickiness"] = stickiness;
    }
    json!({ "servers": servers, "loadBalancer": balancer })
}

/// `server-<task>-<hash of the URL>`. Traefik hashes with MD5; the digits differ, the form and
/// what it is good for (one name for one server) do not.
fn server_id(label: &str, url: &str) -> String {
    let digest = Sha1::digest(url.as_bytes());
    let hash: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let words = label.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once("server")
        .chain(words)
        .chain(std::iter::once(hash.as_str()))
        .collect::<Vec<_>>()
        .join("-")
}

fn frontend(router: &Router, model: &Model) -> Value {
    let route = format!("route-{}", router.name);
    // The first dialect shows what was configured, where 0 stands for the length of the rule.
    let length = i64::try_from(router.rule_text.len()).unwrap_or(i64::MAX);
    let is_default = router.dialect == Dialect::V1 && router.priority == length;
    let pass_host_header =
        model.services.get(&router.service).is_none_or(|service| service.pass_host_header);
    json!({
        "entryPoints": router.entry_points,
        "backend": router.service,
        "routes": { route: { "rule": router.rule_text } },
        "passHostHeader": pass_host_header,
        "priority": if is_default { 0 } else { router.priority },
        "basicAuth": null,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_ids_are_words_joined_by_dashes() {
        let id = server_id("mystack_app.1", "http://10.0.1.5:8080");
        let hash = id.strip_prefix("server-mystack-app-1-").expect("the task's name");
        assert!(hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_hexdigit()));
    }
}
