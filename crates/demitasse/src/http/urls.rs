//! Absolute addresses, computed when read: the same row is shown under whatever name the client reaches us by.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};
use demitasse_core::BlobKey;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::state::HttpState;
use crate::config::HttpConfig;

/// RFC 3986 unreserved characters stay; everything else in a path segment is escaped.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Scheme, host and perhaps a path prefix, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BaseUrl(String);

impl BaseUrl {
    /// The address under which the client of this request sees the server.
    ///
    /// `--public-url` decides; else the `X-Forwarded-*` headers, if the peer is a trusted proxy; else `Host`.
    pub(crate) fn of_request(config: &HttpConfig, headers: &HeaderMap, peer: Option<IpAddr>) -> Self {
        if let Some(url) = &config.public_url {
            return Self(url.as_str().trim_end_matches('/').into());
        }
        let trusted = peer
            .map(|ip| ip.to_canonical())
            .is_some_and(|ip| config.trusted_proxies.iter().any(|network| network.contains(&ip)));
        let forwarded = |name: &str| {
            let value = headers.get(name)?.to_str().ok()?;
            trusted.then(|| value.split(',').next().unwrap_or_default().trim())
        };
        let scheme = match forwarded("x-forwarded-proto") {
            Some("https") => "https",
            _ => "http",
        };
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = forwarded("x-forwarded-host").and_then(authority).or_else(|| host.and_then(authority));
        Self(match host {
            Some(host) => format!("{scheme}://{host}"),
            None => format!("{scheme}://{}", config.listen),
        })
    }

    /// The address that the configuration says, for messages that answer no request; without one, addresses begin with
    /// their path.
    pub(crate) fn of_config(config: &HttpConfig) -> Self {
        Self(
            config.public_url.as_ref().map_or(String::new(), |url| url.as_str().trim_end_matches('/').into()),
        )
    }

    /// `path` (with its slash) on this server.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// Where the blob is served, under a name for people.
    pub(crate) fn blob(&self, key: BlobKey, file_name: &str) -> String {
        let file_name = utf8_percent_encode(file_name, SEGMENT);
        format!("{}/i/{}/{}/{file_name}", self.0, key.sha256, key.kind.as_str())
    }
}

/// A host that is nothing but a host and perhaps a port: no user, no path.
fn authority(text: &str) -> Option<String> {
    let authority: Authority = text.parse().ok()?;
    (!authority.host().is_empty() && !text.contains('@')).then(|| authority.to_string())
}

impl FromRequestParts<HttpState> for BaseUrl {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &HttpState) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        Ok(Self::of_request(&state.config, &parts.headers, peer))
    }
}

/// The name of a variant: the original's, with the extension of what came out. `a.b.tiff` becomes `a.b.webp`.
pub(crate) fn variant_name(original: Option<&str>, media_type: &str) -> String {
    let format = demitasse_engine::Format::ALL.into_iter().find(|format| format.media_type() == media_type);
    let Some(can) = format.map(|format| format.capabilities()) else {
        return original.unwrap_or("image").into();
    };
    let name = original.unwrap_or("image");
    match name.rsplit_once('.') {
        Some((_, extension)) if is_extension(extension, can) => name.into(),
        Some((stem, extension)) if !stem.is_empty() && extension.len() <= 5 => {
            format!("{stem}.{}", can.extension)
        }
        _ => format!("{name}.{}", can.extension),
    }
}

fn is_extension(text: &str, can: &demitasse_engine::Capabilities) -> bool {
    std::iter::once(&can.extension).chain(can.other_extensions).any(|known| known.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::config::DoorConfig;

    fn config() -> HttpConfig {
        HttpConfig {
            listen: "127.0.0.1:8080".parse().unwrap(),
            public_url: None,
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            api_key: None,
            door: DoorConfig::default(),
        }
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn forwarded_headers_count_from_a_trusted_proxy_only() {
        let headers = headers(&[
            ("host", "inner:8080"),
            ("x-forwarded-host", "images.example.com"),
            ("x-forwarded-proto", "https"),
        ]);
        let base = |peer: &str| BaseUrl::of_request(&config(), &headers, Some(peer.parse().unwrap())).0;
        assert_eq!(base("10.1.2.3"), "https://images.example.com");
        assert_eq!(base("::ffff:10.1.2.3"), "https://images.example.com");
        assert_eq!(base("192.0.2.1"), "http://inner:8080");
    }

    #[test]
    fn the_public_url_wins_and_a_broken_host_is_not_repeated() {
        let mut config = config();
        let evil = headers(&[("host", "a/b\"><script>")]);
        assert_eq!(BaseUrl::of_request(&config, &evil, None).0, "http://127.0.0.1:8080");
        config.public_url = Some("https://example.com/images/".parse().unwrap());
        assert_eq!(BaseUrl::of_request(&config, &evil, None).0, "https://example.com/images");
    }

    #[test]
    fn a_variant_is_named_after_its_original_and_its_own_format() {
        assert_eq!(variant_name(Some("Überraschung.JPG"), "image/jpeg"), "Überraschung.JPG");
        assert_eq!(variant_name(Some("scan.v2.tiff"), "image/png"), "scan.v2.png");
        assert_eq!(variant_name(Some("no extension"), "image/webp"), "no extension.webp");
        assert_eq!(variant_name(None, "image/jpeg"), "image.jpg");
    }
}
