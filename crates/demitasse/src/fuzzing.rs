//! Doors for the fuzz targets, to how the service reads what comes from outside its process. No part of the interface.

pub use crate::http::fuzzing::{create_query, range};
pub use crate::worker::fuzzing::{AnswerRead, read_answer, read_order};
