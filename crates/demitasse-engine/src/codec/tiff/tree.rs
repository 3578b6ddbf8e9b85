//! Every directory of a TIFF and what becomes of it: `metadata` lists by it and `strip` acts by it, so that the receipt
//! says what is done.

use std::collections::HashSet;
use std::ops::Range;

use super::container::{Directory, Entry, File, malformed, tag};
use crate::Result;
use crate::metadata::Kind;

/// The tags that point to a directory of private data.
const PRIVATE: [(u16, Kind); 3] =
    [(tag::EXIF, Kind::Exif), (tag::GPS, Kind::Gps), (tag::INTEROP, Kind::Exif)];

/// The tags whose value says where pixels lie, or images: the work goes with their length.
const ARRAYS: [u16; 5] =
    [tag::SUB_IFDS, tag::STRIP_OFFSETS, tag::STRIP_LENGTHS, tag::TILE_OFFSETS, tag::TILE_LENGTHS];

/// An image of the file.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub directory: Directory,
    /// Whether it is on the chain of pages; else it is a SubIFD.
    pub is_page: bool,
    /// Whether it is a smaller version of another, and goes.
    pub is_thumbnail: bool,
    /// Whether it has SubIFDs that stay.
    pub keeps_children: bool,
    /// The directories of private data behind it, each of them behind one node only.
    pub private: Vec<(Kind, Directory)>,
}

impl Node {
    fn new(directory: Directory, is_page: bool, is_thumbnail: bool) -> Self {
        Self { directory, is_page, is_thumbnail, keeps_children: false, private: Vec::new() }
    }

    /// What there is of the image beside what `File::coded_ranges` says: its directory and its values.
    pub(super) fn own_ranges(&self) -> impl Iterator<Item = Range<usize>> {
        own_ranges(&self.directory)
    }
}

/// A directory, and its values that lie elsewhere.
pub(super) fn own_ranges(directory: &Directory) -> impl Iterator<Item = Range<usize>> {
    let values = directory.entries.iter().filter(|entry| entry.is_apart()).filter_map(Entry::range);
    std::iter::once(directory.range()).chain(values)
}

/// Reads the pages, in order, and after them the SubIFDs. The work is linear in the file.
///
/// SubIFDs go if all of one field are smaller versions: taking out some would move the others.
pub(super) fn read(file: &File<'_>) -> Result<Vec<Node>> {
    let mut walk = Walk { file, seen: HashSet::new(), budget: file.bytes.len().saturating_mul(2) };
    let mut nodes = Vec::new();
    for (index, page) in file.pages()?.into_iter().enumerate() {
        walk.seen.insert(page.at);
        let is_thumbnail = index > 0 && is_reduced(file, &page);
        nodes.push(Node::new(page, true, is_thumbnail));
    }
    let mut index = 0;
    while let Some(node) = nodes.get(index) {
        walk.charge_arrays(&node.directory)?;
        let children = walk.children(&node.directory)?;
        let private = walk.private(&node.directory)?;
        let go = node.is_thumbnail || children.iter().all(|child| is_reduced(file, child));
        let node = &mut nodes[index];
        (node.private, node.keeps_children) = (private, !go);
        nodes.extend(children.into_iter().map(|child| Node::new(child, false, go)));
        index += 1;
    }
    Ok(nodes)
}

/// Whether an image is a smaller version of another: it says so, or it is the thumbnail of EXIF, a JPEG with no size.
pub(super) fn is_reduced(file: &File<'_>, page: &Directory) -> bool {
    file.number(page, tag::SUBFILE_TYPE).is_some_and(|kind| kind & 1 == 1)
        || file.number(page, tag::OLD_SUBFILE_TYPE) == Some(2)
        || (page.find(tag::WIDTH).is_none() && page.find(tag::JPEG_OFFSET).is_some())
}

struct Walk<'a> {
    file: &'a File<'a>,
    seen: HashSet<usize>,
    /// Bytes that may still be read: directories that overlap, or share long values, are damage.
    budget: usize,
}

impl Walk<'_> {
    fn charge(&mut self, bytes: usize) -> Result<()> {
        let left = self.budget.checked_sub(bytes);
        self.budget = left.ok_or_else(|| malformed("its directories lie on top of each other"))?;
        Ok(())
    }

    fn charge_arrays(&mut self, directory: &Directory) -> Result<()> {
        let arrays = ARRAYS.iter().filter_map(|tag| directory.find(*tag)?.range());
        self.charge(arrays.map(|range| range.len()).sum())
    }

    /// The directory at an offset, if there is one that was not seen before.
    fn open(&mut self, at: u32) -> Result<Option<Directory>> {
        let at = at as usize;
        if at < 8 || self.seen.contains(&at) {
            return Ok(None);
        }
        let Ok((directory, _)) = self.file.directory(at) else { return Ok(None) };
        self.seen.insert(at);
        self.charge(directory.range().len())?;
        Ok(Some(directory))
    }

    fn children(&mut self, directory: &Directory) -> Result<Vec<Directory>> {
        let offsets = self.file.numbers(directory, tag::SUB_IFDS);
        offsets.into_iter().filter_map(|at| self.open(at).transpose()).collect()
    }

    /// The directories of private data behind one. The first field of a tag counts, as everywhere.
    fn private(&mut self, directory: &Directory) -> Result<Vec<(Kind, Directory)>> {
        let mut found = self.pointed_to(directory)?;
        let mut index = 0;
        while let Some((_, directory)) = found.get(index) {
            let more = self.pointed_to(directory)?;
            found.extend(more);
            index += 1;
        }
        Ok(found)
    }

    fn pointed_to(&mut self, directory: &Directory) -> Result<Vec<(Kind, Directory)>> {
        let mut found = Vec::new();
        for (tag, kind) in PRIVATE {
            let Some(at) = self.file.number(directory, tag) else { continue };
            found.extend(self.open(at)?.map(|directory| (kind, directory)));
        }
        Ok(found)
    }
}
