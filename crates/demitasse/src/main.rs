//! `demitasse`: small files, full flavour.

use std::process::ExitCode;

fn main() -> ExitCode {
    demitasse::cli::run()
}
