//! The `meta` box: the items of a file, their properties and how they refer to each other (ISO/IEC 14496-12, section
//! 8.11; ISO/IEC 23008-12, section 9).

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::boxes::{BmffBox, Boxes, Fields, malformed, unsupported};
use crate::Result;

/// Pieces that the items of a file may lie in, and properties that they may have, each in all. An item has one piece and
/// six properties; the bound keeps tables small whose entries take a byte or none.
const MAX_ENTRIES: usize = 100_000;

/// An item's place in the file, and what describes it.
#[derive(Debug, Default)]
pub(super) struct Item<'a> {
    /// `av01`, `grid`, `Exif`, `mime`.
    pub kind: [u8; 4],
    /// For `mime`.
    pub content_type: &'a [u8],
    /// Its properties in their order, and whether a reader must understand each.
    pub properties: Vec<(BmffBox<'a>, bool)>,
    in_idat: bool,
    extents: Vec<(u64, u64)>,
}

impl<'a> Item<'a> {
    /// Its first property of this kind.
    pub(super) fn property(&self, kind: &[u8; 4]) -> Option<BmffBox<'a>> {
        self.properties.iter().map(|(property, _)| *property).find(|property| &property.kind == kind)
    }

    /// Bytes that its pieces claim.
    pub(super) fn claimed_bytes(&self) -> u64 {
        self.extents.iter().fold(0, |sum, (_, length)| sum.saturating_add(*length))
    }
}

/// That one item says something about others.
#[derive(Debug)]
pub(super) struct Reference {
    pub kind: [u8; 4],
    pub from: u32,
    pub to: Vec<u32>,
}

/// The items of a file.
#[derive(Debug, Default)]
pub(super) struct Items<'a> {
    /// The picture that is shown.
    pub primary: u32,
    /// By their numbers.
    pub all: BTreeMap<u32, Item<'a>>,
    /// In the order of the file.
    pub references: Vec<Reference>,
    /// Every property, whether an item has it or not.
    pub properties: Vec<BmffBox<'a>>,
    /// Bytes of boxes that say nothing of the picture.
    pub other_bytes: u64,
    idat: &'a [u8],
}

impl<'a> Items<'a> {
    /// Reads a `meta` box. Cost: linear in its length; no item is touched.
    pub(super) fn read(meta: &'a [u8]) -> Result<Self> {
        let (_, _, fields) = Fields::of_full(meta)?;
        let mut found: BTreeMap<[u8; 4], &'a [u8]> = BTreeMap::new();
        let mut items = Self::default();
        for child in Boxes::inside(fields.0) {
            let child = child?;
            let is_unique =
                matches!(&child.kind, b"hdlr" | b"pitm" | b"iinf" | b"iloc" | b"iprp" | b"iref" | b"idat");
            if !is_unique && &child.kind != b"dinf" {
                items.other_bytes += child.whole.len() as u64;
            }
            if found.insert(child.kind, child.data).is_some() && is_unique {
                return Err(malformed(format!("it has two boxes {}", child.kind.escape_ascii())));
            }
        }
        let need = |kind: &[u8; 4]| {
            let name = kind.escape_ascii().to_string();
            found.get(kind).copied().ok_or_else(|| malformed(format!("it has no box {name}")))
        };
        items.idat = found.get(b"idat").copied().unwrap_or_default();
        items.primary = read_primary(need(b"pitm")?)?;
        items.read_infos(need(b"iinf")?)?;
        items.read_locations(need(b"iloc")?)?;
        items.read_properties(need(b"iprp")?)?;
        if let Some(references) = found.get(b"iref") {
            items.read_references(references)?;
        }
        Ok(items)
    }

    /// An item that the file must have.
    pub(super) fn get(&self, id: u32) -> Result<&Item<'a>> {
        self.all.get(&id).ok_or_else(|| malformed(format!("there is no item {id}")))
    }

    /// What `id` refers to in this way.
    pub(super) fn targets(&self, id: u32, kind: &[u8; 4]) -> &[u32] {
        let matching = |reference: &&Reference| reference.from == id && &reference.kind == kind;
        self.references.iter().find(matching).map_or(&[], |reference| &reference.to)
    }

    /// The items that refer to `id` in this way.
    pub(super) fn sources(&self, id: u32, kind: &[u8; 4]) -> impl Iterator<Item = u32> {
        self.references
            .iter()
            .filter(move |reference| &reference.kind == kind && reference.to.contains(&id))
            .map(|reference| reference.from)
    }

    /// The bytes of an item: of the file where it lies in one piece, else a copy no longer than the file.
    pub(super) fn data(&self, file: &'a [u8], id: u32) -> Result<Cow<'a, [u8]>> {
        let item = self.get(id)?;
        let within = if item.in_idat { self.idat } else { file };
        let piece = |(offset, length): (u64, u64)| {
            let start = usize::try_from(offset).ok()?;
            let length = usize::try_from(length).ok()?;
            within.get(start..start.checked_add(length)?)
        };
        let cut_off = || malformed(format!("the data of item {id} are cut off"));
        match item.extents.as_slice() {
            [] => Err(malformed(format!("item {id} has no data"))),
            // No length is all that follows.
            [(offset, 0)] => {
                let rest = usize::try_from(*offset).ok().and_then(|start| within.get(start..));
                rest.map(Cow::Borrowed).ok_or_else(cut_off)
            }
            [one] => piece(*one).map(Cow::Borrowed).ok_or_else(cut_off),
            many if item.claimed_bytes() > within.len() as u64 => {
                Err(malformed(format!("the {} pieces of item {id} overlap", many.len())))
            }
            many => {
                let mut joined = Vec::new();
                for extent in many {
                    joined.extend_from_slice(piece(*extent).ok_or_else(cut_off)?);
                }
                Ok(Cow::Owned(joined))
            }
        }
    }

    fn read_infos(&mut self, data: &'a [u8]) -> Result<()> {
        let (version, _, mut fields) = Fields::of_full(data)?;
        fields.take(if version == 0 { 2 } else { 4 })?;
        for entry in Boxes::inside(fields.0) {
            let entry = entry?;
            if &entry.kind != b"infe" {
                continue;
            }
            let (version, _, mut fields) = Fields::of_full(entry.data)?;
            let id = match version {
                2 => fields.uint(2)?,
                3 => fields.uint(4)?,
                _ => return Err(unsupported("an old kind of item table")),
            };
            let (protection, kind, _name) = (fields.u16()?, fields.letters()?, fields.text());
            if protection != 0 {
                return Err(unsupported("protected items"));
            }
            let content_type = if &kind == b"mime" { fields.text() } else { &[] };
            let item = Item { kind, content_type, ..Item::default() };
            if self.all.insert(id as u32, item).is_some() {
                return Err(malformed(format!("it has two items {id}")));
            }
        }
        Ok(())
    }

    fn read_locations(&mut self, data: &'a [u8]) -> Result<()> {
        let (version, _, mut fields) = Fields::of_full(data)?;
        if version > 2 {
            return Err(unsupported("a new kind of table of places"));
        }
        let sizes = fields.u16()?;
        let [offset_size, length_size, base_size, index_size] =
            [12, 8, 4, 0].map(|shift| usize::from(sizes >> shift & 0xf));
        let index_size = if version == 0 { 0 } else { index_size };
        if [offset_size, length_size, base_size, index_size].iter().any(|size| !matches!(size, 0 | 4 | 8)) {
            return Err(malformed("its table of places has numbers of odd lengths"));
        }
        let id_size = if version == 2 { 4 } else { 2 };
        let count = fields.uint(id_size)?;
        let mut entries_left = MAX_ENTRIES;
        for _ in 0..count {
            let id = fields.uint(id_size)? as u32;
            let method = if version == 0 { 0 } else { fields.u16()? & 0xf };
            let _data_reference = fields.u16()?;
            let base = fields.uint(base_size)?;
            let extent_count = usize::from(fields.u16()?);
            entries_left =
                entries_left.checked_sub(extent_count).ok_or_else(|| malformed("it has too many pieces"))?;
            let mut extents = Vec::with_capacity(extent_count);
            for _ in 0..extent_count {
                fields.take(index_size)?;
                let offset = base.checked_add(fields.uint(offset_size)?);
                let offset = offset.ok_or_else(|| malformed("a place lies outside the file"))?;
                extents.push((offset, fields.uint(length_size)?));
            }
            let Some(item) = self.all.get_mut(&id) else { continue };
            if method > 1 || !item.extents.is_empty() {
                return Err(malformed(format!("the place of item {id} makes no sense")));
            }
            (item.in_idat, item.extents) = (method == 1, extents);
        }
        Ok(())
    }

    fn read_properties(&mut self, data: &'a [u8]) -> Result<()> {
        let mut boxes = Boxes::inside(data);
        let container = boxes.next().transpose()?.filter(|first| &first.kind == b"ipco");
        let container = container.ok_or_else(|| malformed("its items have no properties"))?;
        self.properties = Boxes::inside(container.data).collect::<Result<_>>()?;
        let mut entries_left = MAX_ENTRIES;
        for association in boxes {
            let association = association?;
            if &association.kind != b"ipma" {
                continue;
            }
            let (version, flags, mut fields) = Fields::of_full(association.data)?;
            for _ in 0..fields.u32()? {
                let id = fields.uint(if version == 0 { 2 } else { 4 })? as u32;
                let count = fields.u8()?;
                entries_left = entries_left
                    .checked_sub(count.into())
                    .ok_or_else(|| malformed("it has too many properties"))?;
                let mut associated = Vec::with_capacity(count.into());
                for _ in 0..count {
                    let wide = flags & 1 == 1;
                    let entry = fields.uint(if wide { 2 } else { 1 })? as usize;
                    let (essential, index) =
                        if wide { (entry >> 15, entry & 0x7fff) } else { (entry >> 7, entry & 0x7f) };
                    // Number 0 is none.
                    let Some(index) = index.checked_sub(1) else { continue };
                    let property = self.properties.get(index);
                    let property = property.ok_or_else(|| malformed("a property is missing"))?;
                    associated.push((*property, essential == 1));
                }
                if let Some(item) = self.all.get_mut(&id) {
                    item.properties.extend(associated);
                }
            }
        }
        Ok(())
    }

    fn read_references(&mut self, data: &'a [u8]) -> Result<()> {
        let (version, _, fields) = Fields::of_full(data)?;
        let id_size = if version == 0 { 2 } else { 4 };
        for entry in Boxes::inside(fields.0) {
            let entry = entry?;
            let mut fields = Fields(entry.data);
            let from = fields.uint(id_size)? as u32;
            let count = fields.u16()?;
            let to = (0..count).map(|_| Ok(fields.uint(id_size)? as u32)).collect::<Result<_>>()?;
            self.references.push(Reference { kind: entry.kind, from, to });
        }
        Ok(())
    }
}

fn read_primary(data: &[u8]) -> Result<u32> {
    let (version, _, mut fields) = Fields::of_full(data)?;
    Ok(fields.uint(if version == 0 { 2 } else { 4 })? as u32)
}
