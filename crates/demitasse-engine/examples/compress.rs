//! Makes one file smaller, and says what was done.
//!
//! ```sh
//! cargo run --release --package demitasse-engine --example compress -- photo.jpg small.jpg 80
//! ```

#![expect(clippy::print_stdout, reason = "a command says what it did")]

use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use demitasse_engine::{Control, Limits, Outcome, Request, Score, Target, compress};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1);
    let (Some(input), Some(output)) = (args.next().map(PathBuf::from), args.next().map(PathBuf::from)) else {
        return Err("say which: IN OUT [SCORE]".into());
    };
    let score = args.next().map_or(Ok(75.0), |text| text.to_string_lossy().parse())?;

    let request = Request::new(Target::Score { score: Score(score) });
    // Whoever waits is never kept longer than this; another thread may also call `cancel` on a clone.
    let control = Control::new().with_deadline(Instant::now() + Duration::from_secs(60));
    let done = compress(&std::fs::read(input)?, &request, &Limits::default(), &control)?;
    std::fs::write(output, &done.bytes)?;

    let report = &done.report;
    println!("{} bytes became {}", report.input.bytes, report.output.bytes);
    match (report.outcome, &report.score, &report.reason) {
        (Outcome::Compressed, Some(measured), _) => {
            println!("score {:.1}, measured on {:.0} % of it", measured.value.0, measured.share * 100.0);
        }
        (Outcome::Compressed, None, _) => println!("every pixel is as it was"),
        (Outcome::KeptOriginal, _, Some(reason)) => println!("kept as it was: {}", reason.detail),
        (Outcome::KeptOriginal, _, None) => println!("kept as it was"),
    }
    for candidate in &report.candidates {
        println!("tried {} by {}: {:?} bytes", candidate.format, candidate.encoder, candidate.bytes);
    }
    Ok(())
}
