use std::path::Path;

/// Compares a generated document with the one in the repository; `UPDATE_DOCS=1` writes it.
fn is_current(name: &str, generated: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::vars().any(|(name, _)| name == "UPDATE_DOCS") {
        std::fs::write(&path, generated).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == generated, "docs/{name} is not current: run the tests with UPDATE_DOCS=1");
}

#[test]
fn the_description_in_the_repository_is_current() {
    is_current("openapi.json", &demitasse::http::openapi_json().unwrap());
}

#[test]
fn the_page_of_errors_in_the_repository_is_current() {
    is_current("errors.md", &demitasse::http::errors_page());
}
