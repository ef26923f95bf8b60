//! Which paths there are, and what every answer has in common.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::FutureExt;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};

use super::listener::Bounded;
use super::live::{self, Shared};
use super::{Sources, dashboard, metrics, v1, v3};

/// Everything comes from us, nothing is inline: labels that made it into a page as markup would
/// still be dead.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// On every answer, not only the page's: an API's answer can be opened in a browser, too.
const SECURITY_HEADERS: [(HeaderName, HeaderValue); 5] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// Serves until `stopped` resolves, which it also does when its other end is dropped; accepts only
/// until `close` is notified.
pub async fn serve(
    listener: TcpListener,
    close: Arc<Notify>,
    sources: Sources,
    stopped: oneshot::Receiver<()>,
) {
    let shared = Arc::new(Shared::new(sources));
    tokio::select! {
        () = live::keep_pushing(Arc::clone(&shared)) => {}
        served = axum::serve(Bounded::new(listener, close), paths(shared)).into_future() => {
            if let Err(error) = served {
                tracing::error!(%error, "the control listener failed");
            }
        }
        _ = stopped => {}
    }
}

/// Every path that the configuration asks for; all others are 404.
fn paths(shared: Arc<Shared>) -> Router {
    let mut paths = Router::new();
    if let Some(api) = &shared.sources.config.api {
        if api.ping {
            paths = paths.route("/ping", get(ping));
        }
        if api.metrics {
            paths = paths.route("/metrics", get(metrics::exposition));
        }
        if api.api {
            paths = paths
                .route("/health", get(v1::health))
                .route("/api", get(v1::providers))
                .route("/api/providers", get(v1::providers))
                .route("/api/providers/{*path}", get(v1::element))
                .route("/api/rawdata", get(v3::rawdata))
                .route("/api/version", get(v3::version))
                .route("/api/overview", get(v3::overview))
                .route("/api/entrypoints", get(v3::entry_points))
                .route("/api/entrypoints/{name}", get(v3::entry_point))
                .route("/api/http/{kind}", get(v3::elements))
                .route("/api/http/{kind}/{name}", get(v3::element))
                .route("/api/tcp/{kind}", get(v3::none_of_them))
                .route("/api/udp/{kind}", get(v3::none_of_them));
        }
        if api.dashboard {
            paths = paths
                .route("/", get(to_dashboard))
                .route("/dashboard", get(to_dashboard))
                .route("/dashboard/", get(dashboard::page))
                .route("/dashboard/{asset}", get(dashboard::asset));
        }
        // The page is nothing without what it shows.
        if api.api || api.dashboard {
            paths = paths
                .route("/api/ringress", get(live::current))
                .route("/api/ringress/live", get(live::subscribe));
        }
    }
    paths.fallback(async || not_found()).layer(middleware::from_fn(frame)).with_state(shared)
}

/// Traefik's answer to what does not exist.
pub fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
}

/// Around every request: a panic ends that request alone, and headers are set once.
async fn frame(request: Request, next: Next) -> Response {
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = answered.unwrap_or_else(|_| {
        tracing::error!("a request to the control plane panicked");
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    });
    let headers = response.headers_mut();
    headers.extend(SECURITY_HEADERS);
    // Live figures are old when they arrive; assets set their own.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn ping(State(shared): State<Arc<Shared>>) -> Response {
    if shared.sources.is_leaving() {
        (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable").into_response()
    } else {
        (StatusCode::OK, "OK").into_response()
    }
}

async fn to_dashboard(headers: HeaderMap) -> Response {
    let prefix = headers.get("x-forwarded-prefix").and_then(|value| value.to_str().ok());
    let location = format!("{}/dashboard/", prefix.map_or("", local_prefix));
    (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
}

/// The prefix that a proxy before us took off, or nothing when it would lead to another host.
///
/// `//evil.example` and `/\evil.example` are other hosts to a browser (CVE-2020-15129).
fn local_prefix(prefix: &str) -> &str {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"/-._~%".contains(&b);
    let prefix = prefix.trim_end_matches('/');
    let is_local =
        prefix.starts_with('/') && !prefix.contains("//") && prefix.bytes().all(is_plain);
    if is_local { prefix } else { "" }
}

/// The decoded rest of a path, in parts.
pub fn parts(Path(path): &Path<String>) -> Vec<&str> {
    path.trim_end_matches('/').split('/').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_never_leads_to_another_host() {
        assert_eq!(local_prefix("/lb"), "/lb");
        assert_eq!(local_prefix("/a/b/"), "/a/b");
        for evil in ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "/a\tb"] {
            assert_eq!(local_prefix(evil), "");
        }
    }
}
