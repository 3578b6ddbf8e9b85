//! Push subscriptions and settings.

use async_trait::async_trait;
use demitasse_core::{OwnerId, SettingStore, StoreError, Subscription, SubscriptionStore};

use super::SqliteStore;
use crate::sql::notices;

#[async_trait]
impl SubscriptionStore for SqliteStore {
    async fn subscribe(&self, subscription: Subscription) -> Result<(), StoreError> {
        self.write(notices::subscribe(subscription), "subscription").await.map(drop)
    }

    async fn subscriptions(&self, owner: OwnerId) -> Result<Vec<Subscription>, StoreError> {
        let rows = self.read(notices::subscriptions(owner), "subscriptions").await?;
        rows.iter().map(notices::subscription).collect()
    }

    async fn unsubscribe(&self, endpoint: &str) -> Result<bool, StoreError> {
        self.write(notices::unsubscribe(endpoint), "subscription").await
    }
}

#[async_trait]
impl SettingStore for SqliteStore {
    async fn setting_or_insert(&self, name: &str, value: String) -> Result<String, StoreError> {
        let row = self.write_one(notices::setting_or_insert(name, value), name).await?;
        notices::setting(name, row.as_ref())
    }
}
