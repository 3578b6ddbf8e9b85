//! Which directories of blobs are known to have durable names, so that they are synced once and not for every blob.

use std::sync::atomic::{AtomicU64, Ordering};

use demitasse_core::{BlobKey, BlobKind};

/// Directories of one kind: a blob's is told by the first four digits of its hash.
const DIRS: usize = 1 << 16;

/// A bit for each directory that there may be, 16 KiB in all. Nothing is known at the start.
pub(super) struct Durable(Vec<AtomicU64>);

impl Default for Durable {
    fn default() -> Self {
        Self(std::iter::repeat_with(AtomicU64::default).take(2 * DIRS / 64).collect())
    }
}

impl Durable {
    /// Whether the directory of this blob is known to be durable.
    pub(super) fn knows(&self, key: BlobKey) -> bool {
        let (word, bit) = self.place(key);
        word.load(Ordering::Acquire) & bit != 0
    }

    /// The directory of this blob was synced, up to the root.
    pub(super) fn remember(&self, key: BlobKey) {
        let (word, bit) = self.place(key);
        word.fetch_or(bit, Ordering::Release);
    }

    fn place(&self, key: BlobKey) -> (&AtomicU64, u64) {
        let dir = usize::from_str_radix(&key.sha256.to_string()[..4], 16).unwrap_or_default();
        let dir = match key.kind {
            BlobKind::Original => dir,
            BlobKind::Variant => DIRS + dir,
        };
        (&self.0[dir / 64], 1 << (dir % 64))
    }
}

#[cfg(test)]
mod tests {
    use demitasse_core::contract::sample;

    use super::*;

    #[test]
    fn a_directory_is_known_for_its_own_blobs_alone() {
        let durable = Durable::default();
        let key = sample::blob_key(b"abc");
        durable.remember(key);
        assert!(durable.knows(key));
        assert!(!durable.knows(BlobKey { kind: BlobKind::Variant, ..key }));
        assert!(!durable.knows(sample::blob_key(b"def")));
        let last = BlobKey { kind: BlobKind::Variant, sha256: "f".repeat(64).parse().unwrap() };
        durable.remember(last);
        assert!(durable.knows(last));
    }
}
