//! How fast a backend has answered of late, as one worker saw it.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use crate::observe::Count;

/// Answers that are remembered (Traefik's number).
const SAMPLES: usize = 100;

/// Times to the first byte of the last [`SAMPLES`] answers, and their sum. Written by one worker.
///
/// In whole milliseconds, as Traefik has them: servers that differ by less are equally fast, and
/// take turns.
#[derive(Debug)]
pub struct Latency {
    samples: [AtomicU32; SAMPLES],
    sum: Count,
    recorded: Count,
}

impl Default for Latency {
    fn default() -> Self {
        let samples = [const { AtomicU32::new(0) }; SAMPLES];
        Self { samples, sum: Count::default(), recorded: Count::default() }
    }
}

impl Latency {
    pub fn record(&self, time: Duration) {
        let millis = u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        let sample = &self.samples[self.recorded.get() as usize % SAMPLES];
        self.sum.add(millis.into());
        self.sum.sub(sample.load(Relaxed).into());
        sample.store(millis, Relaxed);
        self.recorded.add(1);
    }

    /// Average in milliseconds; 0 as long as nothing is known, so that everybody gets a try.
    pub fn mean(&self) -> f64 {
        let known = self.recorded.get().min(SAMPLES as u64);
        if known == 0 { 0.0 } else { self.sum.get() as f64 / known as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_hundred_count() {
        let latency = Latency::default();
        assert_eq!(latency.mean(), 0.0);
        latency.record(Duration::from_micros(10_900));
        assert_eq!(latency.mean(), 10.0);
        (0..99).for_each(|_| latency.record(Duration::from_millis(30)));
        assert_eq!(latency.mean(), (10 + 99 * 30) as f64 / 100.0);
        (0..50).for_each(|_| latency.record(Duration::ZERO));
        assert_eq!(latency.mean(), 15.0);
    }
}
