//! What the engine promises, measured beside the peers in one run.
//!
//! [`corpus`] says what each file is good for. [`peers`] are installed by their package managers and run as programs of
//! their own. [`measure`] makes one result of one tool, scores it whole by another decoder and the metrics' own crates,
//! and keeps it. [`curve`] compares results of unequal score. [`sections`] has one file for each figure of the report.
//!
//! Left in TARGET/eval: `summary.md`, `results.csv` (one row for each measurement), `curves/*.svg` (bits a pixel over
//! score) and `worst-tiles.png`.

mod corpus;
mod curve;
mod measure;
pub(crate) mod one;
mod peers;
mod plot;
mod results;
mod run;
mod sections;
mod tiles;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};

use self::corpus::Corpus;
use self::peers::Peers;
use self::run::Run;
use self::sections::{Part, SECTIONS, Section};
use crate::{say, show};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder of images of any kind
    #[arg(long, value_name = "DIR")]
    corpus: PathBuf,

    /// Sections, by their letters [default: all]
    #[arg(long, value_name = "LETTER", value_delimiter = ',')]
    only: Vec<char>,

    /// Take the smallest N images of each section: a quick look
    #[arg(long, value_name = "N")]
    limit: Option<usize>,

    /// Images at a time; more than 1 disturbs the figures of processor time
    #[arg(long, value_name = "N", default_value_t = 1)]
    jobs: usize,

    /// Where to build; results go to TARGET/eval
    #[arg(long, env = "CARGO_TARGET_DIR", default_value = "target", hide = true)]
    target: PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let sections: Vec<&Section> = SECTIONS
        .iter()
        .filter(|section| args.only.is_empty() || args.only.contains(&section.letter))
        .collect();
    let letters: String = SECTIONS.iter().map(|section| section.letter).collect();
    let is_known = args.only.iter().all(|letter| letters.contains(*letter));
    ensure!(is_known && !sections.is_empty(), "the sections are {letters}");

    let peers = Peers::find(&args.target)?;
    let mut pictures = Run::pictures(&peers)?;
    let corpus = Corpus::read(&args.corpus, &mut pictures)?;
    let plan: Vec<(&Section, Vec<Part<'_>>)> =
        sections.into_iter().map(|section| (section, section.parts(&corpus, args.limit))).collect();
    let work = plan.iter().flat_map(|(_, parts)| parts).map(Part::work).sum();
    let run = Run::new(peers, args.target.clone(), args.jobs, work);

    let folder = args.target.join("eval");
    let mut summary = heading(&run, args, corpus.all().len());
    for (section, parts) in &plan {
        let text = (section.run)(&run, parts).unwrap_or_else(|error| format!("Not measured: {error:#}\n"));
        let _ = write!(summary, "\n## ({}) {}\n{text}", section.letter, section.title);
        // What is there counts, should the run be stopped.
        std::fs::write(folder.join("summary.md"), &summary)?;
        std::fs::write(folder.join("results.csv"), results::csv(&run.results.all()))?;
    }
    plot::write(&run.results.all(), &folder.join("curves"))?;
    if run.worst.write(&mut pictures, &folder.join("worst-tiles.png"))? {
        say("worst tiles: original on the left, result on the right");
    }
    show(&summary)?;
    Ok(ExitCode::SUCCESS)
}

fn heading(run: &Run, args: &Args, files: usize) -> String {
    let limit = args.limit.map(|limit| format!(" --limit {limit}")).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let build = if cfg!(debug_assertions) { "dev" } else { "release" };
    format!(
        "# Evaluation\n{}; {}, {build} build; {files} files{limit}; {} at a time on {cores} cores of {}\n\nBeside it: {}\n\n\
         Scores: SSIMULACRA2 of whole images (fast-ssim2), and Butteraugli's 3-norm; decoded by Pillow. CPU: user and system \
         seconds of the process. Percentages are geometric means; negative is smaller than what is compared with.\n",
        jiff::Zoned::now().date(),
        demitasse_engine::VERSION,
        args.jobs,
        machine(),
        run.peers.text(),
    )
}

/// Its processor, where the system tells.
fn machine() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name =
        text.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(": "));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}
