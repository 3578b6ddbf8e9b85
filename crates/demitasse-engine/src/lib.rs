//! Perceptual still-image compression: bytes in, smaller bytes and a receipt out.

pub mod metadata;
pub mod report;

mod analyze;
mod candidate;
mod codec;
mod color;
mod control;
mod error;
mod format;
mod image;
mod limits;
mod metric;
mod orient;
mod pipeline;
mod receipt;
mod reduce;
mod request;
mod search;
mod verify;

pub use codec::Header;
pub use control::Control;
pub use error::{Error, Result};
pub use format::{Capabilities, Format, Sniffed, sniff};
pub use image::{Frame, Image, Layout, Samples};
pub use limits::Limits;
pub use pipeline::{Compressed, compress, inspect, read_metadata};
pub use report::{Outcome, Report};
pub use request::{OutputFormat, Preset, Quality, Request, Score, Target};

/// Name and version: equal versions give equal bytes for equal requests.
pub const VERSION: &str = concat!("demitasse-engine ", env!("CARGO_PKG_VERSION"));
