//! What went through, under the names of Traefik 2 and 3, or those of Traefik 1.
//!
//! Names, labels and meanings are those of its `prometheus.go` and `metrics.go`; what is about TLS
//! is not there, for there is none.

use super::page::Page;
use crate::control::Sources;
use crate::model::Dialect;
use crate::observe::traffic::{Kind, Sums, Tally};
use crate::table::{Snapshot, Table};

/// Whose traffic a table is of, and the labels that say so.
struct Scope {
    /// `traefik_entrypoint`, `traefik_router`, `traefik_service`.
    prefix: &'static str,
    what: &'static str,
    series: Vec<(Vec<(&'static str, String)>, Tally)>,
}

pub(super) fn write(page: &mut Page, sources: &Sources, snapshot: &Snapshot) {
    let asked = &sources.config.metrics;
    if asked.entry_points {
        clients(page, sources);
        scope(page, sources, &entry_points(sources));
    }
    let (routers, services) = sources.store.read(|table| {
        let routers = if asked.routers { routers(table) } else { Vec::new() };
        let services = if asked.services { services(table) } else { Vec::new() };
        (routers, services)
    });
    if asked.routers {
        let what = "a router";
        scope(page, sources, &Scope { prefix: "traefik_router", what, series: routers });
    }
    if !asked.services {
        return;
    }
    // Services of the first dialect are backends, and their metrics are named so.
    let is_first = |name: &str| {
        let service = snapshot.model.services.get(name);
        service.is_some_and(|service| service.dialect == Dialect::V1)
    };
    let (first, later): (Vec<_>, Vec<_>) =
        services.into_iter().partition(|(name, _)| is_first(name));
    for (label, prefix, what, services) in [
        ("backend", "traefik_backend", "a backend", first),
        ("service", "traefik_service", "a service", later),
    ] {
        if services.is_empty() {
            continue;
        }
        page.counter(&format!("{prefix}_retries_total"), "Tries after the first.");
        for (name, tally) in &services {
            page.sample(&[(label, name)], tally.retries);
        }
        let series =
            services.into_iter().map(|(name, tally)| (vec![(label, name)], tally)).collect();
        scope(page, sources, &Scope { prefix, what, series });
    }
}

fn clients(page: &mut Page, sources: &Sources) {
    page.gauge("traefik_open_connections", "Open client connections.");
    for (entry_point, count) in sources.config.entry_points.iter().zip((sources.clients)()) {
        page.sample(&[("entrypoint", &entry_point.name), ("protocol", "TCP")], count);
    }
}

fn entry_points(sources: &Sources) -> Scope {
    let names = sources.config.entry_points.iter().map(|entry_point| &entry_point.name);
    let tallies = sources.stats.entry_points.iter().map(|traffic| traffic.tally());
    let label = |name: &String| vec![("entrypoint", name.clone())];
    let series = names.map(label).zip(tallies).collect();
    Scope { prefix: "traefik_entrypoint", what: "an entry point", series }
}

fn routers(table: &Table) -> Vec<(Vec<(&'static str, String)>, Tally)> {
    let routers = table.model.routers.values().zip(table.routers());
    routers
        .map(|(router, state)| {
            let labels = vec![("router", router.name.clone()), ("service", router.service.clone())];
            (labels, state.traffic.tally())
        })
        .collect()
}

fn services(table: &Table) -> Vec<(String, Tally)> {
    let services = table.model.services.keys().zip(table.services());
    services.map(|(name, entry)| (name.clone(), entry.state.traffic.tally())).collect()
}

fn scope(page: &mut Page, sources: &Sources, scope: &Scope) {
    let Scope { prefix, what, .. } = scope;
    page.counter(&format!("{prefix}_requests_total"), &format!("Requests handled by {what}."));
    rows(page, scope, |page, labels, sums| page.sample(labels, sums.requests));
    let name = format!("{prefix}_request_duration_seconds");
    page.histogram(&name, &format!("Time taken by requests of {what}."));
    let bounds: Vec<String> = sources
        .config
        .metrics
        .buckets
        .iter()
        .map(f64::to_string)
        .chain(["+Inf".to_owned()])
        .collect();
    rows(page, scope, |page, labels, sums| histogram(page, labels, sums, &bounds));
    let name = format!("{prefix}_requests_bytes_total");
    page.counter(&name, &format!("Bytes of request bodies handled by {what}."));
    rows(page, scope, |page, labels, sums| page.sample(labels, sums.received));
    let name = format!("{prefix}_responses_bytes_total");
    page.counter(&name, &format!("Bytes of response bodies handled by {what}."));
    rows(page, scope, |page, labels, sums| page.sample(labels, sums.sent));
}

fn rows(page: &mut Page, scope: &Scope, mut write: impl FnMut(&mut Page, &[(&str, &str)], &Sums)) {
    for (own, tally) in &scope.series {
        for (Kind { method, protocol, status }, sums) in &tally.rows {
            let code = status.to_string();
            let mut labels =
                vec![("code", &*code), ("method", method.name()), ("protocol", protocol.name())];
            labels.extend(own.iter().map(|(name, value)| (*name, value.as_str())));
            write(page, &labels, sums);
        }
    }
}

fn histogram(page: &mut Page, labels: &[(&str, &str)], sums: &Sums, bounds: &[String]) {
    let mut below = 0;
    for (bound, count) in bounds.iter().zip(&sums.buckets) {
        below += count;
        page.sample_of("_bucket", &[labels, &[("le", bound)]].concat(), below);
    }
    page.sample_of("_sum", labels, sums.micros as f64 / 1e6);
    page.sample_of("_count", labels, sums.requests);
}
