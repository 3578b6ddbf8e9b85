//! `demitasse backup` and `demitasse restore`: the embedded stores, copied and put back.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use demitasse_backends::backup::{self, Copied};

use crate::config::{DataArgs, OriginalArgs};

#[derive(Debug, clap::Args)]
pub(super) struct BackupArgs {
    /// The directory that becomes the backup: a new one, or an empty one
    #[arg(value_name = "DIR")]
    to: PathBuf,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    original: OriginalArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct RestoreArgs {
    /// The backup
    #[arg(value_name = "DIR")]
    from: PathBuf,

    #[command(flatten)]
    data: DataArgs,

    #[command(flatten)]
    original: OriginalArgs,
}

pub(super) fn back_up(args: &BackupArgs) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let copied = runtime.block_on(backup::backup(&args.data.urls(&args.original), &args.to))?;
    tell("backed up", &copied)
}

pub(super) fn restore(args: &RestoreArgs) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let copied = runtime.block_on(backup::restore(&args.from, &args.data.urls(&args.original)))?;
    tell("restored", &copied)
}

fn tell(what: &str, Copied { blobs, bytes, gone }: &Copied) -> anyhow::Result<ExitCode> {
    writeln!(io::stdout(), "{what}: the database and {blobs} files of {bytes} bytes")?;
    if gone.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(
        io::stderr(),
        "demitasse: {} files are not in the backup: their images were deleted while it was made, which took longer than \
         --blob-grace",
        gone.len()
    )?;
    Ok(ExitCode::FAILURE)
}
