//! Perceptual still-image compression: bytes in, smaller bytes and a receipt out.
//!
//! The caller names a *target*: a score of likeness on the SSIMULACRA2 scale, or "lossless". The engine finds, for this
//! very image, the coarsest setting of each suitable encoder that still reaches it, takes the smallest result, decodes
//! it again, and checks that it is the same picture. Whatever happens, what comes out is never larger than what went
//! in, and the [`Report`] says what was done, measured and tried.
//!
//! ```
//! use demitasse_engine::{Control, Limits, Outcome, Preset, Request, compress};
//!
//! # let mut photo = Vec::new();
//! # let mut encoder = png::Encoder::new(&mut photo, 64, 64);
//! # encoder.set_color(png::ColorType::Rgb);
//! # let pixels: Vec<u8> = (0..64 * 64 * 3).map(|i| (i / 96 + i % 7) as u8).collect();
//! # encoder.write_header()?.write_image_data(&pixels)?;
//! let request = Request::new(Preset::Balanced.target());
//! let done = compress(&photo, &request, &Limits::default(), &Control::new())?;
//! assert!(done.bytes.len() <= photo.len());
//! assert_eq!(done.report.output.width, 64);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! This crate is pure: no threads of its own, no async, no files, no network, no environment, nothing printed. Decoding
//! what strangers send is safest in a process of its own; the application does that.
//!
//! Features: one a format (`jpeg`, `png`, `webp`, `avif`, `gif`, `bmp`, `tiff`, `jxl`, `ico`, `qoi`, `svg`), all of them by default. A format without its
//! codec is still known by name, and refused by it.
//!
//! Where to go next: [`compress`], [`inspect`], [`Request`], [`report`], [`verify_receipt`]. Inside: `pipeline` is the story on one screen,
//! `search` knows curves and no images, `metric` scores, `verify` has the last word, `codec` has a folder for each
//! format.

// Helpers that no codec of a smaller build needs are still ours.
#![cfg_attr(
    not(all(
        feature = "avif",
        feature = "bmp",
        feature = "gif",
        feature = "ico",
        feature = "jpeg",
        feature = "jxl",
        feature = "png",
        feature = "qoi",
        feature = "svg",
        feature = "tiff",
        feature = "webp"
    )),
    allow(dead_code, unused_imports)
)]

pub mod check;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod metadata;
pub mod report;

mod analyze;
mod animation;
mod candidate;
mod codec;
mod color;
mod control;
mod error;
mod format;
mod image;
mod limits;
mod memory;
mod metric;
mod orient;
mod pipeline;
mod receipt;
mod reduce;
mod reference;
mod request;
mod resize;
mod search;
mod stream;
mod time;
mod vector;
mod verify;

pub use analyze::{Analysis, Content, FEATURES, Features};
pub use check::verify_receipt;
pub use codec::Header;
pub use control::Control;
pub use error::{Error, Result};
pub use format::{Capabilities, Format, Sniffed, sniff};
pub use image::{Frame, Image, Layout, Samples};
pub use limits::Limits;
pub use memory::{check_memory, memory_needed};
pub use metadata::{KindSet, MetadataPolicy, PolicyName};
pub use pipeline::{Compressed, analyze, compress, inspect, read_metadata};
pub use report::{Outcome, Report};
pub use request::{
    ColorSpace, DEFAULT_FLOOR, Effort, FormatSet, OutputFormat, Preset, Quality, Request, Score, Target,
};
pub use resize::{Resize, ResizeMethod};

/// Name and version: equal versions give equal bytes for equal requests.
pub const VERSION: &str = concat!("demitasse-engine ", env!("CARGO_PKG_VERSION"));
