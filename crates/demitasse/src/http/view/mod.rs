//! The JSON shapes of `/v1`: what the rows look like to a client. URLs are absolute and computed when read.

mod image;
mod info;
mod report;
mod task;

use jiff::Timestamp;

pub(crate) use image::{Image, ImagePage, original_url, variant_url};
pub(crate) use info::Info;
pub(crate) use report::Report;
pub(crate) use task::{DeletedEvent, Task, TaskError, TaskEvent, TaskPage, TaskStatus};

/// RFC 3339 in UTC, always with milliseconds.
fn time(at: Timestamp) -> String {
    format!("{at:.3}")
}
