//! The mark that a lossy compression leaves in its output.
//!
//! An image compressed to a target must not be compressed to the same target again: each pass would be measured against
//! the pass before, and quality would seep away one imperceptible step at a time. The pixels alone do not tell, so the
//! output says it in a few bytes: a comment in JPEG, a text chunk in PNG, a chunk of our own in
//! WebP, a box of our own in AVIF.

/// What an earlier compression promised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mark {
    /// A score, 1 to 100 on the SSIMULACRA2 scale.
    Score(f64),
    /// A fixed setting of the format's encoder, 1 to 100.
    Quality(f64),
}

/// Numbers are written at this resolution.
const RESOLUTION: f64 = 100.0;

impl Eq for Mark {}

impl Mark {
    /// Whether what was promised is as much as `wanted`, or less: compressing again could only lose. Numbers are compared
    /// as they are written.
    pub fn covers(self, wanted: Self) -> bool {
        let written = |number: f64| (number * RESOLUTION).round();
        match (self, wanted) {
            (Self::Score(made), Self::Score(wanted)) | (Self::Quality(made), Self::Quality(wanted)) => {
                written(made) <= written(wanted)
            }
            _ => false,
        }
    }

    const PREFIX: &str = "demitasse:";
    const QUALITY: &str = "q";

    /// Its text: `demitasse:75` for a score, `demitasse:q80` for a setting.
    pub fn text(self) -> String {
        let (kind, number) = match self {
            Self::Score(score) => ("", score),
            Self::Quality(quality) => (Self::QUALITY, quality),
        };
        format!("{}{kind}{}", Self::PREFIX, (number * RESOLUTION).round() / RESOLUTION)
    }

    /// Reads [`Mark::text`] back. A mark that is not ours, or makes no sense, is none.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?.strip_prefix(Self::PREFIX)?;
        let (kind, number): (fn(f64) -> Self, &str) = match text.strip_prefix(Self::QUALITY) {
            Some(number) => (Self::Quality, number),
            None => (Self::Score, text),
        };
        let number = number.parse().ok()?;
        (1.0..=100.0).contains(&number).then(|| kind(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_back_as_it_was_written() {
        for mark in [Mark::Score(1.0), Mark::Score(72.25), Mark::Score(100.0), Mark::Quality(80.5)] {
            assert_eq!(Mark::parse(mark.text().as_bytes()), Some(mark));
        }
        assert_eq!(Mark::Score(75.0).text(), "demitasse:75");
        assert_eq!(Mark::Quality(80.0).text(), "demitasse:q80");
    }

    #[test]
    fn a_mark_covers_its_own_target_and_finer_ones_however_they_round() {
        for number in [75.0, 72.256, f64::from(80.1_f32), 61.005] {
            for wanted in [Mark::Score(number), Mark::Quality(number)] {
                let read_back = Mark::parse(wanted.text().as_bytes()).unwrap();
                assert!(read_back.covers(wanted), "{wanted:?}");
            }
        }
        assert!(Mark::Score(60.0).covers(Mark::Score(75.0)));
        assert!(!Mark::Score(85.0).covers(Mark::Score(75.0)));
        assert!(!Mark::Score(60.0).covers(Mark::Quality(75.0)));
    }

    #[test]
    fn nonsense_is_no_mark() {
        for text in
            ["", "demitasse:", "demitasse:NaN", "demitasse:101", "demitasse:-1", "demitasse:qq", "other:75"]
        {
            assert_eq!(Mark::parse(text.as_bytes()), None, "{text}");
        }
    }
}
