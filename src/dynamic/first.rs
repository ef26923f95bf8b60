//! Frontends and backends, as files of Traefik 1 name them.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::language::{Empty, language, section};
use crate::model::Span;

language! {
    pub struct Frontend {
        entry_points: Vec<String>,
        backend: String,
        /// All of them have to match.
        routes: BTreeMap<String, Route>,
        pass_host_header: bool,
        priority: i64,
        auth: Asked,
        basic_auth: Asked,
        white_list: Asked,
        whitelist_source_range: Asked,
        redirect: Asked,
        headers: Asked,
        errors: Asked,
        rate_limit: Asked,
        #[serde(rename = "passTLSCert")]
        pass_tls_cert: Asked,
        #[serde(rename = "passTLSClientCert")]
        pass_tls_client_cert: Asked,
    }

    pub struct Route {
        rule: String,
    }

    pub struct Backend {
        servers: BTreeMap<String, Server>,
        load_balancer: Option<LoadBalancer>,
        health_check: Option<HealthCheck>,
        response_forwarding: Option<ResponseForwarding>,
        circuit_breaker: Asked,
        max_conn: Asked,
        buffering: Asked,
    }

    pub struct Server {
        url: String,
        weight: i64,
    }

    pub struct LoadBalancer {
        method: String,
        sticky: bool,
        #[serde(deserialize_with = "section")]
        stickiness: Option<Stickiness>,
    }

    pub struct Stickiness {
        cookie_name: String,
        secure: bool,
        http_only: bool,
        same_site: String,
    }

    pub struct HealthCheck {
        path: String,
        scheme: String,
        port: u16,
        interval: Option<Span>,
        timeout: Option<Span>,
        hostname: String,
        headers: BTreeMap<String, String>,
    }

    pub struct ResponseForwarding {
        flush_interval: Option<Span>,
    }
}

/// Whether something is asked for that is not done yet, whatever it is in detail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Asked(pub bool);

impl Empty for Asked {
    fn is_empty(&self) -> bool {
        !self.0
    }
}

impl<'de> Deserialize<'de> for Asked {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Anything;

        impl<'de> Visitor<'de> for Anything {
            type Value = Asked;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_str<E>(self, text: &str) -> Result<Asked, E> {
                Ok(Asked(!matches!(text.trim(), "" | "false")))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Asked, A::Error> {
                let mut asked = Asked(false);
                while list.next_element::<IgnoredAny>()?.is_some() {
                    asked = Asked(true);
                }
                Ok(asked)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Asked, A::Error> {
                let mut asked = Asked(false);
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                    asked = Asked(true);
                }
                Ok(asked)
            }
        }

        from.deserialize_any(Anything)
    }
}
