//! The description of the API, generated from the handlers.

use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::error::{Problem, documentation};
use super::router;
use super::view::{DeletedEvent, TaskEvent};

/// What the routes do not say themselves.
#[derive(OpenApi)]
#[openapi(
    info(title = "Demitasse", description = "Self-hosted image compression: small files, full flavour."),
    components(schemas(Problem, TaskEvent, DeletedEvent)),
    modifiers(&BearerKey),
    security(("api_key" = []), ()),
    tags(
        (name = "native", description = "The native API"),
        (name = "original", description = "The contract of the original service"),
        (name = "operation", description = "For operators"),
    ),
)]
pub(super) struct Document;

/// The optional API key.
struct BearerKey;

impl Modify for BearerKey {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let key = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("api_key", key);
    }
}

/// The OpenAPI 3.1 document, as `/openapi.json` serves it and `docs/openapi.json` keeps it.
///
/// # Errors
/// Never, unless a schema has no JSON form.
pub fn openapi_json() -> Result<String, serde_json::Error> {
    let document = router::native().merge(router::open()).merge(router::original()).into_openapi();
    document.to_pretty_json().map(|text| text + "\n")
}

/// The page that explains every error code, as `docs/errors.md` keeps it.
pub fn errors_page() -> String {
    documentation()
}
