//! Doors to both ends of the protocol between parent and child.

use std::io;
use std::time::Duration;

use demitasse_engine::{Limits, Report, Request};

use super::engine_process::{finish, receive};
use super::engine_wire::{Answer, Order, read};

/// An answer of a child, as far as the parent believes it.
#[derive(Debug)]
pub enum AnswerRead {
    /// Bytes, and a report that is of them.
    Finished(Vec<u8>, Box<Report>),
    /// Anything else that is well formed.
    Other,
}

/// What the child makes of its input: request, limits and the image's bytes. `None` at the end of it.
///
/// # Errors
/// The input is no order, or has more than `max_bytes` of image.
pub fn read_order(input: &[u8], max_bytes: u64) -> io::Result<Option<(Request, Limits, Vec<u8>)>> {
    let order = read::<Order>(input, max_bytes)?;
    Ok(order.map(|(order, bytes)| (order.request, order.limits, bytes)))
}

/// What the parent makes of a child's output.
///
/// # Errors
/// The output is no answer, has more than `max_bytes` of result, or a report of other bytes.
pub async fn read_answer(output: &[u8], max_bytes: u64) -> io::Result<AnswerRead> {
    let (answer, bytes) = receive(output, max_bytes).await?;
    let Answer::Done(report) = answer else { return Ok(AnswerRead::Other) };
    let done = finish(report, bytes, Duration::ZERO).map_err(io::Error::other)?;
    Ok(AnswerRead::Finished(done.bytes.to_vec(), Box::new(done.report)))
}
