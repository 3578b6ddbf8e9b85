//! Writes the receipt.

use std::time::Duration;

use serde_json::Map;
use sha2::{Digest, Sha256};

use crate::candidate::Attempt;
use crate::codec::{Header, Source};
use crate::metadata::{Kind, Metadata};
use crate::pipeline::Compressed;
use crate::reduce::uses_alpha;
use crate::report::{
    CandidateReport, Facts, Measurement, MetadataReport, Outcome, Reason, Recipe, Report, Warning,
};
use crate::{Format, Request, VERSION};

/// What the receipt says of the input.
pub(crate) struct Receipt<'a> {
    pub bytes: &'a [u8],
    pub request: &'a Request,
    pub header: &'a Header,
    pub metadata: &'a Metadata,
}

impl Receipt<'_> {
    /// What survives where the file's coding is kept: profile, rights, orientation.
    pub(crate) fn kept_as_stored(&self) -> MetadataReport {
        self.split(&[Kind::Icc, Kind::Copyright, Kind::Orientation], None)
    }

    fn split(&self, kinds_kept: &[Kind], orientation_applied: Option<u8>) -> MetadataReport {
        let (kept, dropped) = self.metadata.items.iter().partition(|item| kinds_kept.contains(&item.kind));
        MetadataReport { kept, dropped, orientation_applied }
    }

    /// What survives in re-encoded, upright pixels; the profile does unless they were converted out of it.
    fn reencoded(&self, keeps_profile: bool) -> MetadataReport {
        let orientation = self.metadata.orientation;
        let applied = (!orientation.is_upright()).then(|| orientation.exif());
        let kinds: &[Kind] = if keeps_profile { &[Kind::Icc, Kind::Copyright] } else { &[Kind::Copyright] };
        self.split(kinds, applied)
    }

    fn input_facts(&self, alpha: bool) -> Facts {
        let Header { format, mut width, mut height, bits, animated, .. } = *self.header;
        if self.metadata.orientation.swaps_sides() {
            (width, height) = (height, width);
        }
        Facts {
            sha256: sha256(self.bytes),
            bytes: self.bytes.len() as u64,
            format,
            width,
            height,
            bits,
            alpha,
            animated,
        }
    }
}

/// A finished compression, before it is written down.
pub(crate) struct Draft {
    bytes: Vec<u8>,
    outcome: Outcome,
    reason: Option<Reason>,
    /// The output's format and bits, if it is not the input's.
    made: Option<(Format, u8)>,
    alpha: bool,
    lossless: bool,
    score: Option<Measurement>,
    recipe: Recipe,
    keeps_coding: bool,
    keeps_profile: bool,
    candidates: Vec<CandidateReport>,
    warnings: Vec<Warning>,
}

impl Draft {
    /// New bytes. `score` is what verification measured; `None` means that it found every pixel equal.
    pub(crate) fn compressed(
        attempt: Attempt,
        source: Source<'_>,
        score: Option<Measurement>,
        candidates: Vec<CandidateReport>,
        warnings: Vec<Warning>,
    ) -> Self {
        let encoder = attempt.candidate.encoder;
        let (name, version) = encoder.identity();
        Self {
            outcome: Outcome::Compressed,
            reason: None,
            made: Some((attempt.candidate.format, source.image.bits())),
            alpha: uses_alpha(source.image),
            lossless: score.is_none(),
            score,
            recipe: Recipe {
                encoder: name.to_owned(),
                version: version.to_owned(),
                settings: encoder.settings(source, attempt.quality),
            },
            keeps_coding: encoder.keeps_coefficients(),
            keeps_profile: source.image.profile.is_some(),
            bytes: attempt.bytes,
            candidates,
            warnings,
        }
    }

    /// The input's coding, less what is private.
    pub(crate) fn kept(
        bytes: Vec<u8>,
        reason: Reason,
        alpha: bool,
        candidates: Vec<CandidateReport>,
        warnings: Vec<Warning>,
    ) -> Self {
        Self {
            bytes,
            outcome: Outcome::KeptOriginal,
            reason: Some(reason),
            made: None,
            alpha,
            lossless: true,
            score: None,
            recipe: Recipe {
                encoder: "strip".into(),
                version: env!("CARGO_PKG_VERSION").into(),
                settings: Map::new(),
            },
            keeps_coding: true,
            keeps_profile: true,
            candidates,
            warnings,
        }
    }

    /// Writes the receipt.
    pub(crate) fn finish(self, input: &Receipt<'_>, wall: Duration, cpu: Option<Duration>) -> Compressed {
        let input_facts = input.input_facts(self.alpha);
        let (format, bits) = self.made.unwrap_or((input_facts.format, input_facts.bits));
        let output = Facts {
            sha256: sha256(&self.bytes),
            bytes: self.bytes.len() as u64,
            format,
            bits,
            ..input_facts.clone()
        };
        let metadata =
            if self.keeps_coding { input.kept_as_stored() } else { input.reencoded(self.keeps_profile) };
        let report = Report {
            version: 1,
            engine: VERSION.to_owned(),
            outcome: self.outcome,
            reason: self.reason,
            request: *input.request,
            input: input_facts,
            output,
            score: self.score,
            lossless: self.lossless,
            recipe: self.recipe,
            candidates: self.candidates,
            metadata,
            warnings: self.warnings,
            time_ms: milliseconds(wall),
            cpu_ms: cpu.map(milliseconds),
        };
        Compressed { bytes: self.bytes, report }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
