//! How much room the disks have, and below which mark nothing new is accepted.
//!
//! A disk that is full stops more than uploads: the database cannot be written, results have no room. So uploads are
//! refused while there is still some; what is there already is worked on, read and deleted.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::byte_size::byte_size;

/// How much of a disk must stay free.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MinFree {
    /// So many bytes.
    Bytes(u64),
    /// So many hundredths of the disk.
    Percent(f64),
    /// 5 % of the disk, and 1 GB at most: the first is much on a large disk, the second on a small one.
    Default,
}

impl FromStr for MinFree {
    type Err = String;

    /// A number of bytes, or of hundredths with a `%`.
    fn from_str(text: &str) -> Result<Self, String> {
        let Some(percent) = text.strip_suffix('%') else {
            return byte_size(text)
                .map(Self::Bytes)
                .map_err(|error| format!("{error}; or a share, such as 5%"));
        };
        let percent: f64 =
            percent.trim().parse().map_err(|_| format!("{text:?} is not a share, such as 5%"))?;
        if (0.0..100.0).contains(&percent) {
            Ok(Self::Percent(percent))
        } else {
            Err(format!("{text:?} is not a share from 0% to less than 100%"))
        }
    }
}

impl MinFree {
    /// In bytes, on a disk of so many.
    fn of(self, total: u64) -> u64 {
        let share = |percent: f64| (total as f64 / 100.0 * percent) as u64;
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Percent(percent) => share(percent),
            Self::Default => share(5.0).min(1_000_000_000),
        }
    }
}

/// What a disk has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Room {
    /// A directory on it.
    pub(crate) dir: PathBuf,
    /// Bytes that this user may write.
    pub(crate) free: u64,
    /// Bytes that must stay free.
    pub(crate) least: u64,
}

impl Room {
    /// Whether nothing new may come.
    pub(crate) fn is_low(&self) -> bool {
        self.free < self.least
    }
}

/// The directories in which uploads, images and the embedded database are.
#[derive(Debug, Clone)]
pub(crate) struct Disks {
    dirs: Vec<PathBuf>,
    min_free: MinFree,
}

impl Disks {
    pub(crate) fn new(dirs: Vec<PathBuf>, min_free: MinFree) -> Self {
        Self { dirs, min_free }
    }

    /// What each disk has; a few system calls. A directory that cannot be asked about is left out: it does not keep
    /// anyone from trying.
    pub(crate) fn rooms(&self) -> Vec<Room> {
        let room = |dir: &PathBuf| {
            let (free, total) = volume(dir)
                .inspect_err(
                    |error| tracing::warn!(%error, dir = %dir.display(), "the disk's room is not known"),
                )
                .ok()??;
            Some(Room { dir: dir.clone(), free, least: self.min_free.of(total) })
        };
        self.dirs.iter().filter_map(room).collect()
    }

    /// The disk that is furthest below its mark; `None` while uploads have room.
    pub(crate) fn low(&self) -> Option<Room> {
        let low = self.rooms().into_iter().filter(Room::is_low);
        low.max_by_key(|room| room.least - room.free)
    }
}

/// Free and total bytes of the disk that `dir` is on, or will be; `None` where the system is not asked.
#[cfg(unix)]
fn volume(dir: &Path) -> std::io::Result<Option<(u64, u64)>> {
    let existing = dir.ancestors().find(|dir| dir.exists());
    // A relative path's last ancestor is empty.
    let existing = existing.filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let volume = rustix::fs::statvfs(existing)?;
    let bytes = |blocks: u64| blocks.saturating_mul(volume.f_frsize);
    Ok(Some((bytes(volume.f_bavail), bytes(volume.f_blocks))))
}

#[cfg(not(unix))]
fn volume(_dir: &Path) -> std::io::Result<Option<(u64, u64)>> {
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_bytes_or_a_share() {
        assert_eq!("2GB".parse(), Ok(MinFree::Bytes(2_000_000_000)));
        assert_eq!("0".parse(), Ok(MinFree::Bytes(0)));
        assert_eq!("2.5%".parse(), Ok(MinFree::Percent(2.5)));
        for wrong in ["", "%", "100%", "-1%", "NaN%", "much"] {
            assert!(wrong.parse::<MinFree>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_default_is_a_share_of_small_disks_and_a_gigabyte_of_large_ones() {
        assert_eq!(MinFree::Default.of(8_000_000_000), 400_000_000);
        assert_eq!(MinFree::Default.of(500_000_000_000), 1_000_000_000);
        assert_eq!(MinFree::Percent(10.0).of(1000), 100);
    }

    #[cfg(unix)]
    #[test]
    fn a_disk_below_its_mark_is_low_and_one_that_cannot_be_asked_about_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let new = dir.path().join("not/made/yet");
        let disks = |min_free| Disks::new(vec![new.clone()], min_free);
        assert_eq!(disks(MinFree::Bytes(0)).low(), None);
        let low = disks(MinFree::Bytes(u64::MAX)).low().unwrap();
        assert!(low.is_low() && low.free > 0 && low.dir == new);
        let [room] = &disks(MinFree::Default).rooms()[..] else { panic!("one disk") };
        assert!(room.least <= 1_000_000_000);
    }
}
