//! Text from strangers.

/// Longest text that is taken over, in bytes of UTF-8; what exceeds it is cut. A copyright notice is a line or two, and
/// an EXIF block in JPEG ends at 64 KB.
const MAX_BYTES: usize = 4096;

/// Makes a line of `bytes`: UTF-8, or Latin-1 if they are not; parts between NULs (EXIF: photographer, editor) joined by
/// commas; no control characters; `None` if nothing is left.
pub(super) fn clean(bytes: &[u8]) -> Option<String> {
    // Latin-1 at worst doubles the length.
    let bytes = &bytes[..bytes.len().min(4 * MAX_BYTES)];
    let mut line = String::new();
    for part in bytes.split(|byte| *byte == 0) {
        let decoded = decode(part);
        let spaced: String = decoded.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let part = spaced.trim();
        if !part.is_empty() {
            if !line.is_empty() {
                line.push_str(", ");
            }
            line.push_str(part);
        }
    }
    line.truncate(line.floor_char_boundary(MAX_BYTES));
    (!line.is_empty()).then_some(line)
}

fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_in_either_encoding() {
        assert_eq!(clean("© Ana\0".as_bytes()).as_deref(), Some("© Ana"));
        assert_eq!(clean(b"\xA9 Ana").as_deref(), Some("© Ana"));
    }

    #[test]
    fn parts_are_joined_and_blanks_are_nothing() {
        assert_eq!(clean(b" Ana \0\0Bo\n\0").as_deref(), Some("Ana, Bo"));
        assert_eq!(clean(b" \0 \x07"), None);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert!(clean("é".repeat(9000).as_bytes()).unwrap().len() <= MAX_BYTES);
    }
}
