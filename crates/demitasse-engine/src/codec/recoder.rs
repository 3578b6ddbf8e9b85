//! Recoding in a stream: a file made smaller without ever holding its picture.

use serde_json::{Map, Value};

use super::Encoder;
use crate::metadata::Embedded;
use crate::{Control, Quality, Result};

/// Where a sample is taken: square tiles, in rows and columns, that do not touch each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tiles {
    /// Left edges, ascending, in pixels.
    pub lefts: Vec<u32>,
    /// Top edges, ascending, in pixels.
    pub tops: Vec<u32>,
    /// Side of each, in pixels.
    pub side: u32,
}

/// A file that was looked through once, from end to end, and is whole.
pub(crate) trait Recoder {
    /// Name and version, for the recipe.
    fn identity(&self) -> (&'static str, &'static str);

    /// The encoder whose scale of qualities, and whose expectations of them, it shares.
    fn encoder(&self) -> &'static dyn Encoder;

    /// Its own settings, for the recipe.
    fn settings(&self, quality: Quality) -> Map<String, Value>;

    /// The tiles side by side, as they are in the file: a small file of the same format.
    fn sample(&self) -> &[u8];

    /// What [`Recoder::recode`] would make of the sample.
    ///
    /// # Errors
    /// `Codec`; `DeadlineExceeded`, `Cancelled`.
    fn recode_sample(&self, quality: Quality, control: &Control) -> Result<Vec<u8>>;

    /// Whether colour is stored at full resolution, which it keeps.
    fn has_full_chroma(&self) -> bool;

    /// Length of the file without metadata, in bytes.
    fn bare_length(&self) -> u64;

    /// Makes the new file, and looks whether it is whole and has the input's colours everywhere; `None` if it would be longer than
    /// `max_bytes`. The orientation is not applied. Same file, tiles, quality and version: same bytes.
    ///
    /// # Errors
    /// `Codec` if it does not pass the look; `DeadlineExceeded`, `Cancelled`, asked every few rows.
    ///
    /// Cost: one pass over the input and one over the output; memory for the output, and some bytes for a thousand pixels.
    fn recode(
        &self,
        quality: Quality,
        embedded: &Embedded,
        max_bytes: u64,
        control: &Control,
    ) -> Result<Option<Vec<u8>>>;
}
