use std::fmt::Write as _;

use clap::{Args, Command};
use demitasse::config::ServeArgs;
use demitasse_engine::Format;
use demitasse_engine::metadata::Kind;

use crate::native::is_current;

const CONFIGURATION: &str = "\
# Configuration

`demitasse serve` needs none. Every setting is a flag and a variable; a flag wins over its variable. Mistakes are
reported all together at the start, with exit status 2. `demitasse doctor` tries everything that `serve` needs.

Two more belong to the log: `--log` (`DEMITASSE_LOG`; default `info`; a level, or a filter such as
`info,demitasse=debug`) and `--log-format` (`DEMITASSE_LOG_FORMAT`; `text` or `json`; default `text`). Without
`--listen`, the original service's variable `PORT` chooses the port on 127.0.0.1.

The tables below are generated from the flags.
";

fn configuration() -> String {
    let command = ServeArgs::augment_args(Command::new("serve"));
    let mut page = CONFIGURATION.to_owned();
    let mut heading = None;
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        if arg.get_help_heading() != heading {
            heading = arg.get_help_heading();
            let name = heading.unwrap_or_default();
            let _ = write!(page, "\n## {name}\n| flag | variable | default | sets |\n|---|---|---|---|\n");
        }
        let long = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let more = arg.get_long_help().map(ToString::to_string).unwrap_or_default();
        let text = if more.is_empty() { long } else { more };
        let paragraphs: Vec<_> = text.split("\n\n").map(|text| text.trim().trim_end_matches('.')).collect();
        let text = paragraphs.join(". ").split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
        let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        let _ = writeln!(
            page,
            "| `--{}` | `{}` | {} | {text} |",
            arg.get_long().unwrap_or_default(),
            arg.get_env().unwrap_or_default().to_string_lossy(),
            if defaults.is_empty() { String::new() } else { format!("`{}`", defaults.join(",")) },
        );
    }
    page
}

#[test]
fn the_page_on_configuration_is_current() {
    is_current("configuration.md", &configuration());
}

#[test]
fn the_table_of_formats_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats.md");
    let page = std::fs::read_to_string(path).unwrap();
    let page = with_table(&page, "table", &formats());
    is_current("formats.md", &with_table(&page, "metadata", &carried()));
}

fn with_table(page: &str, name: &str, table: &str) -> String {
    let begin = format!("<!-- {name} -->\n");
    let (before, rest) = page.split_once(&begin).expect("the table's beginning is marked");
    let (_, after) = rest.split_once("<!-- end -->\n").expect("the table's end is marked");
    format!("{before}{begin}{table}<!-- end -->\n{after}")
}

fn carried() -> String {
    let kinds = [
        Kind::Icc,
        Kind::Copyright,
        Kind::Time,
        Kind::Gps,
        Kind::Exif,
        Kind::Thumbnail,
        Kind::Xmp,
        Kind::Iptc,
        Kind::Comment,
        Kind::GainMap,
    ];
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let heads = kinds.iter().map(Kind::to_string);
    let mut table = row(["into".to_owned()].into_iter().chain(heads).collect());
    table.push_str(&format!("|{}\n", "---|".repeat(kinds.len() + 1)));
    for format in Format::ALL.into_iter().filter(|format| format.capabilities().encodes) {
        let carries = |kind| if format.capabilities().metadata.contains(kind) { "yes" } else { "no" };
        let cells = kinds.iter().map(carries).map(str::to_owned);
        table.push_str(&row([format.to_string()].into_iter().chain(cells).collect()));
    }
    table
}

fn formats() -> String {
    let yes = |value: bool| if value { "yes" } else { "no" };
    let mut table = String::from(
        "| format | media type | read | written | under `keep` | alpha | 16 bits |\n|---|---|---|---|---|---|---|\n",
    );
    for format in Format::ALL {
        let can = format.capabilities();
        let kept = match (can.on_the_web, can.encodes) {
            (true, true) => "stays",
            _ if can.vector => "stays, made safe and written short",
            (true, false) => "stays, pixels untouched",
            (false, _) => "becomes PNG, JPEG or WebP",
        };
        let _ = writeln!(
            table,
            "| {format} | `{}` | yes | {} | {kept} | {} | {} |",
            can.media_type,
            yes(can.encodes),
            yes(can.alpha),
            yes(can.sixteen_bits)
        );
    }
    table
}
