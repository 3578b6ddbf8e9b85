//! What the disk does beyond the contract: layout, what is left behind, and what the system's errors mean.

use std::path::Path;

use demitasse_core::contract::sample;
use tempfile::TempDir;

use super::*;

fn open() -> (DiskBlobs, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (DiskBlobs::open(dir.path()).unwrap(), dir)
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn a_blob_lies_under_its_kind_and_the_start_of_its_hash() {
    let (blobs, dir) = open();
    let key = sample::blob_key(b"abc");
    blobs.put(key, BlobSource::Bytes(Bytes::from_static(b"abc"))).await.unwrap();
    let path =
        dir.path().join("original/ba/78/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(std::fs::read(path).unwrap(), b"abc");
    assert!(names(&dir.path().join(STAGING)).is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn directories_and_blobs_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("new/blobs");
    let blobs = DiskBlobs::open(&dir).unwrap();
    let source = parent.path().join("source");
    std::fs::write(&source, b"abc").unwrap();
    std::fs::set_permissions(&source, std::fs::Permissions::from_mode(0o644)).unwrap();
    let from_file = sample::blob_key(b"abc");
    blobs.put(from_file, BlobSource::File(source)).await.unwrap();
    let from_memory = sample::blob_key(b"def");
    blobs.put(from_memory, BlobSource::Bytes(Bytes::from_static(b"def"))).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    assert_eq!(mode(&dir.join("original")), 0o700);
    assert_eq!(mode(&blobs.0.blob_path(from_file)), 0o600);
    assert_eq!(mode(&blobs.0.blob_path(from_memory)), 0o600);
}

#[cfg(unix)]
#[tokio::test]
async fn behind_a_proxy_a_blob_is_named_by_its_path_and_readable_by_the_group() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("blobs");
    let blobs = DiskBlobs::behind_proxy(&dir, "/_blobs/").unwrap();
    let key = sample::blob_key(b"abc");
    let source = parent.path().join("source");
    std::fs::write(&source, b"abc").unwrap();
    blobs.put(key, BlobSource::File(source)).await.unwrap();
    let path = "original/ba/78/ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(blobs.delivery(key).await.unwrap(), Delivery::AccelPath(format!("/_blobs/{path}")));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir.join(path)), 0o640);
    for above in Path::new(path).ancestors().skip(1) {
        assert_eq!(mode(&dir.join(above)), 0o750, "{}", above.display());
    }
    assert_eq!(mode(&dir.join(STAGING)), 0o700);
    assert_eq!(mode(&dir.join("lock")), 0o600);
}

#[tokio::test]
async fn a_file_on_the_same_file_system_gets_a_second_name() {
    let (blobs, dir) = open();
    let source = dir.path().join("upload");
    std::fs::write(&source, b"abc").unwrap();
    blobs.put(sample::blob_key(b"abc"), BlobSource::File(source.clone())).await.unwrap();
    assert_eq!(std::fs::read(&source).unwrap(), b"abc", "it stays until its owner removes it");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_on_another_file_system_is_copied() {
    let (blobs, dir) = open();
    let source = Path::new("/proc/version");
    let key = sample::blob_key(b"any");
    blobs.put(key, BlobSource::File(source.into())).await.unwrap();
    assert_eq!(std::fs::read(blobs.0.blob_path(key)).unwrap(), std::fs::read(source).unwrap());
    assert!(names(&dir.path().join(STAGING)).is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_is_followed_and_not_stored() {
    let (blobs, dir) = open();
    let (file, link) = (dir.path().join("file"), dir.path().join("link"));
    std::fs::write(&file, b"abc").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let key = sample::blob_key(b"abc");
    blobs.put(key, BlobSource::File(link)).await.unwrap();
    std::fs::remove_file(file).unwrap();
    assert_eq!(std::fs::read(blobs.0.blob_path(key)).unwrap(), b"abc");
}

#[tokio::test]
async fn a_put_that_fails_half_way_leaves_nothing() {
    let (blobs, dir) = open();
    let key = sample::blob_key(b"abc");
    // A file where the blob's directory should be: the bytes are staged, then the name cannot be made.
    std::fs::write(dir.path().join("original/ba"), b"in the way").unwrap();
    assert!(blobs.put(key, BlobSource::Bytes(Bytes::from_static(b"abc"))).await.is_err());
    assert!(names(&dir.path().join(STAGING)).is_empty());
    let source = dir.path().join("upload");
    std::fs::write(&source, b"abc").unwrap();
    assert!(blobs.put(key, BlobSource::File(source.clone())).await.is_err());
    assert_eq!(std::fs::read(source).unwrap(), b"abc", "the source is there for another try");
}

#[tokio::test]
async fn what_an_interrupted_put_left_is_removed_at_the_next_start() {
    let (blobs, dir) = open();
    std::fs::write(dir.path().join("tmp/half"), b"half").unwrap();
    drop(blobs);
    DiskBlobs::open(dir.path()).unwrap();
    assert!(names(&dir.path().join(STAGING)).is_empty());
}

#[tokio::test]
async fn a_file_that_is_cut_off_ends_in_an_error() {
    use futures_util::TryStreamExt;
    let (blobs, _dir) = open();
    let bytes = sample::bytes(300_000);
    let key = sample::blob_key(&bytes);
    blobs.put(key, BlobSource::Bytes(bytes.into())).await.unwrap();
    let body = blobs.get(key, None).await.unwrap().unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(blobs.0.blob_path(key)).unwrap();
    file.set_len(100_000).unwrap();
    assert_eq!(body.try_collect::<Vec<Bytes>>().await.unwrap_err().kind, ErrorKind::Internal);
}

#[test]
fn the_systems_errors_have_their_causes() {
    let cause = |kind: io::ErrorKind| store_error(sample::blob_key(b"abc"))(kind.into()).kind;
    assert_eq!(cause(io::ErrorKind::StorageFull), ErrorKind::Full);
    assert_eq!(cause(io::ErrorKind::QuotaExceeded), ErrorKind::Full);
    assert_eq!(cause(io::ErrorKind::PermissionDenied), ErrorKind::Denied);
    assert_eq!(cause(io::ErrorKind::TimedOut), ErrorKind::Unavailable);
}
