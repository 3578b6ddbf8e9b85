//! The levels of one block that are the best bargain.

use super::rates::{Rates, size_of};
use crate::codec::jpeg::zigzag::{COEFFICIENTS, ZIGZAG};

/// Multiples of the quantization steps, row by row.
pub(super) type Levels = [i16; COEFFICIENTS];
/// Waves in steps, row by row.
pub(super) type Exact = [f32; COEFFICIENTS];

/// Where a path through the waves of a block can be: at a wave that is not zero.
#[derive(Clone, Copy, Default)]
struct Stop {
    /// Which wave; 0 is the start.
    place: usize,
    /// Its level, without the sign.
    level: u16,
    /// Where the path came from.
    before: usize,
    /// What the path costs so far, less what it would if all waves up to here were zero: so paths compare that end anywhere.
    cost: f32,
}

/// Chooses levels, so that `price` times the squared error (in steps) and the bits come to as little as possible: Viterbi's
/// search over which waves stay (Ramchandran and Vetterli, "Rate-distortion optimal fast thresholding with complete JPEG/MPEG
/// decoder compatibility", IEEE Transactions on Image Processing 3, 1994). `exact` is in steps, row by row; the mean is
/// rounded.
///
/// Cost: grows with the square of the waves that stay; about 0.1 us for a block of a smooth photo at qualities of 65 to 80.
pub(super) fn choose(exact: &Exact, price: f32, rates: &Rates) -> Levels {
    let mut levels = [0; COEFFICIENTS];
    levels[0] = exact[0].round() as i16;
    let mut stops = [Stop::default(); COEFFICIENTS];
    let mut count = 1;
    for (place, at) in ZIGZAG.into_iter().enumerate().skip(1) {
        let size = exact[at].abs();
        if size >= 0.5 {
            stops[count] = arrive(&stops[..count], place, size, price, rates);
            count += 1;
        }
    }
    let ended = |stop: &Stop| stop.cost + if stop.place == COEFFICIENTS - 1 { 0.0 } else { rates.end };
    let mut best = 0;
    for stop in 1..count {
        if ended(&stops[stop]) < ended(&stops[best]) {
            best = stop;
        }
    }
    while best > 0 {
        let Stop { place, level, before, .. } = stops[best];
        let at = ZIGZAG[place];
        levels[at] = if exact[at] < 0.0 { -(level as i16) } else { level as i16 };
        best = before;
    }
    levels
}

/// The cheapest way to a wave that stays: at its nearest level, or at the largest that takes a bit less.
#[inline(always)]
fn arrive(stops: &[Stop], place: usize, size: f32, price: f32, rates: &Rates) -> Stop {
    /// No saving of a bit is worth an error of more steps than this.
    const TOO_FAR: f32 = 1.7;
    let nearest = (size + 0.5) as u16;
    let bits = size_of(nearest);
    let mut best = Stop { cost: f32::INFINITY, ..Stop::default() };
    let mut level = nearest;
    let mut bits_of_level = bits;
    loop {
        let error = size - f32::from(level);
        let own = price * (error * error - size * size);
        let by_run = rates.of_size(bits_of_level);
        for (before, stop) in stops.iter().enumerate().rev() {
            let cost = stop.cost + own + by_run[place - 1 - stop.place];
            if cost < best.cost {
                best = Stop { place, level, before, cost };
            }
        }
        bits_of_level -= 1;
        level = (1 << bits_of_level) - 1;
        if bits_of_level == 0 || size - f32::from(level) > TOO_FAR {
            return best;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::rates::Counts;
    use super::*;

    /// Rates of a picture of a few levels near the mean.
    fn rates() -> Rates {
        let mut counts = Counts::default();
        for number in 1..40_i16 {
            let mut levels = [0; COEFFICIENTS];
            for place in 1..=usize::from(number.unsigned_abs() % 7) {
                levels[ZIGZAG[place * 2]] = number % 3 + 1;
            }
            counts.add(&levels);
        }
        counts.rates()
    }

    /// What a choice comes to, counted from its beginning.
    fn cost(exact: &Exact, levels: &Levels, price: f32, rates: &Rates) -> f32 {
        let mut total = 0.0;
        let mut run = 0;
        for at in &ZIGZAG[1..] {
            let level = levels[*at];
            total += price * (exact[*at] - f32::from(level)).powi(2);
            if level == 0 {
                run += 1;
            } else {
                total += rates.of_size(size_of(level.unsigned_abs()))[run];
                run = 0;
            }
        }
        total + if run > 0 { rates.end } else { 0.0 }
    }

    /// Every way to take levels of 0, of the nearest and of one less, for a few waves.
    fn cheapest(exact: &Exact, places: &[usize], price: f32, rates: &Rates) -> f32 {
        let ways = 3_u32.pow(places.len() as u32);
        let of = |way: u32| {
            let mut levels = [0; COEFFICIENTS];
            for (number, place) in places.iter().enumerate() {
                let nearest = exact[*place].abs().round() as i16;
                let level = match way / 3_u32.pow(number as u32) % 3 {
                    0 => 0,
                    1 => nearest,
                    _ => (nearest - 1).max(0),
                };
                levels[*place] = level * if exact[*place] < 0.0 { -1 } else { 1 };
            }
            cost(exact, &levels, price, rates)
        };
        (0..ways).map(of).fold(f32::INFINITY, f32::min)
    }

    proptest! {
        #[test]
        fn no_choice_of_lower_levels_is_cheaper(
            waves in prop::collection::vec((1_usize..COEFFICIENTS, -9.0_f32..9.0), 1..7),
            price in 1.0_f32..40.0,
        ) {
            let mut exact = [0.0; COEFFICIENTS];
            waves.iter().for_each(|(place, wave)| exact[*place] = *wave);
            let mut places: Vec<usize> = waves.iter().map(|(place, _)| *place).collect();
            places.sort_unstable();
            places.dedup();
            let chosen = cost(&exact, &choose(&exact, price, &rates()), price, &rates());
            let best = cheapest(&exact, &places, price, &rates());
            prop_assert!(chosen <= best * 1.0001 + 1e-3, "{} {}", chosen, best);
        }

        #[test]
        fn a_level_is_never_above_the_nearest_and_keeps_its_sign(
            waves in prop::collection::vec(-1100.0_f32..1100.0, COEFFICIENTS),
            price in 0.1_f32..40.0,
        ) {
            let exact: Exact = waves.try_into().unwrap();
            let levels = choose(&exact, price, &rates());
            prop_assert_eq!(levels[0], exact[0].round() as i16);
            for (level, wave) in levels.iter().zip(exact).skip(1) {
                let nearest = (wave.abs() + 0.5).floor() as i16;
                prop_assert!(level.abs() <= nearest && f32::from(*level) * wave >= 0.0, "{} {}", level, wave);
            }
        }
    }

    #[test]
    fn without_a_price_for_errors_nothing_stays() {
        let mut exact = [0.9; COEFFICIENTS];
        exact[0] = -3.4;
        let levels = choose(&exact, 0.0, &rates());
        assert_eq!((levels[0], &levels[1..]), (-3, &[0; 63][..]));
    }

    #[test]
    fn at_any_price_for_errors_everything_is_rounded() {
        let exact: Exact = std::array::from_fn(|place| place as f32 - 20.3);
        let levels = choose(&exact, 1e6, &rates());
        assert_eq!(levels, exact.map(|wave| wave.round() as i16));
    }
}
