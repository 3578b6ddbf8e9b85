//! Takes private tags out of a TIFF without moving anything.
//!
//! A TIFF is full of offsets, some in tags that only their maker knows: moving data breaks them. So the entries are taken
//! out of their directory, what they point to is overwritten with zeros, and the file keeps its length.

use std::ops::Range;

use super::container::{Directory, ENTRY, Entry, File, tag};
use super::metadata::kind_of;
use crate::Result;
use crate::metadata::{Embedded, Kind};

/// Rewrites every page. The profile stays if `keep` has one, the tags of the rights if it has EXIF; nothing new is put
/// in, and the orientation is not touched.
///
/// Where private data share bytes with something that stays (hand-made files only) the bytes stay.
pub(super) fn strip(bytes: &[u8], keep: &Embedded) -> Result<Vec<u8>> {
    let file = File::open(bytes)?;
    let pages = file.pages()?;
    let stays = |entry: &Entry| match kind_of(entry.tag) {
        None => true,
        Some(Kind::Icc) => keep.icc.is_some(),
        Some(Kind::Copyright) => keep.exif.is_some(),
        Some(_) => false,
    };
    let needed =
        merged(pages.iter().flat_map(|page| needed_ranges(&file, page, &stays)).collect(), bytes.len());
    let mut out = bytes.to_vec();
    for page in &pages {
        for entry in page.entries.iter().filter(|entry| !stays(entry)) {
            for range in private_ranges(&file, page, entry) {
                erase(&mut out, range, &needed);
            }
        }
        shorten(&file, &mut out, page, &stays);
    }
    Ok(out)
}

/// What must not be touched for the sake of a page.
fn needed_ranges(file: &File<'_>, page: &Directory, stays: &dyn Fn(&Entry) -> bool) -> Vec<Range<usize>> {
    let values = page.entries.iter().filter(|entry| stays(entry)).filter_map(Entry::range);
    let mut ranges: Vec<_> = values.chain(file.pixel_ranges(page)).collect();
    ranges.extend([0..8, page.range()]);
    ranges
}

/// What belongs to an entry: its value, and the directories behind it with theirs.
fn private_ranges(file: &File<'_>, page: &Directory, entry: &Entry) -> Vec<Range<usize>> {
    let mut ranges: Vec<_> = entry.range().filter(|_| entry.is_apart()).into_iter().collect();
    if !matches!(entry.tag, tag::EXIF | tag::GPS) {
        return ranges;
    }
    let child = file.child(page, entry.tag);
    let grandchild = child.as_ref().and_then(|child| file.child(child, tag::INTEROP));
    for directory in child.iter().chain(&grandchild) {
        ranges.push(directory.range());
        ranges.extend(directory.entries.iter().filter(|entry| entry.is_apart()).filter_map(Entry::range));
    }
    ranges
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

/// Takes the entries that do not stay out of a directory, and closes the gap.
fn shorten(file: &File<'_>, out: &mut [u8], page: &Directory, stays: &dyn Fn(&Entry) -> bool) {
    let old = page.range();
    let mut kept = Vec::with_capacity(old.len());
    let entries: Vec<_> = page.entries.iter().filter(|entry| stays(entry)).collect();
    kept.extend(file.encode_u16(entries.len() as u16));
    for entry in entries {
        kept.extend_from_slice(&file.bytes[entry.at..entry.at + ENTRY]);
    }
    kept.extend_from_slice(&file.bytes[old.end - 4..old.end]);
    kept.resize(old.len(), 0);
    out[old].copy_from_slice(&kept);
}
