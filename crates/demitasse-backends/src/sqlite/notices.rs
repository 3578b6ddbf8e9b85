//! Push subscriptions and settings.

use async_trait::async_trait;
use demitasse_core::{ErrorKind, OwnerId, SettingStore, StoreError, Subscription, SubscriptionStore};

use super::rows::Fields;
use super::{BACKEND, SqliteStore};

#[async_trait]
impl SubscriptionStore for SqliteStore {
    async fn subscribe(&self, subscription: Subscription) -> Result<(), StoreError> {
        let query = sqlx::query(
            "INSERT INTO subscriptions (endpoint, owner, p256dh, auth, created_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (endpoint) DO UPDATE SET owner = excluded.owner, p256dh = excluded.p256dh,
                 auth = excluded.auth, created_at = excluded.created_at",
        )
        .bind(subscription.endpoint)
        .bind(subscription.owner.to_string())
        .bind(subscription.p256dh)
        .bind(subscription.auth)
        .bind(subscription.created_at.as_millisecond());
        self.write(query, "subscription").await.map(drop)
    }

    async fn subscriptions(&self, owner: OwnerId) -> Result<Vec<Subscription>, StoreError> {
        let query = sqlx::query("SELECT * FROM subscriptions WHERE owner = $1").bind(owner.to_string());
        let rows = self.read(query, "subscriptions").await?;
        let read = |row| {
            let fields = Fields(row);
            Ok(Subscription {
                owner: fields.parsed("owner")?,
                endpoint: fields.get("endpoint")?,
                p256dh: fields.get("p256dh")?,
                auth: fields.get("auth")?,
                created_at: fields.time("created_at")?,
            })
        };
        rows.iter().map(read).collect()
    }

    async fn unsubscribe(&self, endpoint: &str) -> Result<bool, StoreError> {
        let query = sqlx::query("DELETE FROM subscriptions WHERE endpoint = $1").bind(endpoint);
        self.write(query, "subscription").await
    }
}

#[async_trait]
impl SettingStore for SqliteStore {
    async fn setting_or_insert(&self, name: &str, value: String) -> Result<String, StoreError> {
        // An update that changes nothing, so that the row is returned in either case.
        let query = sqlx::query(
            "INSERT INTO settings (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET value = settings.value RETURNING value",
        );
        let row = self.write_one(query.bind(name).bind(value), name).await?;
        let row = row.ok_or_else(|| StoreError::new(ErrorKind::Internal, BACKEND, name))?;
        Fields(&row).get("value")
    }
}
