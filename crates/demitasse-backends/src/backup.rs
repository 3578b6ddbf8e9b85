//! Copies of the embedded stores: made while the service runs, and put back.
//!
//! | backup | if we die here |
//! |---|---|
//! | the database, as it is at one moment (`VACUUM INTO`), under a name of its own | no backup: the name says so |
//! | every blob that this copy names; its bytes are compared with its name | the same |
//! | the database gets its name | it is whole |
//!
//! The database comes first, for blobs are written before the row that names them, and are never changed: whatever the copy
//! names is there when it is made, and stays for the grace period of deletions at least. The other way round an upload
//! between the two would be named and missing.
//!
//! A restore goes the other way, blobs first, for the same reason: a database that is there has all that it names.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use demitasse_core::{BlobKey, BlobKind, Sha256Hasher};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, Row};

use crate::disk::relative_path;
use crate::lock::{create_private_dir, open_private, sync_dir};
use crate::url::split;
use crate::{BackendUrls, ConnectError, Port, sqlite};

/// The database in a backup.
const DATABASE: &str = "demitasse.db";

/// The same while the backup is not whole.
const UNFINISHED: &str = "demitasse.db.unfinished";

/// The blobs in a backup, laid out as in a directory of the service.
const BLOBS: &str = "blobs";

/// Every blob that a row names, once.
const NAMED: &str = "SELECT 'original' AS kind, sha256 FROM images
    UNION SELECT 'variant', variant_sha256 FROM jobs WHERE variant_sha256 IS NOT NULL ORDER BY 1, 2";

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Copied {
    /// Blobs.
    pub blobs: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Blobs of images that were deleted while the backup was made, and longer ago than deleted bytes stay: their images are in
    /// the copy, and their bytes are not.
    pub gone: Vec<BlobKey>,
}

/// Why there is no copy, as a sentence for the operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The store is no embedded one.
    #[error(
        "the {port} is `{scheme}`, which has tools of its own for backups; this one copies SQLite and a directory"
    )]
    NotEmbedded {
        /// The port.
        port: Port,
        /// What stands before the colon of its URL.
        scheme: String,
    },
    /// Something is where the copy should go.
    #[error("{} is there already; nothing is overwritten: name another, or move it away", .0.display())]
    Exists(PathBuf),
    /// There is nothing to copy.
    #[error("{} is not there{}", .path.display(), .hint)]
    Missing {
        /// The file.
        path: PathBuf,
        /// What that means, if it means something; begins with a separator.
        hint: &'static str,
    },
    /// The copy was made by a newer version.
    #[error(transparent)]
    Schema(#[from] ConnectError),
    /// A blob that a row names is not there.
    #[error("{0}, which the database names, is not there; the store has lost it")]
    Lost(BlobKey),
    /// A blob's bytes are others than its name says.
    #[error("{} is damaged: its bytes are not those that its name says", .0.display())]
    Damaged(PathBuf),
    /// A file cannot be read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The database cannot be read.
    #[error("{}: {source}", .path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// SQLite's reason.
        source: sqlx::Error,
    },
}

/// Where the embedded stores are.
struct Places {
    database: PathBuf,
    blobs: PathBuf,
}

impl Places {
    fn of(urls: &BackendUrls) -> Result<Self, BackupError> {
        let path = |port, url: &str, wanted| match split(url) {
            (scheme, path) if scheme == wanted => Ok(path.to_owned()),
            (scheme, _) => Err(BackupError::NotEmbedded { port, scheme: scheme.into() }),
        };
        let blobs = path(Port::Storage, &urls.storage, "file")?;
        let blobs = blobs.split_once("?accel=").map_or(blobs.as_str(), |(dir, _)| dir).into();
        Ok(Self { database: path(Port::Metadata, &urls.metadata, "sqlite")?.into(), blobs })
    }
}

/// Copies the embedded stores of `urls` into the new directory `to`, while a service may be using them.
///
/// # Errors
/// Every [`BackupError`]; what was copied until then stays and is no backup.
///
/// Cost: blocking; reads every blob. The service goes on: only the copy of the database keeps its log from being shortened
/// meanwhile.
pub async fn backup(urls: &BackendUrls, to: &Path) -> Result<Copied, BackupError> {
    let places = Places::of(urls)?;
    if !places.database.exists() {
        return Err(BackupError::Missing {
            path: places.database,
            hint: ": is this the directory of --data?",
        });
    }
    make_new_dir(to)?;
    let unfinished = to.join(UNFINISHED);
    snapshot(&places.database, &unfinished).await?;
    let copied = copy_blobs(&places.blobs, &to.join(BLOBS), named(&unfinished).await?)?;
    if !copied.gone.is_empty() {
        let still_named = named(&places.database).await?;
        if let Some(lost) = copied.gone.iter().find(|key| still_named.contains(key)) {
            return Err(BackupError::Lost(*lost));
        }
    }
    give_name(&unfinished, &to.join(DATABASE))?;
    Ok(copied)
}

/// Puts the backup in `from` where the embedded stores of `urls` will be found. Nothing may be there yet.
///
/// # Errors
/// Every [`BackupError`]; what was copied until then is no database, and is to be removed by hand.
///
/// Cost: blocking; reads every blob.
pub async fn restore(from: &Path, urls: &BackendUrls) -> Result<Copied, BackupError> {
    let places = Places::of(urls)?;
    let source = from.join(DATABASE);
    if !source.exists() {
        let hint = match from.join(UNFINISHED).exists() {
            true => ": this backup was cut off",
            false => ": this is no backup",
        };
        return Err(BackupError::Missing { path: source, hint });
    }
    for path in [&places.database, &places.blobs] {
        if path.exists() && std::fs::read_dir(path).is_ok_and(|mut files| files.next().is_none()) {
            continue;
        }
        if path.exists() {
            return Err(BackupError::Exists(path.clone()));
        }
    }
    check_schema(&source).await?;
    let copied = copy_blobs(&from.join(BLOBS), &places.blobs, named(&source).await?)?;
    if let Some(dir) = places.database.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        create_private_dir(dir)?;
    }
    let mut unfinished = places.database.clone().into_os_string();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    let mut file = open_private(&unfinished).map_err(at(&unfinished))?;
    let mut bytes = File::open(&source).map_err(at(&source))?;
    io::copy(&mut bytes, &mut file).map_err(at(&unfinished))?;
    give_name(&unfinished, &places.database)?;
    Ok(copied)
}

async fn open(database: &Path) -> Result<SqliteConnection, BackupError> {
    let options = SqliteConnectOptions::new().filename(database).read_only(true);
    SqliteConnection::connect_with(&options).await.map_err(failed(database))
}

/// The database as it is at one moment, whatever is written meanwhile.
async fn snapshot(database: &Path, to: &Path) -> Result<(), BackupError> {
    // SQLite makes no file that is there; one that is empty is as good, and private.
    drop(open_private(to).map_err(at(to))?);
    let mut connection = open(database).await?;
    let copied = sqlx::query("VACUUM INTO $1").bind(to.to_string_lossy().into_owned());
    copied.execute(&mut connection).await.map_err(failed(database))?;
    connection.close().await.map_err(failed(database))
}

async fn named(database: &Path) -> Result<Vec<BlobKey>, BackupError> {
    let mut connection = open(database).await?;
    let rows = sqlx::query(NAMED).fetch_all(&mut connection).await.map_err(failed(database))?;
    let read = |row: &sqlx::sqlite::SqliteRow| -> Result<BlobKey, sqlx::Error> {
        let kind = if row.try_get::<&str, _>("kind")? == "original" {
            BlobKind::Original
        } else {
            BlobKind::Variant
        };
        let sha256 = row.try_get::<&str, _>("sha256")?.parse();
        Ok(BlobKey { kind, sha256: sha256.map_err(|error| sqlx::Error::Decode(Box::new(error)))? })
    };
    let keys = rows.iter().map(read).collect::<Result<_, _>>().map_err(failed(database))?;
    connection.close().await.map_err(failed(database))?;
    Ok(keys)
}

/// Refuses what a newer version wrote, before anything is put anywhere.
async fn check_schema(database: &Path) -> Result<(), BackupError> {
    let mut connection = open(database).await?;
    let newest = sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations");
    let found: i64 = newest.fetch_one(&mut connection).await.map_err(failed(database))?;
    connection.close().await.map_err(failed(database))?;
    let known = sqlite::known_schema();
    if found > known {
        return Err(ConnectError::NewerSchema { path: database.into(), found, known }.into());
    }
    Ok(())
}

/// Copies blobs between two directories, durably.
fn copy_blobs(from: &Path, to: &Path, keys: Vec<BlobKey>) -> Result<Copied, BackupError> {
    let (mut copied, mut dirs) = (Copied::default(), BTreeSet::new());
    for key in keys {
        match copy_blob(from, to, key) {
            Ok(bytes) => {
                copied.blobs += 1;
                copied.bytes += bytes;
                dirs.extend(to.join(relative_path(key)).parent().map(Path::to_owned));
            }
            Err(BackupError::Missing { .. }) => copied.gone.push(key),
            Err(error) => return Err(error),
        }
    }
    for dir in dirs {
        sync_dir(&dir).map_err(at(&dir))?;
    }
    Ok(copied)
}

/// Copies a blob between two directories and compares it with its name; gives its length. Its bytes are on the disk then, and its
/// name is not yet.
fn copy_blob(from: &Path, to: &Path, key: BlobKey) -> Result<u64, BackupError> {
    let (source, target) = (from.join(relative_path(key)), to.join(relative_path(key)));
    let mut read = match File::open(&source) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(BackupError::Missing { path: source, hint: "" });
        }
        file => file.map_err(at(&source))?,
    };
    if let Some(dir) = target.parent() {
        create_private_dir(dir)?;
    }
    let mut written = open_private(&target).map_err(at(&target))?;
    let mut hasher = Sha256Hasher::default();
    let (mut buffer, mut bytes) = (vec![0; 1 << 20], 0);
    loop {
        let count = read.read(&mut buffer).map_err(at(&source))?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        written.write_all(&buffer[..count]).map_err(at(&target))?;
        bytes += count as u64;
    }
    if hasher.finish() != key.sha256 {
        return Err(BackupError::Damaged(source));
    }
    written.sync_all().map_err(at(&target))?;
    Ok(bytes)
}

/// A directory that has nothing in it.
fn make_new_dir(dir: &Path) -> Result<(), BackupError> {
    if dir.exists() && std::fs::read_dir(dir).map_err(at(dir))?.next().is_some() {
        return Err(BackupError::Exists(dir.into()));
    }
    Ok(create_private_dir(dir)?)
}

/// Renames a file when it is on the disk, and its new name, too.
fn give_name(from: &Path, to: &Path) -> Result<(), BackupError> {
    File::open(from).and_then(|file| file.sync_all()).map_err(at(from))?;
    std::fs::rename(from, to).map_err(at(to))?;
    let dir = to.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    sync_dir(dir).map_err(at(dir))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError + use<> {
    let path = path.to_owned();
    |source| BackupError::File { path, source }
}

fn failed(database: &Path) -> impl FnOnce(sqlx::Error) -> BackupError + use<> {
    let path = database.to_owned();
    |source| BackupError::Database { path, source }
}
