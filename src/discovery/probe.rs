//! Reachability: a server serves once it has accepted a connection.
//!
//! A task runs before its program listens. Until a connection was accepted the server stays
//! [`ServerState::Starting`]. What was learned is remembered by address for as long as the address
//! is in the model; when a server stops answering later, that is for the data path to notice.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use crate::model::{Model, ServerState};

use super::pace::Backoff;

/// Bound on one attempt. On an overlay network the answer takes well below a millisecond; no
/// answer at all means that the address is not reachable from here.
const ATTEMPT: Duration = Duration::from_secs(1);
const LEAST_WAIT: Duration = Duration::from_millis(50);
const MOST_WAIT: Duration = Duration::from_secs(1);
/// Attempts after which the log says that a server does not come up: about ten seconds when
/// connections are refused.
const PATIENCE: u32 = 14;

/// Which servers have accepted a connection.
#[derive(Default)]
pub struct Reachability {
    reached: BTreeSet<SocketAddr>,
    probes: BTreeMap<SocketAddr, Probe>,
    results: Arc<Results>,
}

/// What probes found since the last look at it.
#[derive(Default)]
struct Results {
    reached: Mutex<Vec<SocketAddr>>,
    news: Arc<Notify>,
}

/// A probe under way; it ends with this handle.
struct Probe {
    task: AbortHandle,
    /// It has made an attempt.
    tried: Arc<AtomicBool>,
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Reachability {
    /// Notified when a probe has succeeded, and after its first attempt: the model has to be
    /// applied again.
    pub fn news(&self) -> Arc<Notify> {
        Arc::clone(&self.results.news)
    }

    /// Each server has been tried at least once, as of the last [`Reachability::apply`].
    pub fn is_settled(&self) -> bool {
        self.probes.values().all(|probe| probe.tried.load(Ordering::Relaxed))
    }

    /// Turns the servers of `model` that are known to answer from starting to serving, starts
    /// probes of those that are not known, and forgets what is no longer in it.
    ///
    /// Has to be called inside a tokio runtime.
    pub fn apply(&mut self, model: &mut Model) {
        for addr in std::mem::take(&mut *self.results.lock()) {
            // The result of a probe that was given up is nobody's.
            if self.probes.remove(&addr).is_some() {
                self.reached.insert(addr);
            }
        }
        let mut present = BTreeSet::new();
        for service in model.services.values_mut() {
            present.extend(service.servers.iter().map(|server| server.url.addr));
            if !service.servers.iter().any(|server| server.state == ServerState::Starting) {
                continue;
            }
            for server in &mut Arc::make_mut(service).servers {
                let addr = server.url.addr;
                if server.state != ServerState::Starting {
                    continue;
                }
                if self.reached.contains(&addr) {
                    server.state = ServerState::Serving;
                } else {
                    self.probes
                        .entry(addr)
                        .or_insert_with(|| start(addr, server.label.clone(), &self.results));
                }
            }
        }
        self.reached.retain(|addr| present.contains(addr));
        self.probes.retain(|addr, _| present.contains(addr));
    }
}

impl Results {
    fn lock(&self) -> MutexGuard<'_, Vec<SocketAddr>> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn start(addr: SocketAddr, label: String, results: &Arc<Results>) -> Probe {
    let results = Arc::clone(results);
    let tried = Arc::new(AtomicBool::new(false));
    let trying = Arc::clone(&tried);
    let probing = tokio::spawn(async move {
        let mut backoff = Backoff::new(LEAST_WAIT, MOST_WAIT);
        let mut attempts = 0u32;
        loop {
            let problem = match timeout(ATTEMPT, TcpStream::connect(addr)).await {
                Ok(Ok(_)) => break,
                Ok(Err(e)) => e.to_string(),
                Err(_) => "no answer within a second".to_owned(),
            };
            attempts += 1;
            if attempts == 1 {
                trying.store(true, Ordering::Relaxed);
                results.news.notify_one();
            }
            if attempts == PATIENCE {
                tracing::warn!(
                    "{label} runs but does not accept connections at {addr} ({problem}); \
                     check its port label and that we share its network"
                );
            }
            sleep(backoff.wait()).await;
        }
        tracing::debug!("{label} accepts connections at {addr}");
        results.lock().push(addr);
        results.news.notify_one();
    });
    Probe { task: probing.abort_handle(), tried }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Scheme, Server, ServerUrl, Service};
    use tokio::net::TcpListener;

    fn model(servers: &[(SocketAddr, ServerState)]) -> Model {
        let servers = servers.iter().map(|&(addr, state)| {
            Server::new(ServerUrl { scheme: Scheme::Http, addr }, state, "app.1")
        });
        let service = Service {
            name: "app".to_owned(),
            provider: "swarm".to_owned(),
            servers: servers.collect(),
            ..Service::default()
        };
        let mut model = Model::default();
        model.services.insert("app".to_owned(), service.into());
        model
    }

    fn state(model: &Model) -> ServerState {
        model.services["app"].servers[0].state
    }

    #[tokio::test]
    async fn starting_becomes_serving_once_a_connection_was_accepted() {
        // Learn a free port, then let the server come up late on it.
        let addr = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let mut reachability = Reachability::default();
        let mut seen = model(&[(addr, ServerState::Starting)]);
        reachability.apply(&mut seen);
        assert_eq!(state(&seen), ServerState::Starting);
        assert!(!reachability.is_settled());
        let news = reachability.news();
        timeout(Duration::from_secs(3), news.notified()).await.unwrap();
        reachability.apply(&mut seen);
        assert_eq!(state(&seen), ServerState::Starting, "nothing listens yet");
        assert!(reachability.is_settled(), "it was tried");

        let _listener = TcpListener::bind(addr).await.unwrap();
        timeout(Duration::from_secs(3), news.notified()).await.unwrap();
        let mut seen = model(&[(addr, ServerState::Starting)]);
        reachability.apply(&mut seen);
        assert_eq!(state(&seen), ServerState::Serving);

        let mut leaving = model(&[(addr, ServerState::Draining)]);
        reachability.apply(&mut leaving);
        assert_eq!(state(&leaving), ServerState::Draining);
    }

    #[tokio::test]
    async fn what_left_the_model_is_forgotten() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let mut reachability = Reachability::default();
        reachability.apply(&mut model(&[(addr, ServerState::Starting)]));
        timeout(Duration::from_secs(3), reachability.news().notified()).await.unwrap();
        reachability.apply(&mut Model::default());
        assert!(reachability.reached.is_empty());

        let mut again = model(&[(addr, ServerState::Starting)]);
        reachability.apply(&mut again);
        assert_eq!(state(&again), ServerState::Starting);
        assert_eq!(reachability.probes.len(), 1);
        reachability.apply(&mut Model::default());
        assert!(reachability.probes.is_empty(), "the probe ends with its address");
    }
}
