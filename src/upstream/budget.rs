//! How much of the traffic may be repetitions: without a bound, a backend in trouble gets more
//! requests the worse it does.

use std::cell::Cell;

use crate::limits::{RETRIES_PER_SECOND, RETRY_PERCENT};

/// Seconds that a request earns credit for.
const WINDOW: usize = 10;

/// One worker's budget of retries, over the last ten seconds.
pub struct RetryBudget {
    seconds: [Second; WINDOW],
    /// This worker's share of the retries that need no requests to earn them, over the window.
    free: u64,
}

#[derive(Default)]
struct Second {
    /// Which second of the process's life is counted here.
    number: Cell<u64>,
    requests: Cell<u64>,
    retries: Cell<u64>,
}

impl RetryBudget {
    pub fn new(workers: usize) -> Self {
        let share = RETRIES_PER_SECOND * WINDOW as u64;
        Self { seconds: Default::default(), free: share.div_ceil(workers.max(1) as u64) }
    }

    /// Counts a request; `now` is in milliseconds on the process's clock.
    #[inline]
    pub fn earn(&self, now: u64) {
        let second = self.second(now);
        second.requests.set(second.requests.get() + 1);
    }

    /// Takes a retry out of the budget, if there is one.
    pub fn spend(&self, now: u64) -> bool {
        let oldest = (now / 1000).saturating_sub(WINDOW as u64 - 1);
        let fresh = || self.seconds.iter().filter(|second| second.number.get() >= oldest);
        let requests: u64 = fresh().map(|second| second.requests.get()).sum();
        let retries: u64 = fresh().map(|second| second.retries.get()).sum();
        if retries >= requests * RETRY_PERCENT / 100 + self.free {
            return false;
        }
        let second = self.second(now);
        second.retries.set(second.retries.get() + 1);
        true
    }

    #[inline]
    fn second(&self, now: u64) -> &Second {
        let number = now / 1000;
        let second = &self.seconds[(number % WINDOW as u64) as usize];
        if second.number.get() != number {
            second.number.set(number);
            second.requests.set(0);
            second.retries.set(0);
        }
        second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spend_all(budget: &RetryBudget, now: u64) -> usize {
        (0..10_000).take_while(|_| budget.spend(now)).count()
    }

    #[test]
    fn a_fifth_of_the_requests_and_ten_a_second() {
        let budget = RetryBudget::new(1);
        assert_eq!(spend_all(&budget, 5_000), 100);
        (0..1_000).for_each(|_| budget.earn(6_000));
        assert_eq!(spend_all(&budget, 7_000), 200);
        assert_eq!(spend_all(&budget, 8_000), 0);
        // The first hundred are forgotten, then the requests are, too.
        assert_eq!(spend_all(&budget, 15_000), 100);
        assert_eq!(spend_all(&budget, 16_000), 0, "the requests are forgotten, the retries not");
        assert_eq!(spend_all(&budget, 60_000), 100);
    }

    #[test]
    fn workers_share_what_is_free() {
        assert_eq!(spend_all(&RetryBudget::new(3), 1_000), 34);
    }
}
