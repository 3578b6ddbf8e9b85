//! A number of bytes as people type it, in a command or in an address.

use bytesize::ByteSize;

/// `200000`, `200kB`, `1.5MB` (powers of 1000), `200KiB` (of 1024), as bytes.
///
/// # Errors
/// What was typed, and what may be.
pub(crate) fn byte_size(text: &str) -> Result<u64, String> {
    let ByteSize(bytes) = text
        .parse()
        .map_err(|_| format!("{text:?} is not a number of bytes, such as 200000, 200kB, 1.5MB or 200KiB"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_thousands_and_in_powers_of_two() {
        assert_eq!(byte_size("200000"), Ok(200_000));
        assert_eq!(byte_size("200kB"), Ok(200_000));
        assert_eq!(byte_size("1.5MB"), Ok(1_500_000));
        assert_eq!(byte_size("200KiB"), Ok(204_800));
    }

    #[test]
    fn what_is_no_size_is_refused_with_examples() {
        for text in ["many", "", "-1", "200 elephants"] {
            let refusal = byte_size(text).unwrap_err();
            assert!(refusal.contains("200kB"), "{text}: {refusal}");
        }
    }
}
