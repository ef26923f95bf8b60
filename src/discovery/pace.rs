//! How often to look, and how long to wait after a failure.
//!
//! The swarm tells nobody when a task changes its state, so looking is the only way to learn it.
//! While something moves we look every 50 ms; when nothing has moved for two seconds the interval
//! grows to a quarter of a second. That bounds the time until a crashed task is noticed, and costs
//! the engine about as much as one health check does.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;

/// Interval while something moves: half of it is what a new task waits on average to be seen.
const LIVELY: Duration = Duration::from_millis(50);
/// How long it stays lively after the last movement.
const LIVELY_FOR: Duration = Duration::from_secs(2);
/// Interval of looking at a swarm in which nothing moves.
pub const CALM: Duration = Duration::from_millis(250);
/// A look that takes long (a large swarm, a busy engine) makes the calm interval grow with it, so
/// that looking takes at most a twentieth of the time…
const CALM_PER_LOOK: u32 = 20;
/// …but not beyond this: the effect of a crash is to be seen within about a second.
const CALM_MOST: Duration = Duration::from_secs(1);
/// Rest between a look and the next one that an event asks for: a burst of events is one look.
const REST: Duration = Duration::from_millis(20);
/// Everything is listed again at least this often. It is what finds a changed label when the
/// event stream died without a word, and costs three requests.
const SURVEY: Duration = Duration::from_secs(5);
/// After subscribing there is a gap in which an event may be lost: one more survey closes it.
const FIRST_SURVEY: Duration = Duration::from_secs(1);

/// When to look next.
#[derive(Debug)]
pub struct Pace {
    /// Interval without movement; the survey's own when events tell everything.
    calm: Duration,
    interval: Duration,
    survey_every: Duration,
    lively_until: Instant,
    last_look: Instant,
    next_look: Instant,
    next_survey: Instant,
}

impl Pace {
    /// Begins lively, with the first survey due at once. `refresh` is the user's bound on the age
    /// of the picture; it can only shorten ours.
    pub fn new(now: Instant, refresh: Duration) -> Pace {
        let refresh = if refresh.is_zero() { SURVEY } else { refresh };
        let survey_every = refresh.clamp(CALM, SURVEY);
        Pace {
            calm: CALM,
            interval: LIVELY,
            survey_every,
            lively_until: now + LIVELY_FOR,
            last_look: now,
            next_look: now,
            next_survey: now,
        }
    }

    /// When the next look is due.
    pub fn due(&self) -> Instant {
        self.next_look.min(self.next_survey)
    }

    /// Whether the look at `now` has to cover everything.
    pub fn survey_due(&self, now: Instant) -> bool {
        self.next_survey <= now
    }

    /// Something happened: look as soon as possible, and keep looking.
    pub fn stir(&mut self, now: Instant) {
        self.lively_until = now + LIVELY_FOR;
        self.interval = LIVELY;
        self.next_look = self.next_look.min(now.max(self.last_look + REST));
    }

    /// Everything has to be listed again as soon as possible.
    pub fn call_survey(&mut self, now: Instant) {
        self.next_survey = self.next_survey.min(now.max(self.last_look + REST));
    }

    /// A look ended at `now`, `took` that long, and did or did not see a movement.
    ///
    /// `told` says that events report every change of this provider, so that between surveys there
    /// is nothing to look for.
    pub fn looked(
        &mut self,
        now: Instant,
        took: Duration,
        moved: bool,
        surveyed: bool,
        told: bool,
    ) {
        if moved {
            self.lively_until = now + LIVELY_FOR;
            self.interval = LIVELY;
        }
        self.calm =
            if told { self.survey_every } else { (took * CALM_PER_LOOK).clamp(CALM, CALM_MOST) };
        if now >= self.lively_until {
            self.interval = (self.interval * 3 / 2).min(self.calm);
        }
        self.last_look = now;
        self.next_look = now + self.interval;
        if surveyed {
            self.next_survey = now + self.survey_every;
        }
    }

    /// The first survey after a subscription ended at `now`.
    pub fn subscribed(&mut self, now: Instant) {
        self.next_survey = self.next_survey.min(now + FIRST_SURVEY);
    }
}

/// Growing waits with jitter: replicas that lost the same engine do not come back in step.
#[derive(Debug)]
pub struct Backoff {
    least: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    /// Waits from about `least` to about `most`, doubling.
    pub fn new(least: Duration, most: Duration) -> Backoff {
        Backoff { least, most, next: least }
    }

    /// Towards an engine.
    pub fn engine() -> Backoff {
        Backoff::new(Duration::from_millis(100), Duration::from_secs(5))
    }

    /// The next wait: 75 to 100 % of what is due.
    pub fn wait(&mut self) -> Duration {
        let due = self.next;
        self.next = (due * 2).min(self.most);
        // A fresh `RandomState` has fresh keys: randomness enough, without a dependency.
        let share = RandomState::new().hash_one(0) % 256;
        due * 3 / 4 + due / 4 * u32::try_from(share).unwrap_or(0) / 256
    }

    /// What failed has worked again.
    pub fn reset(&mut self) {
        self.next = self.least;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_millis(2);

    /// Looks from `now` on until `end`, without movement; returns the number of looks.
    fn idle(pace: &mut Pace, mut now: Instant, end: Instant, told: bool) -> (u32, Instant) {
        let mut looks = 0;
        while pace.due() < end {
            now = pace.due().max(now);
            let survey = pace.survey_due(now);
            pace.looked(now, QUICK, false, survey, told);
            looks += 1;
        }
        (looks, now)
    }

    #[test]
    fn lively_then_calm() {
        let start = Instant::now();
        let mut pace = Pace::new(start, Duration::from_secs(15));
        let (lively, now) = idle(&mut pace, start, start + LIVELY_FOR, false);
        assert_eq!(lively, 40);
        let (_, now) = idle(&mut pace, now, start + Duration::from_secs(10), false);
        let (calm, now) = idle(&mut pace, now, start + Duration::from_secs(20), false);
        assert!((39..=42).contains(&calm), "{calm} looks in ten calm seconds");
        pace.stir(now + REST);
        assert_eq!(pace.due(), now + REST, "an event is answered at once");
    }

    #[test]
    fn told_of_everything_there_is_only_the_survey() {
        let start = Instant::now();
        let mut pace = Pace::new(start, Duration::from_secs(15));
        let (_, now) = idle(&mut pace, start, start + Duration::from_secs(20), true);
        let (calm, _) = idle(&mut pace, now, start + Duration::from_secs(60), true);
        assert!((7..=20).contains(&calm), "{calm} looks in forty seconds");
    }

    #[test]
    fn a_slow_engine_is_asked_less() {
        let start = Instant::now();
        let mut pace = Pace::new(start, Duration::from_secs(15));
        let mut now = start + Duration::from_secs(3);
        for _ in 0..12 {
            pace.looked(now, Duration::from_millis(40), false, true, false);
            now += Duration::from_secs(1);
        }
        assert_eq!(pace.interval, Duration::from_millis(800));
        pace.looked(now, Duration::from_secs(3), false, true, false);
        assert_eq!(pace.interval, CALM_MOST);
    }

    #[test]
    fn a_burst_of_events_is_one_look() {
        let start = Instant::now();
        let mut pace = Pace::new(start, Duration::from_secs(15));
        pace.looked(start, QUICK, false, true, false);
        for _ in 0..100 {
            pace.stir(start);
            pace.call_survey(start);
        }
        assert_eq!(pace.due(), start + REST);
    }

    #[test]
    fn waits_grow_to_their_bound_and_start_over() {
        let mut backoff = Backoff::engine();
        let waits: Vec<u128> = (0..10).map(|_| backoff.wait().as_millis()).collect();
        assert!((75..=100).contains(&waits[0]), "{waits:?}");
        assert!((150..=200).contains(&waits[1]), "{waits:?}");
        assert!((3750..=5000).contains(&waits[9]), "{waits:?}");
        backoff.reset();
        assert!(backoff.wait() <= Duration::from_millis(100));
    }
}
