//! The engine as its callers see it: whole files in, whole files out.
//!
//! - `pipeline`: what a caller is promised, whatever the format.
//! - `receipts`: whether a receipt is true of two files.
//! - `resize`: another size on the way.
//! - `salvage`: damaged files.
//! - `animation`: several frames.
//! - `drawings`: SVG, which is made safe, written short and drawn again.
//! - `harms`: files of every kind, and what is promised of each; `harms_moving`: animations and drawings.
//! - `moving`: animations made in code, and what a viewer shows of them; with the doors for fuzz targets, which decode.
//! - `lab`: how far two colours are apart.
//! - `metadata`: what survives beside pixels.
//! - `avif`: that format from end to end; it takes longer than others.
//! - `images`: pictures made in code, and the files around them.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

mod animation;
mod avif;
mod drawings;
mod harms;
#[cfg(feature = "fuzzing")]
mod harms_moving;
mod images;
#[cfg(feature = "fuzzing")]
mod lab;
mod metadata;
#[cfg(feature = "fuzzing")]
mod moving;
mod pipeline;
mod receipts;
mod resize;
mod salvage;
