//! Subscriptions and settings as maps.

use async_trait::async_trait;
use demitasse_core::{OwnerId, SettingStore, StoreError, Subscription, SubscriptionStore};

use super::MemoryStore;

#[async_trait]
impl SubscriptionStore for MemoryStore {
    async fn subscribe(&self, subscription: Subscription) -> Result<(), StoreError> {
        self.state().subscriptions.insert(subscription.endpoint.clone(), subscription);
        Ok(())
    }

    async fn subscriptions(&self, owner: OwnerId) -> Result<Vec<Subscription>, StoreError> {
        let state = self.state();
        let of_owner = state.subscriptions.values().filter(|subscription| subscription.owner == owner);
        Ok(of_owner.cloned().collect())
    }

    async fn unsubscribe(&self, endpoint: &str) -> Result<bool, StoreError> {
        Ok(self.state().subscriptions.remove(endpoint).is_some())
    }
}

#[async_trait]
impl SettingStore for MemoryStore {
    async fn setting_or_insert(&self, name: &str, value: String) -> Result<String, StoreError> {
        Ok(self.state().settings.entry(name.into()).or_insert(value).clone())
    }
}
