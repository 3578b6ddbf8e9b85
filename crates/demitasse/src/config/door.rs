//! What clients may do at the same time, and how slow they may be.

use std::time::Duration;

use clap::Args;

/// What clients may do at the same time, and how slow they may be.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Clients")]
pub struct DoorArgs {
    /// Connections at the same time; half of the files that this process may open, if that is less
    #[arg(long, env = "DEMITASSE_MAX_CONNECTIONS", value_name = "N", default_value_t = DoorConfig::default().max_connections)]
    pub max_connections: usize,

    /// Those of one address (of one /64 network of IPv6); a trusted proxy's do not count
    #[arg(long, env = "DEMITASSE_MAX_CONNECTIONS_PER_CLIENT", value_name = "N", default_value_t = DoorConfig::default().max_connections_per_client)]
    pub max_connections_per_client: usize,

    /// Seconds that a request's header may take, and that a connection may wait for one
    #[arg(long, env = "DEMITASSE_HEADER_TIMEOUT", value_name = "SECONDS", default_value_t = DoorConfig::default().header_timeout.as_secs())]
    pub header_timeout: u64,

    /// Seconds that the body of a request may stand still
    #[arg(long, env = "DEMITASSE_STALL_TIMEOUT", value_name = "SECONDS", default_value_t = DoorConfig::default().stall_timeout.as_secs())]
    pub stall_timeout: u64,

    /// Bytes a second that an upload must bring on average, once it has taken --stall-timeout; 0: any
    #[arg(long, env = "DEMITASSE_MIN_UPLOAD_RATE", value_name = "BYTES", default_value_t = DoorConfig::default().min_upload_rate)]
    pub min_upload_rate: u64,

    /// Uploads at the same time; more are told to come again
    #[arg(long, env = "DEMITASSE_MAX_UPLOADS", value_name = "N", default_value_t = DoorConfig::default().max_uploads)]
    pub max_uploads: usize,

    /// Those of one address (of one /64 network of IPv6), as a trusted proxy names it in X-Forwarded-For
    #[arg(long, env = "DEMITASSE_MAX_UPLOADS_PER_CLIENT", value_name = "N", default_value_t = DoorConfig::default().max_uploads_per_client)]
    pub max_uploads_per_client: usize,

    /// Unfinished jobs with which uploads are told to come again
    #[arg(long, env = "DEMITASSE_MAX_QUEUE", value_name = "N", default_value_t = DoorConfig::default().max_queue)]
    pub max_queue: u64,
}

/// What clients may do at the same time, and how slow they may be, checked.
#[derive(Debug, Clone)]
pub struct DoorConfig {
    /// Connections at the same time.
    pub max_connections: usize,
    /// Those of one client.
    pub max_connections_per_client: usize,
    /// How long a request's header may take.
    pub header_timeout: Duration,
    /// How long a body may stand still.
    pub stall_timeout: Duration,
    /// What an upload must bring on average, in bytes a second.
    pub min_upload_rate: u64,
    /// Uploads at the same time.
    pub max_uploads: usize,
    /// Those of one client.
    pub max_uploads_per_client: usize,
    /// Unfinished jobs with which no upload is taken.
    pub max_queue: u64,
}

impl Default for DoorConfig {
    fn default() -> Self {
        Self {
            max_connections: 1_024,
            max_connections_per_client: 256,
            // Longer than nginx keeps a connection to us that it does not use.
            header_timeout: Duration::from_secs(75),
            stall_timeout: Duration::from_secs(60),
            min_upload_rate: 1_000,
            max_uploads: 256,
            max_uploads_per_client: 128,
            max_queue: 100_000,
        }
    }
}

impl DoorArgs {
    pub(super) fn resolve(&self) -> DoorConfig {
        DoorConfig {
            max_connections: self.max_connections,
            max_connections_per_client: self.max_connections_per_client,
            header_timeout: Duration::from_secs(self.header_timeout),
            stall_timeout: Duration::from_secs(self.stall_timeout),
            min_upload_rate: self.min_upload_rate,
            max_uploads: self.max_uploads,
            max_uploads_per_client: self.max_uploads_per_client,
            max_queue: self.max_queue,
        }
    }

    /// Flags whose value must not be 0, with it.
    pub(super) fn positive(&self) -> [(&'static str, u64); 7] {
        [
            ("--max-connections", self.max_connections as u64),
            ("--max-connections-per-client", self.max_connections_per_client as u64),
            ("--header-timeout", self.header_timeout),
            ("--stall-timeout", self.stall_timeout),
            ("--max-uploads", self.max_uploads as u64),
            ("--max-uploads-per-client", self.max_uploads_per_client as u64),
            ("--max-queue", self.max_queue),
        ]
    }
}
