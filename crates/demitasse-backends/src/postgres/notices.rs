//! Push subscriptions and settings.

use async_trait::async_trait;
use demitasse_core::{OwnerId, SettingStore, StoreError, Subscription, SubscriptionStore};

use super::PostgresStore;
use crate::sql::notices;

#[async_trait]
impl SubscriptionStore for PostgresStore {
    async fn subscribe(&self, subscription: Subscription) -> Result<(), StoreError> {
        self.write(notices::subscribe(subscription), "subscription").await.map(drop)
    }

    async fn subscriptions(&self, owner: OwnerId) -> Result<Vec<Subscription>, StoreError> {
        let rows = self.rows(notices::subscriptions(owner), "subscriptions").await?;
        rows.iter().map(notices::subscription).collect()
    }

    async fn unsubscribe(&self, endpoint: &str) -> Result<bool, StoreError> {
        self.write(notices::unsubscribe(endpoint), "subscription").await
    }
}

#[async_trait]
impl SettingStore for PostgresStore {
    async fn setting_or_insert(&self, name: &str, value: String) -> Result<String, StoreError> {
        let rows = self.rows(notices::setting_or_insert(name, value), name).await?;
        notices::setting(name, rows.first())
    }
}
