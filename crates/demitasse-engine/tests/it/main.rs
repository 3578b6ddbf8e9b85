//! The engine as its callers see it: whole files in, whole files out.
//!
//! - `pipeline`: what a caller is promised, whatever the format.
//! - `receipts`: whether a receipt is true of two files.
//! - `resize`: another size on the way.
//! - `salvage`: damaged files.
//! - `animation`: several frames.
//! - `drawings`: SVG, which is made safe, written short and drawn again.
//! - `harms`: files of every kind, and what is promised of each.
//! - `metadata`: what survives beside pixels.
//! - `avif`: that format from end to end; it takes longer than others.
//! - `images`: pictures made in code, and the files around them.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

mod animation;
mod avif;
mod drawings;
mod harms;
mod images;
mod metadata;
mod pipeline;
mod receipts;
mod resize;
mod salvage;
