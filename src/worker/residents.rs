//! Futures that stay: each takes one job after the other.
//!
//! What a request needs beyond an idle client's state is some kilobytes. A future of its own for
//! each request would have them allocated, or at least moved into their place, every time; one that
//! stays where it is and is handed the next job costs neither.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::spares::Spares;

/// Takes jobs from its desk, and puts there what came of them, for ever.
pub type Living = Pin<Box<dyn Future<Output = Infallible>>>;

/// Where a resident finds its next job, and leaves what came of it.
pub struct Desk<J, R> {
    job: Cell<Option<J>>,
    result: Cell<Option<R>>,
}

impl<J, R> Desk<J, R> {
    /// The next job.
    pub async fn take(&self) -> J {
        // Nobody has to be woken: who brings a job polls as well.
        poll_fn(|_| self.job.take().map_or(Poll::Pending, Poll::Ready)).await
    }

    /// What came of the job that was taken last.
    pub fn give(&self, result: R) {
        self.result.set(Some(result));
    }
}

struct Resident<J, R> {
    desk: Rc<Desk<J, R>>,
    living: Living,
}

/// Residents of one kind; there are as many as have jobs at the same time.
pub struct Residents<J, R> {
    idle: RefCell<Spares<Resident<J, R>>>,
    make: fn(Rc<Desk<J, R>>) -> Living,
}

impl<J, R> Residents<J, R> {
    pub fn new(make: fn(Rc<Desk<J, R>>) -> Living) -> Self {
        Self { idle: RefCell::default(), make }
    }

    /// Has a job done. What has been done of it is lost if the future is dropped before its end.
    #[inline]
    pub fn ask(&self, job: J) -> Asked<'_, J, R> {
        let idle = self.idle.borrow_mut().take();
        let resident = idle.unwrap_or_else(|| {
            let desk = Rc::new(Desk { job: Cell::new(None), result: Cell::new(None) });
            Resident { living: (self.make)(Rc::clone(&desk)), desk }
        });
        resident.desk.job.set(Some(job));
        Asked { resident: Some(resident), home: self }
    }

    /// Gives back to the system half of what was not needed since the last call.
    pub fn tidy(&self) {
        self.idle.borrow_mut().tidy();
    }
}

/// A job that is being done.
pub struct Asked<'a, J, R> {
    /// There until the job is done. Of one that is dropped in the middle of its job, or has ended
    /// in a panic, nothing can be asked any more.
    resident: Option<Resident<J, R>>,
    home: &'a Residents<J, R>,
}

impl<J, R> Future for Asked<'_, J, R> {
    type Output = R;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        let Some(mut resident) = self.resident.take() else { return Poll::Pending };
        let _: Poll<Infallible> = resident.living.as_mut().poll(context);
        let result = resident.desk.result.take();
        if result.is_some() {
            self.home.idle.borrow_mut().give(resident);
        } else {
            self.resident = Some(resident);
        }
        result.map_or(Poll::Pending, Poll::Ready)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use futures_util::FutureExt as _;

    use super::*;

    /// Says where its state lies, once there is a number in the cell; 13 is bad luck.
    fn place(desk: Rc<Desk<Rc<Cell<u32>>, usize>>) -> Living {
        Box::pin(async move {
            loop {
                let number = desk.take().await;
                let here = [0_u8; 3];
                poll_fn(|_| if number.get() == 0 { Poll::Pending } else { Poll::Ready(()) }).await;
                assert_ne!(number.get(), 13, "asked for");
                desk.give((&raw const here).addr());
            }
        })
    }

    fn number(of: u32) -> Rc<Cell<u32>> {
        Rc::new(Cell::new(of))
    }

    #[test]
    fn one_does_job_after_job() {
        let residents = Residents::new(place);
        let first = residents.ask(number(1)).now_or_never();
        assert!(first.is_some());
        assert_eq!(residents.ask(number(2)).now_or_never(), first, "the same one again");
        let later = number(0);
        let mut busy = residents.ask(Rc::clone(&later));
        assert_eq!((&mut busy).now_or_never(), None);
        let second = residents.ask(number(4)).now_or_never();
        assert!(second.is_some() && second != first, "that one is busy");
        later.set(5);
        assert_eq!(busy.now_or_never(), first);
        residents.tidy();
        assert_eq!(residents.ask(number(6)).now_or_never(), first);
    }

    #[test]
    fn what_ends_early_or_in_a_panic_is_dropped_there() {
        let residents = Residents::new(place);
        let job = number(0);
        let mut asked = residents.ask(Rc::clone(&job));
        assert_eq!((&mut asked).now_or_never(), None);
        drop(asked);
        assert_eq!((Rc::strong_count(&job), residents.idle.borrow().len()), (1, 0));
        job.set(13);
        let asked = residents.ask(Rc::clone(&job));
        assert!(catch_unwind(AssertUnwindSafe(|| asked.now_or_never())).is_err());
        assert_eq!((Rc::strong_count(&job), residents.idle.borrow().len()), (1, 0));
        assert!(residents.ask(number(1)).now_or_never().is_some());
    }
}
