//! `demitasse engine-child`: compressions over standard input and output, one after another. Started by the service, not by people.

use std::process::ExitCode;

use crate::sandbox::Layer;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Largest input, in bytes
    #[arg(long)]
    max_bytes: u64,

    /// Address space, in bytes
    #[arg(long)]
    memory: u64,

    /// Processor time for one image, in seconds
    #[arg(long)]
    cpu_seconds: u64,

    /// What it is held to; may be repeated
    #[arg(long = "layer", value_name = "LAYER")]
    sandbox: Vec<Layer>,
}

pub(super) fn run(args: &Args) -> ExitCode {
    #[cfg(feature = "failpoints")]
    let _armed = crate::failpoint::arm();
    crate::worker::run_engine_child(args.max_bytes, args.memory, args.cpu_seconds, &args.sandbox)
}
