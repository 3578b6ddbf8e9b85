//! APNG with every frame coded as it was, packed tighter.

use oxipng::{Options, StripChunks, optimize_from_memory};
use serde_json::{Map, Value, json};

use super::container::strip;
use super::lossless::OXIPNG_VERSION;
use crate::codec::animation::Animation;
use crate::codec::{Animator, FramesSetting, Mode, Setting};
use crate::metadata::Embedded;
use crate::{Control, Effort, Error, Format, Result};

/// As of stills.
const LEVEL: u8 = 2;

/// Filters and deflates each frame again. Places, disposal and blending stay, and so does the type of colour.
pub(super) struct Lossless;

impl Animator for Lossless {
    fn identity(&self) -> (&'static str, &'static str) {
        ("oxipng", OXIPNG_VERSION)
    }

    fn mode(&self) -> Mode {
        Mode::Lossless
    }

    fn pace(&self, _effort: Effort) -> f64 {
        1.0
    }

    fn refusal(&self, animation: &Animation<'_>) -> Option<String> {
        (animation.format != Format::Png).then(|| "APNG is made of APNG only".into())
    }

    fn settings(&self, _: Setting) -> Map<String, Value> {
        Map::from_iter([("level".into(), json!(LEVEL))])
    }

    fn encode(
        &self,
        animation: &Animation<'_>,
        _: FramesSetting<'_>,
        embedded: &Embedded,
        below_bytes: u64,
        control: &Control,
    ) -> Result<Option<Vec<u8>>> {
        control.check()?;
        let bare = strip(animation.bytes, embedded)?;
        let mut options = Options::from_preset(LEVEL);
        options.strip = StripChunks::None;
        // As of stills: what it gives then is not used.
        options.timeout = control.remaining();
        let packed = optimize_from_memory(&bare, &options).map_err(|error| Error::codec("oxipng", error))?;
        control.check()?;
        Ok(((packed.len() as u64) < below_bytes).then_some(packed))
    }
}
