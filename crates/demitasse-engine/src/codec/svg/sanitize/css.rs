//! Style sheets: what leads outside goes, and comments and idle spaces with it. Selectors and values stay as they were written.
//!
//! Source: CSS Syntax Level 3, as far as strings, comments, escapes and brackets go; a value is never understood.

/// Blocks inside of blocks; more is none that anybody writes.
const MAX_DEPTH: usize = 16;

/// A style sheet without what leads outside, and how much of that there was.
pub(crate) fn clean_sheet(text: &str) -> (String, u32) {
    let mut cleaner = Cleaner::default();
    cleaner.rules(text, 0);
    (cleaner.out, cleaner.removed)
}

/// The same of an attribute `style`.
pub(crate) fn clean_declarations(text: &str) -> (String, u32) {
    let mut cleaner = Cleaner::default();
    cleaner.declarations(text);
    (cleaner.out, cleaner.removed)
}

/// Declarations that are clean, with other values where `change` has one for a name and a value.
pub(crate) fn map_declarations(text: &str, change: impl Fn(&str, &str) -> Option<String>) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while !rest.is_empty() {
        let (declaration, _, after) = take_until(rest, &[';']);
        rest = after;
        let (name, _, value) = take_until(declaration, &[':']);
        let changed = change(name, value);
        if !out.is_empty() {
            out.push(';');
        }
        out.push_str(name);
        out.push(':');
        out.push_str(changed.as_deref().unwrap_or(value));
    }
    out
}

/// Whether a declaration leads outside, or is one that old browsers ran.
fn is_forbidden(name: &str, value: &str) -> bool {
    const RUN: &[&str] = &["expression(", "-moz-binding", "behavior:"];
    // The whole of it: an escape may hide where the name ends.
    let whole = format!("{name}:{value}");
    let plain = unescape(&whole).to_ascii_lowercase();
    RUN.iter().any(|word| plain.contains(word)) || leads_outside(&whole)
}

/// Whether a value names something that is not in this file: `url(...)` of anything but `#name` or a picture's bytes, and functions
/// of the same meaning.
pub(crate) fn leads_outside(value: &str) -> bool {
    const FETCHING: &[&str] = &["src(", "image(", "image-set("];
    if !value.contains(['(', '\\']) {
        return false;
    }
    let plain = unescape(value).to_ascii_lowercase();
    if FETCHING.iter().any(|word| plain.contains(word)) {
        return true;
    }
    let mut urls = plain.match_indices("url(").map(|(at, word)| &plain[at + word.len()..]);
    // A comment in front of an address is no comment there.
    let is_unclear = plain.contains("url(") && plain.contains("/*");
    let address = |rest: &str| is_inside(rest.trim_start().trim_start_matches(['"', '\'']).trim_start());
    is_unclear || !urls.all(address)
}

fn is_inside(address: &str) -> bool {
    const DATA: &[&str] = &[
        "image/png",
        "image/jpeg",
        "image/jpg",
        "image/gif",
        "image/webp",
        "image/avif",
        "font/",
        "application/font",
    ];
    address.starts_with('#')
        || address.starts_with(')')
        || address.strip_prefix("data:").is_some_and(|data| DATA.iter().any(|kind| data.starts_with(kind)))
}

/// Escapes as the characters that they mean (section 4.3.7).
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        let mut code = String::new();
        while let Some(digit) = rest.next_if(|c| code.len() < 6 && c.is_ascii_hexdigit()) {
            code.push(digit);
        }
        if code.is_empty() {
            out.extend(rest.next().filter(|c| *c != '\n'));
            continue;
        }
        rest.next_if(|c| c.is_whitespace());
        out.extend(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32));
    }
    out
}

#[derive(Default)]
struct Cleaner {
    out: String,
    removed: u32,
}

impl Cleaner {
    fn rules(&mut self, text: &str, depth: usize) {
        let mut rest = text;
        while !rest.is_empty() {
            let (head, stop, after) = take_until(rest, &['{', ';', '}']);
            rest = after;
            let prelude = tidy(head.replace("<!--", " ").replace("-->", " ").as_str());
            if stop != Some('{') {
                // A statement such as `@import`: all that there are lead outside, or say what is so anyway.
                let is_harmless = prelude.is_empty() || prelude.to_ascii_lowercase().starts_with("@charset");
                self.removed += u32::from(!is_harmless && prelude.starts_with('@'));
                continue;
            }
            let (block, _, after) = take_until(rest, &['}']);
            rest = after;
            self.rule(&prelude, block, depth);
        }
    }

    fn rule(&mut self, prelude: &str, block: &str, depth: usize) {
        if leads_outside(prelude) || depth > MAX_DEPTH {
            self.removed += 1;
            return;
        }
        let start = self.out.len();
        self.out.push_str(prelude);
        self.out.push('{');
        let inner = self.out.len();
        // Of rules, not of declarations: `@media`, `@supports`, `@keyframes`.
        if take_until(block, &['{']).1.is_some() {
            self.rules(block, depth + 1);
        } else {
            self.declarations(block);
        }
        if self.out.len() == inner {
            self.out.truncate(start);
        } else {
            self.out.push('}');
        }
    }

    fn declarations(&mut self, block: &str) {
        let (mut rest, mut is_first) = (block, true);
        while !rest.is_empty() {
            let (declaration, _, after) = take_until(rest, &[';']);
            rest = after;
            let (name, stop, value) = take_until(declaration, &[':']);
            let (name, value) = (tidy(name), tidy(value));
            if stop.is_none() || name.is_empty() || value.is_empty() || name.starts_with("-inkscape-") {
                continue;
            }
            if is_forbidden(&name, &value) {
                self.removed += 1;
                continue;
            }
            if !is_first {
                self.out.push(';');
            }
            is_first = false;
            self.out.push_str(&name);
            self.out.push(':');
            self.out.push_str(&value);
        }
    }
}

/// Splits at the first of `stops` that is in no string, comment, escape or bracket: what is before it, it, and what is behind it.
fn take_until<'a>(text: &'a str, stops: &[char]) -> (&'a str, Option<char>, &'a str) {
    let (mut open, mut at) = (Vec::new(), 0);
    while let Some(character) = text[at..].chars().next() {
        let length = match unit(&text[at..]) {
            0 => character.len_utf8(),
            length => {
                at += length;
                continue;
            }
        };
        match character {
            _ if open.is_empty() && stops.contains(&character) => {
                return (&text[..at], Some(character), &text[at + length..]);
            }
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            _ if open.last() == Some(&character) => {
                open.pop();
            }
            _ => {}
        }
        at += length;
    }
    (text, None, "")
}

/// Length of the string, comment or escape that begins here; 0 if none does.
fn unit(text: &str) -> usize {
    match text.as_bytes() {
        [b'"' | b'\'', ..] => string(text),
        [b'/', b'*', ..] => text[2..].find("*/").map_or(text.len(), |end| end + 4),
        [b'\\', ..] => text.chars().take(2).map(char::len_utf8).sum(),
        _ => 0,
    }
}

/// Length of the string that begins here, with its quotes; a line break ends it.
fn string(text: &str) -> usize {
    let mut characters = text.char_indices();
    let quote = characters.next().map(|(_, quote)| quote);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => {
                characters.next();
            }
            '\n' => return at,
            _ if Some(character) == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Without comments, and with one space for several, outside of strings.
fn tidy(text: &str) -> String {
    let (mut out, mut at) = (String::new(), 0);
    while let Some(character) = text[at..].chars().next() {
        let unit = unit(&text[at..]);
        let length = unit.max(character.len_utf8());
        if character.is_whitespace() || (unit > 0 && character == '/') {
            if !out.ends_with(' ') {
                out.push(' ');
            }
        } else {
            out.push_str(&text[at..at + length]);
        }
        at += length;
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_harmless_sheet_keeps_its_rules_and_loses_its_spaces() {
        let (sheet, removed) = clean_sheet(
            "/* of a tool */\n .a > .b , #c { fill : #FF0000 ; stroke: url( #g ) }\n@media (min-width: 3px) { .d { opacity: .5 } }",
        );
        assert_eq!(
            sheet,
            ".a > .b , #c{fill:#FF0000;stroke:url( #g )}@media (min-width: 3px){.d{opacity:.5}}"
        );
        assert_eq!(removed, 0);
    }

    #[test]
    fn what_would_be_fetched_goes_and_the_rest_stays() {
        for outside in [
            "fill: url(http://example.org/a.svg#b)",
            "fill: url( 'other.svg#b' )",
            "fill: u\\72l(http://example.org)",
            "fill: \\75\\72\\6c(//example.org)",
            "fill: URL(\"data:image/svg+xml,x\")",
            "cursor: image-set('a.png' 1x)",
            "behavior: url(#a)",
            "width: expression(alert(1))",
        ] {
            let (sheet, removed) = clean_sheet(&format!(".a{{opacity:1;{outside}}}.b{{fill:red}}"));
            assert_eq!((sheet.as_str(), removed), (".a{opacity:1}.b{fill:red}", 1), "{outside}");
        }
        let (sheet, removed) = clean_sheet("@import 'a.css'; @charset \"utf-8\"; .a{fill:red}");
        assert_eq!((sheet.as_str(), removed), (".a{fill:red}", 1));
        let (sheet, removed) = clean_sheet("@font-face{font-family:x;src:url(x.woff)}");
        assert_eq!((sheet.as_str(), removed), ("@font-face{font-family:x}", 1));
    }

    #[test]
    fn brackets_in_strings_close_nothing() {
        let (style, removed) = clean_declarations("font-family: 'a;b}'; content: \"x\\\"y;\" ;fill:red");
        assert_eq!((style.as_str(), removed), ("font-family:'a;b}';content:\"x\\\"y;\";fill:red", 0));
    }

    #[test]
    fn a_sheet_that_is_cut_anywhere_never_panics() {
        let sheet = "@media x{.ä\\66{fill:url('é)';b:/* c */d}}/*";
        for (end, _) in sheet.char_indices() {
            clean_sheet(&sheet[..end]);
            clean_declarations(&sheet[end..]);
        }
    }

    #[test]
    fn deep_blocks_end() {
        let (sheet, removed) = clean_sheet(&"a{".repeat(5000));
        assert_eq!((sheet.as_str(), removed), ("", 1));
    }
}
