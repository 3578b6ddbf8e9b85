//! Which output each input gets. Pure: reads and writes nothing but the names that [`super::collect`] found.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use demitasse_engine::{Format, OutputFormat, Request};

use super::collect::{Input, Source};

/// What was asked for.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    /// The target; the format is decided here.
    pub request: Request,
    /// The format, if one was named.
    pub format: Option<OutputFormat>,
    pub destination: Destination,
    /// Whether outputs that exist are overwritten.
    pub force: bool,
}

/// Where outputs go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Destination {
    /// `NAME-compressed.EXT` beside each input.
    Beside,
    /// In the place of each input.
    InPlace,
    /// To this file.
    File(PathBuf),
    /// To standard output.
    Stdout,
    /// Into this folder, each under its own name.
    Folder(PathBuf),
}

/// What will be done.
#[derive(Debug)]
pub(super) struct Plan {
    pub tasks: Vec<Task>,
    /// Whether a file at an output may be overwritten.
    pub overwrite: bool,
    /// How many files were passed over because they are outputs of an earlier run.
    pub earlier_outputs: usize,
}

/// One input and its output.
#[derive(Debug, PartialEq)]
pub(super) struct Task {
    pub source: Source,
    pub sink: Sink,
    pub request: Request,
}

/// Where an output goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sink {
    Stdout,
    /// In the place of the input, of which the format must stay.
    InPlace(PathBuf),
    /// This file, whatever the format.
    Exactly(PathBuf),
    /// `path`, with another extension if the format is not `format`.
    Named {
        path: PathBuf,
        format: Option<Format>,
    },
}

impl Sink {
    /// The file that an output of `format` goes to; `None` for standard output.
    pub(super) fn path(&self, format: Format) -> Option<PathBuf> {
        match self {
            Self::Stdout => None,
            Self::InPlace(path) | Self::Exactly(path) => Some(path.clone()),
            Self::Named { path, format: Some(unchanged) } if *unchanged == format => Some(path.clone()),
            Self::Named { path, .. } => Some(path.with_extension(format.extension())),
        }
    }
}

/// Why there is no plan: a mistake in what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal(String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names the output of every input.
///
/// Two inputs never get one output, and no output is another's input: both are refused, and both files are named.
pub(super) fn plan(inputs: Vec<Input>, wish: &Wish) -> Result<Plan, Refusal> {
    wish.request.validate().map_err(|error| Refusal(error.to_string()))?;
    check_destination(&inputs, wish)?;
    let tasks = inputs
        .iter()
        .map(|input| {
            Ok(Task {
                source: input.source.clone(),
                sink: sink(input, wish)?,
                request: request(input, wish)?,
            })
        })
        .collect::<Result<Vec<_>, Refusal>>()?;
    let found = tasks.len();
    let tasks = match wish.destination {
        Destination::Beside => without_earlier_outputs(&inputs, tasks),
        _ => tasks,
    };
    let earlier_outputs = found - tasks.len();
    let tasks = without_repeats(tasks);
    check_collisions(&tasks)?;
    Ok(Plan { tasks, overwrite: wish.force || wish.destination == Destination::InPlace, earlier_outputs })
}

fn check_destination(inputs: &[Input], wish: &Wish) -> Result<(), Refusal> {
    let refuse = |text: &str| Err(Refusal(text.to_owned()));
    let stdins = inputs.iter().filter(|input| input.source == Source::Stdin).count();
    let is_single = inputs.len() == 1 && !inputs[0].from_folder;
    match &wish.destination {
        _ if stdins > 1 => refuse("standard input can be read once: name `-` once"),
        Destination::File(_) | Destination::Stdout if !is_single => {
            refuse("-o names one output: for several inputs, or a folder, use --out-dir")
        }
        Destination::Folder(_) if stdins > 0 => {
            refuse("standard input has no name to use in --out-dir: use -o")
        }
        Destination::InPlace if stdins > 0 => refuse("standard input cannot be replaced in place: use -o"),
        Destination::InPlace if wish.format.is_some_and(|format| format != OutputFormat::Keep) => {
            refuse("--in-place keeps each file's name, so it cannot change the format: use --out-dir")
        }
        Destination::Beside if stdins > 0 && inputs.len() > 1 => {
            refuse("standard input goes to standard output, alone: compress the files by another command")
        }
        _ => Ok(()),
    }
}

fn sink(input: &Input, wish: &Wish) -> Result<Sink, Refusal> {
    let Source::File { path, real } = &input.source else {
        return Ok(match &wish.destination {
            Destination::File(path) => Sink::Exactly(path.clone()),
            _ => Sink::Stdout,
        });
    };
    Ok(match &wish.destination {
        Destination::Stdout => Sink::Stdout,
        Destination::File(path) => Sink::Exactly(path.clone()),
        Destination::InPlace => Sink::InPlace(real.clone()),
        Destination::Beside => Sink::Named { path: beside(path), format: input.format },
        Destination::Folder(dir) => Sink::Named { path: dir.join(&input.relative), format: input.format },
    })
}

/// `photos/cat.jpg`: `photos/cat-compressed.jpg`.
fn beside(path: &Path) -> PathBuf {
    let mut name = OsString::from(path.file_stem().unwrap_or_default());
    name.push("-compressed");
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// The format that is asked of the engine: the one named, else the one that the output's extension names, else the
/// input's own.
fn request(input: &Input, wish: &Wish) -> Result<Request, Refusal> {
    let Destination::File(output) = &wish.destination else {
        return Ok(wish.request.with_format(wish.format.unwrap_or_default()));
    };
    let by_extension = format_of(output);
    let contradicts = |format: OutputFormat| {
        Refusal(format!(
            "--format {format} and an output named {} contradict each other: --out-dir names outputs by their format",
            output.display()
        ))
    };
    let format = match (wish.format, by_extension) {
        (None, Some(format)) if input.format == Some(format) && format.capabilities().on_the_web => {
            OutputFormat::Keep
        }
        (None, Some(format)) => output_format(format).ok_or_else(|| {
            let names: Vec<_> = written_formats().map(|format| format!(".{}", format.extension())).collect();
            Refusal(format!("{format} cannot be written: name an output that ends in {}", names.join(", ")))
        })?,
        (Some(named), Some(format)) if named != OutputFormat::Keep && named.format() != Some(format) => {
            return Err(contradicts(named));
        }
        (named, _) => named.unwrap_or_default(),
    };
    Ok(wish.request.with_format(format))
}

/// The format that a file's extension names.
pub(super) fn format_of(path: &Path) -> Option<Format> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    Format::ALL.into_iter().find(|format| {
        let known = format.capabilities();
        known.extension == extension || known.other_extensions.contains(&extension.as_str())
    })
}

fn written_formats() -> impl Iterator<Item = Format> {
    Format::ALL.into_iter().filter(|format| format.capabilities().encodes)
}

fn output_format(format: Format) -> Option<OutputFormat> {
    format.capabilities().encodes.then(|| OutputFormat::of(format))
}

impl Task {
    /// Every file that this task may write, the likeliest first: several where the format is the engine's choice. None
    /// for what is no image, because nothing will be written.
    pub(super) fn claims(&self) -> Vec<PathBuf> {
        let kept = match &self.sink {
            Sink::Stdout | Sink::Named { format: None, .. } => return Vec::new(),
            Sink::InPlace(path) | Sink::Exactly(path) => return vec![path.clone()],
            Sink::Named { format: Some(format), .. } => *format,
        };
        let possible: Vec<Format> = match self.request.format {
            OutputFormat::Among(formats) => formats.iter().collect(),
            OutputFormat::Keep if kept.capabilities().on_the_web => Vec::new(),
            OutputFormat::Keep | OutputFormat::Auto => written_formats().collect(),
        };
        let mut claims: Vec<PathBuf> = Vec::new();
        for path in possible.into_iter().chain([kept]).filter_map(|format| self.sink.path(format)) {
            if !claims.contains(&path) {
                claims.push(path);
            }
        }
        claims
    }

    /// Those of [`Task::claims`] that are likely: if all of them exist, the work would be for nothing. Where the engine
    /// chooses the format, that is every one.
    pub(super) fn likely_claims(&self) -> Vec<PathBuf> {
        let mut claims = self.claims();
        if self.request.format.format().is_some() {
            claims.truncate(1);
        }
        claims
    }

    /// As it was typed, or found.
    fn path(&self) -> Option<&Path> {
        match &self.source {
            Source::File { path, .. } => Some(path),
            Source::Stdin => None,
        }
    }

    fn real_source(&self) -> Option<&Path> {
        match &self.source {
            Source::File { real, .. } => Some(real),
            Source::Stdin => None,
        }
    }
}

/// Drops what an earlier run wrote beside its input: a file in a folder that would be the output of another input.
fn without_earlier_outputs(inputs: &[Input], tasks: Vec<Task>) -> Vec<Task> {
    let written: HashSet<PathBuf> = tasks.iter().flat_map(Task::claims).collect();
    let is_earlier_output = |task: &Task| task.path().is_some_and(|path| written.contains(path));
    let pairs = tasks.into_iter().zip(inputs);
    pairs
        .filter(|(task, input)| !(input.from_folder && is_earlier_output(task)))
        .map(|(task, _)| task)
        .collect()
}

/// A file that was named twice, or named and found in a folder, is compressed once, if its output is the same.
fn without_repeats(tasks: Vec<Task>) -> Vec<Task> {
    let mut seen: HashMap<PathBuf, Vec<PathBuf>> = HashMap::new();
    tasks
        .into_iter()
        .filter(|task| match task.real_source() {
            Some(real) => seen.insert(real.to_path_buf(), task.claims()) != Some(task.claims()),
            None => true,
        })
        .collect()
}

fn check_collisions(tasks: &[Task]) -> Result<(), Refusal> {
    let sources: HashMap<PathBuf, &Task> =
        tasks.iter().filter_map(|task| Some((task.real_source()?.to_path_buf(), task))).collect();
    let mut claimed: HashMap<PathBuf, &Task> = HashMap::new();
    for task in tasks {
        for claim in task.claims() {
            let claim = resolve(&claim);
            if let Some(other) = claimed.insert(claim.clone(), task)
                && !std::ptr::eq(other, task)
            {
                return Err(collision(&claim, "would be the output of both", other, task));
            }
            if let Some(other) = sources.get(&claim)
                && !std::ptr::eq(*other, task)
            {
                return Err(collision(
                    &claim,
                    "is an input, and would be the output of another:",
                    other,
                    task,
                ));
            }
        }
    }
    Ok(())
}

/// The file itself, however it is written: its folder with links resolved, if it is there.
fn resolve(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    match (absolute.parent().map(Path::canonicalize), absolute.file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => absolute,
    }
}

fn collision(output: &Path, relation: &str, first: &Task, second: &Task) -> Refusal {
    let name = |task: &Task| task.path().map_or_else(|| "-".to_owned(), |path| path.display().to_string());
    Refusal(format!(
        "{} {relation} {} and {}: compress them by separate commands, or into separate folders",
        output.display(),
        name(first),
        name(second)
    ))
}

#[cfg(test)]
mod tests;
