//! The application from outside: in process on memory backends where that is enough, the real binary where the process
//! itself matters.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; clippy excuses only the test functions"
)]
#![expect(clippy::print_stderr, reason = "a server's log belongs to the output of a test that fails")]
#![expect(clippy::disallowed_methods, reason = "the tests talk to servers that they started themselves")]

mod support;

/// The original service's contract, body by body.
mod original;

/// The native API: shapes, pages, addresses, the generated documents.
mod native;

/// What an upload may ask for.
mod create_query;

/// What comes back for pictures that move.
mod animation;

/// What comes back for what is no good.
mod bad_input;

/// How many clients come in, and how slow they may be.
mod door;

/// The bytes: types, ranges, caching.
mod blobs;

/// Keys and the guard against listening to everyone.
mod access;

/// Beside the original service: its messages, its rows, its worker, its API.
mod bridge;

/// From upload to result: order, sharing, failures, events.
mod jobs;

/// Jobs that failed as often as they were allowed to.
mod dead_letters;

/// The processes that compress: which images share one.
#[cfg(unix)]
mod children;

/// What those processes may take together, and who waits for it.
mod memory;

/// What those processes are held to, tried for real.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod sandbox;

/// What goes with an image, and when its bytes go.
mod deletion;

/// Requests and receipts of the version before and of the next.
mod upgrade;

/// Web push, against a push service that checks and decrypts.
mod push;

/// A thousand hostile files.
mod hostile;

/// Copies of the embedded stores, made while the service runs.
mod backup;

/// What is on the disk before an upload is answered: the system calls of the real binary.
#[cfg(target_os = "linux")]
mod durability;

/// Full disks, read-only ones, broken pages, clocks that jump, children that hang.
mod faults;

/// The real binary: crashes at every step, shutdown, commands.
mod process;

/// Spans, as a collector receives them.
#[cfg(feature = "otel")]
mod telemetry;

/// What `/metrics` says, and the page that lists it.
mod metrics;

/// The dashboard under `deploy/` asks for what is measured.
mod dashboard;

/// The shipped configuration of nginx, in a real nginx before the real binary.
mod nginx;

/// `compress` and `inspect`.
mod cli_compress;

/// The pages under `docs/` that are made from the code.
mod documents;
