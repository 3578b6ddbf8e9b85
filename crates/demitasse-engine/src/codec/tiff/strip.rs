//! Takes private tags out of a TIFF without moving anything.
//!
//! A TIFF is full of offsets, some in tags that only their maker knows: moving data breaks them. So the entries are taken
//! out of their directory, what they point to is overwritten with zeros, and the file keeps its length.

use std::ops::Range;

use super::container::{ENTRY, Entry, File, tag};
use super::metadata::kind_of;
use super::tree::{self, Node, own_ranges};
use crate::Result;
use crate::metadata::{Embedded, Kind, exif};

/// Rewrites every image and takes the thumbnails out. The profile stays if `embedded` has one, the tags of the
/// rights if its EXIF says some; nothing new is put in, and the orientation is not touched.
///
/// Where private data share bytes with something that stays (hand-made files only) the bytes stay.
pub(super) fn strip(bytes: &[u8], embedded: &Embedded) -> Result<Vec<u8>> {
    let file = File::open(bytes)?;
    let keep = Keep::new(embedded);
    let nodes = tree::read(&file)?;
    let (gone, kept): (Vec<_>, Vec<_>) = nodes.iter().partition(|node| node.is_thumbnail);
    let mut needed: Vec<_> = kept.iter().flat_map(|node| needed_ranges(&file, node, keep)).collect();
    needed.push(0..8);
    let needed = merged(needed, bytes.len());
    let private = kept.iter().flat_map(|node| private_ranges(node, keep));
    let thumbnails = gone.iter().flat_map(|node| thumbnail_ranges(&file, node));
    let mut out = bytes.to_vec();
    // Merged first: fields that share a long value would each overwrite it anew.
    for range in merged(private.chain(thumbnails).collect(), bytes.len()) {
        erase(&mut out, range, &needed);
    }
    let mut next_pages = kept.iter().filter(|node| node.is_page).skip(1).map(|node| node.directory.at as u32);
    for node in &kept {
        let next = node.is_page.then(|| next_pages.next().unwrap_or(0));
        shorten(&file, &mut out, node, keep, next);
    }
    Ok(out)
}

/// What stays of what is not needed for the pixels.
#[derive(Debug, Clone, Copy)]
struct Keep {
    profile: bool,
    rights: bool,
}

impl Keep {
    /// EXIF may say the orientation only.
    fn new(embedded: &Embedded) -> Self {
        let says_rights = |block: &Vec<u8>| !exif::read(block).rights.is_empty();
        Self { profile: embedded.icc.is_some(), rights: embedded.exif.as_ref().is_some_and(says_rights) }
    }
}

/// Whether an entry stays in the directory of an image that stays.
fn stays(node: &Node, entry: &Entry, keep: Keep) -> bool {
    match kind_of(entry.tag) {
        None => entry.tag != tag::SUB_IFDS || node.keeps_children,
        Some(Kind::Icc) => keep.profile,
        Some(Kind::Copyright) => keep.rights,
        Some(_) => false,
    }
}

/// What must not be touched for the sake of an image.
fn needed_ranges(file: &File<'_>, node: &Node, keep: Keep) -> Vec<Range<usize>> {
    let entries = node.directory.entries.iter().filter(|entry| stays(node, entry, keep));
    let mut ranges: Vec<_> = entries.filter_map(Entry::range).collect();
    ranges.extend(file.coded_ranges(&node.directory));
    ranges.push(node.directory.range());
    ranges
}

/// What belongs to the entries that go: their values, and the directories behind them with theirs.
fn private_ranges(node: &Node, keep: Keep) -> Vec<Range<usize>> {
    let entries = node.directory.entries.iter().filter(|entry| !stays(node, entry, keep));
    let values = entries.filter(|entry| entry.is_apart()).filter_map(Entry::range);
    values.chain(behind(node)).collect()
}

/// An image that goes, with all that belongs to it.
fn thumbnail_ranges(file: &File<'_>, node: &Node) -> Vec<Range<usize>> {
    node.own_ranges().chain(file.coded_ranges(&node.directory)).chain(behind(node)).collect()
}

fn behind(node: &Node) -> impl Iterator<Item = Range<usize>> {
    node.private.iter().flat_map(|(_, directory)| own_ranges(directory))
}

/// Sorted, within the file, none touching another.
fn merged(mut ranges: Vec<Range<usize>>, length: usize) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        let range = range.start.min(length)..range.end.min(length);
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// Overwrites `range` with zeros, but for what is `needed`.
fn erase(out: &mut [u8], range: Range<usize>, needed: &[Range<usize>]) {
    let mut start = range.start;
    let first = needed.partition_point(|kept| kept.end <= start);
    for kept in needed[first..].iter().take_while(|kept| kept.start < range.end) {
        if start < kept.start {
            out[start..kept.start].fill(0);
        }
        start = start.max(kept.end);
    }
    if start < range.end {
        out[start..range.end].fill(0);
    }
}

/// Takes the entries that do not stay out of a directory, and closes the gap. `next` is the offset to end it with, if it
/// is another than before.
fn shorten(file: &File<'_>, out: &mut [u8], node: &Node, keep: Keep, next: Option<u32>) {
    let old = node.directory.range();
    let mut kept = Vec::with_capacity(old.len());
    let entries: Vec<_> = node.directory.entries.iter().filter(|entry| stays(node, entry, keep)).collect();
    kept.extend(file.encode_u16(entries.len() as u16));
    for entry in entries {
        kept.extend_from_slice(&file.bytes[entry.at..entry.at + ENTRY]);
    }
    match next {
        Some(next) => kept.extend(file.encode_u32(next)),
        None => kept.extend_from_slice(&file.bytes[old.end - 4..old.end]),
    }
    kept.resize(old.len(), 0);
    out[old].copy_from_slice(&kept);
}
