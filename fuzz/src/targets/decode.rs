//! Decoders, a target for each format: every way in which a file of it is decoded.

use demitasse_engine::fuzzing::{Way, decode, play, recode as recode_file};
use demitasse_engine::{Format, Limits, Quality, Sniffed, inspect, sniff};

use super::{LIMITS, unless_refused};

/// Targets that take files of one format.
macro_rules! of_format {
    ($($name:ident: $format:ident;)*) => {
        $(
            /// A picture of the size that its header says, or a refusal, by each way; the same if it is played.
            pub(super) fn $name(bytes: &[u8]) {
                if sniff(bytes) == Sniffed::Known(Format::$format) {
                    every_way(bytes);
                }
            }
        )*
    };
}

of_format! {
    jpeg: Jpeg;
    png: Png;
    webp: Webp;
    avif: Avif;
    gif: Gif;
    bmp: Bmp;
    tiff: Tiff;
    jxl: Jxl;
    ico: Ico;
    qoi: Qoi;
}

/// A JPEG recoded in a stream has the size that it had, and decodes; or it did not pass the recoder's own look, or was refused.
pub(super) fn recode(bytes: &[u8]) {
    if sniff(bytes) != Sniffed::Known(Format::Jpeg) {
        return;
    }
    let Ok(Some(recoded)) = recode_file(bytes, Quality(50.0), &LIMITS) else { return };
    let limits = Limits { max_bytes: u64::MAX, ..LIMITS };
    let (header, now) = (inspect(bytes, &limits), inspect(&recoded, &limits));
    let size = |header: demitasse_engine::Result<demitasse_engine::Header>| {
        header.map(|header| (header.width, header.height)).map_err(|error| error.to_string())
    };
    assert_eq!(size(now), size(header));
    decode(&recoded, Way::Whole, &limits).unwrap();
}

fn every_way(bytes: &[u8]) {
    let Some(header) = unless_refused(inspect(bytes, &LIMITS)) else { return };
    let is_whole = !header.animated && still(bytes, Way::Whole).is_some();
    let salvaged = still(bytes, Way::Salvaged);
    assert!(!is_whole || salvaged.is_some(), "a whole file cannot be salvaged");
    still(bytes, Way::Shown);
    still(bytes, Way::Shrunk);
    if header.animated {
        let (mut shown, mut length) = (0, None);
        let frames = play(bytes, &LIMITS, |frame| (shown, length) = (shown + 1, Some(frame.len())));
        if let Some(frames) = unless_refused(frames) {
            assert_eq!(frames, shown);
            let pixels = header.width as usize * header.height as usize;
            assert!(length.is_none_or(|length| length == pixels * 4), "{length:?} for {header:?}");
        }
    }
}

fn still(bytes: &[u8], way: Way) -> Option<()> {
    let (header, image) = unless_refused(decode(bytes, way, &LIMITS))?;
    if way != Way::Shrunk {
        assert_eq!((image.width, image.height), (header.width, header.height), "{way:?}");
    }
    assert!(image.width <= header.width && image.height <= header.height, "{way:?}");
    let samples = image.pixels() as usize * image.layout.channels();
    assert!(image.frames.iter().all(|frame| frame.samples.len() == samples), "{way:?}");
    assert!(!image.layout.has_alpha() || header.alpha, "alpha that the header does not have");
    Some(())
}
