//! `/metrics` in Prometheus's text format, every figure of it counted.
//!
//! Names are Traefik's where they mean the same, `ringress_…` otherwise. What is no longer in
//! the table is no longer in the answer.

mod page;
mod traffic;

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use page::Page;

use super::Sources;
use super::document::state;
use super::live::Shared;
use super::sampler::by_service;
use super::wording::unix_seconds;
use crate::model::{Dialect, Severity};
use crate::observe::WorkerCells;
use crate::table::{BackendFigures, Snapshot};

/// `GET /metrics`.
pub async fn exposition(State(shared): State<Arc<Shared>>) -> Response {
    let media_type = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, media_type)], write(&shared.sources)).into_response()
}

fn write(sources: &Sources) -> String {
    let snapshot = sources.store.snapshot();
    let mut page = Page::default();

    page.counter("traefik_config_reloads_total", "Tables published.");
    page.sample(&[], snapshot.generation);
    if snapshot.generation > 0 {
        page.gauge("traefik_config_last_reload_success", "When the last table was published.");
        page.sample(&[], unix_seconds(snapshot.published));
    }
    page.gauge("ringress_table_generation", "Generation of the current table.");
    page.sample(&[], snapshot.generation);
    page.gauge("ringress_info", "Version.");
    page.sample(&[("version", sources.version)], 1);
    page.gauge("ringress_terminating", "1 after a stop signal.");
    page.sample(&[], u8::from(sources.is_terminating()));
    page.gauge("ringress_complaints", "Settings that were rejected or ignored.");
    for (severity, name) in [(Severity::Error, "error"), (Severity::Warning, "warning")] {
        let complaints = sources.config.complaints.iter().chain(&snapshot.model.complaints);
        page.sample(&[("severity", name)], complaints.filter(|c| c.severity == severity).count());
    }
    page.gauge("ringress_provider_connected", "1 while a provider is heard.");
    for provider in (sources.providers)() {
        page.sample(&[("provider", &provider.name)], u8::from(provider.connected));
    }
    page.gauge("ringress_driver", "I/O driver of each worker.");
    for driver in &sources.drivers {
        let worker = driver.worker.to_string();
        page.sample(&[("worker", &worker), ("driver", &driver.rung)], 1);
    }
    write_workers(&mut page, sources);
    if let Some(log) = &sources.access {
        page.counter("ringress_access_log_dropped_total", "Requests that the access log lacks.");
        page.sample(&[], log.dropped());
    }
    traffic::write(&mut page, sources, &snapshot);

    type Figure = fn(&BackendFigures) -> u64;
    let counters: [(&str, &str, Figure); 4] = [
        ("requests_total", "Requests given to a backend, every try counted.", |f| f.requests),
        ("failures_total", "Tries without a usable response.", |f| f.failures),
        ("dials_total", "Connections dialled.", |f| f.dials),
        ("sticky_hits_total", "Clients sent here by their cookie.", |f| f.sticky_hits),
    ];
    let backends =
        || by_service(&snapshot).flat_map(|(name, all)| all.iter().map(move |f| (name, f)));
    for (name, help, figure) in counters {
        page.counter(&format!("ringress_backend_{name}"), help);
        for (service, figures) in backends() {
            let url = figures.url.to_string();
            page.sample(&[("service", service), ("url", &url)], figure(figures));
        }
    }
    page.counter("ringress_backend_busy_seconds_total", "From choosing to the response's end.");
    for (service, figures) in backends() {
        let url = figures.url.to_string();
        page.sample(&[("service", service), ("url", &url)], figures.busy_micros as f64 / 1e6);
    }
    page.gauge("ringress_backend_active", "Exchanges in flight.");
    for (service, figures) in backends() {
        page.sample(&[("service", service), ("url", &figures.url.to_string())], figures.active);
    }
    page.counter("ringress_backend_responses_total", "Responses by class.");
    for (service, figures) in backends() {
        let url = figures.url.to_string();
        for (class, count) in CLASSES.into_iter().zip(figures.responses) {
            page.sample(&[("service", service), ("url", &url), ("class", class)], count);
        }
    }
    server_up(&mut page, &snapshot);
    page.text
}

/// One metric for each generation of names, with the services of its own dialects.
fn server_up(page: &mut Page, snapshot: &Snapshot) {
    for (name, label, is_first) in [
        ("traefik_backend_server_up", "backend", true),
        ("traefik_service_server_up", "service", false),
    ] {
        let services = snapshot.model.services.values().zip(by_service(snapshot));
        let mut services =
            services.filter(|(service, _)| (service.dialect == Dialect::V1) == is_first).peekable();
        if services.peek().is_none() {
            continue;
        }
        page.gauge(name, "1 while a backend takes new clients.");
        for (service, (_, figures)) in services {
            for (server, figures) in service.servers.iter().zip(figures) {
                let is_up = state(server, figures) == "serving";
                let url = server.url.to_string();
                page.sample(&[(label, &service.name), ("url", &url)], u8::from(is_up));
            }
        }
    }
}

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

fn write_workers(page: &mut Page, sources: &Sources) {
    type Figure = fn(&WorkerCells) -> u64;
    let counters: [(&str, &str, Figure); 4] = [
        ("requests_total", "Requests of clients.", |c| c.requests.get()),
        ("accepted_total", "Client connections accepted.", |c| c.accepted.get()),
        ("retries_total", "Tries after the first.", |c| c.retries.get()),
        ("panics_total", "Connections that ended in a panic.", |c| c.panics.get()),
    ];
    let workers = || sources.stats.workers.iter().enumerate();
    for (name, help, figure) in counters {
        page.counter(&format!("ringress_worker_{name}"), help);
        for (worker, cells) in workers() {
            page.sample(&[("worker", &worker.to_string())], figure(cells));
        }
    }
    page.counter("ringress_worker_responses_total", "Responses to clients by class.");
    for (worker, cells) in workers() {
        for (class, count) in CLASSES.into_iter().zip(cells.responses.get()) {
            page.sample(&[("worker", &worker.to_string()), ("class", class)], count);
        }
    }
    page.gauge("ringress_open_connections", "Client connections open.");
    for (worker, cells) in workers() {
        page.sample(&[("worker", &worker.to_string())], cells.connections.get());
    }
}
