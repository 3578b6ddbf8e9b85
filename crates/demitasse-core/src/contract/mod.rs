//! One suite per port, which every implementation and every decorator runs as its own tests.
//!
//! A case is an async function that takes a fresh, empty store and panics if the store breaks a promise of its port. A
//! macro per suite makes one named test of each. It takes a function that sets the store up and gives it with whatever
//! must outlive it (a temporary directory, or `()`):
//!
//! ```text
//! async fn setup() -> (Arc<MyQueue>, TempDir) { ... }
//! demitasse_core::job_queue_contract!(setup);
//! ```
//!
//! No case waits for time to pass: leases end by lasting zero seconds.

#![expect(clippy::unwrap_used, reason = "a failed case panics")]

pub mod blob_store;
pub mod deletion_store;
pub mod event_bus;
pub mod image_store;
pub mod job_queue;
pub mod job_store;
pub mod sample;
pub mod setting_store;
pub mod subscription_store;

/// Makes a test of each case of a suite; use the macro of the suite instead, which knows them all.
#[macro_export]
macro_rules! contract_suite {
    ($suite:ident, $setup:path: $($case:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let (subject, _keep) = $setup().await;
                $crate::contract::$suite::$case(subject).await;
            }
        )*
    };
}

#[cfg(test)]
mod tests {
    /// A case that its macro does not name would never run.
    #[test]
    fn every_case_is_named_by_its_macro() {
        let suites = [
            include_str!("blob_store.rs"),
            include_str!("deletion_store.rs"),
            include_str!("event_bus.rs"),
            include_str!("image_store.rs"),
            include_str!("job_queue.rs"),
            include_str!("job_store.rs"),
            include_str!("setting_store.rs"),
            include_str!("subscription_store.rs"),
        ];
        for source in suites {
            let (head, body) = source.split_once("macro_rules!").unwrap();
            assert!(!head.contains("pub async fn"), "the macro comes first");
            let (named, cases) = body.split_once("\n}\n").unwrap();
            let named: Vec<_> = named.split_whitespace().collect();
            let cases: Vec<_> = cases.split("\npub async fn ").skip(1).collect();
            assert!(!cases.is_empty());
            for case in cases {
                let name = case.split(['<', '(']).next().unwrap();
                assert!(named.contains(&name), "{name} is not run");
            }
        }
    }
}
