//! The whole engine.

use demitasse_engine::{
    Control, Effort, Format, MetadataPolicy, OutputFormat, PolicyName, Quality, Request, Resize,
    ResizeMethod, Score, Target, compress as compress_file, verify_receipt,
};

use super::{LIMITS, unless_refused};

/// Ways to ask for it; the first byte says which. The rest is the file.
fn request(number: u8) -> Request {
    let quality = Request::new(Target::Quality { quality: Quality(40.0) });
    let score = Request::new(Target::Score { score: Score(60.0) });
    let lossless = Request::new(Target::Lossless);
    let request = match number % 8 {
        0 => quality,
        1 => score.with_format(OutputFormat::of(Format::Webp)),
        2 => lossless,
        3 => quality.with_format(OutputFormat::of(Format::Png)),
        4 => quality.with_salvage(true),
        5 => lossless.with_metadata(MetadataPolicy::new(PolicyName::Archive)),
        6 => score.with_metadata(MetadataPolicy::new(PolicyName::Private)),
        _ => quality.with_format(OutputFormat::of(Format::Webp)).with_resize(Resize {
            method: ResizeMethod::Fit,
            width: Some(9),
            height: Some(9),
            enlarge: false,
        }),
    };
    request.with_effort(Effort::Fast)
}

/// What comes out is no larger, unless it takes the place of what came in, and its receipt is true.
pub(super) fn compress(bytes: &[u8]) {
    let Some((number, file)) = bytes.split_first() else { return };
    let (request, control) = (request(*number), Control::new());
    let Some(done) = unless_refused(compress_file(file, &request, &LIMITS, &control)) else { return };
    // What is made safe, or becomes pixels, may grow.
    let is_drawing = done.report.input.format == Format::Svg;
    if request.resize.is_none() && !request.salvage && !is_drawing {
        assert!(done.bytes.len() <= file.len(), "{} bytes of {}", done.bytes.len(), file.len());
    }
    let verified = verify_receipt(&done.report, file, &done.bytes, &LIMITS, &control);
    if let Some(verified) = unless_refused(verified) {
        assert!(verified.holds(), "{verified:?}");
    }
}
