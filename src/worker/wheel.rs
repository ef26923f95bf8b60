//! A timing wheel: what is to be looked at in which tick.
//!
//! Its cost grows with what is due, never with what is watched. Nothing is ever taken out: who is
//! found in a slot says himself whether he is still meant (G. Varghese and T. Lauck, "Hashed and
//! Hierarchical Timing Wheels", 1987, with lazy cancellation).

/// Slots of the wheel, one per tick: a minute and three quarters. What is due later is looked at
/// once a turn and put back.
const SLOTS: u32 = 1024;

/// Which items are to be looked at, by tick. Ticks are counted from 1.
pub(super) struct Wheel {
    slots: Vec<Vec<u32>>,
    /// The last tick that was taken out.
    turned: u32,
}

impl Default for Wheel {
    fn default() -> Self {
        Self { slots: vec![Vec::new(); SLOTS as usize], turned: 0 }
    }
}

impl Wheel {
    /// The tick in which an item can be looked at that is due in `tick`: that one, or an earlier
    /// one if the wheel does not reach so far, or the next if it is past already.
    #[inline]
    pub(super) fn reach(&self, tick: u32) -> u32 {
        tick.clamp(self.turned + 1, self.turned + SLOTS)
    }

    /// Notes an item for a tick within [`Self::reach`].
    #[inline]
    pub(super) fn put(&mut self, item: u32, tick: u32) {
        self.slots[(tick % SLOTS) as usize].push(item);
    }

    /// Turns on by a tick, if `now` is past it: the tick and what was noted for it.
    pub(super) fn turn(&mut self, now: u32) -> Option<(u32, Vec<u32>)> {
        if self.turned >= now {
            return None;
        }
        self.turned += 1;
        let slot = &mut self.slots[(self.turned % SLOTS) as usize];
        Some((self.turned, std::mem::take(slot)))
    }

    /// Gives a slot's memory back, so that turning does not allocate.
    pub(super) fn recycle(&mut self, tick: u32, mut items: Vec<u32>) {
        items.clear();
        let slot = &mut self.slots[(tick % SLOTS) as usize];
        // Something may have been noted for the same slot's next turn meanwhile; and what one
        // flood of connections needed is not kept for ever.
        if slot.is_empty() && items.capacity() <= SLOTS as usize {
            *slot = items;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that comes out until `now`.
    fn turn_to(wheel: &mut Wheel, now: u32) -> Vec<(u32, u32)> {
        let mut out = Vec::new();
        while let Some((tick, items)) = wheel.turn(now) {
            out.extend(items.iter().map(|&item| (tick, item)));
            wheel.recycle(tick, items);
        }
        out
    }

    #[test]
    fn items_come_in_their_tick() {
        let mut wheel = Wheel::default();
        for (item, tick) in [(7, 3), (8, 1), (9, 3)] {
            assert_eq!(wheel.reach(tick), tick);
            wheel.put(item, tick);
        }
        assert_eq!(turn_to(&mut wheel, 2), [(1, 8)]);
        assert_eq!(turn_to(&mut wheel, 2), []);
        assert_eq!(turn_to(&mut wheel, 10), [(3, 7), (3, 9)]);
        // The past is the next tick.
        assert_eq!(wheel.reach(4), 11);
    }

    #[test]
    fn the_far_future_is_cut_to_one_turn() {
        let mut wheel = Wheel::default();
        assert_eq!(turn_to(&mut wheel, 5), []);
        let tick = wheel.reach(1_000_000);
        assert_eq!(tick, 5 + SLOTS);
        wheel.put(1, tick);
        assert_eq!(turn_to(&mut wheel, tick - 1), []);
        assert_eq!(turn_to(&mut wheel, tick), [(tick, 1)]);
    }
}
