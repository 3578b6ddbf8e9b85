//! `demitasse compress`: the engine as a command.
//!
//! What was typed ([`Args`]) becomes a list of files ([`collect`]), then a plan that names every output ([`plan`]),
//! and only then is anything read whole or written ([`run`](mod@run)).

mod collect;
mod plan;
mod run;
mod save;
mod show;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};
pub(super) use show::printable;

use demitasse_engine::{OutputFormat, Preset, Quality, Request, Score, Target};

/// Make image files smaller without visible harm
///
/// Writes NAME-compressed.EXT beside each input, unless -o, --out-dir or --in-place says otherwise. An image that cannot
/// be made smaller is written as it was, less its private metadata. Nothing is overwritten without --force or --in-place.
///
/// In folders, every image is taken; hidden files, symbolic links and what is no image are passed over.
///
/// Exit status: 0 done, 1 some inputs failed, 2 the request makes no sense.
#[derive(Debug, clap::Args)]
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
        conflicts_with_all = ["target", "quality", "lossless"])]
    preset: Preset,

    /// The smallest file with at least this SSIMULACRA2 score, 1 to 100
    #[arg(long, value_name = "SCORE", conflicts_with_all = ["quality", "lossless"])]
    target: Option<f64>,

    /// This setting of the encoder, 1 to 100, whatever score it gives
    #[arg(long, value_name = "Q", conflicts_with = "lossless")]
    quality: Option<f32>,

    /// Every pixel as it was
    #[arg(long)]
    lossless: bool,

    /// The output's format: keep, auto, or names with commas between them, of which the smallest wins [default: keep]
    #[arg(long, value_name = "FORMAT")]
    format: Option<OutputFormat>,

    /// Print one JSON object a line, with the whole report, instead of a table
    #[arg(long)]
    json: bool,

    /// How many images at a time [default: one a core]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
}

fn preset_parser() -> impl TypedValueParser<Value = Preset> {
    PossibleValuesParser::new(Preset::ALL.map(Preset::name)).try_map(|name| name.parse::<Preset>())
}

impl Args {
    fn target(&self) -> Target {
        match (self.target, self.quality, self.lossless) {
            (Some(score), _, _) => Target::Score { score: Score(score) },
            (_, Some(quality), _) => Target::Quality { quality: Quality(quality) },
            (_, _, true) => Target::Lossless,
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
        request: Request::new(args.target()),
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
