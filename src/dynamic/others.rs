//! TCP, UDP and TLS, as Traefik 2 and 3 name them: read and checked, and not served yet.

use std::collections::BTreeMap;

use super::http::{Certificate, Domain, Member, Nothing, Spiffe};
use super::language::{language, section};
use super::middleware::IpAllowList;
use crate::model::Span;

language! {
    pub struct TcpRouter {
        entry_points: Vec<String>,
        middlewares: Vec<String>,
        service: String,
        rule: String,
        rule_syntax: String,
        priority: i64,
        #[serde(deserialize_with = "section")]
        tls: Option<TcpRouterTls>,
    }

    pub struct TcpRouterTls {
        passthrough: bool,
        options: String,
        cert_resolver: String,
        domains: Vec<Domain>,
    }

    pub struct TcpService {
        #[serde(deserialize_with = "section")]
        load_balancer: Option<TcpLoadBalancer>,
        weighted: Option<WeightedStreams>,
    }

    pub struct WeightedStreams {
        services: Vec<Member>,
        #[serde(deserialize_with = "section")]
        health_check: Option<Nothing>,
    }

    pub struct TcpLoadBalancer {
        #[serde(alias = "server")]
        servers: Vec<TcpServer>,
        servers_transport: String,
        #[serde(deserialize_with = "section")]
        proxy_protocol: Option<ProxyProtocol>,
        termination_delay: Option<i64>,
        #[serde(deserialize_with = "section")]
        health_check: Option<TcpHealthCheck>,
    }

    pub struct TcpServer {
        address: String,
        port: String,
        tls: bool,
    }

    pub struct ProxyProtocol {
        version: u8 = 2,
    }

    pub struct TcpHealthCheck {
        port: u16,
        send: String,
        expect: String,
        interval: Option<Span> = Span::seconds(30),
        unhealthy_interval: Option<Span>,
        timeout: Option<Span> = Span::seconds(5),
    }

    pub struct TcpMiddleware {
        in_flight_conn: Option<InFlightConn>,
        ip_white_list: Option<IpAllowList>,
        ip_allow_list: Option<IpAllowList>,
    }

    pub struct InFlightConn {
        amount: i64,
    }

    pub struct TcpServersTransport {
        dial_keep_alive: Option<Span> = Span::seconds(15),
        dial_timeout: Option<Span> = Span::seconds(30),
        #[serde(deserialize_with = "section")]
        proxy_protocol: Option<ProxyProtocol>,
        termination_delay: Option<Span> = Span::milliseconds(100),
        #[serde(deserialize_with = "section")]
        tls: Option<TcpTransportTls>,
    }

    pub struct TcpTransportTls {
        server_name: String,
        insecure_skip_verify: bool,
        #[serde(rename = "rootCAs")]
        root_cas: Vec<String>,
        certificates: Vec<Certificate>,
        #[serde(rename = "peerCertURI")]
        peer_cert_uri: String,
        #[serde(deserialize_with = "section")]
        spiffe: Option<Spiffe>,
    }

    pub struct UdpRouter {
        entry_points: Vec<String>,
        service: String,
    }

    pub struct UdpService {
        #[serde(deserialize_with = "section")]
        load_balancer: Option<UdpLoadBalancer>,
        weighted: Option<WeightedStreams>,
    }

    pub struct UdpLoadBalancer {
        #[serde(alias = "server")]
        servers: Vec<UdpServer>,
    }

    pub struct UdpServer {
        address: String,
        port: String,
    }

    pub struct TlsCertificate {
        cert_file: String,
        key_file: String,
        stores: Vec<String>,
    }

    pub struct TlsOptions {
        min_version: String,
        max_version: String,
        cipher_suites: Vec<String>,
        curve_preferences: Vec<String>,
        client_auth: Option<ClientAuth>,
        sni_strict: bool,
        alpn_protocols: Vec<String>,
        disable_session_tickets: bool,
        prefer_server_cipher_suites: Option<bool>,
    }

    pub struct ClientAuth {
        ca_files: Vec<String>,
        client_auth_type: String,
    }

    pub struct TlsStore {
        default_certificate: Option<Certificate>,
        default_generated_cert: Option<GeneratedCert>,
    }

    pub struct GeneratedCert {
        resolver: String,
        domain: Option<Domain>,
    }
}

/// Whole, where a part alone says nothing: certificates and what belongs to them.
#[derive(Debug, Clone, Default, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Tls {
    pub certificates: Vec<TlsCertificate>,
    pub options: BTreeMap<String, TlsOptions>,
    pub stores: BTreeMap<String, TlsStore>,
}
