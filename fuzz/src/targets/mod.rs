//! The targets, one line each below. What must hold is said in their files.

mod app;
mod blocks;
mod compress;
mod containers;
mod decode;
mod drawings;
mod stored;

use demitasse_engine::{Error, Limits};

use crate::seeds::{Seeds, blocks as block_seeds, files, requests, stored as stored_seeds};
use crate::watch::a_library_panicked;

/// What must hold of any bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Also the name of its folders.
    pub name: &'static str,
    /// Panics where something is not as it must be.
    pub run: fn(&[u8]),
    /// What is spoilt.
    pub seeds: fn() -> Seeds,
    /// Spoilt files in `make test`.
    pub runs: u32,
}

/// Hands the list to a macro: of each target its name, what must hold, what it begins with, and how many spoilt files `make test`
/// tries it on.
#[macro_export]
macro_rules! each_target {
    ($then:ident) => {
        $then! {
            inspect: containers::inspect, files::all, 6_000;
            metadata: containers::metadata, files::all, 6_000;
            strip: containers::strip, files::all, 2_000;
            exif: blocks::exif, block_seeds::exif, 10_000;
            xmp: blocks::xmp, block_seeds::xmp, 10_000;
            iptc: blocks::iptc, block_seeds::iptc, 10_000;
            icc: blocks::icc, block_seeds::icc, 60;
            jpeg: decode::jpeg, files::jpeg, 2_000;
            recode: decode::recode, files::jpeg, 1_000;
            png: decode::png, files::png, 3_000;
            webp: decode::webp, files::webp, 2_000;
            avif: decode::avif, files::avif, 1_000;
            gif: decode::gif, files::gif, 3_000;
            bmp: decode::bmp, files::bmp, 4_000;
            tiff: decode::tiff, files::tiff, 4_000;
            jxl: decode::jxl, files::jxl, 1_000;
            ico: decode::ico, files::ico, 3_000;
            qoi: decode::qoi, files::qoi, 4_000;
            svg: drawings::svg, files::svg, 2_000;
            compress: compress::compress, files::compress, 300;
            http: app::http, requests::http, 1_500;
            upload: app::upload, requests::upload, 1_500;
            query: app::query, requests::query, 10_000;
            range: app::range, requests::range, 10_000;
            order: stored::order, stored_seeds::order, 4_000;
            answer: stored::answer, stored_seeds::answer, 4_000;
            receipt: stored::receipt, stored_seeds::receipt, 2_000;
            request: stored::request, stored_seeds::request, 6_000;
            row: stored::row, stored_seeds::row, 6_000;
            document: stored::document, stored_seeds::document, 6_000;
            message: stored::message, stored_seeds::message, 10_000;
        }
    };
}

macro_rules! list {
    ($($name:ident: $run:path, $seeds:path, $runs:literal;)*) => {
        /// Every target.
        pub static TARGETS: &[Target] = &[
            $(Target { name: stringify!($name), run: $run, seeds: $seeds, runs: $runs },)*
        ];
    };
}

each_target!(list);

/// The target of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// Small, so that a run is fast and what takes long, or much, is a finding.
const LIMITS: Limits = Limits {
    max_bytes: 1 << 20,
    max_pixels: 1 << 18,
    max_dimension: 4_096,
    max_frames: 50,
    max_animation_pixels: 1 << 19,
    max_metadata_bytes: 1 << 18,
    max_memory: Some(1 << 28),
    max_cpu_seconds: None,
};

/// What may be done, and an error that is no defect of ours for everything else.
fn unless_refused<T>(done: Result<T, Error>) -> Option<T> {
    match done {
        Ok(done) => Some(done),
        Err(Error::Codec { .. }) if a_library_panicked() => None,
        Err(error @ Error::Codec { .. }) => panic!("a defect: {error}"),
        Err(_) => None,
    }
}
