//! Doors for the fuzz targets, to how what others wrote is read. No part of the interface.

use demitasse_core::{Event, ResultMessage, StoreError, TakenMessage, Upload};
use serde_json::{Map, Value};

use crate::redis::{read_event, read_result, read_task};
use crate::sql::rows::{self, Columns};

/// What messages say.
#[derive(Debug)]
pub struct Messages {
    /// As news of ours.
    pub event: Option<Event>,
    /// As a task of the original's.
    pub task: TakenMessage,
    /// As a result of the original's.
    pub result: Option<ResultMessage>,
}

/// Reads a message as each kind that there is.
pub fn read_message(bytes: &[u8]) -> Messages {
    Messages { event: read_event(bytes), task: read_task(bytes.to_vec()), result: read_result(bytes) }
}

/// Reads a row whose columns are the members of an object.
///
/// # Errors
/// `Invalid` for what this version cannot read.
pub fn read_row(columns: &Map<String, Value>) -> Result<Upload, StoreError> {
    rows::upload(&Row(columns))
}

/// Reads a document of MongoDB's collection of tasks, in BSON, whose image names `compressed_url`.
///
/// # Errors
/// `Invalid` for what this version cannot read.
pub fn read_document(bytes: &[u8], compressed_url: Option<&str>) -> Result<Upload, StoreError> {
    crate::mongodb::fuzzing::read(bytes, compressed_url)
}

/// The same document as this version writes it.
///
/// # Errors
/// Its ids are none of MongoDB's.
pub fn write_document(upload: &Upload) -> Result<Vec<u8>, StoreError> {
    crate::mongodb::fuzzing::write(upload)
}

struct Row<'a>(&'a Map<String, Value>);

impl Columns for Row<'_> {
    const BACKEND: &'static str = "fuzzing";

    fn optional_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        Ok(self.0.get(column).and_then(Value::as_str).map(str::to_owned))
    }

    fn integer(&self, column: &str) -> Result<Option<i64>, StoreError> {
        Ok(self.0.get(column).and_then(Value::as_i64))
    }

    fn real(&self, column: &str) -> Result<Option<f64>, StoreError> {
        Ok(self.0.get(column).and_then(Value::as_f64))
    }
}
