//! Writing, so that a blob appears whole and durable or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use demitasse_core::{BlobKey, BlobSource};

use super::{Root, STAGING};
use crate::lock::sync_dir;

/// Stores the blob. One that exists is left, and made durable in case another put has only just renamed it.
pub(super) fn put(root: &Root, key: BlobKey, source: BlobSource) -> io::Result<()> {
    let path = root.blob_path(key);
    let Some(dir) = path.parent() else { return Err(io::ErrorKind::InvalidInput.into()) };
    if path.try_exists()? {
        return make_durable(root, key, dir);
    }
    match source {
        BlobSource::Bytes(bytes) => {
            let staged = Staged::new(root)?;
            staged.fill(root, |file| file.write_all(&bytes))?;
            make_dirs(root, dir)?;
            staged.publish(&path)?;
        }
        BlobSource::File(file) => put_file(root, dir, &path, &file)?,
    }
    make_durable(root, key, dir)
}

/// Removes the blob, durably; one that is not there is no error.
pub(super) fn delete(root: &Root, key: BlobKey) -> io::Result<()> {
    let path = root.blob_path(key);
    match std::fs::remove_file(&path) {
        Ok(()) => path.parent().map_or(Ok(()), sync_dir),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Gives `source` a second name if the file system can, and copies it otherwise. Its first name stays: it is how bytes are found
/// again that no row names, should we die before there is one.
fn put_file(root: &Root, dir: &Path, path: &Path, source: &Path) -> io::Result<()> {
    let mut from = File::open(source)?;
    if can_link(root, source)? {
        set_mode(root, &from)?;
        from.sync_all()?;
        make_dirs(root, dir)?;
        match std::fs::hard_link(source, path) {
            // Another put was faster: same key, same bytes.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            Err(error) if cannot_link(&error) => {}
            result => return result,
        }
    }
    let staged = Staged::new(root)?;
    staged.fill(root, |file| io::copy(&mut from, file).map(drop))?;
    make_dirs(root, dir)?;
    staged.publish(path)
}

/// Whether this is about links and not about the disk: file systems without them, and rules against them.
fn cannot_link(error: &io::Error) -> bool {
    use io::ErrorKind::{CrossesDevices, PermissionDenied, TooManyLinks, Unsupported};
    matches!(error.kind(), CrossesDevices | PermissionDenied | TooManyLinks | Unsupported)
}

/// Whether `source` is a file (a symbolic link would be linked in place of the bytes) on the root's file system.
fn can_link(root: &Root, source: &Path) -> io::Result<bool> {
    let metadata = std::fs::symlink_metadata(source)?;
    #[cfg(unix)]
    let same_device = {
        use std::os::unix::fs::MetadataExt;
        metadata.dev() == std::fs::metadata(&root.path)?.dev()
    };
    #[cfg(not(unix))]
    let same_device = true;
    Ok(metadata.is_file() && same_device)
}

/// A file under `tmp/` that goes away unless it is published.
struct Staged(Option<PathBuf>);

impl Staged {
    fn new(root: &Root) -> io::Result<Self> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self(Some(root.path.join(STAGING).join(hex::encode(random)))))
    }

    /// Makes the file, lets `write` fill it, and syncs it.
    fn fill(&self, root: &Root, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
        let Some(path) = &self.0 else { return Ok(()) };
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        set_mode(root, &file)?;
        write(&mut file)?;
        file.sync_all()
    }

    /// Gives the file its name. Over one that another put has made meanwhile: same key, same bytes.
    fn publish(mut self, path: &Path) -> io::Result<()> {
        if let Some(staged) = &self.0 {
            std::fs::rename(staged, path)?;
        }
        self.0 = None;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // What cannot be removed now is removed at the next start.
            std::fs::remove_file(path).ok();
        }
    }
}

/// Makes the two directories above a blob where they are missing; they are not durable yet.
fn make_dirs(root: &Root, dir: &Path) -> io::Result<()> {
    for new in [dir.parent(), Some(dir)].into_iter().flatten() {
        match std::fs::create_dir(new) {
            Ok(()) if root.proxy_prefix.is_some() => open_to_group(new)?,
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// Makes the names in `dir` durable, and that of `dir` itself and of the one above unless this was done since the start.
///
/// Nobody waits for another's sync here: who comes while a directory's name is not known to be durable syncs as well, and
/// the file system does both at once.
fn make_durable(root: &Root, key: BlobKey, dir: &Path) -> io::Result<()> {
    sync_dir(dir)?;
    if root.durable.knows(key) {
        return Ok(());
    }
    for above in dir.ancestors().skip(1).take(2) {
        sync_dir(above)?;
    }
    root.durable.remember(key);
    Ok(())
}

/// Readable by this user only, or by the group too where a reverse proxy sends the bytes; whatever the umask is.
#[cfg(unix)]
fn set_mode(root: &Root, file: &File) -> io::Result<()> {
    let mode = if root.proxy_prefix.is_some() { 0o640 } else { 0o600 };
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_root: &Root, _file: &File) -> io::Result<()> {
    Ok(())
}

/// Lets the group list and read a directory, whatever the umask is.
#[cfg(unix)]
pub(super) fn open_to_group(dir: &Path) -> io::Result<()> {
    std::fs::set_permissions(dir, std::os::unix::fs::PermissionsExt::from_mode(0o750))
}

#[cfg(not(unix))]
pub(super) fn open_to_group(_dir: &Path) -> io::Result<()> {
    Ok(())
}
