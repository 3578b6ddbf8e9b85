//! A text that is never shown.

use std::fmt;
use std::str::FromStr;

use subtle::ConstantTimeEq;

/// A secret: compared in constant time, never printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Whether `candidate` is this secret. The time taken tells nothing but its length.
    pub fn matches(&self, candidate: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(candidate).into()
    }

    /// The text itself, for what has to be read before it can be kept.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Length in bytes.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_compared_and_never_printed() {
        let secret: Secret = "open sesame".parse().unwrap();
        assert!(secret.matches(b"open sesame"));
        assert!(!secret.matches(b"open sesamE"));
        assert!(!secret.matches(b""));
        assert!(!format!("{secret:?}").contains("sesame"));
    }
}
