//! Directories of fields (TIFF 6.0, section 2).

/// A number of 16 bits.
pub const SHORT: u16 = 3;
/// A number of 32 bits.
pub const LONG: u16 = 4;
/// Text.
pub const ASCII: u16 = 2;
/// Bytes of any sense.
pub const UNDEFINED: u16 = 7;

/// A field, its value as bytes, and the directory that it points at, if it does.
#[derive(Debug, Clone)]
pub struct Field {
    tag: u16,
    kind: u16,
    value: Vec<u8>,
    child: Option<Vec<Field>>,
}

/// A field of numbers of 16 bits.
pub fn short(tag: u16, values: &[u16]) -> Field {
    let value = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    Field { tag, kind: SHORT, value, child: None }
}

/// A field of one number of 32 bits.
pub fn long(tag: u16, value: u32) -> Field {
    Field { tag, kind: LONG, value: value.to_le_bytes().to_vec(), child: None }
}

/// A text, or other bytes.
pub fn bytes(tag: u16, kind: u16, value: &[u8]) -> Field {
    Field { tag, kind, value: value.to_vec(), child: None }
}

/// A directory behind a field.
pub fn child(tag: u16, fields: Vec<Field>) -> Field {
    Field { tag, kind: LONG, value: Vec::new(), child: Some(fields) }
}

/// A file, little-endian, of `data` from its eighth byte on and a chain of directories.
pub fn file(data: &[u8], directories: Vec<Vec<Field>>) -> Vec<u8> {
    let mut out = [b"II*\0\0\0\0\0".as_slice(), data].concat();
    // Where the offset of the next directory is written.
    let mut link = 4;
    for fields in directories {
        let (at, end) = directory(&mut out, fields);
        out[link..link + 4].copy_from_slice(&at.to_le_bytes());
        link = end;
    }
    out
}

/// Writes a directory behind what it points at; where it stands, and where the offset of the next one does.
fn directory(out: &mut Vec<u8>, mut fields: Vec<Field>) -> (u32, usize) {
    fields.sort_by_key(|field| field.tag);
    let mut entries = Vec::new();
    for field in fields {
        let size = if field.kind == SHORT {
            2
        } else if field.kind == LONG {
            4
        } else {
            1
        };
        let (count, value) = match field.child {
            Some(fields) => (1, directory(out, fields).0.to_le_bytes().to_vec()),
            None => ((field.value.len() / size) as u32, field.value),
        };
        entries.extend([field.tag.to_le_bytes(), field.kind.to_le_bytes()].concat());
        entries.extend(count.to_le_bytes());
        if value.len() <= 4 {
            entries.extend(&value);
            entries.resize(entries.len().next_multiple_of(4), 0);
        } else {
            entries.extend((out.len() as u32).to_le_bytes());
            out.extend(&value);
        }
    }
    out.resize(out.len().next_multiple_of(2), 0);
    let at = out.len();
    out.extend(((entries.len() / 12) as u16).to_le_bytes());
    out.extend(entries);
    out.extend([0; 4]);
    (at as u32, out.len() - 4)
}
