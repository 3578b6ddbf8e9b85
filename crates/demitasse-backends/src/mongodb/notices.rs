//! Push subscriptions and settings.

use async_trait::async_trait;
use demitasse_core::{ErrorKind, OwnerId, SettingStore, StoreError, Subscription, SubscriptionStore};
use mongodb::bson::{DateTime, Document, doc};

use super::error::{is_conflict, unreadable};
use super::rows::{date, time};
use super::{BACKEND, MongoStore};

#[async_trait]
impl SubscriptionStore for MongoStore {
    async fn subscribe(&self, subscription: Subscription) -> Result<(), StoreError> {
        let subscriptions = self.collection("demitasse_subscriptions");
        let written = doc! {
            "owner": subscription.owner.to_string(),
            "p256dh": subscription.p256dh,
            "auth": subscription.auth,
            "createdAt": date(subscription.created_at),
        };
        let replace = || {
            let filter = doc! { "_id": &subscription.endpoint };
            self.ask("subscription", subscriptions.replace_one(filter, &written).upsert(true))
        };
        let mut replaced = replace().await;
        if is_conflict(&replaced) {
            // Somebody inserted it between the server's look and its insertion.
            replaced = replace().await;
        }
        replaced.map(drop)
    }

    async fn subscriptions(&self, owner: OwnerId) -> Result<Vec<Subscription>, StoreError> {
        let subscriptions = self.collection("demitasse_subscriptions");
        let query = subscriptions.find(doc! { "owner": owner.to_string() });
        let found = self.all("subscriptions", query).await?;
        let text = |row: &Document, field: &str| {
            row.get_str(field).map(str::to_owned).map_err(|error| unreadable(field).because(error))
        };
        let read = |row: &Document| {
            let created = row.get_datetime("createdAt").copied().unwrap_or(DateTime::from_millis(0));
            Ok(Subscription {
                owner,
                endpoint: text(row, "_id")?,
                p256dh: text(row, "p256dh")?,
                auth: text(row, "auth")?,
                created_at: time(created)?,
            })
        };
        found.iter().map(read).collect()
    }

    async fn unsubscribe(&self, endpoint: &str) -> Result<bool, StoreError> {
        let subscriptions = self.collection("demitasse_subscriptions");
        let delete = subscriptions.delete_one(doc! { "_id": endpoint });
        Ok(self.ask("subscription", delete).await?.deleted_count > 0)
    }
}

#[async_trait]
impl SettingStore for MongoStore {
    async fn setting_or_insert(&self, name: &str, value: String) -> Result<String, StoreError> {
        let settings = self.collection("demitasse_settings");
        // Not an upsert that returns the document: of concurrent ones the wire-compatible server gives some none.
        let inserted = self.ask(name, settings.insert_one(doc! { "_id": name, "value": &value })).await;
        if !is_conflict(&inserted) {
            return inserted.map(|_| value);
        }
        let found = self.ask(name, settings.find_one(doc! { "_id": name })).await?;
        let found = found.ok_or_else(|| StoreError::new(ErrorKind::Internal, BACKEND, name))?;
        found.get_str("value").map(str::to_owned).map_err(|error| unreadable(name).because(error))
    }
}
