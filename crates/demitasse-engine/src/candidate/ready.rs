//! One candidate with its source, ready to be encoded at one setting after the other.

use super::Candidate;
use crate::codec::{Prepared, Setting, Source, caught};
use crate::metadata::Embedded;
use crate::{Control, Result};

/// An encoder and what it encodes. A panic of it is an error with the format's name.
pub(super) struct Ready<'s> {
    /// Which encoder.
    pub candidate: Candidate,
    source: Source<'s>,
    prepared: Option<Box<dyn Prepared + 's>>,
}

impl<'s> Ready<'s> {
    /// Lets the encoder do what every trial would do alike.
    ///
    /// # Errors
    /// The encoder's; `DeadlineExceeded`, `Cancelled`.
    pub(super) fn new(candidate: Candidate, source: Source<'s>, control: &Control) -> Result<Self> {
        let prepared = caught(candidate.format, || candidate.encoder.prepare(source, control))?;
        Ok(Self { candidate, source, prepared })
    }

    /// Encodes at one setting.
    ///
    /// # Errors
    /// The encoder's; `DeadlineExceeded`, `Cancelled`.
    pub(super) fn encode(&self, setting: Setting, embedded: &Embedded, control: &Control) -> Result<Vec<u8>> {
        caught(self.candidate.format, || match &self.prepared {
            Some(prepared) => prepared.encode(setting, embedded, control),
            None => self.candidate.encoder.encode(self.source, setting, embedded, control),
        })
    }
}
