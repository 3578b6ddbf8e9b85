//! The lock that keeps a second process away from data that serves one, and private files.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::path::Path;

use crate::ConnectError;

/// An exclusive lock on a file, given back when it is dropped, and by the system when the process dies.
///
/// It does not work across machines: a network file system may ignore it.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock; never waits.
    ///
    /// # Errors
    /// `InUse` if it is held, by this process or another; `Open` if the file cannot be made.
    pub(crate) fn take(path: &Path) -> Result<Self, ConnectError> {
        let file = open_private(path).map_err(|error| ConnectError::open(path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(ConnectError::InUse { path: path.into() }),
            Err(TryLockError::Error(error)) => Err(ConnectError::open(path, error)),
        }
    }
}

/// Makes the directory and its missing parents, for this user only, durably. One that exists keeps its mode: it may be
/// shared with other things.
pub(crate) fn create_private_dir(path: &Path) -> Result<(), ConnectError> {
    let is_missing = |dir: &&Path| !dir.as_os_str().is_empty() && !dir.exists();
    let missing: Vec<&Path> = path.ancestors().take_while(is_missing).collect();
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| ConnectError::open(path, error))?;
    for parent in missing.into_iter().filter_map(Path::parent) {
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        sync_dir(parent).map_err(|error| ConnectError::open(parent, error))?;
    }
    Ok(())
}

/// Makes names in `dir` durable. Windows has no such call and needs none.
pub(crate) fn sync_dir(dir: &Path) -> std::io::Result<()> {
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

/// Opens the file for reading and writing; makes it if it is missing, and readable by this user only in any case.
pub(crate) fn open_private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(file)
}
