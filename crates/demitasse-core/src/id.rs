//! Identifiers. Everything that a client can name has 24 lower-case hex digits, as the original's ObjectIds do.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Says why a text is no identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id has 24 hexadecimal digits")]
pub struct ParseIdError;

macro_rules! object_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; 12]);

        impl $name {
            /// Makes an id from the time (4 bytes of Unix seconds, big-endian, so ids sort by second) and 8 random
            /// bytes. Two ids of the same second have no order: a [`Sequence`] has.
            pub fn new(now: Timestamp, random: [u8; 8]) -> Self {
                let seconds = u32::try_from(now.as_second()).unwrap_or(0);
                let mut bytes = [0; 12];
                bytes[..4].copy_from_slice(&seconds.to_be_bytes());
                bytes[4..].copy_from_slice(&random);
                Self(bytes)
            }

            /// Makes an id from the time and the operating system's random source.
            ///
            /// # Errors
            /// The random source failed.
            pub fn generate(now: Timestamp) -> Result<Self, getrandom::Error> {
                let mut random = [0; 8];
                getrandom::fill(&mut random)?;
                Ok(Self::new(now, random))
            }

            /// When it was made, to the second: what its maker's clock said.
            pub fn time(&self) -> Timestamp {
                let [a, b, c, d, ..] = self.0;
                Timestamp::from_second(u32::from_be_bytes([a, b, c, d]).into()).unwrap_or(Timestamp::UNIX_EPOCH)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let mut bytes = [0; 12];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseIdError)?;
                Ok(Self(bytes))
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseIdError;

            fn try_from(text: String) -> Result<Self, ParseIdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

object_id!(
    /// Names an uploaded image.
    ImageId
);
object_id!(
    /// Names a compression job; the original calls it a task.
    JobId
);
object_id!(
    /// Names who owns a row. One owner exists until API keys bring more: [`OwnerId::DEFAULT`].
    OwnerId
);
object_id!(
    /// Names one claim of one job: the fencing token. A worker whose lease was taken over can no longer change the job.
    LeaseId
);

impl OwnerId {
    /// The owner of every row while there is one owner.
    pub const DEFAULT: Self = Self([0; 12]);
}

/// Orders rows by acceptance: strictly increasing within one metadata store. Served oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub i64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_it_was_written() {
        let id = ImageId::new(Timestamp::from_second(1_700_000_000).unwrap(), [7; 8]);
        assert_eq!(id.to_string(), "6553f1000707070707070707");
        assert_eq!("6553f1000707070707070707".parse(), Ok(id));
        assert_eq!(id.time().as_second(), 1_700_000_000);
    }

    #[test]
    fn an_id_of_a_later_second_sorts_later() {
        let earlier = JobId::new(Timestamp::from_second(1_700_000_000).unwrap(), [255; 8]);
        let later = JobId::new(Timestamp::from_second(1_700_000_001).unwrap(), [0; 8]);
        assert!(earlier < later);
    }

    #[test]
    fn a_malformed_id_is_refused() {
        for text in
            ["", "6553f100", "zzzzzzzzzzzzzzzzzzzzzzzz", "6553f10007070707070707070", "../../etc/passwd"]
        {
            assert_eq!(text.parse::<ImageId>(), Err(ParseIdError), "{text}");
        }
    }
}
