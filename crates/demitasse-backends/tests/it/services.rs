//! The variables that name the servers under test.

/// What `name` is set to. A test whose server is missing fails: a skipped one would look like a passed one.
#[expect(clippy::disallowed_methods, reason = "tests learn from the environment where their servers are")]
pub(crate) fn required(name: &str) -> String {
    std::env::var(name).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| {
        panic!(
            "{name} is not set. `make test` starts the servers and sets it; so does \
             `scripts/services.sh run cargo nextest run -p demitasse-backends`"
        )
    })
}

/// Fetches as a client does that was sent to `url`.
#[expect(clippy::disallowed_methods, reason = "the address is a server's of these tests")]
pub(crate) async fn fetch(url: &str) -> reqwest::Response {
    reqwest::get(url).await.unwrap()
}
