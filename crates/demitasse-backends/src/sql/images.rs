//! Uploads and lists.

use demitasse_core::{ErrorKind, ImageId, NewUpload, OwnerId, Sequence, StoreError};

use super::rows::upload_columns;
use super::{Statement, row_limit};

pub(crate) const AFTER: &str = concat!(
    "SELECT ",
    upload_columns!(),
    " FROM images JOIN jobs ON jobs.sequence = images.sequence WHERE images.owner = $1",
    " AND images.sequence > $2 ORDER BY images.sequence LIMIT $3"
);

pub(crate) const BEFORE: &str = concat!(
    "SELECT ",
    upload_columns!(),
    " FROM images JOIN jobs ON jobs.sequence = images.sequence WHERE images.owner = $1",
    " AND images.sequence < $2 ORDER BY images.sequence DESC LIMIT $3"
);

const IMAGE: &str = concat!(
    "SELECT ",
    upload_columns!(),
    " FROM images JOIN jobs ON jobs.sequence = images.sequence WHERE images.id = $1 AND images.owner = $2"
);

pub(crate) fn image(owner: OwnerId, id: ImageId) -> Statement {
    Statement::new(IMAGE).bind(id.to_string()).bind(owner.to_string())
}

pub(crate) fn after(owner: OwnerId, after: Option<Sequence>, limit: usize) -> Statement {
    let after = after.map_or(i64::MIN, |sequence| sequence.0);
    Statement::new(AFTER).bind(owner.to_string()).bind(after).bind(row_limit(limit))
}

pub(crate) fn before(owner: OwnerId, before: Option<Sequence>, limit: usize) -> Statement {
    let before = before.map_or(i64::MAX, |sequence| sequence.0);
    Statement::new(BEFORE).bind(owner.to_string()).bind(before).bind(row_limit(limit))
}

/// Binds nine values: id, owner, file_name, sha256, bytes, media_type, width, height, created_at.
pub(crate) fn bind_image(
    statement: Statement,
    new: &NewUpload,
    backend: &'static str,
) -> Result<Statement, StoreError> {
    let bytes = i64::try_from(new.original.bytes).map_err(|error| {
        StoreError::new(ErrorKind::Invalid, backend, new.image_id.to_string()).because(error)
    })?;
    Ok(statement
        .bind(new.image_id.to_string())
        .bind(new.owner.to_string())
        .bind(new.file_name.clone())
        .bind(new.original.sha256.to_string())
        .bind(bytes)
        .bind(new.original.media_type.as_str())
        .bind(new.original.width)
        .bind(new.original.height)
        .bind(new.now.as_millisecond()))
}

/// Binds nine values: id, image_id, owner, request, request_key, max_attempts, priority, trace, created_at.
pub(crate) fn bind_job(statement: Statement, new: &NewUpload) -> Statement {
    statement
        .bind(new.job_id.to_string())
        .bind(new.image_id.to_string())
        .bind(new.owner.to_string())
        .bind(new.request.0.to_string())
        .bind(new.request_key.0.to_string())
        .bind(new.max_attempts)
        .bind(new.priority.rank())
        .bind(new.trace.clone())
        .bind(new.now.as_millisecond())
}
