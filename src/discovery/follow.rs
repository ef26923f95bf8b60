//! Following one engine: connect, negotiate, subscribe, list, deliver, and keep doing so.
//!
//! The lists are the truth, events only say when to look. So a stream that ends, is forbidden by a
//! proxy or dies without a word costs time and never correctness; only a list that fails means
//! that the engine is lost. What was delivered last stands until the next success.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use futures_util::stream::LocalBoxStream;
use tokio::time::{Duration, Instant, sleep, sleep_until};

use crate::config;

use super::engine::words::Event;
use super::engine::{Engine, EngineVersion, Trouble};
use super::own;
use super::pace::{Backoff, Pace};
use super::picture::{Concern, Picture};
use super::workload::Workload;

/// A stream that lived this long was a good one: the next subscription is tried at once again.
const GOOD_STREAM: Duration = Duration::from_secs(10);

/// What becomes known of one provider, told to whoever shows or uses it.
pub trait Outlet {
    /// The complete picture; called only when it differs from the one before.
    fn deliver(&self, workloads: &[Workload], own_networks: &BTreeSet<String>);
    fn connected(&self, version: &EngineVersion);
    /// A look succeeded and found so many services and tasks.
    fn synced(&self, services: usize, tasks: usize);
    fn lost(&self, trouble: &Trouble);
    /// The last update of our own service took io_uring from it; told once for each.
    fn confined(&self, service: &str);
}

/// Follows the engine of `settings` for ever; returns only when it is not to be watched and was
/// read once. `own_ids` are those of [`own::ids`].
pub async fn follow<E: Engine>(
    mut engine: E,
    settings: &config::Docker,
    own_ids: Vec<String>,
    outlet: &impl Outlet,
) {
    let mut follower = Follower {
        settings,
        outlet,
        picture: Picture::new(settings.swarm),
        own_ids,
        own_networks: BTreeSet::new(),
        confined: None,
        delivered: None,
    };
    let mut backoff = Backoff::engine();
    let mut told: Option<Trouble> = None;
    let mut announced: Option<EngineVersion> = None;
    loop {
        let trouble = match engine.negotiate().await {
            Err(trouble) => trouble,
            Ok(version) => {
                follower.picture.doubt();
                let mut synced = false;
                let end = follower
                    .stay(&engine, || {
                        // Reached and listed: only now is it back.
                        synced = true;
                        outlet.connected(&version);
                        if told.take().is_some() || announced.as_ref() != Some(&version) {
                            tracing::info!(
                                "{}: reading {}, Engine {}, API {}",
                                settings.name,
                                settings.endpoint,
                                version.release,
                                version.api
                            );
                            announced = Some(version.clone());
                        }
                    })
                    .await;
                if synced {
                    backoff.reset();
                }
                match end {
                    Ok(()) => return,
                    Err(trouble) => trouble,
                }
            }
        };
        outlet.lost(&trouble);
        if told.as_ref() != Some(&trouble) {
            let kept = match follower.delivered {
                Some(_) => "the last known state serves on",
                None => "nothing is known yet",
            };
            tracing::warn!("{}: {}: {trouble}; {kept}", settings.name, settings.endpoint);
            told = Some(trouble);
        }
        sleep(backoff.wait()).await;
    }
}

/// What outlives a connection.
struct Follower<'a, O> {
    settings: &'a config::Docker,
    outlet: &'a O,
    picture: Picture,
    own_ids: Vec<String>,
    own_networks: BTreeSet<String>,
    /// Our own service, if its last update took io_uring from it.
    confined: Option<String>,
    delivered: Option<(Vec<Workload>, BTreeSet<String>)>,
}

impl<O: Outlet> Follower<'_, O> {
    /// One connection's time: until a list fails, or for one survey when nothing is to be watched.
    /// `arrived` is called once, after the first survey.
    async fn stay<E: Engine>(
        &mut self,
        engine: &E,
        mut arrived: impl FnMut(),
    ) -> Result<(), Trouble> {
        let mut ears = Ears::new(engine, self.settings);
        let mut pace = Pace::new(Instant::now(), self.settings.refresh);
        let mut first = true;
        loop {
            tokio::select! {
                // A burst of events is drained before the look that they ask for.
                biased;
                heard = ears.hear(engine) => self.take_in(heard, &mut pace),
                () = sleep_until(pace.due()) => {
                    let began = Instant::now();
                    let survey = pace.survey_due(began);
                    let moved = self.look(engine, survey).await?;
                    let now = Instant::now();
                    let told = !self.settings.swarm && ears.open();
                    pace.looked(now, now - began, moved, survey, told);
                    if self.picture.is_incomplete() && !survey {
                        pace.call_survey(now);
                    }
                    if std::mem::take(&mut first) {
                        arrived();
                        if !self.settings.watch {
                            return Ok(());
                        }
                        pace.subscribed(now);
                    }
                }
            }
        }
    }

    fn take_in(&mut self, heard: Heard, pace: &mut Pace) {
        let now = Instant::now();
        match heard {
            Heard::Event(event) => {
                let concern = self.picture.note(&event);
                if concern != Concern::Nothing {
                    tracing::debug!("{}: {} {}", self.settings.name, event.kind, event.action);
                    pace.stir(now);
                }
                if concern == Concern::Survey {
                    pace.call_survey(now);
                }
            }
            // Either the engine goes away, which the survey will tell, or something between us
            // ended the stream, and what happened meanwhile has to be caught up with.
            Heard::End => pace.call_survey(now),
        }
    }

    /// Looks, delivers what is new and says whether anything was.
    async fn look<E: Engine>(&mut self, engine: &E, survey: bool) -> Result<bool, Trouble> {
        if survey {
            self.picture.survey(engine).await?;
            let (tasks, networks) = (self.picture.tasks(), self.picture.networks());
            match own::networks(engine, &self.own_ids, tasks, networks).await {
                Ok(own_networks) => self.own_networks = own_networks,
                // A proxy may forbid to look at containers. What was known of our own holds.
                Err(trouble) => {
                    tracing::debug!("{}: own networks: {trouble}", self.settings.name);
                }
            }
            self.notice_confinement();
        } else {
            self.picture.glance(engine).await?;
        }
        let (services, tasks) = self.picture.size();
        self.outlet.synced(services, tasks);

        let current = (self.picture.workloads(), self.own_networks.clone());
        let moved = self.delivered.as_ref() != Some(&current);
        if moved {
            self.outlet.deliver(&current.0, &current.1);
            self.delivered = Some(current);
        }
        Ok(moved)
    }

    /// A stack file cannot allow io_uring, so each deployment of it takes away what
    /// `ringress swarm enable-io-uring` had given: nobody would notice but by the driver.
    fn notice_confinement(&mut self) {
        let service = own::service(&self.own_ids, self.picture.tasks(), self.picture.services());
        let confined = service.filter(|service| service.has_lost_io_uring());
        let confined = confined.map(|service| service.spec.name.clone());
        if let Some(name) = &confined
            && self.confined != confined
        {
            self.outlet.confined(name);
        }
        self.confined = confined;
    }
}

/// The event stream, subscribed to again whenever it ends.
struct Ears<'a> {
    settings: &'a config::Docker,
    stream: Option<LocalBoxStream<'static, Result<Event, Trouble>>>,
    since: Instant,
    retry_at: Instant,
    backoff: Backoff,
    complained: bool,
}

enum Heard {
    Event(Event),
    End,
}

impl<'a> Ears<'a> {
    fn new<E: Engine>(engine: &E, settings: &'a config::Docker) -> Ears<'a> {
        let now = Instant::now();
        Ears {
            settings,
            stream: settings.watch.then(|| engine.events()),
            since: now,
            retry_at: now,
            backoff: Backoff::engine(),
            complained: false,
        }
    }

    fn open(&self) -> bool {
        self.stream.is_some()
    }

    /// The next event, or the end of a stream. May be dropped while it waits.
    async fn hear<E: Engine>(&mut self, engine: &E) -> Heard {
        if !self.settings.watch {
            return std::future::pending().await;
        }
        if self.stream.is_none() {
            sleep_until(self.retry_at).await;
            self.since = Instant::now();
        }
        let stream = self.stream.get_or_insert_with(|| engine.events());
        let end = match stream.next().await {
            Some(Ok(event)) => return Heard::Event(event),
            Some(Err(trouble)) => Some(trouble),
            None => None,
        };
        self.stream = None;
        let now = Instant::now();
        if now - self.since >= GOOD_STREAM {
            self.backoff.reset();
        }
        self.retry_at = now + self.backoff.wait();
        // A refusal is for the user to know; a stream that merely ended is everyday.
        if let Some(trouble @ Trouble::Status { .. }) = end
            && !std::mem::replace(&mut self.complained, true)
        {
            tracing::warn!(
                "{}: {}: no events: {trouble}; changes are found by asking alone",
                self.settings.name,
                self.settings.endpoint
            );
        }
        Heard::End
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
