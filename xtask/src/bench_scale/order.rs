//! Who was overtaken.

use super::load::Sent;

/// Times closer than this are the same: a log line is written a moment after what it tells, in seconds.
const SAME: f64 = 0.002;

/// The part of `uploads` whose time lies after that of an upload that was sent only once they were answered. Of two that
/// were on their way at once nobody can say which was first.
pub(super) fn overtaken(uploads: &[(&Sent, f64)]) -> f64 {
    let is_overtaken = |&(sent, time): &(&Sent, f64)| {
        uploads.iter().any(|(other, earlier)| other.sent >= sent.answered && earlier + SAME < time)
    };
    let late = uploads.iter().filter(|upload| is_overtaken(upload)).count();
    late as f64 / uploads.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn whoever_waits_for_one_that_came_later_is_overtaken() {
        let start = Instant::now();
        let sent = [(0, 10), (5, 15), (20, 30), (40, 50)].map(|(sent, answered)| Sent {
            task: String::new(),
            sent: start + Duration::from_millis(sent),
            answered: start + Duration::from_millis(answered),
        });
        let share = |times: [f64; 4]| overtaken(&sent.iter().zip(times).collect::<Vec<_>>());
        assert_eq!(share([1.0, 2.0, 3.0, 4.0]), 0.0);
        assert_eq!(
            share([2.0, 1.0, 3.0, 3.001]),
            0.0,
            "the first two came together, the last two are too close"
        );
        assert_eq!(share([3.0, 1.0, 2.0, 4.0]), 0.25);
        assert_eq!(share([8.0, 7.0, 6.0, 5.0]), 0.75);
    }
}
