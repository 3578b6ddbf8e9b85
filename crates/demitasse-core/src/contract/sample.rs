//! Values for the cases: equal numbers give equal values, different numbers different ones.

use jiff::Timestamp;
use serde_json::json;

use crate::{
    BlobKey, BlobKind, Document, Failure, ImageId, JobId, LeaseId, NewUpload, OwnerId, Priority, RequestKey,
    Sha256, StoredOriginal, Subscription, Variant, VariantOutcome,
};

/// A fixed time, `seconds` later for each.
pub fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

/// An image's id.
pub fn image_id(n: u64) -> ImageId {
    ImageId::new(time(0), n.to_be_bytes())
}

/// A job's id. Its order is the opposite of its number's, so that nothing is in order by chance.
pub fn job_id(n: u64) -> JobId {
    JobId::new(time(0), (!n).to_be_bytes())
}

/// A lease.
pub fn lease(n: u64) -> LeaseId {
    LeaseId::new(time(0), n.to_be_bytes())
}

/// An owner; none is [`OwnerId::DEFAULT`].
pub fn owner(n: u64) -> OwnerId {
    OwnerId::new(time(0), n.to_be_bytes())
}

/// The key of some work.
pub fn request_key(n: u64) -> RequestKey {
    RequestKey(Sha256::of(&n.to_be_bytes()))
}

/// An upload of the default owner, of work that no other number asks for, with three attempts.
pub fn upload(n: u64) -> NewUpload {
    NewUpload {
        image_id: image_id(n),
        job_id: job_id(n),
        owner: OwnerId::DEFAULT,
        file_name: Some(format!("cup {n}.png")),
        original: StoredOriginal {
            sha256: Sha256::of(format!("original {n}").as_bytes()),
            bytes: 5_000_000_000 + n,
            media_type: "image/png".into(),
            width: 640,
            height: 480,
        },
        request: Document(json!({ "version": 1, "quality": 80.5, "format": null })),
        request_key: request_key(n),
        max_attempts: 3,
        priority: Priority::Low,
        trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        now: time(0),
    }
}

/// A result with every field set but `reason`.
pub fn variant(n: u64) -> Variant {
    Variant {
        sha256: Sha256::of(format!("variant {n}").as_bytes()),
        bytes: 1000 + n,
        media_type: "image/webp".into(),
        width: 480,
        height: 640,
        outcome: VariantOutcome::Compressed,
        reason: None,
        score: Some(87.123_456_789_012_34),
        report: Document(
            json!({ "version": 1, "trials": [{ "quality": 71, "score": 0.1 }], "note": "größer \u{0}" }),
        ),
    }
}

/// A reason to fail.
pub fn failure(n: u64) -> Failure {
    Failure { code: "crashed".into(), detail: format!("the engine stopped, number {n}") }
}

/// A subscription of the default owner.
pub fn subscription(n: u64) -> Subscription {
    Subscription {
        owner: OwnerId::DEFAULT,
        endpoint: format!("https://push.example.com/send/{n}?a=b&c=%20ü"),
        p256dh: format!("public key {n}"),
        auth: format!("secret {n}"),
        created_at: time(0),
    }
}

/// The key of `bytes` as an original.
pub fn blob_key(bytes: &[u8]) -> BlobKey {
    BlobKey { kind: BlobKind::Original, sha256: Sha256::of(bytes) }
}

/// `length` bytes without a short period.
pub fn bytes(length: usize) -> Vec<u8> {
    let mut state: u32 = 0x9e37_79b9;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}
