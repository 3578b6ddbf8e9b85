//! Signatures of calls and of answers.
//!
//! Source of the form: Cloudinary's documentation "Generating authentication signatures"; of the vectors: the tests of
//! the official SDKs.

use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The hash of an account's signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
}

/// How values are written before they are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// As they are: a value with an `&` can pretend to be two parameters.
    V1,
    /// With `&` as `%26`.
    V2,
}

/// How an account signs. Has no `Debug`: it holds the secret.
pub(super) struct Signing {
    pub(super) secret: String,
    pub(super) hash: Hash,
    pub(super) version: Version,
}

impl Signing {
    /// The signature of a call: of its non-empty parameters, sorted, as lower-case hex.
    pub(super) fn sign(&self, parameters: &[(&str, &str)]) -> String {
        self.sign_as(self.version, parameters)
    }

    /// Whether an answer about `public_id` in `version` comes from who knows the secret. The form is version 1 whatever
    /// the account uses, as in the SDKs.
    pub(super) fn verifies(&self, public_id: &str, version: &str, signature: &str) -> bool {
        let expected = self.sign_as(Version::V1, &[("public_id", public_id), ("version", version)]);
        // In constant time: nobody may find a signature digit by digit.
        let difference = expected.bytes().zip(signature.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
        expected.len() == signature.len() && difference == 0
    }

    fn sign_as(&self, version: Version, parameters: &[(&str, &str)]) -> String {
        let mut parts: Vec<_> = parameters
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={value}"))
            .map(|part| if version == Version::V2 { part.replace('&', "%26") } else { part })
            .collect();
        parts.sort();
        let text = parts.join("&") + &self.secret;
        match self.hash {
            Hash::Sha1 => hex::encode(Sha1::digest(text)),
            Hash::Sha256 => hex::encode(Sha256::digest(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "hdcixPpR2iKERPwqvH6sHdK9cyac";

    fn sign(hash: Hash, version: Version, parameters: &[(&str, &str)]) -> String {
        Signing { secret: SECRET.into(), hash, version }.sign(parameters)
    }

    const CALL: [(&str, &str); 4] = [
        ("username", "user@cloudinary.com"),
        ("cloud_name", "dn6ot3ged"),
        ("timestamp", "1568810420"),
        ("tags", ""),
    ];

    #[test]
    fn calls_are_signed_as_the_sdks_sign_them() {
        for version in [Version::V1, Version::V2] {
            let sha1 = sign(Hash::Sha1, version, &CALL);
            assert_eq!(sha1, "14c00ba6d0dfdedbc86b316847d95b9e6cd46d94");
            let sha256 = sign(Hash::Sha256, version, &CALL);
            assert_eq!(sha256, "45ddaa4fa01f0c2826f32f669d2e4514faf275fe6df053f1a150e7beae58a3bd");
        }
    }

    #[test]
    fn a_value_cannot_pretend_to_be_two_parameters() {
        let smuggled = [
            ("cloud_name", "dn6ot3ged"),
            ("timestamp", "1568810420"),
            ("notification_url", "https://fake.com/callback?a=1&tags=hello,world"),
        ];
        let split = [
            ("cloud_name", "dn6ot3ged"),
            ("timestamp", "1568810420"),
            ("notification_url", "https://fake.com/callback?a=1"),
            ("tags", "hello,world"),
        ];
        let one = sign(Hash::Sha1, Version::V2, &smuggled);
        let two = sign(Hash::Sha1, Version::V2, &split);
        assert_eq!(one, "4fdf465dd89451cc1ed8ec5b3e314e8a51695704");
        assert_eq!(two, "7b4e3a539ff1fa6e6700c41b3a2ee77586a025f9");
        // The former version does not tell them apart, which is why there is another.
        assert_eq!(sign(Hash::Sha1, Version::V1, &smuggled), sign(Hash::Sha1, Version::V1, &split));
    }

    #[test]
    fn an_answer_is_verified_as_the_sdks_do() {
        for version in [Version::V1, Version::V2] {
            let secret = "X7qLTrsES31MzxxkxPPA-pAGGfU".into();
            let signing = Signing { secret, hash: Hash::Sha1, version };
            let signature = "08d3107a5b2ad82e7d82c0b972218fbf20b5b1e0";
            assert!(signing.verifies("tests/logo.png", "1", signature));
            assert!(!signing.verifies("tests/logo.png", "2", signature));
            assert!(!signing.verifies("tests/other.png", "1", signature));
            assert!(!signing.verifies("tests/logo.png", "1", &signature[..39]));
            assert!(!signing.verifies("tests/logo.png", "1", ""));
        }
    }
}
