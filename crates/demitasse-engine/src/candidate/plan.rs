//! Which encoders are tried, in which order.

use super::Candidate;
use crate::analyze::{Analysis, Content};
use crate::codec::{Mode, Source, codec};
use crate::request::OutputFormat;
use crate::{Effort, Format, Target};

/// Sides below this hold too few pixels for the metric (its own floor is 8 x 8): lossless only.
const MIN_SIDE_FOR_LOSSY: u32 = 8;

/// The formats that may come out; none if there is no encoder for what is asked.
pub(crate) fn output_formats(input: Format, wanted: OutputFormat) -> Vec<Format> {
    let capabilities = input.capabilities();
    let written = || Format::ALL.into_iter().filter(|format| format.capabilities().encodes);
    match wanted {
        OutputFormat::Among(formats) => formats.iter().collect(),
        OutputFormat::Auto => written().collect(),
        OutputFormat::Keep if capabilities.encodes => vec![input],
        OutputFormat::Keep if capabilities.on_the_web => Vec::new(),
        OutputFormat::Keep => vec![Format::Png, Format::Jpeg, Format::Webp],
    }
}

/// The candidates for this image, in the order in which they are tried: likely winners first, because later ones are given
/// up as soon as they are larger.
pub(crate) fn plan(
    source: Source<'_>,
    formats: &[Format],
    target: Target,
    effort: Effort,
    analysis: &Analysis,
) -> Vec<Candidate> {
    let too_small = source.image.width.min(source.image.height) < MIN_SIDE_FOR_LOSSY;
    let all = || {
        formats
            .iter()
            .flat_map(|format| {
                let encoders = codec(*format).encoders().iter();
                encoders.map(|encoder| Candidate { format: *format, encoder: *encoder })
            })
            .filter(|candidate| candidate.encoder.suits(analysis) && candidate.encoder.accepts(source))
    };
    let is_lossless = |candidate: &Candidate| candidate.encoder.mode() == Mode::Lossless;
    let has_lossy = all().any(|candidate| !is_lossless(&candidate));
    let mut candidates: Vec<Candidate> = all()
        .filter(|candidate| match target {
            Target::Lossless => is_lossless(candidate),
            _ if too_small || !has_lossy => is_lossless(candidate),
            Target::Quality { .. } => !is_lossless(candidate) && candidate.encoder.takes_requested_quality(),
            Target::Score { .. } | Target::MaxBytes { .. } => true,
        })
        .filter(|candidate| {
            formats.len() == 1 || target == Target::Lossless || can_win(candidate, source, effort, analysis)
        })
        .collect();
    candidates.sort_by_key(|candidate| rank(candidate, analysis));
    candidates
}

/// The lossy encoders of these formats that take the image, however small it is.
pub(crate) fn lossy(source: Source<'_>, formats: &[Format]) -> Vec<Candidate> {
    let encoders = |format: &Format| {
        let format = *format;
        codec(format).encoders().iter().map(move |encoder| Candidate { format, encoder: *encoder })
    };
    let is_lossy = |candidate: &Candidate| candidate.encoder.mode() != Mode::Lossless;
    formats
        .iter()
        .flat_map(encoders)
        .filter(|candidate| is_lossy(candidate) && candidate.encoder.accepts(source))
        .collect()
}

/// Leaves out what never won for this kind of picture, among several formats (`docs/decisions/0015-choice.md`).
fn can_win(candidate: &Candidate, source: Source<'_>, effort: Effort, analysis: &Analysis) -> bool {
    let is_lossless = candidate.encoder.mode() == Mode::Lossless;
    match candidate.format {
        _ if effort == Effort::Max => true,
        // Of a photo only the rewrite of a JPEG's own coefficients; and PNG is what everything else beats.
        Format::Jpeg => source.format == Format::Jpeg || !analysis.is_graphic(),
        Format::Png | Format::Webp if !analysis.is_graphic() => !is_lossless,
        _ => true,
    }
}

/// Smaller numbers first. Ties keep the order of [`Format::ALL`] and of each codec's encoders.
fn rank(candidate: &Candidate, analysis: &Analysis) -> u8 {
    let is_lossless = candidate.encoder.mode() == Mode::Lossless;
    match (analysis.content, is_lossless) {
        (Content::Photo | Content::Noise, false) => match candidate.format {
            Format::Webp => 1,
            Format::Jpeg => 2,
            Format::Png => 3,
            _ => 0,
        },
        (Content::Photo | Content::Noise, true) => 4,
        (Content::Graphic | Content::Text, true) => u8::from(candidate.format != Format::Webp),
        (Content::Graphic | Content::Text, false) => 2 + u8::from(candidate.format == Format::Jpeg),
    }
}
