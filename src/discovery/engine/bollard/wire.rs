//! What really goes over the socket, seen from an engine that only pretends.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;

use super::*;

/// Answers every request line with what `answer` says and remembers the targets.
struct PretendedEngine {
    endpoint: String,
    targets: Arc<Mutex<Vec<String>>>,
    path: std::path::PathBuf,
}

impl PretendedEngine {
    fn start(name: &str, answer: fn(&str) -> (u16, String)) -> PretendedEngine {
        let path =
            std::env::temp_dir().join(format!("ringress-{name}-{}.sock", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).unwrap();
        let targets = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&targets);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => break,
                    }
                }
                let head = String::from_utf8(head).unwrap();
                let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
                let (status, body) = answer(&target);
                seen.lock().unwrap().push(target);
                let length = body.len();
                let text = format!(
                    "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
                let _ = stream.write_all(text.as_bytes()).await;
            }
        });
        PretendedEngine { endpoint: format!("unix://{}", path.display()), targets, path }
    }

    fn targets(&self) -> Vec<String> {
        self.targets.lock().unwrap().clone()
    }
}

impl Drop for PretendedEngine {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn ask_everything(name: &str, answer: fn(&str) -> (u16, String)) -> Vec<String> {
    let pretended = PretendedEngine::start(name, answer);
    let mut engine = BollardEngine::new(&pretended.endpoint);
    engine.negotiate().await.unwrap();
    engine.services().await.unwrap();
    engine.networks().await.unwrap();
    engine.tasks(Tasks::All).await.unwrap();
    engine.tasks(Tasks::Wanted).await.unwrap();
    engine.tasks(Tasks::Ids(&["a".to_owned(), "b".to_owned()])).await.unwrap();
    engine.containers(None).await.unwrap();
    engine.containers(Some("abc")).await.unwrap();
    assert!(engine.events().next().await.is_none());
    pretended.targets()
}

fn version(target: &str, least: &str, most: &str) -> (u16, String) {
    if target.ends_with("/version") {
        (200, format!(r#"{{"Version":"x","ApiVersion":"{most}","MinAPIVersion":"{least}"}}"#))
    } else if target.contains("/events") {
        (200, String::new())
    } else {
        (200, "[]".to_owned())
    }
}

#[tokio::test]
async fn every_request_after_the_first_carries_the_agreed_version() {
    let filters =
        "%7B%22type%22%3A%5B%22service%22%2C%22node%22%2C%22network%22%2C%22container%22%5D%7D";
    for (name, most, agreed) in [("old", "1.24", "1.24"), ("new", "1.99", "1.53")] {
        let targets = match name {
            "old" => ask_everything(name, |target| version(target, "", "1.24")).await,
            _ => ask_everything(name, |target| version(target, "1.44", "1.99")).await,
        };
        let v = format!("/v{agreed}");
        assert_eq!(
            targets,
            [
                "/version".to_owned(),
                format!("{v}/services"),
                format!("{v}/networks"),
                format!("{v}/tasks"),
                format!("{v}/tasks?filters=%7B%22desired-state%22%3A%5B%22running%22%5D%7D"),
                format!("{v}/tasks?filters=%7B%22id%22%3A%5B%22a%22%2C%22b%22%5D%7D"),
                format!("{v}/containers/json"),
                format!("{v}/containers/json?filters=%7B%22id%22%3A%5B%22abc%22%5D%7D"),
                format!("{v}/events?filters={filters}"),
            ],
            "engine with API {most}"
        );
    }
}

/// Why this file exists: when this test fails, bollard sends versions by itself and the hook in
/// `aim` can be thought over.
#[tokio::test]
async fn bollard_alone_sends_no_version() {
    let pretended = PretendedEngine::start("plain", |target| version(target, "1.24", "1.41"));
    let client = BollardEngine::new(&pretended.endpoint).open().unwrap();
    let client = client.negotiate_version().await.unwrap();
    client.list_services(None).await.unwrap();
    assert_eq!(pretended.targets(), ["/version", "/services"]);
}

#[tokio::test]
async fn troubles_say_what_would_help() {
    let mut nowhere = BollardEngine::new("unix:///nowhere/docker.sock");
    assert_eq!(
        nowhere.negotiate().await,
        Err(Trouble::SocketMissing("/nowhere/docker.sock".to_owned()))
    );
    assert_eq!(nowhere.services().await.unwrap_err(), Trouble::Unconnected);
    let mut odd = BollardEngine::new("/var/run/docker.sock");
    assert!(matches!(odd.negotiate().await, Err(Trouble::Endpoint(_))));

    let worker = PretendedEngine::start("worker", |target| match target {
        "/version" => version(target, "1.24", "1.41"),
        _ => (503, r#"{"message":"This node is not a swarm manager. Use ..."}"#.to_owned()),
    });
    let mut engine = BollardEngine::new(&worker.endpoint);
    engine.negotiate().await.unwrap();
    assert_eq!(engine.services().await.unwrap_err(), Trouble::NotManager);
    assert!(Trouble::NotManager.to_string().starts_with("this node is not a swarm manager"));

    let broken = PretendedEngine::start("broken", |target| match target {
        "/version" => version(target, "1.24", "1.41"),
        "/v1.41/tasks" => (200, "[{".to_owned()),
        _ => (500, r#"{"message":"The swarm does not have a leader."}"#.to_owned()),
    });
    let mut engine = BollardEngine::new(&broken.endpoint);
    engine.negotiate().await.unwrap();
    assert!(matches!(engine.tasks(Tasks::All).await, Err(Trouble::Unreadable { .. })));
    assert!(matches!(engine.services().await, Err(Trouble::Status { status: 500, .. })));

    let dead = PretendedEngine::start("dead", |_| (200, String::new()));
    drop(std::os::unix::net::UnixListener::bind(dead.path.with_extension("gone")).unwrap());
    let mut engine =
        BollardEngine::new(&format!("{}.gone", dead.endpoint.trim_end_matches(".sock")));
    assert_eq!(engine.negotiate().await, Err(Trouble::Refused));
    let _ = std::fs::remove_file(dead.path.with_extension("gone"));
}

#[tokio::test]
async fn plain_tcp_works_too() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 1024];
        let n = stream.read(&mut buffer).await.unwrap();
        let body = r#"{"Version":"29.3.1","ApiVersion":"1.53","MinAPIVersion":"1.40"}"#;
        let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(text.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&buffer[..n]).into_owned()
    });
    let mut engine = BollardEngine::new(&format!("tcp://127.0.0.1:{port}"));
    let version = engine.negotiate().await.unwrap();
    assert_eq!(version.api, ApiVersion { major: 1, minor: 53 });
    assert!(served.await.unwrap().starts_with("GET /version HTTP/1.1"));
}
