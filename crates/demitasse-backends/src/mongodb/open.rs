//! Opening a database: options, indexes, the counter.

use std::sync::Mutex;
use std::time::Duration;

use demitasse_core::StoreError;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, ErrorKind as Cause};
use mongodb::options::{
    Acknowledgment, ClientOptions, IndexOptions, ReadPreference, SelectionCriteria, WriteConcern,
};
use mongodb::{Client, IndexModel};

use super::address::describe;
use super::error::is_conflict;
use super::pool::Connections;
use super::{IMAGES, Links, MongoStore, TASKS, deletion};
use crate::{AdoptDefaults, ConnectError, Port};

/// The original's database when its URI names none: Mongoose's default.
const DEFAULT_DATABASE: &str = "test";

/// How long a call looks for a primary, where the URI does not say: an election takes about 12 s.
const SELECTION: Duration = Duration::from_secs(15);

/// How long a connection may take to come about, where the URI does not say.
const CONNECTION: Duration = Duration::from_secs(5);

/// How long a write waits for its majority.
const MAJORITY: Duration = Duration::from_secs(10);

/// Connections per server, where the URI does not say: a worker waits for one call at a time, an API for as many as it has
/// requests.
const CONNECTIONS: u32 = 32;

impl MongoStore {
    /// Connects to the database of `uri` and makes the indexes and the counter that are missing; several processes may do
    /// so at once. `upload_enqueues` says whether `create_upload` also fills this store's queue.
    ///
    /// # Errors
    /// `InvalidUrl` if the driver cannot read the URI, `Unreachable` if nothing answers there or it refuses us.
    pub async fn open(
        uri: &str,
        links: Links,
        adopt: AdoptDefaults,
        upload_enqueues: bool,
    ) -> Result<Self, ConnectError> {
        let unreachable = |source: Box<dyn std::error::Error + Send + Sync>| ConnectError::Unreachable {
            port: Port::Metadata,
            server: describe(uri),
            source,
        };
        let mut options = options(uri).await.map_err(|error| match error.kind.as_ref() {
            Cause::DnsResolve { .. } | Cause::Io(_) => unreachable(error.into()),
            // The driver's words may repeat a part of the URI, so they are not passed on.
            _ => ConnectError::InvalidUrl {
                port: Port::Metadata,
                reason: "it is not of the form mongodb://[USER:PASSWORD@]HOST[:PORT][/DATABASE] or \
                         mongodb+srv://[USER:PASSWORD@]HOST[/DATABASE], with the special characters of user and \
                         password percent-encoded and options that MongoDB knows"
                    .into(),
            },
        })?;
        let connections = Connections::follow(&mut options);
        let client = Client::with_options(options).map_err(|error| unreachable(error.into()))?;
        let database = client.default_database().unwrap_or_else(|| client.database(DEFAULT_DATABASE));
        let store = Self {
            tasks: database.collection(TASKS),
            images: database.collection(IMAGES),
            queue: database.collection("demitasse_queue"),
            database,
            connections,
            links,
            adopt,
            upload_enqueues,
            mirrored: Mutex::default(),
        };
        store
            .prepare()
            .await
            .map_err(|error| unreachable(error.source.unwrap_or_else(|| error.key.into())))?;
        Ok(store)
    }

    /// Makes what is missing; changes nothing if nothing is.
    async fn prepare(&self) -> Result<(), StoreError> {
        for (collection, indexes) in
            [(TASKS, task_indexes()), (IMAGES, image_indexes()), ("demitasse_queue", queue_indexes())]
        {
            self.ask(collection, self.collection(collection).create_indexes(indexes)).await?;
        }
        for (collection, keys) in deletion::indexes() {
            self.ask(collection, self.collection(collection).create_index(index("order", keys, None)))
                .await?;
        }
        let owners = index("demitasse_owner", doc! { "owner": 1 }, None);
        self.ask("subscriptions", self.collection("demitasse_subscriptions").create_index(owners)).await?;
        let counter = doc! { "_id": "sequence", "last": 0_i64 };
        let made = self.ask("sequence", self.collection("demitasse_counters").insert_one(counter)).await;
        if is_conflict(&made) { Ok(()) } else { made.map(drop) }
    }
}

async fn options(uri: &str) -> Result<ClientOptions, Error> {
    let mut options = ClientOptions::parse(uri).await?;
    options.app_name.get_or_insert_with(|| "demitasse".into());
    options.server_selection_timeout.get_or_insert(SELECTION);
    options.connect_timeout.get_or_insert(CONNECTION);
    options.max_pool_size.get_or_insert(CONNECTIONS);
    // What was accepted must survive the loss of a server, and what was written must be read: the URI has no say in it.
    options.write_concern =
        Some(WriteConcern::builder().w(Acknowledgment::Majority).journal(true).w_timeout(MAJORITY).build());
    options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
    Ok(options)
}

fn index(name: &str, keys: Document, only: Option<Document>) -> IndexModel {
    let options = IndexOptions::builder().name(name.to_owned()).partial_filter_expression(only).build();
    IndexModel::builder().keys(keys).options(options).build()
}

fn unique(mut model: IndexModel) -> IndexModel {
    if let Some(options) = &mut model.options {
        options.unique = Some(true);
    }
    model
}

/// A query uses a partial index only if it repeats the index' condition.
fn task_indexes() -> Vec<IndexModel> {
    let ours = || Some(doc! { "demitasse.sequence": { "$exists": true } });
    vec![
        unique(index("demitasse_sequence", doc! { "demitasse.sequence": 1 }, ours())),
        // One job per image; tasks that were not taken in do not count.
        unique(index("demitasse_image", doc! { "imageId": 1 }, ours())),
        index("demitasse_tasks_of_image", doc! { "imageId": 1, "_id": 1 }, None),
        index("demitasse_owner", doc! { "demitasse.owner": 1, "demitasse.sequence": 1 }, None),
        // Few documents each, whatever the number of finished jobs.
        index(
            "demitasse_open",
            doc! { "demitasse.open": 1, "demitasse.sequence": 1 },
            Some(doc! { "demitasse.open": true }),
        ),
        index(
            "demitasse_unannounced",
            doc! { "demitasse.announcement.dueAt": 1, "demitasse.sequence": 1 },
            Some(doc! { "demitasse.announcement.state": "pending" }),
        ),
        index(
            "demitasse_dead_letters",
            doc! { "demitasse.state": 1, "demitasse.sequence": 1 },
            Some(doc! { "demitasse.state": "failed" }),
        ),
        index(
            "demitasse_mirror",
            doc! { "demitasse.mirror": 1 },
            Some(doc! { "demitasse.mirror": { "$exists": true } }),
        ),
        // Whether a blob is named.
        index("demitasse_original", doc! { "demitasse.image.original.sha256": 1 }, None),
        index("demitasse_variant", doc! { "demitasse.variant.sha256": 1 }, None),
        // The images that were accepted first.
        index("demitasse_age", doc! { "demitasse.image.createdAt": 1, "demitasse.sequence": 1 }, None),
        // Not a partial one: nearly every task comes to have a variant, and servers that speak MongoDB's protocol without
        // being one do not use a partial index for a query.
        index("demitasse_request", doc! { "demitasse.requestKey": 1, "demitasse.sequence": 1 }, None),
    ]
}

/// The images that were not taken in, oldest first: those without a task come first in the index.
fn image_indexes() -> Vec<IndexModel> {
    vec![index("demitasse_task", doc! { "demitasse.task": 1, "_id": 1 }, None)]
}

fn queue_indexes() -> Vec<IndexModel> {
    vec![
        // Claims, oldest first.
        index("order", doc! { "dead": 1, "priority": 1, "sequence": 1, "_id": 1 }, None),
        index("dead", doc! { "dead": 1, "at": 1 }, Some(doc! { "dead": true })),
    ]
}
