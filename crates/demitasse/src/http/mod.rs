//! The HTTP side: routes, shapes, errors, addresses, the embedded UI. It sees the ports and never a backend.

mod auth;
mod client;
mod code;
mod connections;
mod door;
mod error;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod metered;
mod openapi;
mod range;
mod request_id;
mod router;
mod routes;
mod state;
mod turnstile;
mod ui;
mod upload;
mod urls;
mod view;

pub use openapi::{errors_page, openapi_json};

pub(crate) use connections::serve;
pub(crate) use door::Door;
pub(crate) use error::sentence;
pub(crate) use router::{operations, router};
pub(crate) use routes::health::Probes;
pub(crate) use state::Http;
pub(crate) use upload::Received;
pub(crate) use urls::BaseUrl;
pub(crate) use view::variant_url;
