//! The HTTP side: routes, shapes, errors, addresses, the embedded UI. It sees the ports and never a backend.

mod auth;
mod code;
mod error;
mod metered;
mod openapi;
mod range;
mod request_id;
mod router;
mod routes;
mod state;
mod ui;
mod upload;
mod urls;
mod view;

pub use openapi::{errors_page, openapi_json};

pub(crate) use error::sentence;
pub(crate) use router::{operations, router};
pub(crate) use routes::health::Probes;
pub(crate) use state::Http;
pub(crate) use upload::Received;
pub(crate) use urls::BaseUrl;
pub(crate) use view::variant_url;
