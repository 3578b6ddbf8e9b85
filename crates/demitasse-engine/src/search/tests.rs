use proptest::prelude::*;

use super::*;
use crate::Error;
use crate::analyze::{FEATURES, Features};

const RANGE: QualityRange =
    QualityRange { min: Quality(5.0), max: Quality(98.0), step: 0.25, axis: &PLAIN_AXIS };
const GUESS: Guess = Guess { quality: Quality(75.0), slope: 0.5 };
const NO_FEATURES: Features = [0.0; FEATURES];
const TOLERANCE: f64 = 0.5;

fn budget(max_trials: usize) -> Budget {
    Budget { max_trials, below_bytes: u64::MAX }
}

fn bytes(quality: Quality) -> u64 {
    1000 + (f64::from(quality.0) * 100.0) as u64
}

/// Runs the search on a made-up curve; bytes grow with quality.
fn run(target: f64, budget: Budget, curve: impl Fn(f64) -> f64) -> Choice {
    let goal = Goal { target: Score(target), tolerance: TOLERANCE };
    let guess = Curve::unfitted().guess(&PLAIN_AXIS, &NO_FEATURES, Score(target));
    search(RANGE, guess, goal, budget, &mut |quality| {
        Ok(Probe { quality, bytes: bytes(quality), score: Score(curve(f64::from(quality.0))) })
    })
    .unwrap()
}

#[test]
fn a_straight_curve_is_hit_within_three_trials() {
    for target in [60.0, 75.0, 85.0] {
        let choice = run(target, budget(6), |quality| 20.0 + 0.75 * quality);
        let best = choice.best.unwrap();
        assert!((target..=target + 0.5).contains(&best.score.0), "{target}: {choice:?}");
        assert!(choice.probes.len() <= 3, "{target}: {choice:?}");
    }
}

#[test]
fn a_target_out_of_reach_is_said_to_be_so() {
    let choice = run(95.0, budget(6), |quality| quality * 0.9);
    assert_eq!(choice.best, None);
    assert!(!choice.reached);
    assert_eq!(choice.probes.last().unwrap().quality, RANGE.max);
}

#[test]
fn a_flat_curve_above_the_target_goes_to_the_coarsest_setting() {
    let choice = run(75.0, budget(10), |_| 99.0);
    assert_eq!(choice.best.unwrap().quality, RANGE.min);
}

#[test]
fn a_search_is_given_up_once_it_is_too_large_and_not_good_enough() {
    let limit = Budget { below_bytes: 5000, ..budget(6) };
    let choice = run(90.0, limit, |quality| quality * 0.9);
    assert_eq!(choice.probes.len(), 1);
    assert_eq!(choice.best, None);
}

#[test]
fn what_reaches_the_target_but_is_too_large_is_not_chosen() {
    let limit = Budget { below_bytes: 5000, ..budget(6) };
    let choice = run(75.0, limit, |quality| 20.0 + 0.75 * quality);
    assert!(choice.reached);
    assert_eq!(choice.best, None);
}

#[test]
fn a_jump_in_the_scores_is_not_searched_for_the_last_byte() {
    // No setting scores between 74.7 and 75.8.
    let curve = |quality: f64| if quality < 80.0 { 54.7 + quality / 4.0 } else { 55.8 + quality / 4.0 };
    let choice = run(75.0, budget(12), curve);
    assert!(choice.best.unwrap().quality > Quality(80.0) && choice.probes.len() <= 5, "{choice:?}");
}

#[test]
fn an_error_of_the_probe_ends_the_search() {
    let error =
        search(RANGE, GUESS, Goal { target: Score(75.0), tolerance: TOLERANCE }, budget(6), &mut |_| {
            Err(Error::Cancelled)
        })
        .unwrap_err();
    assert_eq!(error.code(), "cancelled");
}

proptest! {
    #[test]
    fn a_monotone_curve_is_hit_within_its_tolerance(
        low in -50.0_f64..50.0,
        bend in 0.3_f64..3.0,
        target in 40.0_f64..92.0,
    ) {
        let curve = |quality: f64| low + (100.0 - low) * (quality / 100.0).powf(bend);
        let choice = run(target, budget(12), curve);
        let best = choice.best.unwrap_or_else(|| panic!("not reached: {choice:?}"));
        // One step of quality can be more than the tolerance where the curve is steep.
        let step = curve(f64::from(best.quality.0)) - curve(f64::from(best.quality.0 - RANGE.step));
        let at_the_floor = best.quality == RANGE.min;
        let is_near = best.score.0 <= target + TOLERANCE.max(step);
        let short = |probe: &Probe| probe.score.0 < target && best.bytes.saturating_sub(probe.bytes) <= best.bytes / 100;
        let is_settled = best.score.0 <= target + 1.0 && choice.probes.iter().any(short);
        prop_assert!(at_the_floor || is_near || is_settled, "{:?}", choice);
    }

    #[test]
    fn noise_on_a_curve_costs_trials_and_no_promise(
        low in -20.0_f64..50.0,
        target in 40.0_f64..92.0,
        noise in prop::collection::vec(-0.4_f64..0.4, 400),
    ) {
        let curve = |quality: f64| low + (100.0 - low) * quality / 100.0 + noise[((quality - 5.0) / 0.25) as usize];
        let choice = run(target, budget(7), curve);
        if curve(98.0) > target + 1.0 {
            let best = choice.best.unwrap_or_else(|| panic!("not reached: {choice:?}"));
            prop_assert!(best.score.0 >= target && (best.score.0 < target + 3.0 || best.quality == RANGE.min), "{:?}", choice);
        }
    }

    #[test]
    fn a_reversed_curve_ends_with_what_reached_the_target(
        target in 10.0_f64..92.0,
    ) {
        let choice = run(target, budget(7), |quality| 100.0 - quality);
        prop_assert!(choice.probes.len() <= 7);
        prop_assert!(choice.best.is_none_or(|best| best.score.0 >= target));
    }

    #[test]
    fn what_fits_is_the_finest_that_was_seen_and_nearly_full(
        scale in 100.0_f64..100_000.0,
        bend in 0.4_f64..1.6,
        part in 0.0_f64..1.2,
    ) {
        let size = |quality: Quality| (scale * (101.0 - f64::from(quality.0)).powf(-bend)) as u64 + 200;
        let (least, most) = (size(RANGE.min), size(RANGE.max));
        let max_bytes = least + ((most - least) as f64 * part) as u64;
        let found = fit(RANGE, Quality(70.0), max_bytes, 7, &mut |quality| Ok(size(quality))).unwrap();
        let (quality, bytes) = found.best.unwrap();
        prop_assert!(bytes <= max_bytes && bytes == size(quality));
        let finer = size(Quality(quality.0 + RANGE.step));
        let is_nearly_full = bytes as f64 >= 0.93 * max_bytes as f64;
        prop_assert!(is_nearly_full || quality == RANGE.max || finer > max_bytes, "{:?} of {}", found, max_bytes);
    }

    #[test]
    fn too_few_bytes_for_anything_is_said(max_bytes in 0_u64..100) {
        let found = fit(RANGE, Quality(70.0), max_bytes, 7, &mut |_| Ok(100)).unwrap();
        prop_assert_eq!(found.best, None);
        prop_assert!(found.tried.len() <= 7);
    }

    #[test]
    fn on_any_curve_the_best_seen_is_chosen_and_no_setting_is_tried_twice(
        scores in prop::collection::vec(-20.0_f64..100.0, 400),
        target in 1.0_f64..100.0,
        max_trials in 1_usize..12,
    ) {
        let curve = |quality: f64| scores[((quality - 5.0) / 0.25) as usize];
        let choice = run(target, budget(max_trials), curve);
        prop_assert!(!choice.probes.is_empty() && choice.probes.len() <= max_trials);
        let mut seen: Vec<f32> = choice.probes.iter().map(|probe| probe.quality.0).collect();
        seen.sort_by(f32::total_cmp);
        seen.dedup();
        prop_assert_eq!(seen.len(), choice.probes.len());
        let smallest = choice.probes.iter().filter(|t| t.score.0 >= target).map(|t| t.bytes).min();
        prop_assert_eq!(choice.best.map(|best| best.bytes), smallest);
        prop_assert_eq!(choice.reached, smallest.is_some());
    }
}

#[test]
fn bytes_that_only_the_coarsest_settings_fit_into_are_reached() {
    // Bytes hardly grow at first: steps along the curve would take more trials than there are.
    let size = |quality: Quality| (100.0 * (101.0 - f64::from(quality.0)).powf(-0.4)) as u64 + 200;
    let least = size(RANGE.min);
    let fit = fit(RANGE, Quality(70.0), least, 7, &mut |quality| Ok(size(quality))).unwrap();
    assert_eq!(fit.best.map(|(_, bytes)| bytes), Some(least));
}
