//! Sends images through a section, on as many threads as wanted, and tells how much time is left.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::corpus::Image;
use super::measure::{Bench, Results};
use super::peers::Peers;
use super::tiles::Worst;
use crate::helper::Helper;
use crate::say;

/// What looks at pictures, in Python.
const PICTURES: &str =
    concat!(include_str!("../shown.py"), include_str!("peak.py"), include_str!("pictures.py"));

/// What every section works with.
pub(super) struct Run {
    pub(super) peers: Peers,
    pub(super) results: Results,
    pub(super) worst: Worst,
    /// The build's own folder.
    pub(super) target: PathBuf,
    jobs: usize,
    progress: Mutex<Progress>,
}

/// What became of each image, in their order.
pub(super) type Outcomes<'i, T> = Vec<(&'i Image, Result<T>)>;

impl Run {
    /// `work` is the expected seconds of everything that will be sent through.
    pub(super) fn new(peers: Peers, target: PathBuf, jobs: usize, work: f64) -> Self {
        let progress = Mutex::new(Progress::new(work));
        let (results, worst) = (Results::default(), Worst::default());
        Self { peers, results, worst, target, jobs: jobs.max(1), progress }
    }

    /// The decoder, which is Pillow.
    pub(super) fn pictures(peers: &Peers) -> Result<Helper> {
        Helper::start("Pillow", Command::new(peers.python()?).args(["-c", PICTURES]))
    }

    /// Measures each image; `seconds` a megapixel are expected. What fails is said and does not end the rest.
    pub(super) fn each<'i, T: Send>(
        &self,
        section: char,
        images: &[&'i Image],
        seconds: f64,
        measure: impl Fn(&mut Bench<'_>, &Image) -> Result<T> + Sync,
    ) -> Result<Outcomes<'i, T>> {
        let waiting: Mutex<VecDeque<(usize, &Image)>> =
            Mutex::new(images.iter().copied().enumerate().collect());
        let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let work = || -> Result<Vec<(usize, &'i Image, Result<T>)>> {
            let mut bench = Bench::new(Self::pictures(&self.peers)?, &self.peers, &self.results)?;
            let mut done = Vec::new();
            while let Some((index, image)) = next() {
                let result = measure(&mut bench, image);
                self.say(section, image, result.as_ref().err(), seconds);
                done.push((index, images[index], result));
            }
            Ok(done)
        };
        let mut done = Vec::new();
        std::thread::scope(|scope| -> Result<()> {
            let threads: Vec<_> = (0..self.jobs).map(|_| scope.spawn(work)).collect();
            for thread in threads {
                done.extend(thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))??);
            }
            Ok(())
        })?;
        done.sort_by_key(|(index, ..)| *index);
        Ok(done.into_iter().map(|(_, image, result)| (image, result)).collect())
    }

    fn say(&self, section: char, image: &Image, error: Option<&anyhow::Error>, seconds: f64) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let left = progress.advance(seconds * image.megapixels());
        let mut text = format!("{section} {}", image.name);
        if let Some(error) = error {
            text.push_str(&format!(": left out: {error:#}"));
        }
        say(&format!("{text} ({left} left)"));
    }
}

/// Time so far against the work that was expected for it.
struct Progress {
    start: Instant,
    expected: f64,
    done: f64,
}

impl Progress {
    fn new(expected: f64) -> Self {
        Self { start: Instant::now(), expected, done: 0.0 }
    }

    fn advance(&mut self, work: f64) -> String {
        self.done += work;
        time_left(self.start.elapsed(), self.done, self.expected)
    }
}

fn time_left(elapsed: Duration, done: f64, expected: f64) -> String {
    if done <= 0.0 {
        return "unknown time".into();
    }
    let left = elapsed.as_secs_f64() * ((expected - done) / done).max(0.0);
    if left < 90.0 { format!("{left:.0} s") } else { format!("{:.0} min", left / 60.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_follows_the_pace_so_far() {
        assert_eq!(time_left(Duration::from_secs(10), 25.0, 100.0), "30 s");
        assert_eq!(time_left(Duration::from_secs(100), 10.0, 100.0), "15 min");
        assert_eq!(time_left(Duration::from_secs(1), 0.0, 100.0), "unknown time");
        assert_eq!(time_left(Duration::from_secs(1), 120.0, 100.0), "0 s");
    }
}
