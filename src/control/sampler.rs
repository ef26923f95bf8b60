//! Rates and a short history out of counters that only ever grow.
//!
//! One look a second, whether anybody watches or not, so that a page that has just been opened
//! already shows the last two minutes.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use crate::model::ServerUrl;
use crate::observe::Stats;
use crate::observe::traffic::Flow;
use crate::table::{BackendFigures, Snapshot};

/// Looks kept for the history: two minutes.
const HISTORY: usize = 120;

/// Seconds over which a rate is taken: long enough to read, short enough to be news.
const WINDOW: usize = 3;

/// Rates and history of one process.
#[derive(Debug, Default)]
pub struct Sampler {
    /// When the last looks were taken, oldest first; `WINDOW + 1` of them.
    looks: VecDeque<Instant>,
    totals: VecDeque<Totals>,
    /// Requests per second from look to look, oldest first.
    history: VecDeque<f64>,
    backends: HashMap<String, HashMap<ServerUrl, VecDeque<Taken>>>,
    /// In the order of the configuration.
    entry_points: Vec<VecDeque<Flow>>,
    routers: HashMap<String, VecDeque<Flow>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    requests: u64,
    responses: [u64; 5],
}

/// Counters of a backend at one look.
#[derive(Debug, Clone, Copy, Default)]
struct Taken {
    requests: u64,
    answered: u64,
    busy_micros: u64,
}

/// What an entry point or a router did lately.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RecentFlow {
    pub per_second: f64,
    /// Of which these were answered with 5xx.
    pub errors_per_second: f64,
    /// Mean time of a request; `None` without any.
    pub mean_millis: Option<f64>,
}

/// What a backend did lately.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Recent {
    pub per_second: f64,
    /// Mean time from choosing the backend to the end of its response; `None` without a response.
    pub mean_millis: Option<f64>,
}

impl Sampler {
    /// Takes a look. Meant to be called once a second; what really passed is what counts.
    pub fn look(&mut self, now: Instant, stats: &Stats, snapshot: &Snapshot) {
        let totals = Totals {
            requests: stats.sum(|cells| cells.requests.get()),
            responses: stats.responses(),
        };
        if let (Some(then), Some(before)) = (self.looks.back(), self.totals.back()) {
            let seconds = (now - *then).as_secs_f64();
            if seconds > 0.0 {
                let grown = totals.requests.saturating_sub(before.requests);
                push(&mut self.history, grown as f64 / seconds, HISTORY);
            }
        }
        push(&mut self.totals, totals, WINDOW + 1);

        let mut known = std::mem::take(&mut self.backends);
        for (service, figures) in by_service(snapshot) {
            let mut old = known.remove(service).unwrap_or_default();
            let current = self.backends.entry(service.to_owned()).or_default();
            for figures in figures {
                let mut taken = old.remove(&figures.url).unwrap_or_else(|| {
                    // New since the last look: its counters started at zero after it.
                    if self.looks.is_empty() { VecDeque::new() } else { [Taken::default()].into() }
                });
                push(&mut taken, Taken::of(figures), WINDOW + 1);
                current.insert(figures.url, taken);
            }
        }
        self.look_at_flows(stats, snapshot);
        push(&mut self.looks, now, WINDOW + 1);
    }

    fn look_at_flows(&mut self, stats: &Stats, snapshot: &Snapshot) {
        self.entry_points.resize_with(stats.entry_points.len(), VecDeque::new);
        for (taken, traffic) in self.entry_points.iter_mut().zip(&stats.entry_points) {
            push(taken, traffic.flow(), WINDOW + 1);
        }
        let mut known = std::mem::take(&mut self.routers);
        for (name, flow) in snapshot.model.routers.keys().zip(&snapshot.routers) {
            let mut taken = known.remove(name).unwrap_or_else(|| {
                // New since the last look: its counters started at zero after it.
                if self.looks.is_empty() { VecDeque::new() } else { [Flow::default()].into() }
            });
            push(&mut taken, *flow, WINDOW + 1);
            self.routers.insert(name.clone(), taken);
        }
    }

    /// What the entry point with this index did lately.
    pub fn entry_point(&self, index: usize) -> RecentFlow {
        self.recent_flow(self.entry_points.get(index))
    }

    /// What a router did lately.
    pub fn router(&self, name: &str) -> RecentFlow {
        self.recent_flow(self.routers.get(name))
    }

    fn recent_flow(&self, taken: Option<&VecDeque<Flow>>) -> RecentFlow {
        let ends = taken.and_then(|taken| Some((taken.front()?, taken.back()?, taken.len())));
        let Some((first, last, looks)) = ends else { return RecentFlow::default() };
        let requests = last.requests.saturating_sub(first.requests);
        let micros = last.micros.saturating_sub(first.micros);
        RecentFlow {
            per_second: self.rate(requests, looks),
            errors_per_second: self.rate(last.errors.saturating_sub(first.errors), looks),
            mean_millis: (requests > 0).then(|| micros as f64 / requests as f64 / 1000.0),
        }
    }

    /// Requests per second of all clients.
    pub fn per_second(&self) -> f64 {
        match (self.totals.front(), self.totals.back()) {
            (Some(first), Some(last)) => {
                self.rate(last.requests.saturating_sub(first.requests), self.totals.len())
            }
            _ => 0.0,
        }
    }

    /// Responses to clients between the last two looks, by class.
    pub fn last_second(&self) -> [u64; 5] {
        let mut looks = self.totals.iter().rev();
        match (looks.next(), looks.next()) {
            (Some(last), Some(before)) => {
                std::array::from_fn(|i| last.responses[i].saturating_sub(before.responses[i]))
            }
            _ => [0; 5],
        }
    }

    /// Requests per second, look by look, oldest first.
    pub fn history(&self) -> impl Iterator<Item = f64> + '_ {
        self.history.iter().copied()
    }

    /// What a backend did lately; all zero when it has not been looked at yet.
    pub fn recent(&self, service: &str, url: ServerUrl) -> Recent {
        let taken = self.backends.get(service).and_then(|service| service.get(&url));
        let Some((first, last, looks)) =
            taken.and_then(|taken| Some((taken.front()?, taken.back()?, taken.len())))
        else {
            return Recent::default();
        };
        let answered = last.answered.saturating_sub(first.answered);
        let busy = last.busy_micros.saturating_sub(first.busy_micros);
        Recent {
            per_second: self.rate(last.requests.saturating_sub(first.requests), looks),
            mean_millis: (answered > 0).then(|| busy as f64 / answered as f64 / 1000.0),
        }
    }

    /// What `grown` over the last `looks` looks is per second.
    fn rate(&self, grown: u64, looks: usize) -> f64 {
        let first = self.looks.len().saturating_sub(looks);
        match (self.looks.get(first), self.looks.back()) {
            (Some(first), Some(last)) if last > first => {
                grown as f64 / (*last - *first).as_secs_f64()
            }
            _ => 0.0,
        }
    }
}

impl Taken {
    fn of(figures: &BackendFigures) -> Self {
        Self {
            requests: figures.requests,
            answered: figures.responses.iter().sum(),
            busy_micros: figures.busy_micros,
        }
    }
}

/// The figures of a snapshot, service by service.
pub fn by_service(snapshot: &Snapshot) -> impl Iterator<Item = (&str, &[BackendFigures])> {
    let mut rest = snapshot.backends.as_slice();
    snapshot.model.services.iter().map(move |(name, service)| {
        let (figures, others) = rest.split_at(service.servers.len().min(rest.len()));
        rest = others;
        (name.as_str(), figures)
    })
}

fn push<T>(queue: &mut VecDeque<T>, item: T, bound: usize) {
    if queue.len() == bound {
        queue.pop_front();
    }
    queue.push_back(item);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::control::fixture;

    #[test]
    fn rates_are_what_was_counted_over_the_time_that_passed() {
        let (store, stats) = fixture::world(fixture::seed_model(2));
        let urls = fixture::urls(2);
        let mut sampler = Sampler::default();
        let start = Instant::now();
        sampler.look(start, &stats, &store.snapshot());
        assert_eq!(sampler.per_second(), 0.0);

        fixture::answer(&store, &stats, 0, 200, 30);
        sampler.look(start + Duration::from_secs(2), &stats, &store.snapshot());
        assert_eq!(sampler.per_second(), 15.0);
        assert_eq!(sampler.last_second(), [0, 30, 0, 0, 0]);
        let recent = sampler.recent(fixture::SERVICE, urls[0]);
        assert_eq!(recent, Recent { per_second: 15.0, mean_millis: Some(2.0) });
        assert_eq!(sampler.recent(fixture::SERVICE, urls[1]), Recent::default());

        let flow = RecentFlow { per_second: 15.0, errors_per_second: 0.0, mean_millis: Some(2.0) };
        assert_eq!(sampler.router(fixture::ROUTER), flow);
        assert_eq!(sampler.entry_point(0), flow);
        assert_eq!(sampler.router("other"), RecentFlow::default());

        for second in 3..10 {
            sampler.look(start + Duration::from_secs(second), &stats, &store.snapshot());
        }
        assert_eq!(sampler.per_second(), 0.0);
        assert_eq!(sampler.history().next(), Some(15.0));
        assert_eq!(sampler.history().count(), 8);
    }

    #[test]
    fn a_new_backend_starts_at_zero_and_a_gone_one_is_forgotten() {
        let (store, stats) = fixture::world(fixture::seed_model(1));
        let mut sampler = Sampler::default();
        let start = Instant::now();
        sampler.look(start, &stats, &store.snapshot());
        store.publish(fixture::seed_model(2));
        fixture::answer(&store, &stats, 1, 200, 5);
        sampler.look(start + Duration::from_secs(1), &stats, &store.snapshot());
        let url = fixture::urls(2)[1];
        assert_eq!(sampler.recent(fixture::SERVICE, url).per_second, 5.0);

        store.publish(fixture::seed_model(1));
        sampler.look(start + Duration::from_secs(2), &stats, &store.snapshot());
        assert_eq!(sampler.recent(fixture::SERVICE, url), Recent::default());
        assert_eq!(sampler.backends[fixture::SERVICE].len(), 1);
    }
}
