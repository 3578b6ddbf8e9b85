//! What every [`SubscriptionStore`] must do.

#![expect(missing_docs, reason = "the name of a case says what it checks")]

use std::sync::Arc;

use super::sample;
use crate::{OwnerId, Subscription, SubscriptionStore};

/// Makes a test of each case.
#[macro_export]
macro_rules! subscription_store_contract {
    ($setup:path) => {
        $crate::contract_suite! { subscription_store, $setup:
            a_subscription_reads_back
            an_endpoint_is_kept_once_as_it_was_given_last
            subscriptions_are_shown_to_their_owner_only
            a_forgotten_subscription_is_gone
        }
    };
}

async fn all(store: &impl SubscriptionStore, owner: OwnerId) -> Vec<Subscription> {
    let mut found = store.subscriptions(owner).await.unwrap();
    found.sort_by(|a, b| a.endpoint.cmp(&b.endpoint));
    found
}

pub async fn a_subscription_reads_back<S: SubscriptionStore>(store: Arc<S>) {
    assert_eq!(all(&*store, OwnerId::DEFAULT).await, []);
    for n in [1, 2] {
        store.subscribe(sample::subscription(n)).await.unwrap();
    }
    assert_eq!(all(&*store, OwnerId::DEFAULT).await, [sample::subscription(1), sample::subscription(2)]);
}

pub async fn an_endpoint_is_kept_once_as_it_was_given_last<S: SubscriptionStore>(store: Arc<S>) {
    store.subscribe(sample::subscription(1)).await.unwrap();
    let moved = Subscription {
        owner: sample::owner(1),
        auth: "another secret".into(),
        created_at: sample::time(5),
        ..sample::subscription(1)
    };
    store.subscribe(moved.clone()).await.unwrap();
    assert_eq!(all(&*store, OwnerId::DEFAULT).await, []);
    assert_eq!(all(&*store, sample::owner(1)).await, [moved]);
}

pub async fn subscriptions_are_shown_to_their_owner_only<S: SubscriptionStore>(store: Arc<S>) {
    let other = Subscription { owner: sample::owner(1), ..sample::subscription(2) };
    store.subscribe(sample::subscription(1)).await.unwrap();
    store.subscribe(other.clone()).await.unwrap();
    assert_eq!(all(&*store, OwnerId::DEFAULT).await, [sample::subscription(1)]);
    assert_eq!(all(&*store, sample::owner(1)).await, [other]);
    assert_eq!(all(&*store, sample::owner(2)).await, []);
}

pub async fn a_forgotten_subscription_is_gone<S: SubscriptionStore>(store: Arc<S>) {
    let (kept, forgotten) = (sample::subscription(1), sample::subscription(2));
    store.subscribe(kept.clone()).await.unwrap();
    store.subscribe(forgotten.clone()).await.unwrap();
    assert!(store.unsubscribe(&forgotten.endpoint).await.unwrap());
    assert!(!store.unsubscribe(&forgotten.endpoint).await.unwrap());
    assert_eq!(all(&*store, OwnerId::DEFAULT).await, [kept]);
}
