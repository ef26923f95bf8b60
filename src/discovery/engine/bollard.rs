//! The engine over bollard: a unix socket, plain TCP or TLS.
//!
//! bollard 0.21.1 joins its URLs in a way that drops the version (`Url::join` with an absolute
//! path), so what it negotiates never reaches the wire, and its `Task` lacks the networks. It is
//! therefore used as the carrier only: connection, timeouts, error answers and the event stream are
//! its own, the request's target is set here through its request hook, always with the version
//! that was agreed on, and lists are read into [`super::words`].

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use futures_util::StreamExt;
use futures_util::stream::LocalBoxStream;
use hyper::body::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::config::{self, ClientTls};

use super::words::{Container, Event, Network, Service, Task, Version};
use super::{ApiVersion, Engine, EngineVersion, Tasks, Trouble};

mod tls;

/// Bound on a whole list call. An engine that is busy pulling images can take seconds; one that
/// takes longer than this is as good as gone, and the last table serves on.
const CALL_TIMEOUT_S: u64 = 10;

/// What is asked of the event stream; everything else never leaves the engine.
const EVENTS: &str = r#"{"type":["service","node","network","container"]}"#;

/// An engine behind `unix:///path`, `tcp://host:port` or `https://host:port`.
pub struct BollardEngine {
    endpoint: String,
    tls: Option<ClientTls>,
    /// Of requests, for a proxy that asks for it.
    authorization: Option<http::HeaderValue>,
    link: Option<Link>,
}

/// A client and the version that it speaks.
struct Link {
    client: Docker,
    api: ApiVersion,
}

impl BollardEngine {
    /// Nothing is opened before [`Engine::negotiate`].
    pub fn new(endpoint: &str) -> BollardEngine {
        BollardEngine { endpoint: endpoint.to_owned(), tls: None, authorization: None, link: None }
    }

    /// The engine of a provider, with what it asks of its clients.
    pub fn of(settings: &config::Docker) -> BollardEngine {
        let authorization = settings.login.as_ref().and_then(|(name, password)| {
            let text = format!("Basic {}", BASE64_STANDARD.encode(format!("{name}:{password}")));
            http::HeaderValue::try_from(text).ok()
        });
        let tls = settings.tls.clone();
        BollardEngine { tls, authorization, ..BollardEngine::new(&settings.endpoint) }
    }

    fn open(&self) -> Result<Docker, Trouble> {
        let opened = match self.endpoint.split_once("://") {
            Some(("unix", _)) => {
                Docker::connect_with_unix(&self.endpoint, CALL_TIMEOUT_S, API_DEFAULT_VERSION)
            }
            Some((scheme @ ("tcp" | "https"), address))
                if !address.is_empty() && (scheme == "https" || self.tls.is_some()) =>
            {
                let tls = self.tls.clone().unwrap_or_default();
                return tls::open(address.trim_end_matches('/'), &tls).map_err(Trouble::Tls);
            }
            Some(("tcp" | "http", address)) if !address.is_empty() => Docker::connect_with_http(
                address.trim_end_matches('/'),
                CALL_TIMEOUT_S,
                API_DEFAULT_VERSION,
            ),
            _ => return Err(Trouble::Endpoint(self.endpoint.clone())),
        };
        opened.map_err(|error| explain(error, &self.endpoint))
    }

    async fn list<T: DeserializeOwned>(&self, target: &str) -> Result<T, Trouble> {
        let link = self.link.as_ref().ok_or(Trouble::Unconnected)?;
        self.fetch(&link.client, format!("/v{}{target}", link.api)).await
    }

    /// A service with every field that the engine knows.
    pub async fn service(&self, id: &str) -> Result<Value, Trouble> {
        self.list(&format!("/services/{id}")).await
    }

    /// Replaces a service's specification; `index` is the version that it was read at. The answer
    /// holds the engine's warnings.
    pub async fn update_service(
        &self,
        id: &str,
        index: u64,
        spec: &Value,
    ) -> Result<Value, Trouble> {
        let link = self.link.as_ref().ok_or(Trouble::Unconnected)?;
        let target = format!("/v{}/services/{id}/update?version={index}", link.api);
        let spec = Bytes::from(spec.to_string());
        let (aimed, authorization) = (target.clone(), self.authorization.clone());
        let call = link.client.clone().with_request_modifier(move |request: BollardRequest| {
            let (mut parts, _) = retarget(request, &aimed, authorization.as_ref()).into_parts();
            parts.method = http::Method::POST;
            let json = http::HeaderValue::from_static("application/json");
            parts.headers.insert(http::header::CONTENT_TYPE, json);
            BollardRequest::from_parts(parts, bollard::body_full(spec.clone()))
        });
        self.read(call, target).await
    }

    /// A client whose next request goes to `target` instead of where bollard would send it.
    fn aim(&self, client: &Docker, target: String) -> Docker {
        let authorization = self.authorization.clone();
        client.clone().with_request_modifier(move |request| {
            retarget(request, &target, authorization.as_ref())
        })
    }

    /// One GET, its answer read into `T`.
    async fn fetch<T: DeserializeOwned>(
        &self,
        client: &Docker,
        target: String,
    ) -> Result<T, Trouble> {
        self.read(self.aim(client, target.clone()), target).await
    }

    /// Makes the call that `call` was aimed at.
    async fn read<T: DeserializeOwned>(&self, call: Docker, target: String) -> Result<T, Trouble> {
        // bollard's ping is its one call that hands the body over as it came. Its own timeout ends
        // with the head, ours covers the body too.
        let body = tokio::time::timeout(Duration::from_secs(CALL_TIMEOUT_S), call.ping())
            .await
            .map_err(|_| Trouble::Timeout(CALL_TIMEOUT_S))?
            .map_err(|error| explain(error, &self.endpoint))?;
        serde_json::from_str(&body)
            .map_err(|e| Trouble::Unreadable { target, problem: e.to_string() })
    }
}

impl Engine for BollardEngine {
    async fn negotiate(&mut self) -> Result<EngineVersion, Trouble> {
        self.link = None;
        let client = self.open()?;
        // The only request without a version: any engine answers it in its own.
        let version: Version = self.fetch(&client, "/version".to_owned()).await?;
        let most = ApiVersion::parse(&version.api).ok_or_else(|| Trouble::Unreadable {
            target: "/version".to_owned(),
            problem: format!("ApiVersion is {:?}", version.api),
        })?;
        let api = ApiVersion::agree(ApiVersion::parse(&version.least_api), most)
            .ok_or(Trouble::TooOld(version.api))?;
        self.link = Some(Link { client, api });
        Ok(EngineVersion { release: version.release, api })
    }

    async fn services(&self) -> Result<Vec<Service>, Trouble> {
        self.list("/services").await
    }

    async fn tasks(&self, which: Tasks<'_>) -> Result<Vec<Task>, Trouble> {
        let filters = match which {
            Tasks::All => return self.list("/tasks").await,
            Tasks::Wanted => serde_json::json!({ "desired-state": ["running"] }),
            Tasks::Ids(ids) => serde_json::json!({ "id": ids }),
        };
        self.list(&filtered("/tasks", &filters.to_string())).await
    }

    async fn networks(&self) -> Result<Vec<Network>, Trouble> {
        self.list("/networks").await
    }

    async fn containers(&self, id: Option<&str>) -> Result<Vec<Container>, Trouble> {
        match id {
            None => self.list("/containers/json").await,
            Some(id) => {
                let filters = serde_json::json!({ "id": [id] }).to_string();
                self.list(&filtered("/containers/json", &filters)).await
            }
        }
    }

    fn events(&self) -> LocalBoxStream<'static, Result<Event, Trouble>> {
        let Some(Link { client, api }) = &self.link else {
            return futures_util::stream::iter([Err(Trouble::Unconnected)]).boxed_local();
        };
        let endpoint = self.endpoint.clone();
        self.aim(client, format!("/v{api}{}", filtered("/events", EVENTS)))
            .events(None)
            .map(move |event| event.map(translate).map_err(|error| explain(error, &endpoint)))
            .boxed_local()
    }
}

fn retarget(
    mut request: BollardRequest,
    target: &str,
    authorization: Option<&http::HeaderValue>,
) -> BollardRequest {
    let uri = request.uri_mut();
    let scheme = uri.scheme_str().unwrap_or("http");
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    if let Ok(aimed) = format!("{scheme}://{authority}{target}").parse() {
        *uri = aimed;
    }
    if let Some(value) = authorization {
        request.headers_mut().insert(http::header::AUTHORIZATION, value.clone());
    }
    request
}

/// `path?filters=` with the filter escaped.
fn filtered(path: &str, filters: &str) -> String {
    let mut target = format!("{path}?filters=");
    for byte in filters.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            target.push(char::from(byte));
        } else {
            target.push_str(&format!("%{byte:02X}"));
        }
    }
    target
}

fn translate(event: bollard::models::EventMessage) -> Event {
    let actor = event.actor.unwrap_or_default();
    Event {
        kind: event.typ.map(|kind| kind.to_string()).unwrap_or_default(),
        action: event.action.unwrap_or_default(),
        id: actor.id.unwrap_or_default(),
        attributes: actor.attributes.unwrap_or_default().into_iter().collect(),
    }
}

/// Turns bollard's error into what a person can act on.
fn explain(error: Error, endpoint: &str) -> Trouble {
    match error {
        Error::SocketNotFoundError(path) => Trouble::SocketMissing(path),
        Error::RequestTimeoutError => Trouble::Timeout(CALL_TIMEOUT_S),
        Error::DockerResponseServerError { message, .. }
            if message.contains("not a swarm manager") =>
        {
            Trouble::NotManager
        }
        Error::DockerResponseServerError { status_code, message } => {
            Trouble::Status { status: status_code, message: message.trim().to_owned() }
        }
        other => {
            let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&other);
            let mut text = other.to_string();
            while let Some(error) = cause {
                let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
                match kind {
                    Some(std::io::ErrorKind::PermissionDenied) => return Trouble::Denied,
                    Some(std::io::ErrorKind::NotFound) => {
                        let path = endpoint.trim_start_matches("unix://");
                        return Trouble::SocketMissing(path.to_owned());
                    }
                    Some(std::io::ErrorKind::ConnectionRefused) => return Trouble::Refused,
                    _ => {}
                }
                // The innermost says most: "connection reset", "failed to lookup address".
                text = error.to_string();
                cause = error.source();
            }
            Trouble::Broken(text)
        }
    }
}

#[cfg(test)]
mod wire;
