//! What is kept for reuse: as much of it as was needed of late.

/// Things of one kind that nobody uses at the moment. The last that was given back is the first to
/// be taken, since it is still in the cache; so those at the front are the ones that nobody needs.
pub struct Spares<T> {
    things: Vec<T>,
    /// The fewest that were here since the last look: so many were not needed at all.
    unneeded: usize,
}

impl<T> Default for Spares<T> {
    fn default() -> Self {
        Self { things: Vec::new(), unneeded: 0 }
    }
}

impl<T> Spares<T> {
    #[inline]
    pub fn take(&mut self) -> Option<T> {
        let taken = self.things.pop();
        self.unneeded = self.unneeded.min(self.things.len());
        taken
    }

    #[inline]
    pub fn give(&mut self, thing: T) {
        self.things.push(thing);
    }

    /// Gives back to the system half of what was not needed since the last call: what a peak has
    /// left is soon gone, and what the next second's peak needs is mostly there.
    pub fn tidy(&mut self) {
        self.things.drain(..self.unneeded.div_ceil(2));
        self.unneeded = self.things.len();
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.things.len()
    }
}
