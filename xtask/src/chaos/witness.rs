//! Looks on while everything is killed: once a client has seen how a task ended, nothing may change that any more.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::clients::Clients;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// How a task has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    status: String,
    /// SHA-256 of the variant.
    variant: Option<String>,
}

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Witness(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    /// By task.
    endings: HashMap<String, Ending>,
    changed: BTreeMap<String, String>,
}

impl Ending {
    /// The ending that a row of the list of images, or the image of a task, shows; `None` before the end.
    pub(super) fn of(image: &Value) -> Option<Self> {
        let status = image["status"].as_str()?;
        let ended = matches!(status, "succeeded" | "failed" | "cancelled");
        let variant = image["variant"]["sha256"].as_str().map(str::to_owned);
        ended.then(|| Self { status: status.to_owned(), variant })
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, " with {variant}"))
    }
}

impl Witness {
    /// Reads the newest images again and again; never ends.
    pub(super) async fn watch(&self, clients: &Clients) {
        loop {
            if let Ok(page) = clients.json("/v1/images?limit=200").await {
                page["data"].as_array().into_iter().flatten().for_each(|image| self.note(image));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Notes a row of the list of images. Rows must come in the order in which they were read.
    pub(super) fn note(&self, image: &Value) {
        let (Some(task), now) = (image["task_id"].as_str(), Ending::of(image)) else { return };
        let mut seen = self.seen();
        match (seen.endings.get(task), now) {
            (Some(before), now) if now.as_ref() != Some(before) => {
                let now = now.map_or("unfinished".into(), |now| now.to_string());
                let change = format!("was seen as {before}, then as {now}");
                seen.changed.entry(task.to_owned()).or_insert(change);
            }
            (None, Some(now)) => drop(seen.endings.insert(task.to_owned(), now)),
            _ => {}
        }
    }

    /// Tasks whose end was seen.
    pub(super) fn endings(&self) -> usize {
        self.seen().endings.len()
    }

    /// Tasks whose end changed, and how.
    pub(super) fn changed(&self) -> BTreeMap<String, String> {
        self.seen().changed.clone()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn image(status: &str, variant: Option<&str>) -> Value {
        json!({ "task_id": "a", "status": status, "variant": variant.map(|sha256| json!({ "sha256": sha256 })) })
    }

    #[test]
    fn an_end_that_stays_is_no_change() {
        let witness = Witness::default();
        for row in [image("running", None), image("succeeded", Some("1")), image("succeeded", Some("1"))] {
            witness.note(&row);
        }
        assert_eq!((witness.endings(), witness.changed().len()), (1, 0));
    }

    #[test]
    fn a_second_result_and_an_end_that_is_taken_back_are_changes() {
        for later in [image("succeeded", Some("2")), image("running", None), image("failed", None)] {
            let witness = Witness::default();
            witness.note(&image("succeeded", Some("1")));
            witness.note(&later);
            assert_eq!(witness.changed().len(), 1, "{later}");
        }
    }
}
