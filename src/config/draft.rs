//! What the options said, before any default: every field may still be unsaid.

use std::net::SocketAddr;
use std::time::Duration;

use super::DriverChoice;
use crate::model::{AccessLog, Dialect, Network};

/// A part of the configuration that exists once it is named: `--docker`, `--api`, `--ping`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Section {
    said: Option<bool>,
    touched: bool,
}

impl Section {
    pub fn set(&mut self, on: bool) {
        self.said = Some(on);
    }

    /// An option below the section was given, which brings the section into being.
    pub fn touch(&mut self) {
        self.touched = true;
    }

    pub fn asked(self) -> bool {
        self.said.unwrap_or(self.touched)
    }
}

#[derive(Debug, Default)]
pub(super) struct Draft {
    /// Traefik 1's, of all providers.
    pub constraints: Vec<String>,
    /// `--docker`, `--providers.docker`, `--providers.swarm`.
    pub docker_first: DockerDraft,
    pub docker: DockerDraft,
    pub swarm: DockerDraft,
    pub file: FileDraft,
    pub http: HttpDraft,
    pub rest: Section,
    pub rest_insecure: bool,
    /// The configuration file itself.
    pub own_file: Option<std::path::PathBuf>,
    pub precedence: Vec<String>,
    pub default_rule_syntax: Option<Dialect>,
    pub health_check_interval: Option<Duration>,
    pub entry_points: Vec<EntryDraft>,
    pub default_entry_points: Vec<String>,
    pub control: ControlDraft,
    pub log_level: Option<tracing::Level>,
    pub debug: bool,
    pub log_json: bool,
    pub access: AccessDraft,
    pub metrics: MetricsDraft,
    /// Traefik 1 sets these for all entry points at once.
    pub responding: RespondingDraft,
    pub life: LifeDraft,
    pub dial_timeout: Option<Duration>,
    pub response_header_timeout: Option<Duration>,
    pub backend_idle_timeout: Option<Duration>,
    pub max_idle_per_host: Option<i64>,
    pub limits: LimitsDraft,
    pub driver: Option<DriverChoice>,
    pub workers: Option<usize>,
    pub handover: Option<std::path::PathBuf>,
    /// Options as given that rightly change nothing.
    pub pointless: Vec<String>,
}

#[derive(Debug, Default)]
pub(super) struct DockerDraft {
    pub section: Section,
    pub endpoint: Option<String>,
    pub swarm_mode: Option<bool>,
    pub watch: Option<bool>,
    pub exposed_by_default: Option<bool>,
    pub network: Option<String>,
    pub domain: Option<String>,
    pub default_rule: Option<String>,
    pub refresh: Option<Duration>,
    pub constraints: Vec<String>,
    pub tls: TlsDraft,
    pub username: Option<String>,
    pub password: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct TlsDraft {
    pub section: Section,
    pub settings: super::ClientTls,
}

#[derive(Debug, Default)]
pub(super) struct AccessDraft {
    pub section: Section,
    pub settings: AccessLog,
}

#[derive(Debug, Default)]
pub(super) struct MetricsDraft {
    /// In seconds.
    pub buckets: Vec<f64>,
    pub entry_points: Option<bool>,
    pub routers: Option<bool>,
    pub services: Option<bool>,
}

#[derive(Debug, Default)]
pub(super) struct FileDraft {
    pub section: Section,
    pub filename: Option<String>,
    pub directory: Option<String>,
    pub watch: Option<bool>,
}

#[derive(Debug, Default)]
pub(super) struct HttpDraft {
    pub section: Section,
    pub endpoint: Option<String>,
    pub poll_interval: Option<Duration>,
    pub poll_timeout: Option<Duration>,
    pub headers: Vec<(String, String)>,
    pub max_body: Option<i64>,
}

#[derive(Debug, Default)]
pub(super) struct ControlDraft {
    pub web: Section,
    pub web_address: Option<SocketAddr>,
    pub web_metrics: bool,
    /// What `--web` asks for and must not be opened without.
    pub web_needs: Option<String>,
    pub api: Section,
    pub insecure: Option<bool>,
    pub dashboard: Option<bool>,
    pub ping: Section,
    pub metrics: Section,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RespondingDraft {
    pub read: Option<Duration>,
    pub write: Option<Duration>,
    pub idle: Option<Duration>,
}

#[derive(Debug, Default)]
pub(super) struct LimitsDraft {
    pub head_timeout: Option<Duration>,
    pub progress_timeout: Option<Duration>,
    pub tunnel_timeout: Option<Duration>,
    pub header_bytes: Option<usize>,
    pub header_fields: Option<usize>,
    pub target_bytes: Option<usize>,
    pub connections: Option<usize>,
    /// By entry point, which need not be named otherwise.
    pub connections_of: Vec<(String, usize)>,
    pub buffer_memory: Option<usize>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LifeDraft {
    pub accept_grace: Option<Duration>,
    pub grace: Option<Duration>,
}

#[derive(Debug, Default)]
pub(super) struct ProxyProtocolDraft {
    pub section: Section,
    pub insecure: bool,
    pub trusted: Vec<Network>,
}

#[derive(Debug, Default)]
pub(super) struct EntryDraft {
    /// In the spelling of its first mention.
    pub name: String,
    pub address: Option<SocketAddr>,
    pub insecure: Option<bool>,
    pub trusted: Vec<Network>,
    pub proxy_protocol: ProxyProtocolDraft,
    pub responding: RespondingDraft,
    pub life: LifeDraft,
    pub keep_alive_time: Option<Duration>,
    pub keep_alive_requests: Option<i64>,
    pub header_bytes: Option<usize>,
    pub as_default: bool,
    /// The first option that asks for something without which opening it would be worse than
    /// leaving it closed.
    pub needs: Option<String>,
}

impl Draft {
    pub fn first(&mut self) -> &mut DockerDraft {
        self.docker_first.touch()
    }

    pub fn docker(&mut self) -> &mut DockerDraft {
        self.docker.touch()
    }

    pub fn swarm(&mut self) -> &mut DockerDraft {
        self.swarm.touch()
    }

    pub fn file(&mut self) -> &mut FileDraft {
        self.file.section.touch();
        &mut self.file
    }

    pub fn http(&mut self) -> &mut HttpDraft {
        self.http.section.touch();
        &mut self.http
    }

    /// The entry point of that name in any case; it comes into being by being named.
    pub fn entry(&mut self, name: &str) -> &mut EntryDraft {
        let known = self.entry_points.iter().position(|e| e.name.eq_ignore_ascii_case(name));
        let at = known.unwrap_or_else(|| {
            self.entry_points.push(EntryDraft { name: name.to_owned(), ..EntryDraft::default() });
            self.entry_points.len() - 1
        });
        &mut self.entry_points[at]
    }
}

impl EntryDraft {
    pub fn proxy_protocol(&mut self) -> &mut ProxyProtocolDraft {
        self.proxy_protocol.section.touch();
        &mut self.proxy_protocol
    }
}

impl DockerDraft {
    pub fn tls(&mut self) -> &mut super::ClientTls {
        self.tls.section.touch();
        &mut self.tls.settings
    }

    fn touch(&mut self) -> &mut DockerDraft {
        self.section.touch();
        self
    }
}
