//! Options about everything but providers and entry points: of Traefik 2 and 3, and of all of them.

use super::super::options::Effect::{Switch, Text, Time, Whole};
use super::super::options::Family::{First, Later, Shared};
use super::super::options::Row;
use super::super::value;
use super::{control_only, log_format, none, row};

#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    row("api.insecure", Later, Switch(|d, _, on| { d.control.api.touch(); d.control.insecure = Some(on); }), "API and dashboard on :8080 (false)"),
    row("log.level", Later, Text(|d, _, v| { d.log_level = Some(value::level(v)?); Ok(none()) }), "DEBUG, INFO, WARN or ERROR (INFO)"),
    row("log.format", Later, Text(|d, _, v| log_format(d, v)), "common or json (common)"),
    row("serversTransport.maxIdleConnsPerHost", Later, Whole(|d, _, n| d.max_idle_per_host = Some(n)), "idle connections kept per worker and backend (200)"),
    row("serversTransport.forwardingTimeouts.dialTimeout", Later, Time(|d, _, t| d.dial_timeout = Some(t)), "time to connect to a backend (1.5)"),
    row("serversTransport.forwardingTimeouts.responseHeaderTimeout", Later, Time(|d, _, t| d.response_header_timeout = Some(t)), "time for a backend's first byte (0: no bound)"),
    row("serversTransport.forwardingTimeouts.idleConnTimeout", Later, Time(|d, _, t| d.backend_idle_timeout = Some(t)), "life of an idle backend connection (30)"),

    // All dialects.
    row("api", Shared, Switch(|d, _, on| d.control.api.set(on)), "the API (later dialects: with --api.insecure)"),
    row("api.dashboard", Shared, Switch(|d, _, on| { d.control.api.touch(); d.control.dashboard = Some(on); }), "the dashboard beside the API (true)"),
    row("api.entryPoint", First, Text(|d, _, v| { d.control.api.touch(); Ok(control_only(v)) }), "read; it is always the entry point traefik"),
    row("ping.entryPoint", Shared, Text(|d, _, v| { d.control.ping.touch(); Ok(control_only(v)) }), "read; it is always the entry point traefik"),
    row("configFile", Shared, Text(|_, _, _| Ok(none())), "a file of these options, in TOML or YAML (traefik.toml, traefik.yml in /etc/traefik, ~/.config/traefik, .)"),
    row("ping", Shared, Switch(|d, _, on| d.control.ping.set(on)), "GET /ping on :8080"),
];
