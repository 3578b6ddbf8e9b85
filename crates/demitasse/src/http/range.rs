//! Range requests (RFC 9110, 14): one range of bytes, and only of the version that the client knows.

use axum::http::{HeaderMap, header};
use demitasse_core::ByteRange;

/// What part a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Requested {
    /// All of it; also where the header is broken or asks for several parts, which a server may ignore.
    Whole,
    /// This part.
    Part(ByteRange),
    /// A part that does not exist.
    Unsatisfiable,
}

/// Reads `Range` and `If-Range` for a body of `length` bytes whose strong tag is `etag`.
pub(super) fn requested_range(headers: &HeaderMap, etag: &str, length: u64) -> Requested {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if text(header::IF_RANGE).is_some_and(|known| known != etag) {
        return Requested::Whole;
    }
    let Some((unit, ranges)) = text(header::RANGE).and_then(|range| range.split_once('=')) else {
        return Requested::Whole;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") || ranges.contains(',') {
        return Requested::Whole;
    }
    parse(ranges.trim(), length)
}

fn parse(range: &str, length: u64) -> Requested {
    let Some((first, last)) = range.split_once('-') else { return Requested::Whole };
    let (start, end) = match (digits(first), digits(last)) {
        (Some(first), Some(last)) if first <= last => (first, last.saturating_add(1).min(length)),
        (Some(first), None) if last.is_empty() => (first, length),
        (None, Some(suffix)) if first.is_empty() => (length - suffix.min(length), length),
        _ => return Requested::Whole,
    };
    if start < end { Requested::Part(ByteRange { start, end }) } else { Requested::Unsatisfiable }
}

fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &'static str) -> Requested {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().unwrap());
        requested_range(&headers, "\"tag\"", 100)
    }

    fn part(start: u64, end: u64) -> Requested {
        Requested::Part(ByteRange { start, end })
    }

    #[test]
    fn one_range_of_bytes_is_understood() {
        assert_eq!(asked("bytes=0-0"), part(0, 1));
        assert_eq!(asked("bytes=10-19"), part(10, 20));
        assert_eq!(asked("bytes=90-"), part(90, 100));
        assert_eq!(asked("bytes=-10"), part(90, 100));
        assert_eq!(asked("bytes=-1000"), part(0, 100));
        assert_eq!(asked("bytes=50-18446744073709551615"), part(50, 100));
    }

    #[test]
    fn what_does_not_exist_is_said_and_what_is_broken_is_ignored() {
        for gone in ["bytes=100-", "bytes=100-200", "bytes=-0"] {
            assert_eq!(asked(gone), Requested::Unsatisfiable, "{gone}");
        }
        for broken in [
            "bytes=5-4",
            "bytes=a-b",
            "bytes=-",
            "bytes=",
            "bytes",
            "lines=1-2",
            "bytes=0-1,5-6",
            "bytes=+1-2",
        ] {
            assert_eq!(asked(broken), Requested::Whole, "{broken}");
        }
    }

    #[test]
    fn a_part_of_another_version_is_never_sent() {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, "bytes=0-9".parse().unwrap());
        headers.insert(header::IF_RANGE, "\"tag\"".parse().unwrap());
        assert_eq!(requested_range(&headers, "\"tag\"", 100), part(0, 10));
        assert_eq!(requested_range(&headers, "\"other\"", 100), Requested::Whole);
        assert_eq!(requested_range(&headers, "W/\"tag\"", 100), Requested::Whole);
    }
}
