//! Memory for futures that come and go with every request: it goes round, as buffers do.

use std::any::Any;
use std::cell::RefCell;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::spares::Spares;

/// Boxes for the futures of one place in the code, which are all of one type; empty ones are kept.
///
/// The type is one that nobody can name, so the first future brings it along.
#[derive(Default)]
pub struct Boxes(RefCell<Option<Box<dyn Shelf>>>);

/// A box, and the future in it.
type Filled<F> = Pin<Box<Option<F>>>;

trait Shelf: Any {
    fn tidy(&mut self);
}

impl<T: 'static> Shelf for Spares<T> {
    fn tidy(&mut self) {
        Spares::tidy(self);
    }
}

impl Boxes {
    /// Puts a future into a box. It ends there, and the box is given back.
    #[inline]
    pub fn hold<F: Future + 'static>(&self, future: F) -> Held<'_, F> {
        let spare = self.with(Spares::<Filled<F>>::take).flatten();
        let mut filled = spare.unwrap_or_else(|| Box::pin(None));
        filled.set(Some(future));
        Held { filled: Some(filled), home: self }
    }

    /// Gives back to the system what was not needed since the last call.
    pub fn tidy(&self) {
        if let Some(shelf) = &mut *self.0.borrow_mut() {
            shelf.tidy();
        }
    }

    /// `None` for a future of another type than the first was: its box is not kept.
    #[inline]
    fn with<F: 'static, R>(&self, work: impl FnOnce(&mut Spares<F>) -> R) -> Option<R> {
        let mut shelf = self.0.borrow_mut();
        let shelf = shelf.get_or_insert_with(|| Box::new(Spares::<F>::default()));
        let spares: &mut dyn Any = &mut **shelf;
        spares.downcast_mut().map(work)
    }
}

/// A future in a box that is lent to it.
pub struct Held<'a, F: Future + 'static> {
    /// There until it is dropped.
    filled: Option<Filled<F>>,
    home: &'a Boxes,
}

impl<F: Future + 'static> Future for Held<'_, F> {
    type Output = F::Output;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let future = self.filled.as_mut().and_then(|filled| filled.as_mut().as_pin_mut());
        match future {
            Some(future) => future.poll(context),
            None => Poll::Pending,
        }
    }
}

impl<F: Future + 'static> Drop for Held<'_, F> {
    fn drop(&mut self) {
        if let Some(mut filled) = self.filled.take() {
            filled.set(None);
            self.home.with(|spares| spares.give(filled));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::rc::Rc;

    use futures_util::FutureExt as _;

    use super::*;

    /// Yields where it lies.
    async fn place(number: Rc<Cell<u32>>) -> usize {
        let here = [number.get(); 3];
        futures_util::future::ready(()).await;
        assert_ne!(number.get(), 13, "asked for");
        (&raw const here).addr()
    }

    fn number(of: u32) -> Rc<Cell<u32>> {
        Rc::new(Cell::new(of))
    }

    #[test]
    fn boxes_go_round() {
        let boxes = Boxes::default();
        let first = boxes.hold(place(number(1))).now_or_never();
        assert!(first.is_some());
        assert_eq!(boxes.hold(place(number(2))).now_or_never(), first, "the same box again");
        let held = boxes.hold(place(number(3)));
        assert_ne!(boxes.hold(place(number(4))).now_or_never(), first, "that one is lent");
        drop(held);
        boxes.tidy();
        assert_eq!(boxes.hold(place(number(5))).now_or_never(), first);
    }

    #[test]
    fn what_ends_early_or_in_a_panic_is_dropped_there() {
        let boxes = Boxes::default();
        let held = number(13);
        drop(boxes.hold(place(Rc::clone(&held))));
        assert_eq!(Rc::strong_count(&held), 1);
        let future = boxes.hold(place(Rc::clone(&held)));
        assert!(catch_unwind(AssertUnwindSafe(|| future.now_or_never())).is_err());
        assert_eq!(Rc::strong_count(&held), 1);
        assert!(boxes.hold(place(number(1))).now_or_never().is_some());
    }

    #[test]
    fn a_stranger_gets_a_box_of_its_own() {
        let boxes = Boxes::default();
        boxes.hold(place(number(1))).now_or_never();
        assert_eq!(boxes.hold(async { "stranger" }).now_or_never(), Some("stranger"));
    }
}
