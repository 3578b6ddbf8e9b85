//! A number of bytes as people write it.

use std::str::FromStr;

/// `200000`, `200kB`, `1.5 MB`, `200KiB`: decimal units, binary ones with an `i`; the `B` may be left out, and capitals do
/// not matter. A part of a byte is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteCount(pub(crate) u64);

/// The text is no number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a number of bytes, such as 200000, 200kB, 1.5MB or 200KiB")]
pub(crate) struct NotBytes;

impl FromStr for ByteCount {
    type Err = NotBytes;

    fn from_str(text: &str) -> Result<Self, NotBytes> {
        let unit_at =
            text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(unit_at);
        let factor = factor(unit.trim_start()).ok_or(NotBytes)?;
        if let Ok(whole) = number.parse::<u64>() {
            return whole.checked_mul(factor).map(Self).ok_or(NotBytes);
        }
        let bytes = number.parse::<f64>().map_err(|_| NotBytes)? * factor as f64;
        // Beyond this a double skips whole numbers.
        if bytes < (1_u64 << 53) as f64 { Ok(Self(bytes as u64)) } else { Err(NotBytes) }
    }
}

fn factor(unit: &str) -> Option<u64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "ki" | "kib" => 1 << 10,
        "mi" | "mib" => 1 << 20,
        "gi" | "gib" => 1 << 30,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("200000", 200_000),
            ("200kB", 200_000),
            ("200KB", 200_000),
            ("200k", 200_000),
            ("200KiB", 204_800),
            ("1.5MB", 1_500_000),
            ("1.5 MB", 1_500_000),
            ("0.5KiB", 512),
            ("1G", 1_000_000_000),
            ("0", 0),
        ] {
            assert_eq!(text.parse(), Ok(ByteCount(bytes)), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_of_bytes_is_refused() {
        let too_many = format!("{}GB", u64::MAX);
        for text in ["", "kB", "-1", "1e6", "12 apples", "1.2.3", ".", "200 k B", "NaN", "inf", &too_many] {
            assert_eq!(text.parse::<ByteCount>(), Err(NotBytes), "{text}");
        }
    }
}
