//! What is kept for how long, and how full the disk may get.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use demitasse_core::SHORTEST_GRACE;

pub use crate::disk::MinFree;

/// What is kept for how long.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Space")]
pub struct SpaceArgs {
    /// Delete images so long after their upload, such as `30d`, `12h` or `90m` [default: never]
    ///
    /// Done or not, with their results; the original service's too, on its database.
    #[arg(long, env = "DEMITASSE_RETAIN_FOR", value_name = "DURATION", value_parser = duration)]
    pub retain_for: Option<Duration>,

    /// Seconds that the bytes of a deleted image stay; at least 900, which uploads of the same bytes rely on
    #[arg(long, env = "DEMITASSE_BLOB_GRACE", value_name = "SECONDS", default_value_t = 3_600)]
    pub blob_grace: u64,

    /// Free space under which uploads are refused: bytes, such as `2GB`, or a share of the disk, such as `5%`
    /// [default: 5%, and 1GB at most]
    ///
    /// Of the disks of --data, of images in a directory, and of an embedded database. `0` switches it off.
    #[arg(long, env = "DEMITASSE_MIN_FREE_DISK", value_name = "SIZE|PERCENT")]
    pub min_free_disk: Option<MinFree>,
}

/// What is kept for how long, checked.
#[derive(Debug, Clone)]
pub struct SpaceConfig {
    /// How long after their upload images are deleted; `None`: never.
    pub retain_for: Option<Duration>,
    /// How long a blob stays that no row names.
    pub blob_grace: Duration,
    /// The directories that grow.
    pub disks: Vec<PathBuf>,
    /// What must stay free on their disks for uploads to be accepted.
    pub min_free: MinFree,
}

impl SpaceArgs {
    pub(super) fn resolve(&self, disks: Vec<PathBuf>) -> SpaceConfig {
        SpaceConfig {
            retain_for: self.retain_for,
            blob_grace: Duration::from_secs(self.blob_grace),
            disks,
            min_free: self.min_free_disk.unwrap_or(MinFree::Default),
        }
    }

    pub(super) fn problems(&self) -> Vec<String> {
        let shortest = SHORTEST_GRACE.as_secs();
        let mut problems = Vec::new();
        if self.blob_grace < shortest {
            problems.push(format!(
                "--blob-grace {} is too short for uploads under way; give it at least {shortest}",
                self.blob_grace
            ));
        }
        problems
    }
}

/// `30d`, `12h`, `90m` or `3600s`.
fn duration(text: &str) -> Result<Duration, String> {
    let refused = || format!("{text:?} is not a duration, such as 30d, 12h, 90m or 3600s");
    let unit = text.chars().last().ok_or_else(refused)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return Err(refused()),
    };
    let number: u64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| refused())?;
    let seconds = number.checked_mul(seconds).ok_or_else(refused)?;
    if seconds == 0 {
        return Err(format!("{text:?} would delete every image at once; leave the flag out to keep them"));
    }
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit_and_is_not_nothing() {
        for (text, seconds) in [("30d", 2_592_000), ("12h", 43_200), ("90m", 5_400), ("7s", 7)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in ["", "30", "d", "0d", "1w", "-1d", "1dd", "1.5h", "999999999999999999d"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_grace_period_that_uploads_cannot_rely_on_is_refused() {
        let args = |blob_grace| SpaceArgs { retain_for: None, blob_grace, min_free_disk: None };
        assert_eq!(args(900).problems(), Vec::<String>::new());
        assert!(args(899).problems()[0].contains("at least 900"));
    }
}
