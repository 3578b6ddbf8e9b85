//! The door to how documents are read.

use demitasse_core::{StoreError, Upload};
use mongodb::bson::{deserialize_from_slice, serialize_to_vec};

use super::error::unreadable;
use super::rows::Task;

/// What a document of `compressingtasks` says, and what it says once its image names `compressed_url`; BSON.
///
/// # Errors
/// `Invalid` for what this version cannot read.
pub(crate) fn read(bytes: &[u8], compressed_url: Option<&str>) -> Result<Upload, StoreError> {
    let task: Task = deserialize_from_slice(bytes).map_err(|error| unreadable("document").because(error))?;
    task.upload(compressed_url)
}

/// The document of an upload, in BSON.
///
/// # Errors
/// Its ids are none of MongoDB's.
pub(crate) fn write(upload: &Upload) -> Result<Vec<u8>, StoreError> {
    serialize_to_vec(&Task::new(upload)?).map_err(|error| unreadable("document").because(error))
}
