//! The mark that a lossy compression leaves in its output.
//!
//! An image compressed to a target must not be compressed to the same target again: each pass would be measured against
//! the pass before, and quality would seep away one imperceptible step at a time. The pixels alone do not tell, so the
//! output says it in a few bytes: a comment in JPEG, a text chunk in PNG, a chunk of our own in WebP.

/// What an earlier compression promised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mark {
    /// The target score it was compressed to.
    pub target: f64,
}

/// Targets are compared at this resolution.
const RESOLUTION: f64 = 100.0;

impl Eq for Mark {}

impl Mark {
    const PREFIX: &str = "demitasse:";

    /// Its text, `demitasse:75`.
    pub fn text(self) -> String {
        format!("{}{}", Self::PREFIX, (self.target * RESOLUTION).round() / RESOLUTION)
    }

    /// Reads [`Mark::text`] back. A mark that is not ours, or makes no sense, is none.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?.strip_prefix(Self::PREFIX)?;
        let target = text.parse().ok()?;
        (1.0..=100.0).contains(&target).then_some(Self { target })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_back_as_it_was_written() {
        for target in [1.0, 60.0, 72.25, 100.0] {
            assert_eq!(Mark::parse(Mark { target }.text().as_bytes()), Some(Mark { target }));
        }
    }

    #[test]
    fn nonsense_is_no_mark() {
        for text in ["", "demitasse:", "demitasse:NaN", "demitasse:101", "demitasse:-1", "other:75"] {
            assert_eq!(Mark::parse(text.as_bytes()), None, "{text}");
        }
    }
}
