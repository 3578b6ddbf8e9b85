//! `demitasse compress`: the engine as a command.
//!
//! What was typed ([`Args`]) becomes a list of files ([`collect`]), then a plan that names every output ([`plan`]),
//! and only then is anything read whole or written ([`run`](mod@run)).

mod collect;
mod plan;
mod run;
mod save;
mod show;
mod size;

use std::ffi::OsStr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::{PossibleValue, PossibleValuesParser, StringValueParser, TypedValueParser};
pub(super) use show::printable;

use demitasse_engine::{
    ColorSpace, DEFAULT_FLOOR, Effort, KindSet, MetadataPolicy, OutputFormat, PolicyName, Preset, Quality,
    Request, Score, Target,
};

use crate::byte_size::byte_size;

const EXAMPLES: &str = "\
Examples:
  demitasse compress photo.jpg                        photo-compressed.jpg beside it
  demitasse compress photos --out-dir small           a folder, with its tree
  demitasse compress photo.jpg --target 80            at least this score
  demitasse compress photo.jpg --max-bytes 200kB      the best that fits; says so if nothing does
  demitasse compress photo.jpg --format auto          the smallest of all formats
  demitasse compress photo.jpg --format webp,jpeg     the smaller of the two
  demitasse compress photo.jpg -o photo.webp          the name chooses the format
  demitasse compress photo.jpg --resize 1600x1200     inside this size, never enlarged
  demitasse compress photo.jpg --scale 800x           800 wide
  demitasse compress me.jpg --thumb 200x200           cut to a square where most of the detail is
  demitasse compress photos --out-dir small --effort max --json";

/// Make image files smaller without visible harm
///
/// Writes NAME-compressed.EXT beside each input, unless -o, --out-dir or --in-place says otherwise. An image that cannot
/// be made smaller is written as it was, less its private metadata. Nothing is overwritten without --force or --in-place.
///
/// In folders, every image is taken; hidden files, symbolic links and what is no image are passed over.
///
/// Exit status: 0 done, 1 some inputs failed, 2 the request makes no sense.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Files or folders; `-` is standard input
    #[arg(value_name = "IN", required = true)]
    inputs: Vec<PathBuf>,

    /// The output of a single input; `-` is standard output. Its extension chooses the format, unless --format does
    #[arg(short, long, value_name = "OUT", conflicts_with_all = ["out_dir", "in_place"])]
    output: Option<PathBuf>,

    /// Write every output here, under its own name; folders keep their tree
    #[arg(long, value_name = "DIR", conflicts_with = "in_place")]
    out_dir: Option<PathBuf>,

    /// Replace each input by its output
    #[arg(long)]
    in_place: bool,

    /// Overwrite outputs that exist
    #[arg(long)]
    force: bool,

    /// How close to the original: small (score 60), balanced (75), high (85), visually-lossless (90), lossless
    #[arg(long, value_name = "PRESET", default_value = Preset::default().name(), value_parser = preset_parser(),
        conflicts_with_all = ["target", "quality", "lossless", "max_bytes"])]
    preset: Preset,

    /// The smallest file with at least this SSIMULACRA2 score, 1 to 100
    #[arg(long, value_name = "SCORE", conflicts_with_all = ["quality", "lossless", "max_bytes"])]
    target: Option<f64>,

    /// This setting of the encoder, 1 to 100, whatever score it gives
    #[arg(long, value_name = "Q", conflicts_with_all = ["lossless", "max_bytes"])]
    quality: Option<f32>,

    /// Every pixel as it was
    #[arg(long, conflicts_with = "max_bytes")]
    lossless: bool,

    /// The best score that fits into this many bytes: 200000, 200kB, 1.5MB, 200KiB
    #[arg(long, value_name = "SIZE", value_parser = byte_size)]
    max_bytes: Option<u64>,

    /// With --max-bytes: the score, 1 to 100, that is held even if the file must then be larger [default: 30]
    #[arg(long, value_name = "SCORE", requires = "max_bytes")]
    floor: Option<f64>,

    /// The output's format: `keep` as the input, `auto` for the smallest, or names with commas between them, of which the
    /// smallest wins [default: keep]
    #[arg(long, value_name = "FORMAT", value_parser = FormatParser)]
    format: Option<OutputFormat>,

    /// How much time a result is worth: fast (photos as JPEG or WebP in one try, predicted and not measured), balanced, max (slow settings)
    #[arg(long, value_name = "EFFORT", default_value = Effort::default().name(), value_parser = effort_parser())]
    effort: Effort,

    /// Make what is left of a damaged JPEG into a whole file, and say what is missing; without it damage is an error
    #[arg(long)]
    salvage: bool,

    /// Which colours come out: keep (wide gamut stays wide) or srgb (converted from another profile)
    #[arg(long, value_name = "SPACE", default_value = ColorSpace::default().name(), value_parser = color_space_parser())]
    color_space: ColorSpace,

    /// What survives beside pixels: web (who holds the rights), archive (everything, or the file stays as it is), private (nothing);
    /// the colour profile is kept, and the orientation applied, under each
    #[arg(long, value_name = "POLICY", default_value = PolicyName::default().name(), value_parser = policy_parser())]
    metadata: PolicyName,

    /// Kinds of metadata to keep although the policy drops them: copyright, date, gps, camera, xmp, iptc, comment,
    /// gain_map
    #[arg(long, value_name = "KINDS", value_parser = KindsParser)]
    keep: Option<KindSet>,

    /// Kinds of metadata to drop although the policy keeps them
    #[arg(long, value_name = "KINDS", value_parser = KindsParser)]
    drop: Option<KindSet>,

    /// Print one JSON object a line, with the whole report, instead of a table
    #[arg(long)]
    json: bool,

    /// How many images at a time [default: one a core]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    #[command(flatten)]
    size: size::SizeArgs,
}

fn preset_parser() -> impl TypedValueParser<Value = Preset> {
    PossibleValuesParser::new(Preset::ALL.map(Preset::name)).try_map(|name| name.parse::<Preset>())
}

fn effort_parser() -> impl TypedValueParser<Value = Effort> {
    PossibleValuesParser::new(Effort::ALL.map(Effort::name)).try_map(|name| name.parse::<Effort>())
}

fn color_space_parser() -> impl TypedValueParser<Value = ColorSpace> {
    PossibleValuesParser::new(ColorSpace::ALL.map(ColorSpace::name))
        .try_map(|name| name.parse::<ColorSpace>())
}

fn policy_parser() -> impl TypedValueParser<Value = PolicyName> {
    PossibleValuesParser::new(PolicyName::ALL.map(PolicyName::name))
        .try_map(|name| name.parse::<PolicyName>())
}

/// Takes lists, and tells shells the names to complete.
#[derive(Debug, Clone, Copy)]
struct KindsParser;

impl TypedValueParser for KindsParser {
    type Value = KindSet;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<KindSet, clap::Error> {
        StringValueParser::new().try_map(|text| text.parse::<KindSet>()).parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(KindSet::names().map(PossibleValue::new)))
    }
}

/// Takes lists too, and tells shells the names to complete.
#[derive(Debug, Clone, Copy)]
struct FormatParser;

impl TypedValueParser for FormatParser {
    type Value = OutputFormat;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<OutputFormat, clap::Error> {
        let parser = StringValueParser::new().try_map(|text| text.parse::<OutputFormat>());
        parser.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(OutputFormat::names().map(PossibleValue::new)))
    }
}

impl Args {
    fn request(&self) -> Request {
        let request = Request::new(self.target()).with_effort(self.effort).with_salvage(self.salvage);
        let (keep, drop) = (self.keep.unwrap_or_default(), self.drop.unwrap_or_default());
        let metadata = MetadataPolicy { policy: self.metadata, keep, drop };
        Request { resize: self.size.resize(), color_space: self.color_space, metadata, ..request }
    }

    fn target(&self) -> Target {
        match (self.target, self.quality, self.max_bytes) {
            (Some(score), _, _) => Target::Score { score: Score(score) },
            (_, Some(quality), _) => Target::Quality { quality: Quality(quality) },
            (_, _, Some(max_bytes)) => {
                Target::MaxBytes { max_bytes, floor: self.floor.map_or(DEFAULT_FLOOR, Score) }
            }
            _ if self.lossless => Target::Lossless,
            _ => self.preset.target(),
        }
    }

    fn destination(&self) -> plan::Destination {
        match (&self.output, &self.out_dir, self.in_place) {
            (Some(path), _, _) if path.as_os_str() == "-" => plan::Destination::Stdout,
            (Some(path), _, _) => plan::Destination::File(path.clone()),
            (_, Some(dir), _) => plan::Destination::Folder(dir.clone()),
            (_, _, true) => plan::Destination::InPlace,
            _ => plan::Destination::Beside,
        }
    }
}

/// Compresses.
pub(super) fn run(args: &Args) -> ExitCode {
    let collected = collect::collect(&args.inputs, args.out_dir.as_deref());
    let wish = plan::Wish {
        request: args.request(),
        format: args.format,
        destination: args.destination(),
        force: args.force,
    };
    let plan = match plan::plan(collected.inputs, &wish) {
        Ok(plan) => plan,
        Err(refusal) => {
            show::complain(&refusal);
            return ExitCode::from(2);
        }
    };
    run::run(&plan, collected.skipped, &run::Options { json: args.json, jobs: args.jobs })
}
