//! Small files that claim, or unpack to, very much: some of each format. Each is to be refused, or kept as it is, and cheaply;
//! `make bombs` measures it.

mod claims;
mod drawings;
mod frames;
mod metadata;

/// A file, and how it must end.
#[derive(Debug, Clone)]
pub struct Bomb {
    /// Its format, and what it claims.
    pub name: String,
    /// The file.
    pub bytes: Vec<u8>,
    /// What becomes of it.
    pub ending: Ending,
}

/// What becomes of a bomb under the default limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// `LimitExceeded`, by this limit.
    Over(&'static str),
    /// `Malformed` or `Unsupported`: what it claims is not there.
    Refused,
    /// The file as it is, or made smaller without what it carried: only what is beside its pixels claimed much.
    Harmless,
}

/// Every bomb.
pub fn all() -> Vec<Bomb> {
    [claims::all(), drawings::all(), frames::all(), metadata::all()].concat()
}

fn bomb(name: impl Into<String>, ending: Ending, bytes: Vec<u8>) -> Bomb {
    Bomb { name: name.into(), bytes, ending }
}
