//! The original service's API and worker, as far as they write to the database and to Redis: an imitation, made after its
//! contract. The database is `TEST_MONGODB_URI`'s, Redis `TEST_REDIS_URL`'s.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use futures_util::StreamExt;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, DateTime, Document, doc};
use mongodb::{Client, Collection, Database};
use redis::AsyncCommands;
use redis::aio::{MultiplexedConnection, PubSub};
use serde_json::Value;

/// A database, a list, a topic and a place for images that no other test has.
pub(crate) struct OriginalService {
    mongo: String,
    redis: String,
    database: Database,
    connection: MultiplexedConnection,
    heard: PubSub,
    list: String,
    topic: String,
    /// Where its images are: the part of Cloudinary.
    images: String,
    kept: Kept,
}

type Kept = Arc<Mutex<Vec<Vec<u8>>>>;

/// What one upload to its API has written.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    pub(crate) image: String,
    pub(crate) task: String,
    pub(crate) url: String,
}

impl OriginalService {
    pub(crate) async fn new() -> Self {
        let unique = ObjectId::new().to_hex();
        let server = required("TEST_MONGODB_URI");
        let (server, options) = server.split_once('?').unwrap_or((&server, ""));
        let name = format!("demitasse-bridge-{unique}");
        let mongo = format!("{}/{name}?{options}", server.trim_end_matches('/'));
        let redis = required("TEST_REDIS_URL");
        let client = redis::Client::open(redis.as_str()).unwrap();
        let topic = format!("{unique}-tasks-results");
        let mut heard = client.get_async_pubsub().await.unwrap();
        heard.subscribe(&topic).await.unwrap();
        let kept = Kept::default();
        Self {
            database: Client::with_uri_str(&mongo).await.unwrap().database(&name),
            connection: client.get_multiplexed_async_connection().await.unwrap(),
            heard,
            list: format!("{unique}-image-queue"),
            topic,
            images: serve(kept.clone()).await,
            mongo,
            redis,
            kept,
        }
    }

    /// The flags with which we go along with it.
    pub(crate) fn flags(&self) -> Vec<String> {
        let flags = [
            ("--metadata", &self.mongo),
            ("--bridge-redis", &self.redis),
            ("--bridge-list", &self.list),
            ("--bridge-topic", &self.topic),
            ("--fetch-allow", &self.images),
        ];
        flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value.clone()]).collect()
    }

    fn collection(&self, name: &str) -> Collection<Document> {
        self.database.collection(name)
    }

    /// An upload to its API: the bytes, the rows, the message.
    pub(crate) async fn upload(&mut self, bytes: Vec<u8>) -> Written {
        let number = {
            let mut kept = self.kept.lock().unwrap();
            kept.push(bytes);
            kept.len() - 1
        };
        let url = format!("{}/images/{number}.png", self.images);
        self.upload_at(url).await
    }

    /// The same with an address of one's own choice.
    pub(crate) async fn upload_at(&mut self, url: String) -> Written {
        let written = self.record(&url, "pending", None).await;
        let message =
            serde_json::json!({ "imageId": written.image, "taskId": written.task, "imageUrl": url });
        let () = self.connection.lpush(&self.list, message.to_string()).await.unwrap();
        written
    }

    /// Rows without a message, as they are found long afterwards.
    pub(crate) async fn record(&self, url: &str, status: &str, result: Option<&str>) -> Written {
        let (image, task, now) = (ObjectId::new(), ObjectId::new(), DateTime::now());
        let row = doc! {
            "_id": image, "imageUrl": url, "compressedUrl": result.map_or(Bson::Null, Bson::from),
            "createdAt": now, "updatedAt": now, "__v": 0,
        };
        self.collection("imagemetadatas").insert_one(row).await.unwrap();
        let row = doc! {
            "_id": task, "imageId": image, "status": status, "createdAt": now, "updatedAt": now, "__v": 0,
        };
        self.collection("compressingtasks").insert_one(row).await.unwrap();
        Written { image: image.to_hex(), task: task.to_hex(), url: url.into() }
    }

    /// What its API hears next.
    pub(crate) async fn hears(&mut self) -> Value {
        let message = self.heard.on_message().next().await.unwrap();
        serde_json::from_slice(message.get_payload_bytes()).unwrap()
    }

    /// What its worker takes off the list, if anything is there; it remembers it nowhere.
    pub(crate) async fn takes(&self) -> Option<Value> {
        let message: Option<String> = self.connection.clone().lpop(&self.list, None).await.unwrap();
        message.map(|message| serde_json::from_str(&message).unwrap())
    }

    /// Its worker has done a task: the status in the database, then the topic. It dies if the status was that before.
    pub(crate) async fn does(&mut self, message: &Value, url: &str) {
        let task = ObjectId::parse_str(message["taskId"].as_str().unwrap()).unwrap();
        let status = doc! { "$set": { "status": "completed" } };
        let changed =
            self.collection("compressingtasks").update_one(doc! { "_id": task }, status).await.unwrap();
        assert_eq!(changed.modified_count, 1, "its worker dies of a task that has ended: {message}");
        let result = serde_json::json!({
            "compressedUrl": url, "imageId": message["imageId"], "taskId": message["taskId"],
        });
        let () = self.connection.publish(&self.topic, result.to_string()).await.unwrap();
    }

    /// The field of the image's row.
    pub(crate) async fn image_field(&self, image: &str, field: &str) -> Option<String> {
        self.field("imagemetadatas", image, field).await
    }

    /// The status in the task's row.
    pub(crate) async fn status(&self, task: &str) -> Option<String> {
        self.field("compressingtasks", task, "status").await
    }

    async fn field(&self, collection: &str, id: &str, field: &str) -> Option<String> {
        let id = doc! { "_id": ObjectId::parse_str(id).unwrap() };
        let row = self.collection(collection).find_one(id).await.unwrap()?;
        row.get_str(field).ok().map(str::to_owned)
    }

    /// Messages on its list, and in our hands.
    pub(crate) async fn messages(&self) -> (usize, usize) {
        let mut connection = self.connection.clone();
        let waiting = connection.llen(&self.list).await.unwrap();
        let in_hand = connection.llen(format!("{}:processing", self.list)).await.unwrap();
        (waiting, in_hand)
    }
}

impl Drop for OriginalService {
    fn drop(&mut self) {
        let (uri, name) = (self.mongo.clone(), self.database.name().to_owned());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let client = Client::with_uri_str(&uri).await.unwrap();
                client.database(&name).drop().await.ok();
            });
        });
        dropping.join().ok();
    }
}

/// Serves what is kept under `/images/NUMBER.png`, and gives the address.
async fn serve(kept: Kept) -> String {
    let image = async |State(kept): State<Kept>, Path(name): Path<String>| {
        let number = name.strip_suffix(".png").and_then(|number| number.parse::<usize>().ok());
        let found = number.and_then(|number| kept.lock().unwrap().get(number).cloned());
        found.ok_or(StatusCode::NOT_FOUND)
    };
    let router = Router::new().route("/images/{name}", axum::routing::get(image)).with_state(kept);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, router).into_future());
    format!("http://{address}")
}

fn required(name: &str) -> String {
    std::env::var(name).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| {
        panic!("{name} is not set: run the tests through `scripts/services.sh run`, as `make test` does")
    })
}
