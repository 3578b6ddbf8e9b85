//! From what was named to the images behind it. Reads names and first bytes, no more.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use demitasse_engine::{Format, Sniffed, sniff};

/// Enough of a file for its format to show.
const HEAD_BYTES: u64 = 1024;

/// An input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Input {
    /// Where its bytes are.
    pub source: Source,
    /// Its place under the folder that was named; the file name of a file that was named itself.
    pub relative: PathBuf,
    /// Whether a folder was named, and not this file.
    pub from_folder: bool,
    /// What its first bytes say; `None` if they say nothing that is read here, or could not be read.
    pub format: Option<Format>,
}

/// Where bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Stdin,
    File {
        /// As it was typed, or found.
        path: PathBuf,
        /// With every link resolved; as typed if it is not there.
        real: PathBuf,
    },
}

/// Everything that was found.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub inputs: Vec<Input>,
    pub skipped: Skipped,
}

/// What was passed over in folders.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Skipped {
    /// Files that are no image.
    pub other: usize,
    /// Symbolic links: followed only where they were named.
    pub links: usize,
    /// Folders that could not be listed.
    pub unreadable: usize,
}

/// Finds the images, in the order of names. `out_dir` is not searched: what is in it is output.
pub(super) fn collect(named: &[PathBuf], out_dir: Option<&Path>) -> Collected {
    let out_dir = out_dir.and_then(|dir| dir.canonicalize().ok());
    let mut collected = Collected::default();
    for path in named {
        if path.as_os_str() == "-" {
            let relative = PathBuf::from("-");
            collected.inputs.push(Input {
                source: Source::Stdin,
                relative,
                from_folder: false,
                format: None,
            });
        } else if path.is_dir() {
            walk(path, out_dir.as_deref(), &mut collected);
        } else {
            let relative = path.file_name().map_or_else(|| path.clone(), PathBuf::from);
            collected.inputs.push(input(path.clone(), relative, false));
        }
    }
    collected
}

fn walk(folder: &Path, out_dir: Option<&Path>, collected: &mut Collected) {
    let skipped = &mut collected.skipped;
    let wanted = |entry: &walkdir::DirEntry| {
        let is_named = entry.depth() == 0;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let is_output = entry.file_type().is_dir()
            && out_dir.is_some_and(|dir| entry.path().canonicalize().is_ok_and(|path| path == dir));
        is_named || !(is_hidden || is_output)
    };
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().filter_entry(wanted) {
        let Ok(entry) = entry else {
            skipped.unreadable += 1;
            continue;
        };
        if entry.path_is_symlink() && entry.depth() > 0 {
            skipped.links += 1;
        } else if entry.file_type().is_file() {
            let relative = entry.path().strip_prefix(folder).unwrap_or(entry.path()).to_path_buf();
            // An image of a format that is not read is an input: its owner must hear that it was left out.
            let is_image = sniffed(entry.path()) != Sniffed::Unknown;
            if is_image {
                collected.inputs.push(input(entry.into_path(), relative, true));
            } else {
                skipped.other += 1;
            }
        }
    }
}

fn input(path: PathBuf, relative: PathBuf, from_folder: bool) -> Input {
    let format = match sniffed(&path) {
        Sniffed::Known(format) => Some(format),
        Sniffed::Foreign(_) | Sniffed::Unknown => None,
    };
    let real = path.canonicalize().unwrap_or_else(|_| path.clone());
    Input { source: Source::File { path, real }, relative, from_folder, format }
}

fn sniffed(path: &Path) -> Sniffed {
    head(path).map_or(Sniffed::Unknown, |head| sniff(&head))
}

/// The first bytes of a regular file. Of anything else, a pipe say, they would be gone afterwards.
fn head(path: &Path) -> Option<Vec<u8>> {
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut head = Vec::new();
    File::open(path).ok()?.take(HEAD_BYTES).read_to_end(&mut head).ok()?;
    Some(head)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

    fn names(collected: &Collected) -> Vec<String> {
        collected.inputs.iter().map(|input| input.relative.display().to_string()).collect()
    }

    #[test]
    fn a_folder_gives_its_images_in_order_and_counts_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("sub/.hidden")).unwrap();
        for name in ["b.png", "a.png", "sub/c.png", ".d.png", "sub/.hidden/e.png"] {
            fs::write(dir.path().join(name), PNG).unwrap();
        }
        fs::write(dir.path().join("notes.txt"), "text").unwrap();
        fs::write(dir.path().join("z.avif"), b"\0\0\0\x20ftypavif").unwrap();
        let collected = collect(&[dir.path().to_path_buf()], None);
        assert_eq!(names(&collected), ["a.png", "b.png", "sub/c.png", "z.avif"]);
        assert_eq!(collected.skipped, Skipped { other: 1, ..Skipped::default() });
    }

    #[test]
    fn the_output_folder_inside_an_input_folder_is_not_searched() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        fs::create_dir(&out).unwrap();
        fs::write(dir.path().join("a.png"), PNG).unwrap();
        fs::write(out.join("a.png"), PNG).unwrap();
        assert_eq!(names(&collect(&[dir.path().to_path_buf()], Some(&out))), ["a.png"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_in_a_folder_are_not_followed_so_a_loop_ends() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.png"), PNG).unwrap();
        std::os::unix::fs::symlink(dir.path(), dir.path().join("loop")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("a.png"), dir.path().join("b.png")).unwrap();
        let collected = collect(&[dir.path().to_path_buf()], None);
        assert_eq!(names(&collected), ["a.png"]);
        assert_eq!(collected.skipped.links, 2);
    }

    #[test]
    fn a_file_that_was_named_is_an_input_even_if_it_is_not_there() {
        let collected = collect(&[PathBuf::from("no/such.jpg")], None);
        assert_eq!(names(&collected), ["such.jpg"]);
        assert_eq!(collected.inputs[0].format, None);
    }
}
