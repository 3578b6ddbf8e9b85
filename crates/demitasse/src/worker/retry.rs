//! How long to wait before the next attempt.

use std::time::Duration;

/// No wait is longer.
const LONGEST: Duration = Duration::from_secs(60);

/// The wait after attempt number `attempt` (from 1) failed: `first`, doubled each time, at most a minute. `jitter` in 0
/// to 1 picks the place in the upper half of that, so that jobs that failed together do not come back together.
pub(super) fn backoff(first: Duration, attempt: u32, jitter: f64) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    let whole = first.saturating_mul(1 << doublings).min(LONGEST);
    whole.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0)
}

/// A random number in 0 to 1; 1 if the system has none.
pub(super) fn jitter() -> f64 {
    let mut random = [0];
    getrandom::fill(&mut random).map_or(1.0, |()| f64::from(random[0]) / 255.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_a_minute() {
        let second = Duration::from_secs(1);
        let waits: Vec<_> = (1..=8).map(|attempt| backoff(second, attempt, 1.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff(second, u32::MAX, 1.0), LONGEST);
    }

    #[test]
    fn jitter_stays_in_the_upper_half() {
        let second = Duration::from_secs(1);
        assert_eq!(backoff(second, 1, 0.0), Duration::from_millis(500));
        assert_eq!(backoff(second, 1, 0.5), Duration::from_millis(750));
    }
}
