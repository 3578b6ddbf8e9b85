//! What parent and child say to each other, over the child's standard input and output.
//!
//! Each message is a head and bytes: `u32` length of the head, the head as JSON, `u64` length of the bytes, the bytes;
//! numbers little-endian. An order is sent when the last one was answered. The end of its input tells the child that
//! there is no more to do, or that the parent is gone.

use std::io::{self, Read, Write};

use demitasse_core::Document;
use demitasse_engine::{Error, Limits, Request};
use serde::{Deserialize, Serialize};

/// Largest head, in bytes: a report with thousands of trials is far below.
pub(super) const MAX_HEAD: u32 = 16 * 1024 * 1024;

/// What the parent wants. The image's bytes follow.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    /// In the engine's JSON.
    pub(crate) request: Request,
    /// The engine checks them again.
    pub(crate) limits: Limits,
    /// Time that the engine may take, in milliseconds.
    pub(crate) deadline_ms: u64,
    /// Number of the job's attempt, from 1.
    #[serde(default = "first")]
    pub(crate) attempt: u32,
    /// What is reserved for the engine, in bytes, beside input and output.
    pub(crate) reserved: u64,
    /// What could be reserved at most.
    pub(crate) most: u64,
}

fn first() -> u32 {
    1
}

impl Order {
    /// Processor time that the engine plans with, in seconds. Half of the deadline: this machine may be slower than the one on
    /// which paces were measured. And half of that for each attempt that has failed: what the machine had no time
    /// for, it is not asked for again.
    pub(super) fn processor_seconds(&self) -> u64 {
        let first = self.deadline_ms / 2_000;
        let halved = first.checked_shr(self.attempt.saturating_sub(1)).unwrap_or(0);
        halved.max(first.min(1))
    }
}

/// What became of it. The output's bytes follow, none for an error.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// The engine's report.
    Done(Document),
    /// The engine's error.
    Failed {
        /// Its code.
        code: String,
        /// Its text.
        detail: String,
    },
    /// The image turns out to need more memory than is reserved; nothing was done. The bytes that could be reserved and
    /// would do.
    Short(u64),
}

impl Answer {
    pub(super) fn failed(error: &Error) -> Self {
        Self::Failed { code: error.code().into(), detail: error.to_string() }
    }
}

/// Head and length of the bytes, ready to be sent before them.
pub(super) fn preamble(head: &impl Serialize, bytes: u64) -> io::Result<Vec<u8>> {
    let head = serde_json::to_vec(head)?;
    let length = u32::try_from(head.len()).map_err(io::Error::other)?;
    Ok([&length.to_le_bytes()[..], &head, &bytes.to_le_bytes()].concat())
}

/// The child's way to write a message.
pub(super) fn write(mut output: impl Write, head: &impl Serialize, bytes: &[u8]) -> io::Result<()> {
    output.write_all(&preamble(head, bytes.len() as u64)?)?;
    output.write_all(bytes)?;
    output.flush()
}

/// The child's way to read a message; `None` if the input ends before one.
pub(super) fn read<T: for<'de> Deserialize<'de>>(
    mut input: impl Read,
    max_bytes: u64,
) -> io::Result<Option<(T, Vec<u8>)>> {
    let mut length = [0; 4];
    if input.read(&mut length[..1])? == 0 {
        return Ok(None);
    }
    input.read_exact(&mut length[1..])?;
    let length = u32::from_le_bytes(length);
    if length > MAX_HEAD {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut head = vec![0; length as usize];
    input.read_exact(&mut head)?;
    let mut length = [0; 8];
    input.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > max_bytes {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    input.read_exact(&mut bytes)?;
    Ok(Some((serde_json::from_slice(&head)?, bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_reads_back_and_a_cut_or_oversized_one_is_refused() {
        let mut sent = Vec::new();
        write(&mut sent, &"head", b"bytes").unwrap();
        let (head, bytes): (String, _) = read(&sent[..], 5).unwrap().unwrap();
        assert_eq!((head.as_str(), bytes.as_slice()), ("head", b"bytes".as_slice()));
        assert!(read::<String>(&sent[..], 4).is_err());
        for end in 1..sent.len() {
            assert!(read::<String>(&sent[..end], 5).is_err(), "{end}");
        }
        assert!(read::<String>(&[][..], 5).unwrap().is_none());
    }

    #[test]
    fn each_attempt_plans_with_half_the_time_of_the_one_before_and_never_with_none() {
        let seconds = |deadline_ms, attempt| {
            let (request, limits) = (Request::default(), Limits::default());
            Order { request, limits, deadline_ms, attempt, reserved: 0, most: 0 }.processor_seconds()
        };
        assert_eq!([1, 2, 3, 4, 90].map(|attempt| seconds(120_000, attempt)), [60, 30, 15, 7, 1]);
        assert_eq!([0, 1, 2].map(|attempt| seconds(1_000, attempt)), [0, 0, 0]);
    }

    #[test]
    fn an_order_of_a_version_that_counts_no_attempts_is_the_first() {
        let mut order = serde_json::json!({
            "request": Request::default(), "limits": Limits::default(), "deadline_ms": 1, "reserved": 1, "most": 1,
        });
        let attempt = |order: &serde_json::Value| Order::deserialize(order).unwrap().attempt;
        assert_eq!(attempt(&order), 1);
        order["attempt"] = 3.into();
        assert_eq!(attempt(&order), 3);
    }
}
