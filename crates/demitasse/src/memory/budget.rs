//! What share of the memory the jobs of this process have together.

use std::str::FromStr;

use super::machine;
use crate::byte_size::byte_size;

/// Less than this decodes no photo, in bytes.
const LEAST: u64 = 64_000_000;

/// How much memory all jobs of this process may take together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MemoryBudget {
    /// So many bytes.
    Bytes(u64),
    /// So many hundredths of what this process may have: by its control group, or of the machine.
    Percent(f64),
}

impl Default for MemoryBudget {
    /// 60 %: what a child takes is predicted, and the rest is for the service itself, for the page cache and for others.
    fn default() -> Self {
        Self::Percent(60.0)
    }
}

impl FromStr for MemoryBudget {
    type Err = String;

    /// A number of bytes, or of hundredths with a `%`.
    fn from_str(text: &str) -> Result<Self, String> {
        let Some(percent) = text.strip_suffix('%') else {
            let bytes = byte_size(text).map_err(|error| format!("{error}; or a share, such as 60%"))?;
            if bytes < LEAST {
                return Err(format!("{text:?} is too little to decode a photo; give it at least 64MB"));
            }
            return Ok(Self::Bytes(bytes));
        };
        let percent: f64 =
            percent.trim().parse().map_err(|_| format!("{text:?} is not a share, such as 60%"))?;
        if percent > 0.0 && percent <= 100.0 {
            Ok(Self::Percent(percent))
        } else {
            Err(format!("{text:?} is not a share above 0% and up to 100%"))
        }
    }
}

impl MemoryBudget {
    /// In bytes; `None` where a share is asked for and the system does not tell of what.
    pub(crate) fn resolve(self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Percent(percent) => machine::memory().map(|all| (all as f64 / 100.0 * percent) as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_bytes_or_a_share() {
        assert_eq!("2GB".parse(), Ok(MemoryBudget::Bytes(2_000_000_000)));
        assert_eq!("37.5%".parse(), Ok(MemoryBudget::Percent(37.5)));
        for wrong in ["", "%", "0%", "101%", "-1%", "NaN%", "much", "0", "63MB"] {
            assert!(wrong.parse::<MemoryBudget>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn bytes_are_taken_at_their_word() {
        assert_eq!(MemoryBudget::Bytes(100_000_000).resolve(), Some(100_000_000));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_share_is_of_what_this_process_may_have() {
        let all = MemoryBudget::Percent(100.0).resolve().unwrap();
        let part = MemoryBudget::default().resolve().unwrap();
        assert_eq!(part, (all as f64 * 0.6) as u64);
    }
}
