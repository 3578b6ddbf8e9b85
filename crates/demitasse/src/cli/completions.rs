//! `demitasse completions`.

use std::io;
use std::process::ExitCode;

use clap_complete::Shell;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Of which shell
    shell: Shell,
}

pub(super) fn run(args: &Args, mut command: clap::Command) -> anyhow::Result<ExitCode> {
    clap_complete::generate(args.shell, &mut command, "demitasse", &mut io::stdout());
    Ok(ExitCode::SUCCESS)
}
