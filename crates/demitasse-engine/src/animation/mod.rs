//! Animations: what `pipeline` is for stills.
//!
//! - here: what may come out, and what is kept.
//! - `trials`: the encoders, tried one after the other.
//! - `even`: no frame far below the others.
//! - `compare`: two animations, frame by frame.
//!
//! Frames are never held all at once: each step plays the input again from its first frame, and a result is compared with
//! it while both play. Every frame stays a frame and is shown as long as it was; what cannot have that, or is too much to
//! decode, is kept as it is.

mod compare;
mod even;
mod trials;

pub(crate) use self::compare::{Likeness, MAX_BELOW_MEAN, differs, likeness};
use self::trials::{Candidate, Trials};
use crate::codec::animation::{Animation, Timeline};
use crate::codec::{Header, Mode, codec};
use crate::metadata::Embedded;
use crate::pipeline::{Input, fits_already, why_kept};
use crate::receipt::Draft;
use crate::report::{self, FrameScore, Reason, ReasonCode};
use crate::request::OutputFormat;
use crate::stream::already_compressed;
use crate::{Error, Format, Result, Target, color, memory, reference};

/// Sides below this hold too few pixels for the metric: lossless only.
const MIN_SIDE_FOR_LOSSY: u32 = 8;

/// Compresses an animation.
///
/// # Errors
/// As [`crate::compress`].
///
/// Cost: some passes over all frames, and an encode and a measurement of them for each trial.
pub(crate) fn compress(input: &Input<'_>) -> Result<Draft> {
    if reference::new_size(&input.header, input.metadata.orientation, input.request.resize).is_some() {
        return Err(Error::InvalidRequest("animated images cannot be resized yet: ask for no size".into()));
    }
    let codec = input.codec;
    let timeline = match codec.timeline(input.bytes, input.limits) {
        Ok(timeline) => timeline,
        Err(error @ (Error::Unsupported(_) | Error::LimitExceeded { .. })) => {
            return keep(input, animated(format!("it is kept as it is: {error}")), None);
        }
        Err(error) => return Err(error),
    };
    if let Err(error) = memory::check_animation(&input.header, input.limits.max_memory) {
        return keep(input, animated(format!("it is kept as it is: {error}")), Some(&timeline));
    }
    let animation =
        Animation::new(input.bytes, (input.header.format, codec), &timeline, input.limits, input.control);
    match compress_frames(input, &animation) {
        // What no viewer would agree on was found in the frames only.
        Err(error @ Error::Unsupported(_)) => {
            keep(input, animated(format!("it is kept as it is: {error}")), Some(&timeline))
        }
        done => done,
    }
}

fn compress_frames(input: &Input<'_>, animation: &Animation<'_>) -> Result<Draft> {
    let timeline = animation.timeline;
    let Survey { alpha, changed } = survey(animation)?;
    let formats = formats(input);
    let (candidates, refusals) = candidates(input, animation, &formats);
    let kept = |reason: Reason| Ok(keep(input, reason, Some(timeline))?.with_input_alpha(alpha));
    if formats.is_empty() || candidates.is_empty() && !refusals.is_empty() {
        return kept(animated(no_format(input, &refusals)));
    }
    if input.is_already_compressed() {
        return kept(already_compressed());
    }
    if candidates.is_empty() {
        return kept(fits_already());
    }
    let stripped = input.codec.strip(input.bytes, &input.embedded_as_stored())?.len();
    let mut warnings = Vec::new();
    let profile = color::usable_profile(crate::Layout::Rgba, input.metadata.icc.as_deref(), &mut warnings);
    let trials = Trials {
        animation,
        request: input.request,
        embedded: &Embedded { mark: input.mark(), ..input.embedded_as_stored() },
        profile: profile.as_ref(),
        changed,
        below_bytes: stripped.min(input.bytes.len()) as u64,
        limits: input.limits,
        control: input.control,
    };
    let (made, reports, more) = trials.run(&candidates)?;
    warnings.extend(more);
    Ok(match made {
        Some(made) => {
            let facts = facts(timeline, timeline.delays.len(), made.likeness.as_ref());
            let score = made.likeness.as_ref().map(Likeness::measurement);
            let (encoded, turn) = (made.encoded(input.request), input.metadata.orientation);
            let draft = Draft::rewritten(encoded, &input.header, turn, alpha, score);
            draft.with_animation(facts).with_story(reports, warnings)
        }
        None => {
            let why = why_kept(&reports, input.request.target, input.bytes.len());
            let draft = input.keep(why, None, reports, warnings)?;
            draft.with_input_alpha(alpha).with_animation(facts(timeline, 0, None))
        }
    })
}

/// What all frames are like.
pub(crate) struct Survey {
    /// Whether some pixel is not opaque.
    pub alpha: bool,
    /// Pixels that are not those of the frame before, in all frames.
    pub changed: u64,
}

/// Looks at every frame; damage is found here. Memory: another canvas.
///
/// # Errors
/// Of the player.
pub(crate) fn survey(animation: &Animation<'_>) -> Result<Survey> {
    let mut player = animation.play()?;
    let (mut found, mut before) = (Survey { alpha: false, changed: 0 }, Vec::new());
    while let Some(rgba) = player.next()? {
        let pixels = rgba.as_chunks::<4>().0;
        found.alpha |= pixels.iter().any(|pixel| pixel[3] != 255);
        let same = pixels.iter().zip(&before).filter(|(new, old)| new == old).count();
        found.changed += (pixels.len() - same) as u64;
        before = pixels.to_vec();
    }
    Ok(found)
}

fn keep(input: &Input<'_>, reason: Reason, timeline: Option<&Timeline>) -> Result<Draft> {
    let draft = input.keep(reason, None, Vec::new(), Vec::new())?;
    Ok(match timeline {
        Some(timeline) => draft.with_animation(facts(timeline, 0, None)),
        None => draft,
    })
}

/// For the receipt.
fn facts(timeline: &Timeline, compared: usize, likeness: Option<&Likeness>) -> report::Animation {
    report::Animation {
        frames: timeline.delays.len() as u32,
        duration_ms: timeline.duration_ms(),
        plays: timeline.plays,
        compared_frames: compared as u32,
        lowest: likeness.map(|found| FrameScore { frame: found.lowest_frame, score: found.lowest }),
    }
}

fn animated(detail: String) -> Reason {
    Reason::new(ReasonCode::Animated, detail)
}

/// The formats that may come out, and can carry an animation.
fn formats(input: &Input<'_>) -> Vec<Format> {
    let own = input.header.format;
    let wanted = |format: &Format| match input.request.format {
        OutputFormat::Keep => *format == own,
        OutputFormat::Auto => true,
        OutputFormat::Among(formats) => formats.contains(*format),
    };
    Format::ALL
        .into_iter()
        .filter(|format| wanted(format) && !codec(*format).animators().is_empty())
        .filter(|format| *format == own || !input.metadata.own_color)
        .filter(|format| input.not_carried(*format).is_none())
        .collect()
}

/// What is tried, lossless first: it tells lossy ones how many bytes are too many. And why others are not, for people.
fn candidates(
    input: &Input<'_>,
    animation: &Animation<'_>,
    formats: &[Format],
) -> (Vec<Candidate>, Vec<String>) {
    let (mut candidates, mut refusals) = (Vec::new(), Vec::new());
    let Header { width, height, format: own, .. } = input.header;
    let too_small = width.min(height) < MIN_SIDE_FOR_LOSSY;
    let fits = matches!(input.request.target, Target::MaxBytes { max_bytes, .. }
        if input.bytes.len() as u64 <= max_bytes && formats.contains(&own));
    for format in formats {
        let animators = codec(*format).animators();
        let has_lossy = animators.iter().any(|animator| animator.mode() != Mode::Lossless);
        for animator in animators {
            if let Some(refusal) = animator.refusal(animation) {
                refusals.push(refusal);
                continue;
            }
            let is_lossless = animator.mode() == Mode::Lossless;
            let is_wanted = match input.request.target {
                Target::Lossless => is_lossless,
                _ if too_small || !has_lossy => is_lossless,
                Target::Quality { .. } => !is_lossless && animator.takes_requested_quality(),
                Target::MaxBytes { .. } => is_lossless || !fits,
                Target::Score { .. } => true,
            };
            if is_wanted {
                candidates.push(Candidate { format: *format, animator: *animator });
            }
        }
    }
    candidates.sort_by_key(|candidate| candidate.animator.mode() != Mode::Lossless);
    refusals.dedup();
    (candidates, refusals)
}

fn no_format(input: &Input<'_>, refusals: &[String]) -> String {
    if refusals.is_empty() {
        format!(
            "{} cannot carry this animation: it is kept as it is; ask for keep or webp",
            input.request.format
        )
    } else {
        format!("it is kept as it is: {}", refusals.join("; "))
    }
}
