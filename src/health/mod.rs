//! Active health checks: each backend of a service that asks for it is asked at intervals, and
//! workers read what was found.
//!
//! A thread of its own, off the data path. What is found belongs to the backend and lives as long
//! as it is in the table: no change of anything else makes a backend healthy again. A backend
//! starts as it is and is asked at once.

mod probe;

use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, LocalSet};
use tokio::time::{MissedTickBehavior, sleep, timeout};

use crate::limits::CHECKS;
use crate::model::HealthCheck;
use crate::table::{Backend, BackendState, Store};
use probe::Question;

/// How often the generation is looked at: a new server is asked this soon.
const LOOK: Duration = Duration::from_millis(50);

/// No server is asked more often, whatever is configured.
const SHORTEST: Duration = Duration::from_millis(10);

/// Starts the checks of whatever is in the store. They end with the process.
pub fn spawn(store: Arc<Store>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let follow = move || LocalSet::new().block_on(&runtime, Checks::new(store).follow());
    std::thread::Builder::new().name("health".to_owned()).spawn(follow)?;
    Ok(())
}

/// The checks that are under way.
struct Checks {
    store: Arc<Store>,
    /// By the backend's id.
    running: HashMap<u64, Running>,
    permits: Rc<Semaphore>,
}

/// What is asked of one backend, again and again.
struct Running {
    state: Arc<BackendState>,
    question: Question,
    task: AbortHandle,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Checks {
    fn new(store: Arc<Store>) -> Self {
        Self { store, running: HashMap::new(), permits: Rc::new(Semaphore::new(CHECKS)) }
    }

    async fn follow(mut self) {
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = 0;
        loop {
            looks.tick().await;
            let generation = self.store.generation();
            if generation != seen {
                seen = generation;
                let wanted = self.wanted();
                self.become_those(wanted);
            }
        }
    }

    /// What the present table wants to be asked.
    fn wanted(&self) -> Vec<(Arc<BackendState>, Question)> {
        let of = |backend: &Backend, check: &Arc<HealthCheck>| {
            let question = Question {
                check: Arc::clone(check),
                address: backend.addr,
                authority: backend.authority.clone(),
            };
            (Arc::clone(&backend.state), question)
        };
        self.store.read(|table| {
            let checked = table.services().iter().filter_map(|service| {
                let check = service.check.as_ref()?;
                Some(service.backends.iter().map(move |backend| of(backend, check)))
            });
            checked.flatten().collect()
        })
    }

    /// Ends what is wanted no more, and begins what is new. What stays is not disturbed.
    fn become_those(&mut self, wanted: Vec<(Arc<BackendState>, Question)>) {
        let mut before = std::mem::take(&mut self.running);
        for (state, question) in wanted {
            let known = before.remove(&state.id).filter(|known| known.question == question);
            let running = known.unwrap_or_else(|| {
                let asking =
                    ask_again(Arc::clone(&state), question.clone(), Rc::clone(&self.permits));
                let task = tokio::task::spawn_local(asking).abort_handle();
                Running { state: Arc::clone(&state), question, task }
            });
            self.running.insert(state.id, running);
        }
        for (_, gone) in before {
            // In this order: it cannot find out anything more.
            gone.task.abort();
            gone.state.forget_check();
        }
    }
}

/// Asks a backend until nobody wants to know any more.
async fn ask_again(state: Arc<BackendState>, question: Question, permits: Rc<Semaphore>) {
    let check = Arc::clone(&question.check);
    let mut spread = spread(state.id);
    loop {
        // Never closed.
        let Ok(permit) = permits.acquire().await else { return };
        let answer = match timeout(check.timeout, probe::ask(&question)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer within {:?}", check.timeout)),
        };
        drop(permit);
        let is_news = state.set_checked(answer.is_ok());
        match &answer {
            Ok(()) if is_news => tracing::info!(backend = %state.url, "healthy again"),
            Err(why) if is_news => tracing::warn!(backend = %state.url, "unhealthy: {why}"),
            _ => {}
        }
        let pause = if answer.is_ok() { check.interval } else { check.unhealthy_interval };
        sleep(pause.mul_f64(std::mem::replace(&mut spread, 1.0)).max(SHORTEST)).await;
    }
}

/// The part of the first interval that a backend waits: those that were asked at the same time the
/// first time are not for ever.
fn spread(id: u64) -> f64 {
    // The golden ratio's fraction: whatever their number, neighbours lie far apart.
    0.5 + (id as f64 * 0.618_033_988_749_895).fract() / 2.0
}

#[cfg(test)]
mod tests;
