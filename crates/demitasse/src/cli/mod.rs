//! The commands. Each is one file; `main` is one match over them.

mod backup;
mod completions;
mod compress;
mod dead_letters;
mod doctor;
mod engine_child;
mod healthcheck;
mod inspect;
mod man;
mod sandbox_proof;
mod serve;
mod verify;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Small files, full flavour: compresses images, as a service and on the command line.
///
/// `demitasse serve` starts the service with its web UI; no configuration is needed.
#[derive(Debug, Parser)]
#[command(name = "demitasse", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service: API, web UI and workers
    Serve(Box<serve::Args>),
    /// Compress what `serve` accepts elsewhere: a worker on the same stores, as many as wanted
    ///
    /// Takes the flags of `serve`. The stores must be shared ones (PostgreSQL or MongoDB, S3 or Cloudinary). Opens no port
    /// unless --listen is given: then /healthz, /readyz and /metrics answer there.
    Worker(Box<serve::Args>),
    Compress(compress::Args),
    Inspect(inspect::Args),
    Verify(verify::Args),
    /// Check that everything the service needs is there, and say what to do if not
    Doctor(Box<doctor::Args>),
    /// Copy the embedded database and the images into a new directory, while the service runs
    Backup(backup::BackupArgs),
    /// Put a backup back, where nothing is yet
    Restore(backup::RestoreArgs),
    /// Look at the jobs of a running service that failed as often as they were allowed to, and try them again
    DeadLetters(dead_letters::Args),
    /// Ask a running service whether it is alive; for container health checks
    Healthcheck(healthcheck::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Print the manual page
    Man,
    /// One compression, for the service's own use
    #[command(hide = true)]
    EngineChild(engine_child::Args),
    /// Tries what the sandbox stops, for the service's own use
    #[command(hide = true)]
    SandboxProof(sandbox_proof::Args),
}

/// Exit code for a wrong usage or setup; 1 is for inputs that failed, and a receipt that is not true.
const SETUP: u8 = 2;

/// Runs the command that the arguments name.
pub fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(args) => serve::run(*args, crate::config::Command::Serve),
        Command::Worker(args) => serve::run(*args, crate::config::Command::Worker),
        Command::Compress(args) => Ok(compress::run(&args)),
        Command::Inspect(args) => Ok(inspect::run(&args)),
        Command::Verify(args) => verify::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Backup(args) => backup::back_up(&args),
        Command::Restore(args) => backup::restore(&args),
        Command::DeadLetters(args) => dead_letters::run(args),
        Command::Healthcheck(args) => healthcheck::run(&args),
        Command::Completions(args) => completions::run(&args, Cli::command()),
        Command::Man => man::run(&Cli::command()),
        Command::EngineChild(args) => Ok(engine_child::run(&args)),
        Command::SandboxProof(args) => Ok(sandbox_proof::run(&args)),
    };
    result.unwrap_or_else(|error| {
        writeln!(io::stderr(), "demitasse: {error:#}").ok();
        ExitCode::from(SETUP)
    })
}
