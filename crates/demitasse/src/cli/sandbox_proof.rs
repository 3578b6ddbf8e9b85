//! `demitasse sandbox-proof`: tries what a sandbox should stop. Started by the service, not by people.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::sandbox::{Attempt, Layer, attempt};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What it is held to; may be repeated
    #[arg(long = "layer", value_name = "LAYER")]
    layers: Vec<Layer>,

    /// What it tries; may be repeated
    #[arg(long = "attempt", value_name = "ATTEMPT")]
    attempts: Vec<Attempt>,
}

pub(super) fn run(args: &Args) -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _armed = crate::failpoint::arm();
    let say = |text: &str| drop(writeln!(io::stdout(), "{text}"));
    let complain = |text: &str| drop(writeln!(io::stderr(), "{text}"));
    ExitCode::from(attempt(&args.layers, &args.attempts, say, complain))
}
