//! IPTC-IIM: datasets in a Photoshop resource (JPEG) or on their own (TIFF).
//!
//! Source: IPTC-NAA Information Interchange Model 4.2; Adobe Photoshop File Formats, image resource blocks.

use super::{Rights, text};

/// What a JPEG's APP13 begins with.
pub(crate) const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

const IIM_RESOURCE: u16 = 0x0404;
const BY_LINE: u8 = 80;
const COPYRIGHT_NOTICE: u8 = 116;

/// Reads the rights from Photoshop image resources: a row of `8BIM` blocks, with or without [`PHOTOSHOP`] before them.
///
/// A broken block ends the reading; what came before it counts. Cost: linear.
pub(crate) fn read_photoshop(resources: &[u8]) -> Rights {
    let mut rest = resources.strip_prefix(PHOTOSHOP).unwrap_or(resources);
    let mut rights = Rights::default();
    while let Some((id, data, tail)) = resource(rest) {
        if id == IIM_RESOURCE {
            rights = rights.or(read_datasets(data));
        }
        rest = tail;
    }
    rights
}

/// Reads the rights from bare datasets: the first 2:116 (copyright notice), every 2:80 (by-line). UTF-8, or Latin-1 where
/// it is not.
pub(crate) fn read_datasets(data: &[u8]) -> Rights {
    let mut rest = data;
    let (mut copyright, mut by_lines) = (None, Vec::new());
    while let Some((record, number, value, tail)) = dataset(rest) {
        match (record, number) {
            (2, COPYRIGHT_NOTICE) if copyright.is_none() => copyright = text::clean(value),
            (2, BY_LINE) if by_lines.len() < 16 => by_lines.extend(text::clean(value)),
            _ => {}
        }
        rest = tail;
    }
    Rights { copyright, artist: text::clean(by_lines.join(", ").as_bytes()) }
}

/// The IPTC block of Photoshop resources, without those datasets that `drops` names by their number in record 2; other resources
/// (small pictures, paths, print settings) only if `all`, and then as they are. `None` if nothing is left. The result has no
/// [`PHOTOSHOP`] before it.
///
/// Cost: linear.
pub(crate) fn select(resources: &[u8], all: bool, drops: impl Fn(u8) -> bool) -> Option<Vec<u8>> {
    let whole = resources.strip_prefix(PHOTOSHOP).unwrap_or(resources);
    let mut rest = whole;
    let (mut kept, mut drops_some) = (Vec::new(), false);
    while let Some((id, data, tail)) = resource(rest) {
        if id == IIM_RESOURCE {
            // Each stays by itself: the rights are those of the first that says some.
            let datasets = without(data, &drops);
            drops_some |= datasets.as_ref().is_none_or(|kept| kept.len() < data.len());
            kept.extend(datasets.iter().flat_map(|datasets| wrap(datasets)));
        } else if all {
            kept.extend_from_slice(&rest[..rest.len() - tail.len()]);
        }
        rest = tail;
    }
    if all && !drops_some {
        kept = whole.to_vec();
    }
    (!kept.is_empty()).then_some(kept)
}

/// The datasets that are not dropped; `None` if there are none.
fn without(mut left: &[u8], drops: impl Fn(u8) -> bool) -> Option<Vec<u8>> {
    let mut kept = Vec::new();
    while let Some((record, number, value, after)) = dataset(left) {
        if record != 2 || !drops(number) {
            kept.extend_from_slice(&left[..5 + value.len()]);
        }
        left = after;
    }
    (!kept.is_empty()).then_some(kept)
}

/// Photoshop resources of nothing but these datasets.
pub(crate) fn wrap(datasets: &[u8]) -> Vec<u8> {
    let mut block = [b"8BIM", &IIM_RESOURCE.to_be_bytes()[..], &[0, 0]].concat();
    block.extend((datasets.len() as u32).to_be_bytes());
    block.extend(datasets);
    block.resize(block.len().next_multiple_of(2), 0);
    block
}

/// Whether a dataset of record 2 says who holds the rights: by-line, its title, credit, source, notice.
pub(crate) fn is_rights(number: u8) -> bool {
    matches!(number, BY_LINE | 85 | 110 | 115 | COPYRIGHT_NOTICE)
}

/// Whether a dataset of record 2 says when.
pub(crate) fn is_date(number: u8) -> bool {
    matches!(number, 30 | 35 | 37 | 38 | 47 | 55 | 60 | 62 | 63)
}

/// Splits off one block: its number, its data, what follows.
fn resource(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let rest = bytes.strip_prefix(b"8BIM")?;
    let (id, rest) = rest.split_first_chunk::<2>()?;
    // The name's length byte and the name are padded to an even number together.
    let name = (usize::from(*rest.first()?) + 1).next_multiple_of(2);
    let (length, rest) = rest.get(name..)?.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*length) as usize;
    let data = rest.get(..length)?;
    let tail = rest.get(length.next_multiple_of(2)..).unwrap_or_default();
    Some((u16::from_be_bytes(*id), data, tail))
}

/// Splits off one dataset: record, number, value, what follows.
fn dataset(bytes: &[u8]) -> Option<(u8, u8, &[u8], &[u8])> {
    let ([0x1C, record, number, high, low], rest) = bytes.split_first_chunk::<5>()? else { return None };
    // The top bit marks an extended length, for values above 32 KB: no notice is that long, so the reading ends.
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    let value = rest.get(..length).filter(|_| length < 0x8000)?;
    Some((*record, *number, value, &rest[length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iim(number: u8, value: &[u8]) -> Vec<u8> {
        let length = (value.len() as u16).to_be_bytes();
        [&[0x1C, 2, number, length[0], length[1]], value].concat()
    }

    fn block(id: u16, name: &[u8], data: &[u8]) -> Vec<u8> {
        let mut bytes = [b"8BIM", &id.to_be_bytes()[..], &[name.len() as u8], name].concat();
        bytes.resize(6 + (name.len() + 1).next_multiple_of(2), 0);
        bytes.extend((data.len() as u32).to_be_bytes());
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        bytes
    }

    #[test]
    fn the_notice_and_every_by_line_are_found() {
        let data = [iim(80, b"Ana"), iim(5, b"A title"), iim(80, b"Bo"), iim(116, b"\xA9 Ana")].concat();
        let resources = [PHOTOSHOP, &block(0x03ED, b"odd", b"12345"), &block(0x0404, b"", &data)].concat();
        let expected = Rights { copyright: Some("© Ana".into()), artist: Some("Ana, Bo".into()) };
        assert_eq!(read_photoshop(&resources), expected);
        assert_eq!(read_datasets(&data), expected);
    }

    #[test]
    fn datasets_go_by_their_kind_and_other_resources_too() {
        let data = [iim(80, b"Ana"), iim(5, b"A title"), iim(55, b"20260102"), iim(90, b"Bern")].concat();
        let resources =
            [PHOTOSHOP, &block(0x040C, b"", b"a small picture"), &block(0x0404, b"", &data)].concat();
        let left = select(&resources, false, |number| is_rights(number) || is_date(number)).unwrap();
        assert_eq!(left, block(0x0404, b"", &[iim(5, b"A title"), iim(90, b"Bern")].concat()));
        assert_eq!(select(&resources, true, |_| false).unwrap(), resources[PHOTOSHOP.len()..]);
        assert_eq!(select(&resources, false, |_| true), None);
    }

    #[test]
    fn what_is_dropped_by_name_goes_although_other_resources_stay() {
        let picture = block(0x040C, b"", b"a small picture");
        let data = [iim(116, b"mine"), iim(5, b"A title")].concat();
        let left = select(&[block(0x0404, b"", &data), picture.clone()].concat(), true, is_rights);
        assert_eq!(left.unwrap(), [block(0x0404, b"", &iim(5, b"A title")), picture].concat());
    }

    #[test]
    fn a_cut_block_never_panics() {
        let resources = [PHOTOSHOP, &block(0x0404, b"name", &iim(116, b"mine"))].concat();
        for length in 0..resources.len() {
            read_photoshop(&resources[..length]);
            select(&resources[..length], false, is_date);
        }
        assert_eq!(read_photoshop(&resources).copyright.as_deref(), Some("mine"));
    }
}
