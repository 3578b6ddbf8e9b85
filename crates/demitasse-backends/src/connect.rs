//! From URLs to backends.

use std::sync::Arc;

use demitasse_core::{
    BlobStore, DeletionStore, EventBus, ImageStore, JobQueue, JobStore, SettingStore, SharedRows,
    SubscriptionStore,
};

use crate::url::split;
use crate::{BackendUrls, Backends, Check, ConnectError, OriginalMessages, OriginalUrl, Pooled, Port};

/// A metadata store, seen through each of its ports.
struct Metadata {
    images: Arc<dyn ImageStore>,
    jobs: Arc<dyn JobStore>,
    deletions: Arc<dyn DeletionStore>,
    queue: Arc<dyn JobQueue>,
    subscriptions: Arc<dyn SubscriptionStore>,
    settings: Arc<dyn SettingStore>,
    /// The rows of another program, where the store has them.
    shared: Option<Arc<dyn SharedRows>>,
    check: Arc<dyn Check>,
    pools: Arc<dyn Pooled>,
    /// Whether the store serves this process only.
    exclusive: bool,
    description: String,
}

#[cfg(any(feature = "memory", feature = "sqlite", feature = "postgres", feature = "mongodb"))]
impl Metadata {
    #[cfg(any(feature = "memory", feature = "sqlite", feature = "postgres"))]
    fn new<S>(store: S, exclusive: bool, description: String) -> Self
    where
        S: ImageStore
            + JobStore
            + DeletionStore
            + JobQueue
            + SubscriptionStore
            + SettingStore
            + Check
            + Pooled,
    {
        Self::of(Arc::new(store), exclusive, description)
    }

    fn of<S>(store: Arc<S>, exclusive: bool, description: String) -> Self
    where
        S: ImageStore
            + JobStore
            + DeletionStore
            + JobQueue
            + SubscriptionStore
            + SettingStore
            + Check
            + Pooled,
    {
        Self {
            images: store.clone(),
            jobs: store.clone(),
            deletions: store.clone(),
            queue: store.clone(),
            subscriptions: store.clone(),
            settings: store.clone(),
            shared: None,
            check: store.clone(),
            pools: store,
            exclusive,
            description,
        }
    }
}

/// Opens what the URLs name: creates directories and databases that are missing, brings schemas up to date, and takes
/// the locks that keep a second process away until the last clone of the backends is dropped.
///
/// # Errors
/// Every [`ConnectError`]; each says in a sentence which URL is at fault and what to do.
pub async fn connect(urls: &BackendUrls) -> Result<Backends, ConnectError> {
    let own_queue = connect_queue(&urls.queue).await?;
    let works_elsewhere = urls.original.as_ref().is_some_and(|original| original.works);
    let upload_enqueues = own_queue.is_none() && !works_elsewhere;
    let events = connect_events(&urls.events).await?;
    let (blobs, storage) = connect_storage(&urls.storage)?;
    let metadata = connect_metadata(urls, &blobs, upload_enqueues).await?;
    let original = match &urls.original {
        Some(original) => Some(connect_original(original).await?),
        None => None,
    };
    let mut description = format!(
        "metadata {}, queue {}, events {}, storage {storage}",
        metadata.description,
        describe(&urls.queue),
        describe(&urls.events),
    );
    if let Some(original) = &urls.original {
        description = format!("{description}, bridge {}", describe(&original.redis));
    }
    Ok(Backends {
        images: metadata.images,
        jobs: metadata.jobs,
        deletions: metadata.deletions,
        subscriptions: metadata.subscriptions,
        settings: metadata.settings,
        shared: metadata.shared,
        original,
        pools: metadata.pools,
        exclusive: metadata.exclusive,
        queue: own_queue.unwrap_or(metadata.queue),
        events,
        blobs,
        upload_enqueues,
        description,
        metadata_check: metadata.check,
    })
}

fn unknown(port: Port, scheme: &str) -> ConnectError {
    ConnectError::UnknownScheme { port, scheme: scheme.into() }
}

#[cfg(not(all(
    feature = "memory",
    feature = "sqlite",
    feature = "postgres",
    feature = "disk",
    feature = "redis",
    feature = "s3",
    feature = "cloudinary",
    feature = "mongodb"
)))]
fn left_out(port: Port, scheme: &'static str, feature: &'static str) -> ConnectError {
    ConnectError::NotCompiledIn { port, scheme, feature }
}

async fn connect_metadata(
    urls: &BackendUrls,
    blobs: &Arc<dyn BlobStore>,
    upload_enqueues: bool,
) -> Result<Metadata, ConnectError> {
    match split(&urls.metadata) {
        ("sqlite", "") => Err(ConnectError::NoPath { port: Port::Metadata }),
        ("sqlite", path) => connect_sqlite(path, upload_enqueues).await,
        ("postgres" | "postgresql", _) => connect_postgres(&urls.metadata, upload_enqueues).await,
        ("mongodb" | "mongodb+srv", _) => connect_mongodb(urls, blobs, upload_enqueues).await,
        #[cfg(feature = "memory")]
        ("memory", _) => {
            let store =
                crate::memory::MemoryStore::new(Arc::new(demitasse_core::SystemClock), upload_enqueues);
            Ok(Metadata::new(store, true, "memory:".into()))
        }
        #[cfg(not(feature = "memory"))]
        ("memory", _) => Err(left_out(Port::Metadata, "memory", "memory")),
        (scheme, _) => Err(unknown(Port::Metadata, scheme)),
    }
}

#[cfg(feature = "sqlite")]
async fn connect_sqlite(path: &str, upload_enqueues: bool) -> Result<Metadata, ConnectError> {
    let store = crate::sqlite::SqliteStore::open(path.as_ref(), upload_enqueues).await?;
    Ok(Metadata::new(store, true, format!("sqlite:{path}")))
}

#[cfg(not(feature = "sqlite"))]
async fn connect_sqlite(_path: &str, _upload_enqueues: bool) -> Result<Metadata, ConnectError> {
    Err(left_out(Port::Metadata, "sqlite", "sqlite"))
}

#[cfg(feature = "postgres")]
async fn connect_postgres(url: &str, upload_enqueues: bool) -> Result<Metadata, ConnectError> {
    let store = crate::postgres::PostgresStore::connect(url, upload_enqueues).await?;
    let description = store.name().to_owned();
    Ok(Metadata::new(store, false, description))
}

#[cfg(not(feature = "postgres"))]
async fn connect_postgres(_url: &str, _upload_enqueues: bool) -> Result<Metadata, ConnectError> {
    Err(left_out(Port::Metadata, "postgres", "postgres"))
}

#[cfg(feature = "mongodb")]
async fn connect_mongodb(
    urls: &BackendUrls,
    blobs: &Arc<dyn BlobStore>,
    upload_enqueues: bool,
) -> Result<Metadata, ConnectError> {
    use crate::mongodb::{Links, MongoStore, describe};
    let links = Links { blobs: blobs.clone(), public_url: urls.public_url.clone() };
    let uri = &urls.metadata;
    let store = MongoStore::open(uri, links, urls.adopt.clone(), upload_enqueues).await?;
    let store = Arc::new(store);
    Ok(Metadata { shared: Some(store.clone()), ..Metadata::of(store, false, describe(uri)) })
}

#[cfg(not(feature = "mongodb"))]
async fn connect_mongodb(
    _urls: &BackendUrls,
    _blobs: &Arc<dyn BlobStore>,
    _upload_enqueues: bool,
) -> Result<Metadata, ConnectError> {
    Err(left_out(Port::Metadata, "mongodb", "mongodb"))
}

/// A queue of its own, or `None` for the metadata store's.
async fn connect_queue(url: &str) -> Result<Option<Arc<dyn JobQueue>>, ConnectError> {
    match split(url).0 {
        "metadata" => Ok(None),
        #[cfg(feature = "redis")]
        "redis" | "rediss" | "redis+unix" => {
            Ok(Some(Arc::new(crate::redis::RedisQueue::connect(url).await?)))
        }
        #[cfg(not(feature = "redis"))]
        "redis" | "rediss" | "redis+unix" => Err(left_out(Port::Queue, "redis", "redis")),
        #[cfg(feature = "memory")]
        "memory" => {
            let clock = Arc::new(demitasse_core::SystemClock);
            Ok(Some(Arc::new(crate::memory::MemoryStore::new(clock, false))))
        }
        #[cfg(not(feature = "memory"))]
        "memory" => Err(left_out(Port::Queue, "memory", "memory")),
        scheme => Err(unknown(Port::Queue, scheme)),
    }
}

async fn connect_events(url: &str) -> Result<Arc<dyn EventBus>, ConnectError> {
    match split(url).0 {
        #[cfg(feature = "memory")]
        "memory" => Ok(Arc::new(crate::memory::MemoryEvents::default())),
        #[cfg(not(feature = "memory"))]
        "memory" => Err(left_out(Port::Events, "memory", "memory")),
        #[cfg(feature = "redis")]
        "redis" | "rediss" | "redis+unix" => Ok(Arc::new(crate::redis::RedisEvents::connect(url).await?)),
        #[cfg(not(feature = "redis"))]
        "redis" | "rediss" | "redis+unix" => Err(left_out(Port::Events, "redis", "redis")),
        scheme => Err(unknown(Port::Events, scheme)),
    }
}

async fn connect_original(original: &OriginalUrl) -> Result<OriginalMessages, ConnectError> {
    match split(&original.redis).0 {
        #[cfg(feature = "redis")]
        "redis" | "rediss" | "redis+unix" => {
            let redis = Arc::new(crate::redis::RedisOriginal::connect(original).await?);
            Ok(OriginalMessages { tasks: redis.clone(), results: redis, works: original.works })
        }
        #[cfg(not(feature = "redis"))]
        "redis" | "rediss" | "redis+unix" => Err(left_out(Port::Original, "redis", "redis")),
        scheme => Err(unknown(Port::Original, scheme)),
    }
}

/// A queue's or event bus's URL without secrets.
fn describe(url: &str) -> String {
    match split(url).0 {
        #[cfg(feature = "redis")]
        "redis" | "rediss" | "redis+unix" => crate::redis::describe(url),
        _ => url.into(),
    }
}

/// The store, and what may be said of it: its URL without the secrets.
fn connect_storage(url: &str) -> Result<(Arc<dyn BlobStore>, String), ConnectError> {
    match split(url) {
        ("file", "") => Err(ConnectError::NoPath { port: Port::Storage }),
        #[cfg(feature = "disk")]
        ("file", rest) => Ok((Arc::new(open_disk(rest)?), url.into())),
        #[cfg(not(feature = "disk"))]
        ("file", _) => Err(left_out(Port::Storage, "file", "disk")),
        #[cfg(feature = "memory")]
        ("memory", _) => Ok((Arc::new(crate::memory::MemoryBlobs::default()), "memory:".into())),
        #[cfg(not(feature = "memory"))]
        ("memory", _) => Err(left_out(Port::Storage, "memory", "memory")),
        #[cfg(feature = "s3")]
        ("s3" | "gs" | "az", _) => {
            let store = crate::s3::BucketBlobs::open(url)?;
            let description = store.description().into();
            Ok((Arc::new(store), description))
        }
        #[cfg(not(feature = "s3"))]
        ("s3" | "gs" | "az", _) => Err(left_out(Port::Storage, "s3", "s3")),
        #[cfg(feature = "cloudinary")]
        ("cloudinary", _) => {
            let clock = Arc::new(demitasse_core::SystemClock);
            let store = crate::cloudinary::CloudinaryBlobs::open(url, clock)?;
            let description = store.description();
            Ok((Arc::new(store), description))
        }
        #[cfg(not(feature = "cloudinary"))]
        ("cloudinary", _) => Err(left_out(Port::Storage, "cloudinary", "cloudinary")),
        (scheme, _) => Err(unknown(Port::Storage, scheme)),
    }
}

/// `DIR`, or `DIR?accel=PREFIX` where a reverse proxy sends the bytes.
#[cfg(feature = "disk")]
fn open_disk(rest: &str) -> Result<crate::disk::DiskBlobs, ConnectError> {
    use crate::disk::DiskBlobs;
    let invalid = |reason: &str| ConnectError::InvalidUrl { port: Port::Storage, reason: reason.into() };
    let Some((dir, option)) = rest.rsplit_once('?') else { return DiskBlobs::open(rest.as_ref()) };
    match option.split_once('=') {
        _ if dir.is_empty() => Err(ConnectError::NoPath { port: Port::Storage }),
        Some(("accel", prefix)) if is_accel_prefix(prefix) => DiskBlobs::behind_proxy(dir.as_ref(), prefix),
        Some(("accel", _)) => Err(invalid(
            "the option `accel` takes a path of letters, digits, `_`, `-` and `/`, as in `/_blobs`",
        )),
        Some((name, _)) if !name.contains('/') => {
            Err(invalid("after the `?` it takes the option `accel`, as in `file:DIR?accel=/_blobs`"))
        }
        // A question mark in the name of a directory.
        _ => DiskBlobs::open(rest.as_ref()),
    }
}

/// Whether the text can be the beginning of a path in a reverse proxy's configuration, without any escaping.
#[cfg(feature = "disk")]
fn is_accel_prefix(text: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '/');
    text.len() > 1 && text.starts_with('/') && !text.contains("//") && text.chars().all(plain)
}

#[cfg(feature = "memory")]
impl Backends {
    /// Backends in memory whose leases follow `clock`; the queue is part of the metadata store. For tests.
    pub fn memory(clock: Arc<dyn demitasse_core::Clock>) -> Self {
        let metadata = Metadata::new(crate::memory::MemoryStore::new(clock, true), true, "memory:".into());
        Self {
            images: metadata.images,
            jobs: metadata.jobs,
            deletions: metadata.deletions,
            subscriptions: metadata.subscriptions,
            settings: metadata.settings,
            shared: None,
            original: None,
            pools: metadata.pools,
            exclusive: true,
            queue: metadata.queue,
            events: Arc::new(crate::memory::MemoryEvents::default()),
            blobs: Arc::new(crate::memory::MemoryBlobs::default()),
            upload_enqueues: true,
            description: "all in memory".into(),
            metadata_check: metadata.check,
        }
    }
}
