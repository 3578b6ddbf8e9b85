//! From the URL to an account.

use super::Resource;
use super::sign::{Hash, Signing, Version};
use crate::ConnectError;
use crate::storage_url::{StorageUrl, invalid};

const KNOWN: &str = "`upload_prefix`, `delivery_prefix`, `signature`, `signature_version`, `delivery`";

/// Whose blobs, where, signed how. Has no `Debug`: it holds the secret.
pub(super) struct Account {
    pub(super) cloud: String,
    pub(super) key: String,
    pub(super) signing: Signing,
    pub(super) upload_prefix: String,
    pub(super) delivery_prefix: String,
    pub(super) redirect: bool,
}

impl Account {
    pub(super) fn api_url(&self, resource: Resource, action: &str) -> String {
        format!("{}/v1_1/{}/{}/{action}", self.upload_prefix, self.cloud, resource.as_str())
    }

    /// With a version, because Cloudinary would take the folder of a public id for a transformation without one.
    pub(super) fn delivery_url(&self, resource: Resource, public_id: &str) -> String {
        format!("{}/{}/{}/upload/v1/{public_id}", self.delivery_prefix, self.cloud, resource.as_str())
    }
}

pub(super) fn parse(text: &str) -> Result<Account, ConnectError> {
    let mut url = StorageUrl::parse(text)?;
    let (key, secret) = url.user.take().ok_or_else(|| invalid("it takes KEY:SECRET before the `@`"))?;
    let cloud = url.host.clone();
    if !cloud.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return Err(invalid("after the `@` it takes the cloud's name: letters, digits, `-` and `_`"));
    }
    if !url.path.is_empty() {
        return Err(invalid("nothing may stand between the cloud's name and the `?`"));
    }
    let hash = url.take_choice("signature", &[("sha1", Hash::Sha1), ("sha256", Hash::Sha256)])?;
    let version = url.take_choice("signature_version", &[("1", Version::V1), ("2", Version::V2)])?;
    let redirect = url.take_choice("delivery", &[("redirect", true), ("proxy", false)])?;
    let upload_prefix = url.take_server("upload_prefix")?;
    let delivery_prefix = url.take_server("delivery_prefix")?.or_else(|| {
        let elsewhere = |prefix: &&String| !prefix.ends_with(".cloudinary.com");
        upload_prefix.as_ref().filter(elsewhere).cloned()
    });
    url.finish(KNOWN)?;
    Ok(Account {
        cloud,
        key,
        signing: Signing {
            secret,
            hash: hash.unwrap_or(Hash::Sha1),
            version: version.unwrap_or(Version::V2),
        },
        upload_prefix: upload_prefix.unwrap_or_else(|| "https://api.cloudinary.com".into()),
        delivery_prefix: delivery_prefix.unwrap_or_else(|| "https://res.cloudinary.com".into()),
        redirect: redirect.unwrap_or(true),
    })
}
