//! How far a store's connections are used, for the metrics.

/// A pool of connections at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolUse {
    /// Which pool; a store has no two of a name.
    pub pool: &'static str,
    /// Connections that a call has, or that are being opened for one.
    pub in_use: u32,
    /// Connections that are open and wait for a call.
    pub idle: u32,
    /// How many there may be together; a call beyond them waits. MongoDB's driver has so many for each server, and all
    /// calls go to one, the primary.
    pub max: u32,
}

/// A store that may have pools of connections.
pub trait Pooled: Send + Sync + 'static {
    /// The pools as they are now; a store has none unless it says so. Asks nobody and waits for nothing.
    fn pools(&self) -> Vec<PoolUse> {
        Vec::new()
    }
}
