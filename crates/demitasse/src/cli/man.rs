//! `demitasse man`: the manual, all commands in one page.

use std::io::{self, Write};
use std::process::ExitCode;

pub(super) fn run(command: &clap::Command) -> anyhow::Result<ExitCode> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        writeln!(page, ".SH \"DEMITASSE {}\"", sub.get_name().to_uppercase())?;
        let man = clap_mangen::Man::new(sub.clone());
        man.render_synopsis_section(&mut page)?;
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
        if let Some(examples) = sub.get_after_long_help() {
            page.extend(as_typed("EXAMPLES", &examples.to_string()).bytes());
        }
    }
    io::stdout().write_all(&page)?;
    Ok(ExitCode::SUCCESS)
}

/// A section whose lines stay as they are; the first of `text` is its heading on a terminal.
fn as_typed(heading: &str, text: &str) -> String {
    let lines: Vec<_> =
        text.lines().skip(1).map(|line| line.replace('\\', "\\e").replace('-', "\\-")).collect();
    format!(".SH {heading}\n.nf\n{}\n.fi\n", lines.join("\n"))
}
