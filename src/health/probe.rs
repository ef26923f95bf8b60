//! One question to one backend.

use std::net::SocketAddr;
use std::sync::Arc;

use http::header::{HOST, LOCATION};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::{Host, Url};

use crate::limits::CHECK_REDIRECTS;
use crate::model::{HealthCheck, Scheme};

/// What is asked, and of whom.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    pub check: Arc<HealthCheck>,
    pub address: SocketAddr,
    /// What the configuration calls it.
    pub authority: Box<str>,
}

impl Question {
    fn url(&self) -> Result<Url, String> {
        if self.check.scheme.is_some_and(|scheme| scheme != Scheme::Http) {
            return Err("only http can be asked".to_owned());
        }
        let base = format!("http://{}{}", self.authority, self.check.path);
        let mut url = Url::parse(&base).map_err(|error| format!("{base}: {error}"))?;
        if let Some(port) = self.check.port {
            // Fails only for URLs that have no host.
            let _ = url.set_port(Some(port));
        }
        Ok(url)
    }

    /// The address of what a URL names. The backend's own name stands for the address that we
    /// know, so that each server behind a name is asked for itself.
    async fn connect(&self, url: &Url) -> Result<TcpStream, String> {
        let port = url.port_or_known_default().unwrap_or(80);
        let own = Url::parse(&format!("http://{}", self.authority)).ok();
        let connected = match url.host() {
            host if own.as_ref().and_then(Url::host) == host => {
                TcpStream::connect((self.address.ip(), port)).await
            }
            Some(Host::Ipv4(ip)) => TcpStream::connect((ip, port)).await,
            Some(Host::Ipv6(ip)) => TcpStream::connect((ip, port)).await,
            Some(Host::Domain(name)) => TcpStream::connect((name, port)).await,
            None => return Err(format!("{url} names no host")),
        };
        connected.map_err(|error| error.to_string())
    }

    fn request(&self, url: &Url, asked: &Asked) -> Result<Request<Empty<Bytes>>, String> {
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let mut request = Request::new(Empty::new());
        *request.method_mut() = asked.method.clone();
        *request.uri_mut() = target.parse().map_err(|error| format!("{target}: {error}"))?;
        let headers = request.headers_mut();
        for (name, value) in &self.check.headers {
            let name = HeaderName::try_from(name).map_err(|error| format!("{name}: {error}"))?;
            let value = HeaderValue::try_from(value).map_err(|error| format!("{name}: {error}"))?;
            headers.insert(name, value);
        }
        let own = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let host = if asked.names_host { &self.check.hostname } else { own };
        headers.insert(HOST, HeaderValue::try_from(host).map_err(|error| error.to_string())?);
        Ok(request)
    }
}

/// What redirects change.
struct Asked {
    method: Method,
    /// The configured host name is sent.
    names_host: bool,
}

/// Asks once, and follows where the answer leads (as Go's client does it); an error says why the
/// backend is not healthy.
pub async fn ask(question: &Question) -> Result<(), String> {
    let check = &question.check;
    let method = Method::try_from(check.method.as_str()).map_err(|error| error.to_string())?;
    let mut asked = Asked { method, names_host: !check.hostname.is_empty() };
    let mut url = question.url()?;
    for _ in 0..=CHECK_REDIRECTS {
        let (status, location) = exchange(question, &url, &asked).await?;
        let Some(location) = location.filter(|_| check.follow_redirects && redirects(status))
        else {
            return judge(check, status);
        };
        if !matches!(status.as_u16(), 307 | 308) && asked.method != Method::HEAD {
            asked.method = Method::GET;
        }
        // A name that we were told to give goes only where the same server is meant.
        asked.names_host &= Url::parse(&location).is_err();
        url = url.join(&location).map_err(|error| format!("{location}: {error}"))?;
        if url.scheme() != "http" {
            return Err(format!("redirected to {url}, and only http can be asked"));
        }
    }
    Err(format!("redirected more than {CHECK_REDIRECTS} times"))
}

fn redirects(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn judge(check: &HealthCheck, status: StatusCode) -> Result<(), String> {
    let healthy = match check.status {
        Some(wanted) => status.as_u16() == wanted,
        None => (200..400).contains(&status.as_u16()),
    };
    if healthy { Ok(()) } else { Err(format!("answered {status}")) }
}

/// One request on a connection of its own, as a client would begin; gives the status and where it
/// leads.
async fn exchange(
    question: &Question,
    url: &Url,
    asked: &Asked,
) -> Result<(StatusCode, Option<String>), String> {
    let request = question.request(url, asked)?;
    let stream = question.connect(url).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let location = response.headers().get(LOCATION);
        let location = location.and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok((response.status(), location))
    };
    // Both are dropped with the answer's head: nobody reads the body.
    tokio::select! {
        biased;
        answer = answer => answer,
        Err(error) = connection => Err(error.to_string()),
        else => Err("closed without an answer".to_owned()),
    }
}
