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
    /// Makes a directory in `parent`, and gives those that dead processes left there. Their uploads were never answered, so
    /// nobody was told that they were accepted.
    pub(crate) fn open(parent: &Path) -> io::Result<(Self, Vec<PathBuf>)> {
        std::fs::create_dir_all(parent)?;
        let mut abandoned = Vec::new();
        for entry in std::fs::read_dir(parent)? {
            let path = entry?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if name.starts_with("upload-") {
                // As versions before this one left them.
                std::fs::remove_file(path)?;
            } else if name.starts_with("process-") && is_abandoned(&path) {
                abandoned.push(path);
            }
        }
        let dir = tempfile::Builder::new().prefix("process-").tempdir_in(parent)?;
        let lock = File::create(lock_path(dir.path()))?;
        lock.lock()?;
        Ok((Self { dir, _lock: lock }, abandoned))
    }

    /// The directory.
    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().to_owned()
    }
}

/// The bytes of the files in a spool's directory: one system call for each upload in flight.
pub(crate) async fn bytes_held(dir: &Path) -> io::Result<u64> {
    let dir = dir.to_owned();
    let held = tokio::task::spawn_blocking(move || sum_of_lengths(&dir));
    held.await.map_err(io::Error::other)?
}

fn sum_of_lengths(dir: &Path) -> io::Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(dir)? {
        match entry?.metadata() {
            Ok(file) => sum += file.len(),
            // An upload that ended since.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sum)
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
    fn a_dead_process_is_found_and_a_living_one_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        let (living, none) = Spool::open(parent.path()).unwrap();
        assert!(none.is_empty());
        let dead = parent.path().join("process-dead");
        std::fs::create_dir(&dead).unwrap();
        std::fs::write(lock_path(&dead), b"").unwrap();
        std::fs::write(dead.join("upload-1"), b"half an image").unwrap();
        std::fs::write(parent.path().join("upload-old"), b"half an image").unwrap();
        let file = living.path().join("upload-2");
        std::fs::write(&file, b"half an image").unwrap();

        let (second, abandoned) = Spool::open(parent.path()).unwrap();
        assert_eq!(abandoned, [dead]);
        assert!(!parent.path().join("upload-old").exists());
        assert!(file.exists());
        assert_ne!(living.path(), second.path());
    }

    #[tokio::test]
    async fn what_is_held_is_this_process_own_and_goes_with_the_files() {
        let parent = tempfile::tempdir().unwrap();
        let spools = [(); 2].map(|()| Spool::open(parent.path()).unwrap().0);
        let [ours, other] = spools.each_ref().map(Spool::path);
        std::fs::write(other.join("upload-1"), [0; 1000]).unwrap();
        assert_eq!(bytes_held(&ours).await.unwrap(), 0);
        std::fs::write(ours.join("upload-1"), [0; 300]).unwrap();
        std::fs::write(ours.join("original-1"), [0; 70_000]).unwrap();
        assert_eq!(bytes_held(&ours).await.unwrap(), 70_300);
        std::fs::remove_file(ours.join("original-1")).unwrap();
        assert_eq!(bytes_held(&ours).await.unwrap(), 300);
        drop(spools);
        assert_eq!(bytes_held(&ours).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
