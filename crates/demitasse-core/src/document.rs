//! Versioned JSON that crosses the ports unread.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A JSON object written and read by the engine's side (a request or a report), stored and carried as it is.
///
/// Its own `version` field says how to read it; a port never looks inside, so no backend compiles a codec.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Document(pub Value);

impl Document {
    /// Writes any serialisable value as a document.
    ///
    /// # Errors
    /// The value has no JSON form (a map with keys that are no strings, for example).
    pub fn from_value<T: Serialize>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::to_value(value).map(Self)
    }

    /// Reads the document as `T`.
    ///
    /// # Errors
    /// The stored JSON is not a `T`.
    pub fn read<T: for<'de> Deserialize<'de>>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.0)
    }
}
