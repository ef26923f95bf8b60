//! An HTTP server that is asked for the configuration again and again.

use http_body_util::{BodyExt, Empty, Limited};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::config;
use crate::document::Format;

use super::names::Resolver;
use super::{Desk, Texts};

/// Asks for ever. While there is no answer the last one stands.
pub(super) async fn follow(settings: &config::Http, mut texts: Texts<'_>, desk: &impl Desk) {
    let mut resolver = Resolver::default();
    let mut last = None;
    loop {
        let answer = match timeout(settings.poll_timeout, ask(settings)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer within {:?}", settings.poll_timeout)),
        };
        let news = last.as_ref() != Some(&answer);
        if news {
            match &answer {
                // JSON is YAML.
                Ok(text) => texts.take(&settings.endpoint, text, Format::Yaml),
                Err(problem) => texts.break_off(&settings.endpoint, problem, "see that it answers"),
            }
            last = Some(answer);
        }
        if resolver.resolve(&texts.host_names()).await || news {
            desk.put(texts.model(resolver.names()));
        }
        match texts.broken.values().next() {
            Some(broken) => desk.lost(&broken.to_string()),
            None => desk.read(texts.understood.len()),
        }
        sleep(settings.poll_interval).await;
    }
}

async fn ask(settings: &config::Http) -> Result<String, String> {
    let uri: hyper::Uri =
        settings.endpoint.parse().map_err(|error| format!("is no URL: {error}"))?;
    let authority = uri.authority().ok_or("is no URL: it has no host")?.clone();
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let address = (authority.host().trim_matches(['[', ']']), authority.port_u16().unwrap_or(80));
    let stream = TcpStream::connect(address).await.map_err(|e| format!("does not answer: {e}"))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|e| format!("does not answer: {e}"))?;
    let mut request = Request::get(target).header("host", authority.as_str());
    for (name, value) in &settings.headers {
        request = request.header(name, value);
    }
    let request = request
        .body(Empty::<Bytes>::new())
        .map_err(|error| format!("cannot be asked with these headers: {error}"))?;
    let asking = async {
        let answer =
            sender.send_request(request).await.map_err(|e| format!("does not answer: {e}"))?;
        if !answer.status().is_success() {
            return Err(format!("answers with status {}", answer.status().as_u16()));
        }
        let body = Limited::new(answer.into_body(), settings.max_body.unwrap_or(usize::MAX));
        let body = body.collect().await.map_err(|error| format!("breaks off: {error}"))?;
        String::from_utf8(body.to_bytes().into()).map_err(|_| "answers no text".to_owned())
    };
    // The connection does nothing but what this request needs, and ends with it.
    tokio::select! {
        answer = asking => answer,
        Err(error) = connection => Err(format!("does not answer: {error}")),
    }
}
