//! From the URL to a client.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use super::{BucketBlobs, put};
use crate::ConnectError;
use crate::storage_url::{StorageUrl, invalid};

const KNOWN: &str = "`endpoint`, `region`, `path_style`, `allow_http`, `account`, `delivery`";

/// Until a server that answers at all has answered.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Without a byte from the server. It also bounds the sending of one request, so it must do for [`put::SINGLE`] bytes
/// on a slow line; there is no limit to the whole of an answer, which a slow client may stretch.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// What only a few seconds can mend is retried here; for more there is the queue.
fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(2),
            base: 2.0,
        },
        max_retries: 5,
        retry_timeout: Duration::from_secs(30),
    }
}

fn client(allow_http: bool) -> ClientOptions {
    ClientOptions::new()
        .with_allow_http(allow_http)
        .with_connect_timeout(CONNECT_TIMEOUT)
        .with_read_timeout(READ_TIMEOUT)
        .with_timeout_disabled()
}

/// What every vendor needs.
struct Target {
    bucket: String,
    endpoint: Option<String>,
    allow_http: bool,
}

pub(super) fn open(text: &str) -> Result<BucketBlobs, ConnectError> {
    let (scheme, _) = crate::url::split(text);
    let mut url = StorageUrl::parse(text)?;
    let redirect = url.take_choice("delivery", &[("proxy", false), ("redirect", true)])?.unwrap_or(false);
    let target = Target {
        bucket: url.host.clone(),
        endpoint: url.take_server("endpoint")?,
        allow_http: url.take_bool("allow_http")?.unwrap_or(false),
    };
    if target.endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http:")) && !target.allow_http
    {
        return Err(invalid("the endpoint is not encrypted; use `https:`, or add `allow_http=true`"));
    }
    let prefix = Path::parse(&url.path).map_err(|_| invalid("the part after the bucket is no path"))?;
    let description = describe(scheme, &target, &prefix);
    if scheme != "s3" && url.user.is_some() {
        return Err(invalid("only `s3` takes credentials in it; the others take them from the environment"));
    }
    let (backend, (store, signer)) = match scheme {
        "s3" => ("s3", s3(target, &mut url)?),
        "gs" => ("gs", gcs(target)?),
        _ => ("az", azure(target, &mut url)?),
    };
    url.finish(KNOWN)?;
    Ok(BucketBlobs {
        backend,
        store,
        signer: redirect.then_some(signer),
        prefix,
        memory: put::memory(),
        description,
    })
}

fn describe(scheme: &str, target: &Target, prefix: &Path) -> String {
    let slash = if prefix.is_root() { "" } else { "/" };
    let at = target.endpoint.as_ref().map(|endpoint| format!(" at {endpoint}")).unwrap_or_default();
    format!("{scheme}://{}{slash}{prefix}{at}", target.bucket)
}

type Client = (Arc<dyn ObjectStore>, Arc<dyn Signer>);

fn both<S: ObjectStore + Signer>(store: object_store::Result<S>) -> Result<Client, ConnectError> {
    // What a vendor says about its settings may repeat them, a key included: only the names of settings are known to
    // be harmless.
    let store = store.map_err(|error| match error {
        object_store::Error::UnknownConfigurationKey { key, .. } => invalid(format!("`{key}` is no setting")),
        _ => {
            invalid("the vendor's client refuses it; a credential or the account may be missing or malformed")
        }
    })?;
    let store = Arc::new(store);
    Ok((store.clone(), store))
}

fn s3(target: Target, url: &mut StorageUrl) -> Result<Client, ConnectError> {
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(&target.bucket)
        .with_client_options(client(target.allow_http))
        .with_retry(retries())
        // One `DELETE` per object is the part of the protocol that every server has.
        .with_disable_bulk_delete(true);
    if let Some(region) = url.take("region") {
        builder = builder.with_region(region);
    }
    if let Some((key, secret)) = &url.user {
        builder = builder.with_access_key_id(key).with_secret_access_key(secret);
    }
    let endpoint = target.endpoint.or_else(|| builder.get_config_value(&AmazonS3ConfigKey::Endpoint));
    let elsewhere = endpoint.as_deref().is_some_and(|endpoint| !endpoint.ends_with(".amazonaws.com"));
    // A certificate for `*.s3.amazonaws.com` does not cover a bucket name with a dot.
    let path_style = url.take_bool("path_style")?.unwrap_or(elsewhere || target.bucket.contains('.'));
    builder = builder.with_virtual_hosted_style_request(!path_style);
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(match endpoint.split_once("://") {
            Some((scheme, host)) if !path_style => format!("{scheme}://{}.{host}", target.bucket),
            _ => endpoint,
        });
    }
    both(builder.build())
}

fn gcs(target: Target) -> Result<Client, ConnectError> {
    // Google's own metadata server, which gives credentials, speaks HTTP only; the endpoint was checked above.
    let mut builder = GoogleCloudStorageBuilder::from_env()
        .with_bucket_name(&target.bucket)
        .with_client_options(client(true))
        .with_retry(retries());
    if let Some(endpoint) = &target.endpoint {
        builder = builder.with_base_url(endpoint);
    }
    both(builder.build())
}

fn azure(target: Target, url: &mut StorageUrl) -> Result<Client, ConnectError> {
    let mut builder = MicrosoftAzureBuilder::from_env()
        .with_container_name(&target.bucket)
        .with_client_options(client(target.allow_http))
        .with_retry(retries());
    if let Some(account) = url.take("account") {
        builder = builder.with_account(account);
    }
    if let Some(endpoint) = target.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    both(builder.build())
}
