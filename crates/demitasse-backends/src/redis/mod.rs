//! The queue on Redis Streams and the events on Redis pub/sub, for several processes on several machines; and the original
//! service's own list and topic ([`RedisOriginal`]).
//!
//! [`RedisQueue`] holds job ids and leases; each of its operations is one Lua script (`scripts/`), so one round trip and
//! atomic. `scripts/prelude.lua` says which keys there are. [`RedisEvents`] carries the events. Neither holds anything
//! that cannot be lost: a Redis that restarts empty costs the claims, and whoever has the rows enqueues again.
//!
//! The URL is `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, `rediss://` for TLS, or `redis+unix:///PATH`. All keys
//! begin with `{demitasse}`, or with the `?prefix=` of the URL: the braces keep them in one cluster slot. Redis must keep
//! them all: set `maxmemory-policy noeviction`.

mod address;
mod error;
mod events;
mod listener;
mod original;
mod queue;
mod server;

pub use events::RedisEvents;
pub use original::RedisOriginal;
pub use queue::RedisQueue;

pub(crate) use address::describe;
#[cfg(feature = "fuzzing")]
pub(crate) use events::decode as read_event;
#[cfg(feature = "fuzzing")]
pub(crate) use original::{read as read_task, read_result};

/// The name in errors.
const BACKEND: &str = "redis";
