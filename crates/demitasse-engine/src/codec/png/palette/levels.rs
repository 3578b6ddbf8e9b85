//! Which alpha goes out for which.

use std::collections::HashSet;

/// Levels of alpha that share entries of the palette.
///
/// A result may differ by 1 of 255 in alpha (`verify`), so that up to three neighbouring levels become the one in their
/// middle: at most 85 between transparent and opaque, which always fit into a palette. What is transparent stays so,
/// what is opaque stays so, and what is neither stays neither. Where a palette holds every pixel as it is, no level moves.
pub(super) struct Levels {
    /// Index of the class of each level; 0 where no pixel has the level.
    class_of: [u8; 256],
    /// What goes out for each class, in rising order.
    alphas: Vec<u8>,
}

impl Levels {
    /// Of the pixels that are there, for a palette of `most` entries. Cost: a pass.
    pub(super) fn of(pixels: &[[u8; 4]], most: usize) -> Self {
        let mut is_present = [false; 256];
        for [.., alpha] in pixels {
            is_present[usize::from(*alpha)] = true;
        }
        let is_soft = is_present[1..255].contains(&true);
        let width = if is_soft && !has_at_most(most, pixels) { 3 } else { 1 };
        let mut levels = Self { class_of: [0; 256], alphas: Vec::new() };
        let mut first = 0;
        while first <= 255 {
            let reach = if matches!(first, 0 | 255) { first } else { (first + width - 1).min(254) };
            if is_present[first] {
                let last = (first..=reach).rev().find(|level| is_present[*level]).unwrap_or(first);
                levels.class_of[first..=last].fill(levels.alphas.len() as u8);
                levels.alphas.push(((first + last) / 2) as u8);
                first = last;
            }
            first += 1;
        }
        levels
    }

    /// The class of a level.
    pub(super) fn class(&self, alpha: u8) -> usize {
        usize::from(self.class_of[usize::from(alpha)])
    }

    /// What goes out for each class, in rising order.
    pub(super) fn alphas(&self) -> &[u8] {
        &self.alphas
    }
}

/// Whether there are at most `most` colours, what is transparent being one. Ends where there are more.
fn has_at_most(most: usize, pixels: &[[u8; 4]]) -> bool {
    let (mut seen, mut last) = (HashSet::new(), None);
    for pixel in pixels {
        let color = if pixel[3] == 0 { [0; 4] } else { *pixel };
        if last.replace(color) != Some(color) && seen.insert(color) && seen.len() > most {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// For a palette that does not hold all of them.
    fn of(alphas: &[u8]) -> Levels {
        Levels::of(&alphas.iter().map(|alpha| [0, 0, 0, *alpha]).collect::<Vec<_>>(), 2)
    }

    proptest! {
        #[test]
        fn no_level_moves_by_more_than_one_and_the_ends_stay(alphas in vec(any::<u8>(), 1..300)) {
            let levels = of(&alphas);
            for alpha in alphas {
                let out = levels.alphas()[levels.class(alpha)];
                prop_assert!(out.abs_diff(alpha) <= 1);
                prop_assert_eq!((out == 0, out == 255), (alpha == 0, alpha == 255));
            }
        }
    }

    #[test]
    fn every_level_at_once_leaves_room_for_colours() {
        let levels = of(&(0..=255).collect::<Vec<_>>());
        assert_eq!(levels.alphas().len(), 87);
        assert_eq!((levels.alphas()[0], levels.alphas()[86]), (0, 255));
    }

    #[test]
    fn a_lonely_level_stays_as_it_is() {
        assert_eq!(of(&[7, 100, 255]).alphas(), [7, 100, 255]);
    }

    #[test]
    fn no_level_moves_where_the_palette_holds_every_pixel() {
        let pixels = [[5, 5, 5, 10], [5, 5, 5, 11], [5, 5, 5, 12], [0, 0, 0, 0], [9, 9, 9, 0]];
        assert_eq!(Levels::of(&pixels, 4).alphas(), [0, 10, 11, 12]);
        assert_eq!(Levels::of(&pixels, 3).alphas(), [0, 11]);
    }
}
