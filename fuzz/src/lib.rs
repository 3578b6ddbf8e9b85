//! What must hold of any bytes at all, and what it is tried with.
//!
//! A *target* is a function that takes bytes and panics where something is not as it must be: [`targets`] lists them, each with
//! what it begins with and how often `make test` tries it. Two things run them:
//! - the test `bounded`, with files made by [`seeds`] and spoilt by [`mutate`], the same in every run, and with what was found
//!   before (`regressions/`);
//! - `make fuzz`: the binary `fuzz`, led by coverage (libFuzzer).
//!
//! [`watch`] tells a panic of ours from one in a library, which the engine is made to survive. [`bombs`] are small files that
//! claim much; the binary `bombs` measures what they cost.

#![expect(clippy::unwrap_used, reason = "a seed that cannot be made is a defect of the seed")]

pub mod bombs;
pub mod mutate;
pub mod png;
pub mod seeds;
pub mod targets;
pub mod watch;
