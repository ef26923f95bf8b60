//! Routers, services and servers transports, as Traefik 2 and 3 name them.

use std::collections::BTreeMap;

use super::language::{language, section};
use crate::model::Span;

language! {
    pub struct Router {
        entry_points: Vec<String>,
        middlewares: Vec<String>,
        service: String,
        rule: String,
        parent_refs: Vec<String>,
        rule_syntax: String,
        priority: i64,
        #[serde(deserialize_with = "section")]
        tls: Option<RouterTls>,
        #[serde(deserialize_with = "section")]
        observability: Option<Observability>,
    }

    pub struct RouterTls {
        options: String,
        cert_resolver: String,
        domains: Vec<Domain>,
    }

    pub struct Domain {
        main: String,
        sans: Vec<String>,
    }

    pub struct Observability {
        access_logs: Option<bool>,
        metrics: Option<bool>,
        tracing: Option<bool>,
        trace_verbosity: String = "minimal",
    }

    /// Of one kind only.
    pub struct Service {
        #[serde(deserialize_with = "section")]
        load_balancer: Option<LoadBalancer>,
        weighted: Option<Weighted>,
        highest_random_weight: Option<HighestRandomWeight>,
        mirroring: Option<Mirroring>,
        failover: Option<Failover>,
        middlewares: Vec<String>,
    }

    pub struct LoadBalancer {
        #[serde(deserialize_with = "section")]
        sticky: Option<Sticky>,
        /// In labels it is one, and called `server`.
        #[serde(alias = "server")]
        servers: Vec<Server>,
        strategy: String = "wrr",
        #[serde(deserialize_with = "section")]
        health_check: Option<HealthCheck>,
        #[serde(deserialize_with = "section")]
        passive_health_check: Option<PassiveHealthCheck>,
        pass_host_header: Option<bool> = true,
        #[serde(deserialize_with = "section")]
        response_forwarding: Option<ResponseForwarding>,
        servers_transport: String,
    }

    /// One that is said to be there has a cookie; Traefik 2 and 3 know no other way.
    pub struct Sticky {
        #[serde(deserialize_with = "section")]
        cookie: Option<Cookie> = Cookie::default(),
    }

    pub struct Cookie {
        name: String,
        secure: bool,
        http_only: bool,
        same_site: String,
        max_age: i64,
        path: Option<String> = "/".to_owned(),
        domain: String,
    }

    pub struct Server {
        url: String,
        weight: Option<i64>,
        preserve_path: bool,
        /// In labels alone.
        #[serde(skip_serializing)]
        scheme: String,
        /// In labels alone.
        #[serde(skip_serializing)]
        port: String,
    }

    pub struct ResponseForwarding {
        flush_interval: Option<Span> = Span::milliseconds(100),
    }

    pub struct HealthCheck {
        scheme: String,
        mode: String = "http",
        path: String,
        method: String,
        status: u16,
        port: u16,
        interval: Option<Span> = Span::seconds(30),
        unhealthy_interval: Option<Span>,
        timeout: Option<Span> = Span::seconds(5),
        hostname: String,
        follow_redirects: Option<bool> = true,
        headers: BTreeMap<String, String>,
    }

    pub struct PassiveHealthCheck {
        failure_window: Option<Span> = Span::seconds(10),
        max_failed_attempts: u32 = 1_u32,
    }

    pub struct Weighted {
        services: Vec<Member>,
        #[serde(deserialize_with = "section")]
        sticky: Option<Sticky>,
        #[serde(deserialize_with = "section")]
        health_check: Option<Nothing>,
    }

    pub struct HighestRandomWeight {
        services: Vec<Member>,
        #[serde(deserialize_with = "section")]
        health_check: Option<Nothing>,
    }

    pub struct Member {
        name: String,
        weight: Option<i64> = 1,
    }

    pub struct Mirroring {
        service: String,
        mirror_body: Option<bool> = true,
        max_body_size: Option<i64> = -1,
        mirrors: Vec<Mirror>,
        #[serde(deserialize_with = "section")]
        health_check: Option<Nothing>,
    }

    pub struct Mirror {
        name: String,
        percent: i64,
    }

    pub struct Failover {
        service: String,
        fallback: String,
        #[serde(deserialize_with = "section")]
        health_check: Option<Nothing>,
        errors: Option<FailoverErrors>,
    }

    pub struct FailoverErrors {
        max_request_body_bytes: Option<i64> = -1,
        status: Vec<String>,
    }

    /// A switch with room for options.
    pub struct Nothing {}

    pub struct ServersTransport {
        server_name: String,
        insecure_skip_verify: bool,
        #[serde(rename = "rootCAs")]
        root_cas: Vec<String>,
        certificates: Vec<Certificate>,
        cipher_suites: Vec<String>,
        min_version: String,
        max_version: String,
        max_idle_conns_per_host: i64,
        #[serde(deserialize_with = "section")]
        forwarding_timeouts: Option<ForwardingTimeouts>,
        #[serde(rename = "disableHTTP2")]
        disable_http2: bool,
        #[serde(rename = "peerCertURI")]
        peer_cert_uri: String,
        #[serde(deserialize_with = "section")]
        spiffe: Option<Spiffe>,
    }

    pub struct Certificate {
        cert_file: String,
        key_file: String,
    }

    pub struct ForwardingTimeouts {
        dial_timeout: Option<Span>,
        response_header_timeout: Option<Span>,
        idle_conn_timeout: Option<Span>,
        read_idle_timeout: Option<Span>,
        ping_timeout: Option<Span> = Span::seconds(15),
    }

    pub struct Spiffe {
        ids: Vec<String>,
        trust_domain: String,
    }
}
