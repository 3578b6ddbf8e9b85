//! Tests of the backends through their ports.

#![expect(clippy::unwrap_used, reason = "a setup that fails fails its test")]

/// Every suite of `demitasse_core::contract` on every backend.
mod contract;

/// Which URL gives which backend, and what a refused one says.
mod connect;

/// What survives when a store is dropped and opened again.
mod reopen;

/// Random calls do the same to memory and SQLite.
mod model;

/// PostgreSQL: the suites, several processes at once, connections that end, newer schemas.
#[cfg(feature = "postgres")]
mod postgres;

/// Redis: the suites, and what happens when it loses everything or goes away.
#[cfg(feature = "redis")]
mod redis;
/// The servers that the tests below talk to.
mod services;

/// Blobs in a bucket, against two servers that speak S3.
mod buckets;

/// Blobs in a Cloudinary account: against a stand-in, against hostile answers, and beside the official SDK.
mod cloudinary;

/// MongoDB: the suites, half-written states, and rows as the original service writes and reads them.
#[cfg(feature = "mongodb")]
mod mongodb;

/// Two versions on the same stores: recorded rows, documents and scripts of the one before.
mod upgrade;
