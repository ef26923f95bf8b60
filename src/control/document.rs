//! Our own document: everything that the dashboard shows, in one piece.
//!
//! Served at `/api/ringress` and pushed by [`super::live`]. Field names are part of our API.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::Serialize;

use super::sampler::{Recent, RecentFlow, Sampler, by_service};
use super::wording::{self, rounded};
use super::{DriverView, ProviderView, Sources};
use crate::config::secret::{shown_value, without_credentials};
use crate::model::{
    Complaint, Dialect, Model, Router, SameSite, Scheme, Server, ServerState, Service, Severity,
    Sticky,
};
use crate::table::{BackendFigures, Snapshot};

/// The whole document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document<'a> {
    version: &'a str,
    hostname: &'a str,
    pid: u32,
    /// Milliseconds of the Unix epoch, as every moment below.
    now: u64,
    started: u64,
    uptime_seconds: u64,
    terminating: bool,
    generation: u64,
    published: u64,
    age_seconds: u64,
    totals: TotalsView,
    entry_points: Vec<EntryPointView<'a>>,
    drivers: &'a [DriverView],
    providers: Vec<ProviderView>,
    routers: Vec<RouterView<'a>>,
    services: Vec<ServiceView<'a>>,
    complaints: Vec<ComplaintView<'a>>,
}

/// Figures of the clients' side.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TotalsView {
    requests: u64,
    per_second: f64,
    /// Requests per second over the last two minutes, second by second, oldest first.
    history: Vec<f64>,
    responses: ClassesView,
    open_connections: u64,
    accepted_connections: u64,
    retries: u64,
    panics: u64,
}

#[derive(Serialize)]
struct ClassesView {
    #[serde(rename = "1xx")]
    interim: u64,
    #[serde(rename = "2xx")]
    success: u64,
    #[serde(rename = "3xx")]
    redirection: u64,
    #[serde(rename = "4xx")]
    client_error: u64,
    #[serde(rename = "5xx")]
    server_error: u64,
}

#[derive(Serialize)]
struct EntryPointView<'a> {
    name: &'a str,
    address: String,
    #[serde(flatten)]
    recent: FlowView,
}

/// What was lately done.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FlowView {
    per_second: f64,
    /// Of which these were answered with 5xx.
    errors_per_second: f64,
    mean_millis: Option<f64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RouterView<'a> {
    name: &'a str,
    provider: &'a str,
    dialect: Dialect,
    rule: &'a str,
    priority: i64,
    entry_points: &'a [String],
    service: &'a str,
    /// `enabled` or `disabled`.
    status: &'static str,
    /// Why it is disabled.
    error: Option<&'a str>,
    #[serde(flatten)]
    recent: FlowView,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServiceView<'a> {
    name: &'a str,
    provider: &'a str,
    dialect: Dialect,
    pass_host_header: bool,
    sticky: Option<StickyView<'a>>,
    /// Routers that lead here.
    used_by: Vec<&'a str>,
    per_second: f64,
    backends: Vec<BackendView<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StickyView<'a> {
    cookie_name: &'a str,
    secure: bool,
    http_only: bool,
    same_site: Option<&'static str>,
    max_age: i64,
    path: &'a str,
    domain: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BackendView<'a> {
    url: String,
    label: &'a str,
    state: &'static str,
    weight: u32,
    /// Which part of new clients it is meant to get, 0 to 1.
    share: f64,
    /// Which part of the service's requests it lately got, 0 to 1; `None` when there were none.
    recent_share: Option<f64>,
    per_second: f64,
    mean_millis: Option<f64>,
    requests: u64,
    responses: ClassesView,
    /// Tries that ended without a usable response.
    failures: u64,
    active: u64,
    dials: u64,
    sticky_hits: u64,
}

#[derive(Serialize)]
struct ComplaintView<'a> {
    severity: Severity,
    subject: &'a str,
    setting: &'a str,
    value: String,
    problem: &'a str,
    remedy: &'a str,
}

/// The document of this moment, as JSON.
pub fn render(sources: &Sources, sampler: &Sampler) -> serde_json::Result<String> {
    let snapshot = sources.store.snapshot();
    serde_json::to_string(&document(sources, sampler, &snapshot))
}

fn document<'a>(sources: &'a Sources, sampler: &Sampler, snapshot: &'a Snapshot) -> Document<'a> {
    let (model, config) = (&*snapshot.model, &sources.config);
    let mut used_by = used_by(model);
    Document {
        version: sources.version,
        hostname: &sources.hostname,
        pid: std::process::id(),
        now: wording::unix_millis(SystemTime::now()),
        started: wording::unix_millis(sources.started),
        uptime_seconds: sources.uptime().as_secs(),
        terminating: sources.is_terminating(),
        generation: snapshot.generation,
        published: wording::unix_millis(snapshot.published),
        age_seconds: snapshot.published.elapsed().unwrap_or_default().as_secs(),
        totals: totals(sources, sampler),
        entry_points: config
            .entry_points
            .iter()
            .enumerate()
            .map(|(index, entry_point)| EntryPointView {
                name: &entry_point.name,
                address: wording::entry_point_address(entry_point.address),
                recent: sampler.entry_point(index).into(),
            })
            .collect(),
        drivers: &sources.drivers,
        providers: providers(sources),
        routers: model.routers.values().map(|found| router(found, sampler)).collect(),
        services: model
            .services
            .values()
            .zip(by_service(snapshot))
            .map(|(service, (name, figures))| {
                let used_by = used_by.remove(name).unwrap_or_default();
                service_view(service, figures, used_by, sampler)
            })
            .collect(),
        // What is wrong with the options comes first: it was found first.
        complaints: config.complaints.iter().chain(&model.complaints).map(complaint).collect(),
    }
}

/// Names of the routers that lead to each service, whether they work or not.
pub fn used_by(model: &Model) -> BTreeMap<&str, Vec<&str>> {
    let mut used_by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for router in model.routers.values() {
        used_by.entry(&router.service).or_default().push(&router.name);
    }
    used_by
}

/// What the providers say of themselves, without the passwords that their endpoints may hold.
pub fn providers(sources: &Sources) -> Vec<ProviderView> {
    let mut providers = (sources.providers)();
    for provider in &mut providers {
        provider.endpoint = without_credentials(&provider.endpoint);
    }
    providers
}

/// Where a backend stands for somebody who looks at it: what discovery knows, and what we saw.
pub fn state(server: &Server, figures: &BackendFigures) -> &'static str {
    match server.state {
        // The table never chooses what the workers cannot dial yet.
        _ if server.url.scheme != Scheme::Http => "unsupported",
        ServerState::Serving if figures.down => "down",
        ServerState::Serving if figures.ejected => "ejected",
        ServerState::Serving => "serving",
        ServerState::Starting => "starting",
        ServerState::Draining => "draining",
    }
}

fn totals(sources: &Sources, sampler: &Sampler) -> TotalsView {
    let stats = &sources.stats;
    TotalsView {
        requests: stats.sum(|cells| cells.requests.get()),
        per_second: rounded(sampler.per_second()),
        history: sampler.history().map(rounded).collect(),
        responses: stats.responses().into(),
        open_connections: stats.sum(|cells| cells.connections.get()),
        accepted_connections: stats.sum(|cells| cells.accepted.get()),
        retries: stats.sum(|cells| cells.retries.get()),
        panics: stats.sum(|cells| cells.panics.get()),
    }
}

fn router<'a>(router: &'a Router, sampler: &Sampler) -> RouterView<'a> {
    RouterView {
        name: &router.name,
        provider: &router.provider,
        dialect: router.dialect,
        rule: &router.rule_text,
        priority: router.priority,
        entry_points: &router.entry_points,
        service: &router.service,
        status: if router.disabled.is_some() { "disabled" } else { "enabled" },
        error: router.disabled.as_deref(),
        recent: sampler.router(&router.name).into(),
    }
}

fn service_view<'a>(
    service: &'a Service,
    figures: &[BackendFigures],
    used_by: Vec<&'a str>,
    sampler: &Sampler,
) -> ServiceView<'a> {
    let recent: Vec<Recent> =
        service.servers.iter().map(|server| sampler.recent(&service.name, server.url)).collect();
    let per_second = recent.iter().map(|recent| recent.per_second).sum();
    let shares = shares(service);
    let backends = service.servers.iter().zip(figures).zip(recent).zip(shares);
    ServiceView {
        name: &service.name,
        provider: &service.provider,
        dialect: service.dialect,
        pass_host_header: service.pass_host_header,
        sticky: service.sticky.as_ref().map(sticky),
        used_by,
        per_second: rounded(per_second),
        backends: backends
            .map(|(((server, figures), recent), share)| BackendView {
                url: server.url.to_string(),
                label: &server.label,
                state: state(server, figures),
                weight: server.weight,
                share: (share * 1000.0).round() / 1000.0,
                recent_share: (per_second > 0.0)
                    .then(|| (recent.per_second / per_second * 1000.0).round() / 1000.0),
                per_second: rounded(recent.per_second),
                mean_millis: recent.mean_millis.map(|mean| (mean * 100.0).round() / 100.0),
                requests: figures.requests,
                responses: figures.responses.into(),
                failures: figures.failures,
                active: figures.active,
                dials: figures.dials,
                sticky_hits: figures.sticky_hits,
            })
            .collect(),
    }
}

/// Which part of new clients each server is meant to get: by weight among those that serve, or
/// among those that start when none serves, as the table does it.
fn shares(service: &Service) -> Vec<f64> {
    let weights = |state| -> Vec<u32> {
        let takes = |server: &Server| server.state == state && server.url.scheme == Scheme::Http;
        service.servers.iter().map(|s| if takes(s) { s.weight } else { 0 }).collect()
    };
    let mut parts = weights(ServerState::Serving);
    if parts.iter().all(|weight| *weight == 0) {
        parts = weights(ServerState::Starting);
    }
    let sum: f64 = parts.iter().copied().map(f64::from).sum();
    parts.into_iter().map(|part| if sum > 0.0 { f64::from(part) / sum } else { 0.0 }).collect()
}

fn sticky(sticky: &Sticky) -> StickyView<'_> {
    StickyView {
        cookie_name: &sticky.cookie_name,
        secure: sticky.secure,
        http_only: sticky.http_only,
        same_site: sticky.same_site.map(same_site),
        max_age: sticky.max_age,
        path: &sticky.path,
        domain: &sticky.domain,
    }
}

/// The attribute's value as labels and APIs of all generations spell it.
pub fn same_site(same_site: SameSite) -> &'static str {
    match same_site {
        SameSite::None => "none",
        SameSite::Lax => "lax",
        SameSite::Strict => "strict",
    }
}

fn complaint(complaint: &Complaint) -> ComplaintView<'_> {
    ComplaintView {
        severity: complaint.severity,
        subject: &complaint.subject,
        setting: &complaint.setting,
        value: shown_value(&complaint.setting, &complaint.value),
        problem: &complaint.problem,
        remedy: &complaint.remedy,
    }
}

impl From<RecentFlow> for FlowView {
    fn from(recent: RecentFlow) -> Self {
        Self {
            per_second: rounded(recent.per_second),
            errors_per_second: rounded(recent.errors_per_second),
            mean_millis: recent.mean_millis.map(|mean| (mean * 100.0).round() / 100.0),
        }
    }
}

impl From<[u64; 5]> for ClassesView {
    fn from([interim, success, redirection, client_error, server_error]: [u64; 5]) -> Self {
        Self { interim, success, redirection, client_error, server_error }
    }
}
