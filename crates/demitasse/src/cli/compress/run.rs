//! Carries a plan out: reads, compresses, writes; several images at a time.

use std::fs::File;
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use demitasse_engine::{Control, Error, Format, Limits, Report, compress};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::collect::{Skipped, Source};
use super::plan::{Plan, Sink, Task, format_of};
use super::save::{Existing, save};
use super::show;

/// How to go about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    /// JSON lines instead of a table.
    pub json: bool,
    /// Images at a time; `None`: one a core.
    pub jobs: Option<NonZeroUsize>,
}

/// What became of one input.
#[derive(Debug)]
pub(super) struct Done {
    pub source: Source,
    pub result: Result<Written, Failure>,
}

/// What was written.
#[derive(Debug)]
pub(super) struct Written {
    /// Where; `None` for standard output.
    pub output: Option<PathBuf>,
    pub report: Report,
}

/// Why nothing was written.
#[derive(Debug)]
pub(super) struct Failure {
    /// For programs: the engine's code, or `io`, `exists`, `format`, `crashed`.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

impl Failure {
    fn new(code: &'static str, message: impl ToString) -> Self {
        Self { code, message: message.to_string() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(error.code(), error)
    }
}

/// Does what the plan says, and shows what was done.
pub(super) fn run(plan: &Plan, skipped: Skipped, options: &Options) -> ExitCode {
    let image_on_stdout = plan.tasks.iter().any(|task| task.sink == Sink::Stdout);
    if image_on_stdout && io::IsTerminal::is_terminal(&io::stdout()) {
        show::complain(&"an image would go to the terminal: use -o, or send standard output elsewhere");
        return ExitCode::from(2);
    }
    let control = Control::new();
    stop_on_interrupt(control.clone());
    let progress = show::Progress::new(plan.tasks.len());
    let work = || -> Vec<Done> {
        plan.tasks
            .par_iter()
            .map(|task| {
                progress.start(&task.source);
                let done =
                    Done { source: task.source.clone(), result: execute(task, plan.overwrite, &control) };
                progress.finish();
                done
            })
            .collect()
    };
    let threads = options.jobs.map_or(0, NonZeroUsize::get);
    let done = match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(work),
        Err(error) => {
            show::complain(&error);
            return ExitCode::from(2);
        }
    };
    progress.clear();
    show::results(&done, options.json, image_on_stdout);
    show::passed_over(skipped, plan.earlier_outputs);
    let failed = done.iter().any(|done| done.result.is_err());
    ExitCode::from(u8::from(failed))
}

/// The first Ctrl-C stops the engine at its next step, so that no temporary file stays; a second one kills.
fn stop_on_interrupt(control: Control) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return };
    std::thread::spawn(move || {
        runtime.block_on(async {
            if tokio::signal::ctrl_c().await.is_ok() {
                control.cancel();
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(130);
            }
        });
    });
}

fn execute(task: &Task, overwrite: bool, control: &Control) -> Result<Written, Failure> {
    control.check()?;
    let limits = Limits::default();
    refuse_early(task, overwrite)?;
    let bytes = read(&task.source, &limits).map_err(|error| Failure::new("io", error))?;
    let call = AssertUnwindSafe(|| compress(&bytes, &task.request, &limits, control));
    let compressed = catch_unwind(call)
        .map_err(|_| Failure::new("crashed", "the engine crashed on this file; please report it"))??;
    let (before, format) = (compressed.report.input.format, compressed.report.output.format);
    let output = task.sink.path(format);
    refuse_misnamed(&task.sink, before, format)?;
    match (&task.sink, &output) {
        (Sink::InPlace(_), _) if compressed.bytes == bytes => {}
        (Sink::InPlace(_), Some(path)) => write(path, &compressed.bytes, Existing::Inherit)?,
        (_, Some(path)) if overwrite => write(path, &compressed.bytes, Existing::Replace)?,
        (_, Some(path)) => write(path, &compressed.bytes, Existing::Keep)?,
        (_, None) => {
            let mut stdout = io::stdout().lock();
            let written = stdout.write_all(&compressed.bytes).and_then(|()| stdout.flush());
            written.map_err(|error| Failure::new("io", error))?;
        }
    }
    Ok(Written { output, report: compressed.report })
}

/// Refuses, before any work, what could not be written afterwards.
fn refuse_early(task: &Task, overwrite: bool) -> Result<(), Failure> {
    let claims = task.likely_claims();
    let all_exist = claims.iter().all(|path| path.symlink_metadata().is_ok());
    match claims.first() {
        Some(path) if !overwrite && all_exist => Err(exists(path)),
        _ => Ok(()),
    }
}

/// A name that says one format is not given to bytes of another, and a file keeps its format in place, whatever its name:
/// a TIFF of many pages must not become a PNG of the first.
fn refuse_misnamed(sink: &Sink, before: Format, format: Format) -> Result<(), Failure> {
    let is_wrong = |path: &Path| match sink {
        Sink::InPlace(_) => before != format,
        _ => format_of(path).is_some_and(|named| named != format),
    };
    match sink {
        Sink::InPlace(path) | Sink::Exactly(path) if is_wrong(path) => {
            let text =
                format!("the output is {format}, which {} does not say: choose another name", path.display());
            Err(Failure::new("format", text))
        }
        _ => Ok(()),
    }
}

fn exists(path: &Path) -> Failure {
    Failure::new("exists", format!("{} exists: use --force to overwrite it", path.display()))
}

fn write(path: &Path, bytes: &[u8], existing: Existing) -> Result<(), Failure> {
    save(path, bytes, existing).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(path),
        _ => Failure::new("io", format!("{} cannot be written: {error}", path.display())),
    })
}

/// Reads at most one byte more than the limit, which the engine then refuses.
fn read(source: &Source, limits: &Limits) -> io::Result<Vec<u8>> {
    let most = limits.max_bytes.saturating_add(1);
    let mut bytes = Vec::new();
    match source {
        Source::Stdin => io::stdin().lock().take(most).read_to_end(&mut bytes)?,
        Source::File { path, .. } => File::open(path)?.take(most).read_to_end(&mut bytes)?,
    };
    Ok(bytes)
}
