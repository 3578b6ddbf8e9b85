//! The engine as its callers see it: whole files in, whole files out.
//!
//! - `pipeline`: what a caller is promised, whatever the format.
//! - `receipts`: whether a receipt is true of two files.
//! - `resize`: another size on the way.
//! - `images`: pictures made in code, and the files around them.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

mod images;
mod pipeline;
mod receipts;
mod resize;
