//! What targets begin with: small and whole, made here. Nothing is committed as bytes.
//!
//! [`files`] has a file of each kind that the engine reads, [`blocks`] metadata by themselves, [`requests`] what clients send, and
//! [`stored`] what stores and children say. [`tiff`] writes the structure that TIFF and EXIF share.

pub mod blocks;
pub mod files;
pub mod requests;
pub mod stored;
pub mod tiff;

/// Seeds, each with what is special about it.
pub type Seeds = Vec<(String, Vec<u8>)>;

/// Seeds of these names and bytes.
pub(crate) fn named<const N: usize>(seeds: [(&str, Vec<u8>); N]) -> Seeds {
    seeds.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}
