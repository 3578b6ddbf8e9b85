//! `Transition::apply` in MongoDB's language: the filter is the compare, the update the set.

use demitasse_core::{LeaseId, StoreError, Transition};
use jiff::Timestamp;
use mongodb::bson::{DateTime, Document, doc, serialize_to_bson};
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
    Ok(match transition {
        Transition::Start { lease, over } => start(lease, over, now),
        Transition::Succeed { lease, variant, announce_until } => {
            let mut set = ended("succeeded", completed(&variant), announce_until, now);
            set.insert("demitasse.variant", bson(&packed(*variant))?);
            set.insert("demitasse.mirror", "result");
            let unset = doc! { "demitasse.lease": "", "demitasse.failure": "" };
            Update::plain(held(lease), doc! { "$set": set, "$unset": unset })
        }
        Transition::Fail { lease, failure, announce_until } => {
            let mut set = ended("failed", FAILED, announce_until, now);
            set.insert("demitasse.failure", bson(&failure)?);
            Update::plain(held(lease), without_lease(set))
        }
        Transition::Retry { lease, failure } => {
            let set = doc! { "demitasse.state": "retrying", "demitasse.failure": bson(&failure)?, "updatedAt": now };
            Update::plain(held(lease), without_lease(set))
        }
        Transition::Release { lease } => {
            let mut change = without_lease(doc! { "demitasse.state": "queued", "updatedAt": now });
            // A running job has an attempt to give back.
            change.insert("$inc", doc! { "demitasse.attempt": -1 });
            Update::plain(held(lease), change)
        }
        Transition::Cancel => Update::plain(open(), without_lease(ended("cancelled", FAILED, None, now))),
        Transition::Revive => revive(now),
        Transition::BeginAnnouncement { until } => begin_announcement(until, now),
        Transition::PostponeAnnouncement { until } => postpone_announcement(until),
        Transition::EndAnnouncement { delivered } => {
            Update { filter: pending_news(), set: vec![end_announcement(delivered)].into() }
        }
    })
}

impl Update {
    fn plain(filter: Document, change: Document) -> Self {
        Self { filter, set: change.into() }
    }
}

fn start(lease: LeaseId, over: Option<LeaseId>, now: DateTime) -> Update {
    let lease = lease.to_string();
    let mut filter = open();
    // Of a lease that is absent `null` is true.
    let had = doc! { "demitasse.lease": over.map(|over| over.to_string()) };
    filter.insert("$and", vec![had, doc! { "demitasse.lease": { "$ne": &lease } }]);
    let change = doc! {
        "$set": { "demitasse.state": "running", "demitasse.lease": lease, "updatedAt": now },
        "$inc": { "demitasse.attempt": 1 },
        "$unset": { "demitasse.lentUntil": "" },
    };
    Update::plain(filter, change)
}

fn revive(now: DateTime) -> Update {
    let set = doc! {
        "demitasse.state": "queued", "demitasse.open": true, "demitasse.attempt": 0, "status": PENDING, "updatedAt": now,
    };
    let unset = doc! { "demitasse.lease": "", "demitasse.announcement": "", "demitasse.lentUntil": "" };
    Update::plain(
        doc! { "demitasse.state": "failed", "demitasse.open": false },
        doc! { "$set": set, "$unset": unset },
    )
}

fn begin_announcement(until: Timestamp, now: DateTime) -> Update {
    let mut filter = pending_news();
    filter.insert("demitasse.announcement.dueAt", doc! { "$lte": now });
    let change = doc! {
        "$set": { "demitasse.announcement.dueAt": date(until) },
        "$inc": { "demitasse.announcement.attempts": 1 },
    };
    Update::plain(filter, change)
}

fn postpone_announcement(until: Timestamp) -> Update {
    let due = "demitasse.announcement.dueAt";
    let mut filter = pending_news();
    filter.insert(due, doc! { "$lt": date(until) });
    Update::plain(filter, doc! { "$set": { due: date(until) } })
}

/// What sets this and ends the attempt.
fn without_lease(set: Document) -> Document {
    doc! { "$set": set, "$unset": { "demitasse.lease": "" } }
}

/// What every end sets.
fn ended(state: &str, status: &str, announce_until: Option<Timestamp>, now: DateTime) -> Document {
    let mut set =
        doc! { "demitasse.state": state, "demitasse.open": false, "status": status, "updatedAt": now };
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
