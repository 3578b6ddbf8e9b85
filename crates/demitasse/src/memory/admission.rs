//! Who may have how much of the budget: a job reserves what it is predicted to take before a process is started or fed.
//!
//! First come, first served, whatever the sizes: a job that is too large for what is left waits, and those behind it wait with
//! it. So a large one gets its turn however many small ones come, and workers, of which there are few, are all that can wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is counted, in bytes: a semaphore's permits are fewer than bytes.
const UNIT: u64 = 1 << 20;

/// The budget that all jobs of this process share, and what is reserved of it.
pub(crate) struct Admission {
    /// In bytes; `None`: not known, and nothing waits.
    budget: Option<u64>,
    /// One permit for each whole [`UNIT`]. It is fair: whoever asks first is served first, also if a later one wants less.
    permits: Arc<Semaphore>,
    /// Permits that there are.
    total: u32,
    /// Bytes that are given out: a semaphore sets permits aside for whoever waits first, and tells nobody.
    reserved: Arc<AtomicU64>,
    /// Jobs that wait for their turn.
    waiting: AtomicU64,
}

/// How things stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MemoryUse {
    /// What all jobs may take together, in bytes; `None`: not known.
    pub(crate) budget: Option<u64>,
    /// What is reserved of it, in bytes.
    pub(crate) reserved: u64,
    /// Jobs that wait for their part.
    pub(crate) waiting: u64,
}

/// A part of the budget, given back on drop.
#[derive(Debug)]
#[must_use]
pub(crate) struct Reservation {
    permit: OwnedSemaphorePermit,
    reserved: Arc<AtomicU64>,
}

impl Reservation {
    fn new(permit: OwnedSemaphorePermit, reserved: &Arc<AtomicU64>) -> Self {
        let reservation = Self { permit, reserved: reserved.clone() };
        reservation.reserved.fetch_add(reservation.bytes(), Ordering::Relaxed);
        reservation
    }

    /// In bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.permit.num_permits() as u64 * UNIT
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.reserved.fetch_sub(self.bytes(), Ordering::Relaxed);
    }
}

impl Admission {
    /// `budget` in bytes; `None` bounds nothing.
    pub(crate) fn new(budget: Option<u64>) -> Self {
        let units = budget.map_or(u32::MAX, |bytes| u32::try_from(bytes / UNIT).unwrap_or(u32::MAX));
        let most = u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX);
        let total = units.min(most);
        Self {
            budget,
            permits: Arc::new(Semaphore::new(total as usize)),
            total,
            reserved: Arc::default(),
            waiting: AtomicU64::default(),
        }
    }

    /// What the engine may take at most for an image of so many bytes, if nothing else runs; `u64::MAX` without a budget.
    ///
    /// The input is held once in the child, and the output, which is not larger, once here.
    pub(crate) fn most_for_engine(&self, input: u64) -> u64 {
        self.budget.map_or(u64::MAX, |budget| budget.saturating_sub(input.saturating_mul(2)))
    }

    /// Waits for its turn, and for `engine` bytes beside those of input and output; never for more than there is.
    pub(crate) async fn reserve(&self, engine: u64, input: u64) -> Reservation {
        let bytes = engine.saturating_add(input.saturating_mul(2));
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).min(self.total);
        let _waiting = Waiting::new(&self.waiting);
        match self.permits.clone().acquire_many_owned(units).await {
            Ok(permit) => Reservation::new(permit, &self.reserved),
            // It is never closed.
            Err(_) => std::future::pending().await,
        }
    }

    /// What nobody has reserved, in bytes.
    pub(crate) fn free(&self) -> u64 {
        let all = u64::from(self.total) * UNIT;
        all.saturating_sub(self.reserved.load(Ordering::Relaxed))
    }

    /// How things stand.
    pub(crate) fn in_use(&self) -> MemoryUse {
        let now = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        MemoryUse { budget: self.budget, reserved: now(&self.reserved), waiting: now(&self.waiting) }
    }
}

/// One that waits, until it is dropped.
struct Waiting<'a>(&'a AtomicU64);

impl<'a> Waiting<'a> {
    fn new(waiting: &'a AtomicU64) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use proptest::prelude::*;

    use super::*;

    const BUDGET: u64 = 100;

    type Asking<'a> = Pin<Box<dyn Future<Output = Reservation> + 'a>>;

    /// Jobs by the order in which they asked, each with what it asked for, in units.
    struct Scene<'a> {
        admission: &'a Admission,
        asked: usize,
        waiting: Vec<(usize, u64, Asking<'a>)>,
        running: Vec<(usize, Reservation)>,
    }

    impl<'a> Scene<'a> {
        fn new(admission: &'a Admission) -> Self {
            Self { admission, asked: 0, waiting: Vec::new(), running: Vec::new() }
        }

        fn ask(&mut self, units: u64) {
            let asking = Box::pin(self.admission.reserve(units * UNIT, 0));
            self.waiting.push((self.asked, units, asking));
            self.asked += 1;
            self.go_on();
        }

        /// Looks at those that wait, the last first: the order of looking must not matter.
        fn go_on(&mut self) {
            let mut context = Context::from_waker(Waker::noop());
            for place in (0..self.waiting.len()).rev() {
                if let Poll::Ready(reservation) = self.waiting[place].2.as_mut().poll(&mut context) {
                    let (job, ..) = self.waiting.remove(place);
                    self.running.push((job, reservation));
                }
            }
        }

        fn finish(&mut self, place: usize) {
            if !self.running.is_empty() {
                drop(self.running.swap_remove(place % self.running.len()));
            }
            self.go_on();
        }

        fn give_up(&mut self, place: usize) {
            if !self.waiting.is_empty() {
                drop(self.waiting.remove(place % self.waiting.len()));
            }
            self.go_on();
        }

        fn check(&self) {
            let reserved: u64 = self.running.iter().map(|(_, reservation)| reservation.bytes()).sum();
            assert!(reserved <= BUDGET * UNIT, "{reserved}");
            let told = self.admission.in_use();
            assert_eq!((told.reserved, told.waiting), (reserved, self.waiting.len() as u64));
            let Some((first, units, _)) = self.waiting.iter().min_by_key(|(job, ..)| *job) else { return };
            let last = self.running.iter().map(|(job, _)| *job).max();
            assert!(last < Some(*first), "{last:?} overtook {first}");
            assert!(reserved + units.min(&BUDGET) * UNIT > BUDGET * UNIT, "{first} waits, and there is room");
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Ask(u64),
        Finish(usize),
        GiveUp(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            // Many small ones, and some that want more than there is.
            3 => (1..=15u64).prop_map(Step::Ask),
            1 => (1..=BUDGET * 3 / 2).prop_map(Step::Ask),
            3 => any::<usize>().prop_map(Step::Finish),
            1 => any::<usize>().prop_map(Step::GiveUp),
        ]
    }

    proptest! {
        #[test]
        fn nothing_is_given_twice_nobody_is_overtaken_and_no_room_is_left_unused(
            steps in prop::collection::vec(step(), 1..200)
        ) {
            let admission = Admission::new(Some(BUDGET * UNIT));
            let mut scene = Scene::new(&admission);
            for step in steps {
                match step {
                    Step::Ask(units) => scene.ask(units),
                    Step::Finish(place) => scene.finish(place),
                    Step::GiveUp(place) => scene.give_up(place),
                }
                scene.check();
            }
            while !scene.running.is_empty() {
                scene.finish(0);
                scene.check();
            }
            prop_assert!(scene.waiting.is_empty(), "nothing runs, and somebody waits");
            prop_assert_eq!(admission.in_use().reserved, 0);
        }
    }

    #[test]
    fn a_large_job_gets_its_turn_however_many_small_ones_come() {
        let admission = Admission::new(Some(BUDGET * UNIT));
        let mut scene = Scene::new(&admission);
        scene.ask(40);
        scene.ask(40);
        scene.ask(BUDGET);
        let large = scene.asked - 1;
        let mut finished = 0;
        while scene.running.iter().all(|(job, _)| *job != large) {
            scene.ask(1);
            scene.finish(0);
            finished += 1;
            assert!(finished <= 2, "small jobs go on before it");
        }
    }

    #[test]
    fn without_a_budget_nothing_waits() {
        let admission = Admission::new(None);
        let mut scene = Scene::new(&admission);
        for _ in 0..100 {
            scene.ask(10_000);
        }
        assert_eq!((scene.running.len(), admission.most_for_engine(u64::MAX)), (100, u64::MAX));
    }
}
