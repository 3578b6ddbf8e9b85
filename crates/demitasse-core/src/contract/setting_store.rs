//! What every [`SettingStore`] must do.

#![expect(missing_docs, reason = "the name of a case says what it checks")]

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join_all;

use crate::SettingStore;

/// Makes a test of each case.
#[macro_export]
macro_rules! setting_store_contract {
    ($setup:path) => {
        $crate::contract_suite! { setting_store, $setup:
            the_first_value_stays
            names_are_apart
            of_concurrent_values_everyone_gets_one
        }
    };
}

pub async fn the_first_value_stays<S: SettingStore>(store: Arc<S>) {
    assert_eq!(store.setting_or_insert("key", "first ü\n".into()).await.unwrap(), "first ü\n");
    assert_eq!(store.setting_or_insert("key", "second".into()).await.unwrap(), "first ü\n");
}

pub async fn names_are_apart<S: SettingStore>(store: Arc<S>) {
    assert_eq!(store.setting_or_insert("a", "1".into()).await.unwrap(), "1");
    assert_eq!(store.setting_or_insert("b", "2".into()).await.unwrap(), "2");
    assert_eq!(store.setting_or_insert("a", "3".into()).await.unwrap(), "1");
}

pub async fn of_concurrent_values_everyone_gets_one<S: SettingStore>(store: Arc<S>) {
    let tasks = (0..8).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { store.setting_or_insert("key", format!("value {n}")).await.unwrap() })
    });
    let got: BTreeSet<String> = join_all(tasks).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(got.len(), 1, "{got:?}");
}
