//! Is a receipt true? Everything that it says of two files is found out again from the files.
//!
//! The receipt is never believed: its numbers are compared with what is found and nothing is sized by them, so that one
//! from a stranger can do no harm. `pictures` decodes and scores, `frames` and `drawings` do so with theirs; this file reads.

mod drawings;
mod frames;
mod pictures;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::codec::{Codec, Header, codec};
use crate::metadata::Metadata;
use crate::report::{Facts, Item, REPORT_VERSION, Report};
use crate::{Control, Error, Layout, Limits, Result, VERSION, color, inspect};

/// Longest text of a receipt that is repeated in a detail, in characters.
const REPEATED: usize = 60;

/// What was found out of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Of this JSON: 1.
    pub version: u32,
    /// Name and version of the engine that looked.
    pub engine: String,
    /// What was looked at, in this order; it ends early where a file is no image or has another size.
    pub checks: Vec<Check>,
}

impl Verification {
    /// Whether the receipt is true: no check says no.
    pub fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.answer != Answer::No)
    }
}

/// One thing that a receipt says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Which.
    pub name: CheckName,
    /// Whether it is so.
    pub answer: Answer,
    /// What was found, for people.
    pub detail: String,
}

/// Whether something is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is.
    Yes,
    /// It is not: the receipt is not true of these files.
    No,
    /// The receipt claims nothing here, or it cannot be told; the detail says which.
    Open,
}

/// What a receipt says, thing by thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckName {
    /// Its version is known and its request makes sense.
    Receipt,
    /// The engine that wrote it is this one; [`Answer::Open`] if not: another version may measure and resize otherwise.
    Engine,
    /// Length and SHA-256 of the input.
    InputFile,
    /// Length and SHA-256 of the output.
    OutputFile,
    /// Format, size in pixels, depth and frames of the input.
    InputPicture,
    /// The same of the output.
    OutputPicture,
    /// What was kept and dropped of the input's metadata, and that nothing more is left in the output.
    Metadata,
    /// The output has the input's size, or the one that the request's resize makes of it.
    Size,
    /// The output has no more bytes than the input, unless it was resized.
    NotLarger,
    /// How many frames there are, how long each is shown, and how often all are.
    Frames,
    /// Whether some pixel of input and output is not opaque.
    Transparency,
    /// Every pixel is as it was, where that is claimed.
    Pixels,
    /// The score, measured again on the same pixels.
    Score,
    /// What was asked for is held.
    Target,
}

/// Looks whether `report` is true of `input` and `output`.
///
/// Another version of the engine, and a target that the receipt itself says was missed, are no lies: see
/// [`Answer::Open`]. A file that is damaged or no image is a check that says no.
///
/// # Errors
/// `LimitExceeded` for a file of the receipt's above `limits`: nothing can be said of it; `DeadlineExceeded`, `Cancelled`.
///
/// Cost: blocking; decodes both files and, where a score was measured, measures it again. Memory as for compressing.
pub fn verify_receipt(
    report: &Report,
    input: &[u8],
    output: &[u8],
    limits: &Limits,
    control: &Control,
) -> Result<Verification> {
    let mut checks = Checks::default();
    let is_sane = checks.receipt(report);
    let is_input = checks.file(CheckName::InputFile, &report.input, input);
    let is_output = checks.file(CheckName::OutputFile, &report.output, output);
    let before = checks.picture(CheckName::InputPicture, &report.input, input, is_input, limits)?;
    let after = checks.picture(CheckName::OutputPicture, &report.output, output, is_output, limits)?;
    if let (true, Some(before), Some(after)) = (is_sane, before, after) {
        checks.metadata(report, &before, &after);
        pictures::look(&mut checks, report, &before, &after, limits, control)?;
    }
    Ok(Verification { version: 1, engine: VERSION.into(), checks: checks.0 })
}

/// A file, and what it says of itself.
struct File<'a> {
    bytes: &'a [u8],
    codec: &'static dyn Codec,
    header: Header,
    metadata: Metadata,
}

impl File<'_> {
    /// Width and height as a viewer shows it.
    fn size(&self) -> (u32, u32) {
        self.metadata.orientation.turn(self.header.width, self.header.height)
    }
}

#[derive(Default)]
struct Checks(Vec<Check>);

impl Checks {
    fn add(&mut self, name: CheckName, answer: Answer, detail: impl Into<String>) {
        self.0.push(Check { name, answer, detail: detail.into() });
    }

    /// Adds a check that is held unless something is `wrong`.
    fn add_unless(&mut self, name: CheckName, wrong: Vec<String>, held: impl Into<String>) {
        if wrong.is_empty() {
            self.add(name, Answer::Yes, held);
        } else {
            self.add(name, Answer::No, wrong.join("; "));
        }
    }

    fn receipt(&mut self, report: &Report) -> bool {
        let mut wrong = Vec::new();
        if report.version != REPORT_VERSION {
            wrong.push(format!("its version is {}, not {REPORT_VERSION}", report.version));
        }
        if let Err(error) = report.request.validate() {
            wrong.push(error.to_string());
        }
        let is_sane = wrong.is_empty();
        self.add_unless(CheckName::Receipt, wrong, format!("a receipt of version {REPORT_VERSION}"));
        if report.engine == VERSION {
            self.add(CheckName::Engine, Answer::Yes, VERSION);
        } else {
            let named: String = report.engine.chars().take(REPEATED).collect();
            let detail = format!("written by {named:?}; looked at by {VERSION}, which may measure otherwise");
            self.add(CheckName::Engine, Answer::Open, detail);
        }
        is_sane
    }

    /// Whether the bytes are those that the receipt is of.
    fn file(&mut self, name: CheckName, claimed: &Facts, bytes: &[u8]) -> bool {
        let mut wrong = Vec::new();
        if claimed.bytes != bytes.len() as u64 {
            wrong.push(format!("it has {} bytes, not {}", bytes.len(), claimed.bytes));
        }
        let hash = hex::encode(Sha256::digest(bytes));
        if claimed.sha256 != hash {
            wrong.push(format!("its SHA-256 is {hash}, not the receipt's"));
        }
        let is_true = wrong.is_empty();
        self.add_unless(name, wrong, format!("{} bytes, SHA-256 {hash}", bytes.len()));
        is_true
    }

    /// Looks at a file's header and metadata; `None` if it has none that can be read. A limit is an error only where the
    /// bytes are those that the receipt is of (`is_true`): a header with a flipped bit claims any size.
    fn picture<'a>(
        &mut self,
        name: CheckName,
        claimed: &Facts,
        bytes: &'a [u8],
        is_true: bool,
        limits: &Limits,
    ) -> Result<Option<File<'a>>> {
        let file = match read(bytes, limits) {
            Ok(file) => file,
            Err(error @ Error::LimitExceeded { .. }) if !is_true => {
                self.add(name, Answer::No, error.to_string());
                return Ok(None);
            }
            Err(error) => {
                self.add(name, Answer::No, unless_ours(error)?);
                return Ok(None);
            }
        };
        let header = file.header;
        let mut wrong = Vec::new();
        let mut differs = |what: &str, found: String, claimed: String| {
            if found != claimed {
                wrong.push(format!("{what} is {found}, not {claimed}"));
            }
        };
        differs("its format", header.format.to_string(), claimed.format.to_string());
        differs("its size", pixels(file.size()), pixels((claimed.width, claimed.height)));
        // AVIF codes a picture of 8 bits in ten, which decode to 16: what a receipt says of is the picture.
        if name == CheckName::InputPicture || header.bits < claimed.bits {
            differs("its depth", bits(header.bits), bits(claimed.bits));
        }
        differs("whether it is animated", header.animated.to_string(), claimed.animated.to_string());
        let held = format!("{}, {}, {}", header.format, pixels(file.size()), bits(header.bits));
        self.add_unless(name, wrong, held);
        Ok(Some(file))
    }

    fn metadata(&mut self, report: &Report, before: &File<'_>, after: &File<'_>) {
        let (claimed, mut wrong) = (&report.metadata, Vec::new());
        let lists = |items: &[Item], item: &Item| items.iter().any(|listed| listed == item);
        let unlisted = before.metadata.items.iter();
        for item in unlisted.filter(|item| !lists(&claimed.kept, item) && !lists(&claimed.dropped, item)) {
            wrong.push(format!("the input's {:?} is neither kept nor dropped", item.kind));
        }
        let found = |item: &Item| lists(&before.metadata.items, item);
        if !claimed.kept.iter().chain(&claimed.dropped).all(found) {
            wrong.push("it lists what the input does not carry".into());
        }
        for left in &after.metadata.items {
            if !claimed.kept.iter().any(|kept| kept.kind == left.kind) {
                wrong.push(format!("the output still carries {:?}", left.kind));
            }
        }
        for kept in claimed.kept.iter().filter(|kept| lists(&before.metadata.items, kept)) {
            if !survived(kept, before, after) {
                wrong.push(format!("{:?} was not kept as it was", kept.kind));
            }
        }
        let turned = before.metadata.orientation.exif() != after.metadata.orientation.exif();
        let applied = claimed.orientation_applied;
        if applied != turned.then(|| before.metadata.orientation.exif()) {
            wrong.push("the orientation was not applied as it says".into());
        }
        let held =
            format!("{} kept, {} dropped, nothing else left", claimed.kept.len(), claimed.dropped.len());
        self.add_unless(CheckName::Metadata, wrong, held);
    }
}

/// Whether a piece that can be told apart is still the input's; of others, whether there is one of its kind.
fn survived(kept: &Item, before: &File<'_>, after: &File<'_>) -> bool {
    use crate::metadata::Kind;
    match kept.kind {
        Kind::Icc => {
            // A format may say sRGB without a profile.
            let (before, after) = (before.metadata.icc.as_deref(), after.metadata.icc.as_deref());
            color::is_same_profile(Layout::Rgb, before, after)
        }
        Kind::Copyright => before.metadata.rights == after.metadata.rights,
        kind => after.metadata.items.iter().any(|item| item.kind == kind),
    }
}

fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<File<'a>> {
    let header = inspect(bytes, limits)?;
    let codec = codec(header.format);
    Ok(File { bytes, codec, header, metadata: codec.read_metadata(bytes, limits)? })
}

/// What an error says of a file; an error if it says that nothing can be found out.
fn unless_ours(error: Error) -> Result<String> {
    match error {
        Error::Malformed { .. } | Error::Unsupported(_) | Error::Codec { .. } => Ok(error.to_string()),
        Error::LimitExceeded { .. }
        | Error::MemoryBudget { .. }
        | Error::DeadlineExceeded
        | Error::Cancelled
        | Error::InvalidRequest(_) => Err(error),
    }
}

fn pixels((width, height): (u32, u32)) -> String {
    format!("{width} x {height} pixels")
}

fn bits(bits: u8) -> String {
    format!("{bits} bits a sample")
}
