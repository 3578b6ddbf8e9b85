//! `Transition::apply` in MongoDB's language: the filter is the compare, the update the set.

use demitasse_core::{LeaseId, StoreError, Transition};
use jiff::Timestamp;
use mongodb::bson::{Document, doc, serialize_to_bson};
use mongodb::options::UpdateModifications;

use super::error::unreadable;
use super::rows::{COMPLETED_WITH_ERRORS, FAILED, PENDING, completed, date, packed};

/// A compare and its set.
pub(super) struct Update {
    /// What the task must be, besides having the id.
    pub(super) filter: Document,
    pub(super) set: UpdateModifications,
}

/// A task that no one has ended, whoever asks.
fn open() -> Document {
    doc! { "demitasse.open": true, "status": PENDING }
}

fn held(lease: LeaseId) -> Document {
    doc! { "demitasse.open": true, "status": PENDING, "demitasse.state": "running", "demitasse.lease": lease.to_string() }
}

fn pending_news() -> Document {
    doc! { "demitasse.announcement.state": "pending" }
}

/// The update of a transition at `now`.
pub(super) fn update(transition: Transition, now: Timestamp) -> Result<Update, StoreError> {
    let now = date(now);
    let plain = |filter, set: Document| Update { filter, set: set.into() };
    Ok(match transition {
        Transition::Start { lease, over } => {
            // Of a lease that is absent `null` is true.
            let had = over.map(|over| over.to_string());
            let mut filter = open();
            filter.insert(
                "$and",
                vec![
                    doc! { "demitasse.lease": had },
                    doc! { "demitasse.lease": { "$ne": lease.to_string() } },
                ],
            );
            plain(
                filter,
                doc! {
                    "$set": { "demitasse.state": "running", "demitasse.lease": lease.to_string(), "updatedAt": now },
                    "$inc": { "demitasse.attempt": 1 },
                    "$unset": { "demitasse.lentUntil": "" },
                },
            )
        }
        Transition::Succeed { lease, variant, announce_until } => {
            let status = completed(&variant);
            let mut set = ended("succeeded", status, announce_until);
            set.insert("demitasse.variant", bson(&packed(*variant))?);
            set.insert("demitasse.mirror", "result");
            set.insert("updatedAt", now);
            plain(
                held(lease),
                doc! { "$set": set, "$unset": { "demitasse.lease": "", "demitasse.failure": "" } },
            )
        }
        Transition::Fail { lease, failure, announce_until } => {
            let mut set = ended("failed", FAILED, announce_until);
            set.insert("demitasse.failure", bson(&failure)?);
            set.insert("updatedAt", now);
            plain(held(lease), doc! { "$set": set, "$unset": { "demitasse.lease": "" } })
        }
        Transition::Retry { lease, failure } => {
            let set = doc! { "demitasse.state": "retrying", "demitasse.failure": bson(&failure)?, "updatedAt": now };
            plain(held(lease), doc! { "$set": set, "$unset": { "demitasse.lease": "" } })
        }
        // A running job has an attempt to give back.
        Transition::Release { lease } => plain(
            held(lease),
            doc! {
                "$set": { "demitasse.state": "queued", "updatedAt": now },
                "$unset": { "demitasse.lease": "" },
                "$inc": { "demitasse.attempt": -1 },
            },
        ),
        Transition::Cancel => {
            let mut set = ended("cancelled", FAILED, None);
            set.insert("updatedAt", now);
            plain(open(), doc! { "$set": set, "$unset": { "demitasse.lease": "" } })
        }
        Transition::BeginAnnouncement { until } => {
            let mut filter = pending_news();
            filter.insert("demitasse.announcement.dueAt", doc! { "$lte": now });
            plain(
                filter,
                doc! {
                    "$set": { "demitasse.announcement.dueAt": date(until) },
                    "$inc": { "demitasse.announcement.attempts": 1 },
                },
            )
        }
        Transition::EndAnnouncement { delivered } => {
            Update { filter: pending_news(), set: vec![end_announcement(delivered)].into() }
        }
    })
}

/// What every end sets.
fn ended(state: &str, status: &str, announce_until: Option<Timestamp>) -> Document {
    let mut set = doc! { "demitasse.state": state, "demitasse.open": false, "status": status };
    if let Some(until) = announce_until {
        set.insert(
            "demitasse.announcement",
            doc! { "state": "pending", "attempts": 1, "dueAt": date(until) },
        );
    }
    set
}

/// A result that somebody was not told of is completed with errors; a failure stays one.
fn end_announcement(delivered: bool) -> Document {
    if delivered {
        return doc! { "$set": { "demitasse.announcement.state": "delivered" } };
    }
    let succeeded = doc! { "$eq": ["$demitasse.state", "succeeded"] };
    doc! { "$set": {
        "demitasse.announcement.state": "given_up",
        "status": { "$cond": [succeeded, COMPLETED_WITH_ERRORS, "$status"] },
    } }
}

fn bson<T: serde::Serialize>(value: &T) -> Result<mongodb::bson::Bson, StoreError> {
    serialize_to_bson(value).map_err(|error| unreadable("value").because(error))
}
