//! What it costs that the engine runs in a child process and in a sandbox: the same photo by the engine in this process, as
//! anyone who links the library runs it; by a new child for each photo, without layers and with them, and by one
//! child for all. They take turns. Parent's processor time is counted with the child's: the bytes go through pipes.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use demitasse_engine::{Control, Effort, Limits, Preset, Quality, Request, Target, compress};
use serde_json::{Value, json};

use crate::check_corpus::release_binary;
use crate::photo::make;
use crate::pillow::Pillow;
use crate::{quantile, say, show};

/// The layers of the sandbox, as `/readyz` names them.
const LAYERS: [&str; 3] = ["limits", "landlock", "seccomp"];

/// As the service starts its children.
const MALLOC: [(&str, &str); 2] = [
    ("MALLOC_ARENA_MAX", "1"),
    (
        "GLIBC_TUNABLES",
        "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1073741824:glibc.malloc.trim_threshold=4294967296",
    ),
];

/// Ticks of `/proc/self/stat` in a second, on every Linux there is (`proc_pid_stat(5)`).
const TICK: Duration = Duration::from_millis(10);

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A JPEG photo of about 1.6 megapixels [default: one is made]
    #[arg(long, value_name = "FILE")]
    photo: Option<PathBuf>,

    /// Photos in a turn
    #[arg(long, value_name = "N", default_value_t = 10)]
    photos: u32,

    /// Turns of each way
    #[arg(long, value_name = "N", default_value_t = 7)]
    turns: u32,

    /// The binary [default: the release build, built first]
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,

    /// Where to build
    #[arg(long, env = "CARGO_TARGET_DIR", default_value = "target", hide = true)]
    target: PathBuf,
}

/// How photos are done.
#[derive(Debug, Clone, Copy)]
enum Way {
    Here,
    NewChildren { sandbox: bool },
    OneChild,
}

const WAYS: [(Way, &str); 4] = [
    (Way::Here, "the engine, in one process for all"),
    (Way::NewChildren { sandbox: false }, "a child for each photo"),
    (Way::NewChildren { sandbox: true }, "the same, in the sandbox"),
    (Way::OneChild, "one child for all, in the sandbox"),
];

/// Of one photo, in milliseconds.
#[derive(Debug, Clone, Copy)]
struct Cost {
    processor: f64,
    clock: f64,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let binary = match &args.binary {
        Some(path) => path.clone(),
        None => release_binary(&args.target)?,
    };
    let scratch = tempfile::tempdir()?;
    let photo = match &args.photo {
        Some(path) => path.clone(),
        None => make(scratch.path(), 0, (1536, 1024), &mut Pillow::start(&args.target)?)?,
    };
    let photo = std::fs::read(&photo).with_context(|| photo.display().to_string())?;
    show(&format!(
        "isolation: a photo of {} bytes, {} in a turn, {} turns of each way; medians of processor time and clock\n",
        photo.len(),
        args.photos,
        args.turns
    ))?;
    let requests = [
        ("start and end alone", None),
        (
            "fast, quality 70",
            Some(Request::new(Target::Quality { quality: Quality(70.0) }).with_effort(Effort::Fast)),
        ),
        ("balanced", Some(Request::new(Preset::Balanced.target()))),
    ];
    for (name, request) in requests {
        let turns = measure(args, &binary, request.as_ref(), &photo)?;
        show(&report(name, &turns))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The costs of each way, turn by turn.
fn measure(args: &Args, binary: &Path, request: Option<&Request>, photo: &[u8]) -> Result<Vec<Vec<Cost>>> {
    let mut costs = vec![Vec::new(); WAYS.len()];
    for turn in 0..args.turns {
        say(&format!("turn {} of {}", turn + 1, args.turns));
        for ((way, _), costs) in WAYS.into_iter().zip(&mut costs) {
            let (began, spent) = (Instant::now(), processor_time()?);
            go(way, binary, request, photo, args.photos)?;
            let each = |time: Duration| time.as_secs_f64() * 1e3 / f64::from(args.photos);
            costs.push(Cost {
                processor: each(processor_time()?.saturating_sub(spent)),
                clock: each(began.elapsed()),
            });
        }
    }
    Ok(costs)
}

fn go(way: Way, binary: &Path, request: Option<&Request>, photo: &[u8], photos: u32) -> Result<()> {
    let work = |child: &mut Child| request.map_or(Ok(()), |request| give(child, request, photo));
    match way {
        Way::Here => {
            for _ in 0..photos {
                if let Some(request) = request {
                    compress(photo, request, &Limits::default(), &Control::new())?;
                }
            }
        }
        Way::NewChildren { sandbox } => {
            for _ in 0..photos {
                let mut child = start(binary, sandbox)?;
                work(&mut child)?;
                end(child)?;
            }
        }
        Way::OneChild => {
            let mut child = start(binary, true)?;
            for _ in 0..photos {
                work(&mut child)?;
            }
            end(child)?;
        }
    }
    Ok(())
}

fn start(binary: &Path, sandbox: bool) -> Result<Child> {
    let mut command = Command::new(binary);
    command.args([
        "engine-child",
        "--max-bytes",
        "100000000",
        "--memory",
        "4000000000",
        "--cpu-seconds",
        "600",
    ]);
    if sandbox {
        command.args(LAYERS.into_iter().flat_map(|layer| ["--layer", layer]));
    }
    command.env_clear().envs(MALLOC).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().with_context(|| format!("{} cannot be started", binary.display()))
}

/// An order, and the answer to it: lengths, JSON, bytes.
fn give(child: &mut Child, request: &Request, photo: &[u8]) -> Result<()> {
    let most = 3_000_000_000_u64;
    let order = json!({
        "request": request, "limits": Limits::default(), "deadline_ms": 60_000, "reserved": most, "most": most,
    });
    let order = serde_json::to_vec(&order)?;
    let input = child.stdin.as_mut().context("the child has no input")?;
    input.write_all(&u32::try_from(order.len())?.to_le_bytes())?;
    input.write_all(&order)?;
    input.write_all(&(photo.len() as u64).to_le_bytes())?;
    input.write_all(photo)?;
    input.flush()?;
    let output = child.stdout.as_mut().context("the child has no output")?;
    let mut length = [0; 4];
    output.read_exact(&mut length)?;
    let mut head = vec![0; u32::from_le_bytes(length) as usize];
    output.read_exact(&mut head)?;
    let mut length = [0; 8];
    output.read_exact(&mut length)?;
    let mut bytes = vec![0; usize::try_from(u64::from_le_bytes(length))?];
    output.read_exact(&mut bytes)?;
    ensure!(!bytes.is_empty(), "the child says: {}", serde_json::from_slice::<Value>(&head)?);
    Ok(())
}

fn end(mut child: Child) -> Result<()> {
    drop(child.stdin.take());
    let status = child.wait()?;
    ensure!(status.success(), "a child ended with {status}");
    Ok(())
}

/// Of this process and of the children that have ended (`proc_pid_stat(5)`, fields 14 to 17).
fn processor_time() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(')').next().context("no fields")?.split_whitespace();
    let ticks: Vec<u32> = fields.skip(11).take(4).map(str::parse).collect::<Result<_, _>>()?;
    Ok(TICK * ticks.iter().sum::<u32>())
}

fn report(name: &str, ways: &[Vec<Cost>]) -> String {
    let median =
        |costs: &[Cost], of: fn(&Cost) -> f64| quantile(&costs.iter().map(of).collect::<Vec<_>>(), 0.5);
    let here = ways.first().map_or(f64::NAN, |costs| median(costs, |cost| cost.processor));
    let mut text = format!("{name}\n");
    for ((_, way), costs) in WAYS.iter().zip(ways) {
        let (processor, clock) = (median(costs, |cost| cost.processor), median(costs, |cost| cost.clock));
        let more = processor - here;
        text += &format!("  {way:34} {processor:7.1} ms {clock:7.1} ms   {more:+6.1} ms");
        if here > 0.0 {
            text += &format!(" {:+5.1} %", more / here * 100.0);
        }
        text += "\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_shown_beside_those_of_the_engine_alone() {
        let cost = |processor| vec![Cost { processor, clock: processor }; 3];
        let text = report("fast", &[cost(100.0), cost(103.0), cost(104.0), cost(98.0)]);
        assert!(text.contains("+3.0 ms  +3.0 %") && text.contains("-2.0 ms  -2.0 %"), "{text}");
    }

    #[test]
    fn processor_time_goes_on() {
        let before = processor_time().unwrap();
        let mut sum = 0_u64;
        while processor_time().unwrap() == before {
            sum = std::hint::black_box((0..1_000_u64).fold(sum, u64::wrapping_add));
        }
        assert!(processor_time().unwrap() > before);
    }
}
