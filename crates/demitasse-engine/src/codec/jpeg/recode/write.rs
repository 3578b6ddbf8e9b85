//! The markers of the new file. Source: ITU-T T.81 B.2.

use super::emit::{Class, TABLES};
use super::huffman::Encoding;
use super::picture::Picture;
use super::steps::Steps;
use crate::Result;
use crate::codec::jpeg::container::{JFIF, JFIF_BYTES, push, push_embedded};
use crate::codec::jpeg::marker::{APP0, SOI, SOS};
use crate::codec::jpeg::zigzag::COEFFICIENTS;
use crate::metadata::Embedded;

const SOF0: u8 = 0xC0;
const DQT: u8 = 0xDB;
const DHT: u8 = 0xC4;
/// JFIF 1.1 without a density: what is written where the input has none, so that nobody doubts that it is YCbCr.
const PLAIN_JFIF: [u8; JFIF_BYTES] = [b'J', b'F', b'I', b'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0];

/// Everything before the entropy-coded data of a picture of this size, whose blocks are made as `picture`'s are.
///
/// # Errors
/// `Codec` if `embedded` does not fit.
pub(super) fn head(
    picture: &Picture<'_>,
    (width, height): (u32, u32),
    steps: &Steps,
    codes: &[Encoding; TABLES],
    embedded: &Embedded,
) -> Result<Vec<u8>> {
    let mut file = vec![0xFF, SOI];
    let mut jfif = PLAIN_JFIF;
    if let Some(own) = picture.jfif.filter(|own| own.starts_with(JFIF)) {
        // Without the thumbnail, whose size stands last.
        jfif[..JFIF_BYTES - 2].copy_from_slice(&own[..JFIF_BYTES - 2]);
    }
    push(&mut file, APP0, &[&jfif])?;
    push_embedded(&mut file, embedded)?;
    let tables = distinct(&steps.tables);
    for (number, table) in (0_u8..).zip(&tables) {
        push(&mut file, DQT, &[&[number], &table[..]])?;
    }
    let count = picture.components.len() as u8;
    let [w1, w0] = (width as u16).to_be_bytes();
    let [h1, h0] = (height as u16).to_be_bytes();
    let mut frame = vec![8, h1, h0, w1, w0, count];
    let mut scan = vec![count];
    for (id, (component, steps)) in (1_u8..).zip(picture.components.iter().zip(&steps.tables)) {
        let (across, down) = component.blocks;
        let table = tables.iter().position(|table| table == steps).unwrap_or(0);
        frame.extend([id, (across << 4 | down) as u8, table as u8]);
        scan.extend([id, if id == 1 { 0x00 } else { 0x11 }]);
    }
    scan.extend([0, 63, 0]);
    push(&mut file, SOF0, &[&frame])?;
    let used = if count == 1 { 1 } else { 2 };
    for (class, first) in [(0x00, Class::Dc as usize), (0x10, Class::Ac as usize)] {
        for (number, codes) in (0_u8..).zip(&codes[first..first + used]) {
            push(&mut file, DHT, &[&[class | number], &codes.counts, &codes.symbols])?;
        }
    }
    push(&mut file, SOS, &[&scan])?;
    Ok(file)
}

fn distinct(tables: &[[u8; COEFFICIENTS]]) -> Vec<[u8; COEFFICIENTS]> {
    let mut distinct: Vec<[u8; COEFFICIENTS]> = Vec::new();
    for table in tables {
        if !distinct.contains(table) {
            distinct.push(*table);
        }
    }
    distinct
}
