//! The document, pushed: at once when a new table is published, and every second for its figures.
//!
//! One task looks and renders; however many pages are open, a document is rendered once. Who
//! reads slowly skips documents instead of piling them up.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::Sources;
use super::document;
use super::sampler::Sampler;

/// How often the generation is looked at: what a person takes for "at once", and next to nothing.
const BEAT: Duration = Duration::from_millis(50);

/// How often the counters are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Open pages. Each costs a socket and a copy of the document a second.
const WATCHERS: usize = 64;

/// What every request of the control plane may use.
pub struct Shared {
    pub sources: Sources,
    pub sampler: Mutex<Sampler>,
    documents: watch::Sender<Arc<str>>,
}

impl Shared {
    pub fn new(sources: Sources) -> Self {
        let (documents, _) = watch::channel(Arc::from(""));
        Self { sources, sampler: Mutex::default(), documents }
    }

    /// Runs `read` on the sampler as it stands.
    pub fn sampled<R>(&self, read: impl FnOnce(&mut Sampler) -> R) -> R {
        // A panic while the lock was held spoiled a rate at worst.
        read(&mut self.sampler.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn document(&self) -> serde_json::Result<Arc<str>> {
        self.sampled(|sampler| document::render(&self.sources, sampler)).map(Arc::from)
    }
}

/// `GET /api/ringress`.
pub async fn current(State(shared): State<Arc<Shared>>) -> Response {
    match shared.document() {
        Ok(document) => {
            ([(header::CONTENT_TYPE, "application/json")], document.to_string()).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the document could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// `GET /api/ringress/live`: server-sent events, each with the whole document.
pub async fn subscribe(State(shared): State<Arc<Shared>>) -> Response {
    if shared.documents.receiver_count() >= WATCHERS {
        let wait = [(header::RETRY_AFTER, "5")];
        return (StatusCode::SERVICE_UNAVAILABLE, wait, "too many live views\n").into_response();
    }
    // Subscribed before the first document is made: nothing is published unseen in between.
    let documents = shared.documents.subscribe();
    let Ok(first) = shared.document() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let events = stream::unfold((documents, Some(first)), async |(mut documents, first)| {
        let event = match first {
            Some(first) => event(&first).retry(Duration::from_secs(1)),
            None => {
                documents.changed().await.ok()?;
                event(&documents.borrow_and_update())
            }
        };
        Some((Ok::<_, Infallible>(event), (documents, None)))
    });
    // Proxies that buffer would hold the events back (nginx reads this one).
    ([("x-accel-buffering", "no")], Sse::new(events)).into_response()
}

fn event(document: &str) -> Event {
    Event::default().data(document)
}

/// Looks and pushes until the runtime ends.
pub async fn keep_pushing(shared: Arc<Shared>) {
    let mut beats = tokio::time::interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut seen = Seen { looked: None, generation: 0, terminating: false };
    loop {
        beats.tick().await;
        // Figures come from code of other rooms: a panic there must not end the live view.
        if catch_unwind(AssertUnwindSafe(|| beat(&shared, &mut seen))).is_err() {
            tracing::error!("a look at the figures panicked");
        }
    }
}

struct Seen {
    looked: Option<Instant>,
    generation: u64,
    terminating: bool,
}

fn beat(shared: &Shared, seen: &mut Seen) {
    let sources = &shared.sources;
    let now = Instant::now();
    let is_due = seen.looked.is_none_or(|looked| now - looked >= LOOK);
    let (generation, terminating) = (sources.store.generation(), sources.is_terminating());
    let has_news = generation != seen.generation || terminating != seen.terminating;
    if !is_due && !has_news {
        return;
    }
    // Noted first: should something below panic, the next beat does not panic for the same.
    (seen.generation, seen.terminating) = (generation, terminating);
    if is_due {
        seen.looked = Some(now);
        let snapshot = sources.store.snapshot();
        shared.sampled(|sampler| sampler.look(now, &sources.stats, &snapshot));
    }
    if shared.documents.receiver_count() > 0 {
        match shared.document() {
            Ok(document) => drop(shared.documents.send_replace(document)),
            Err(error) => tracing::error!(%error, "the document could not be written"),
        }
    }
}
