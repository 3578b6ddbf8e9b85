//! Where uploads in flight are: a directory of this process, which dies with it.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A directory for files in flight. Several processes may spool in one place: each has a directory of its own, locked as
/// long as it lives.
pub(crate) struct Spool {
    dir: TempDir,
    /// Held until the end; the system frees it if the process dies.
    _lock: File,
}

impl Spool {
    /// Makes a directory in `parent` and removes what dead processes left there. Their uploads were never answered, so
    /// nobody was told that they were accepted.
    pub(crate) fn open(parent: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(parent)?;
        for entry in std::fs::read_dir(parent)? {
            let path = entry?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if name.starts_with("upload-") {
                // As versions before this one left them.
                std::fs::remove_file(path)?;
            } else if name.starts_with("process-") && is_abandoned(&path) {
                std::fs::remove_dir_all(path)?;
            }
        }
        let dir = tempfile::Builder::new().prefix("process-").tempdir_in(parent)?;
        let lock = File::create(lock_path(dir.path()))?;
        lock.lock()?;
        Ok(Self { dir, _lock: lock })
    }

    /// The directory.
    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().to_owned()
    }
}

fn lock_path(dir: &Path) -> PathBuf {
    dir.join("lock")
}

/// Whether nobody holds the lock. A directory without one was made a moment ago, or never got further.
fn is_abandoned(dir: &Path) -> bool {
    let Ok(lock) = File::open(lock_path(dir)) else { return false };
    !matches!(lock.try_lock(), Err(TryLockError::WouldBlock))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_process_is_cleaned_up_after_and_a_living_one_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        let living = Spool::open(parent.path()).unwrap();
        let dead = parent.path().join("process-dead");
        std::fs::create_dir(&dead).unwrap();
        std::fs::write(lock_path(&dead), b"").unwrap();
        std::fs::write(dead.join("upload-1"), b"half an image").unwrap();
        std::fs::write(parent.path().join("upload-old"), b"half an image").unwrap();
        let file = living.path().join("upload-2");
        std::fs::write(&file, b"half an image").unwrap();

        let second = Spool::open(parent.path()).unwrap();
        assert!(!dead.exists() && !parent.path().join("upload-old").exists());
        assert!(file.exists());
        assert_ne!(living.path(), second.path());
    }
}
