//! The handlers, one file for each subject.

pub(super) mod blobs;
pub(super) mod create_query;
pub(super) mod events;
pub(super) mod health;
pub(super) mod images;
pub(super) mod info;
pub(super) mod original;
mod page;
pub(super) mod push;
pub(super) mod tasks;
