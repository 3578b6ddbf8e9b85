//! What may be said of a URI.

/// The URI without its credentials and options, for the log and for errors.
pub(crate) fn describe(uri: &str) -> String {
    let (scheme, rest) = uri.split_once("://").unwrap_or(("mongodb", ""));
    // A password holds no plain `@`: the driver refuses one, and the last one ends the credentials in any case.
    let address = rest.rsplit_once('@').map_or(rest, |(_, address)| address);
    let address = address.split_once('?').map_or(address, |(address, _)| address);
    format!("{scheme}://{}", address.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::describe;

    #[test]
    fn credentials_and_options_are_never_named() {
        for (uri, expected) in [
            ("mongodb://db", "mongodb://db"),
            ("mongodb://scott:tiger@a:1,b:2/shop?authSource=admin", "mongodb://a:1,b:2/shop"),
            ("mongodb+srv://scott:ti%40ger@cluster.example/", "mongodb+srv://cluster.example"),
            ("mongodb://scott:tig@er@db/?password=tiger", "mongodb://db"),
            ("mongodb:tiger", "mongodb://"),
        ] {
            assert_eq!(describe(uri), expected);
        }
    }
}
