//! Which metadata survives: a policy by name, and kinds that are kept or dropped against it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Kind;
use crate::{Error, Result};

/// A policy by name. Whatever it says, the orientation is applied to the pixels and the colours stay true: a profile is
/// kept under each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyName {
    /// Who holds the rights is kept; positions, devices, dates and everything else go.
    #[default]
    Web,
    /// Everything is kept. What cannot be carried beside new pixels (a gain map, say) makes the file stay as it is.
    Archive,
    /// Nothing is kept.
    Private,
}

impl PolicyName {
    /// Every policy.
    pub const ALL: [Self; 3] = [Self::Web, Self::Archive, Self::Private];

    /// Its name: `web`, `archive`, `private`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Archive => "archive",
            Self::Private => "private",
        }
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for PolicyName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == text).ok_or_else(|| {
            Error::InvalidRequest(format!("metadata {text:?} is not one of web, archive, private"))
        })
    }
}

/// Kinds that a caller may name, in the order in which they are written.
const SELECTABLE: [(&str, Kind); 8] = [
    ("copyright", Kind::Copyright),
    ("date", Kind::Time),
    ("gps", Kind::Gps),
    ("camera", Kind::Exif),
    ("xmp", Kind::Xmp),
    ("iptc", Kind::Iptc),
    ("comment", Kind::Comment),
    ("gain_map", Kind::GainMap),
];

/// Some kinds of metadata, in words `copyright,date,gps,camera,xmp,iptc,comment,gain_map`; in JSON a list of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct KindSet(u8);

impl KindSet {
    /// The words that [`KindSet::from_str`] takes.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SELECTABLE.into_iter().map(|(name, _)| name)
    }

    /// Whether none is among them.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether `kind` is among them.
    pub fn contains(self, kind: Kind) -> bool {
        SELECTABLE.iter().enumerate().any(|(place, (_, known))| *known == kind && self.0 >> place & 1 == 1)
    }

    fn words(self) -> impl Iterator<Item = &'static str> {
        SELECTABLE.into_iter().filter(move |(_, kind)| self.contains(*kind)).map(|(name, _)| name)
    }

    fn of(kind: Kind) -> Self {
        SELECTABLE.iter().position(|(_, known)| *known == kind).map_or(Self(0), |place| Self(1 << place))
    }

    fn named(name: &str) -> Result<Self> {
        let place = SELECTABLE.iter().position(|(known, _)| *known == name).ok_or_else(|| {
            let names: Vec<_> = Self::names().collect();
            Error::InvalidRequest(format!("metadata kind {name:?} is not one of {}", names.join(", ")))
        })?;
        Ok(Self(1 << place))
    }
}

impl fmt::Display for KindSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().collect::<Vec<_>>().join(","))
    }
}

/// Names with commas between them.
impl FromStr for KindSet {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let named: Result<Vec<Self>> = text.split(',').map(|name| Self::named(name.trim())).collect();
        Ok(Self(named?.into_iter().fold(0, |all, kinds| all | kinds.0)))
    }
}

impl TryFrom<Vec<String>> for KindSet {
    type Error = Error;

    fn try_from(words: Vec<String>) -> Result<Self> {
        if words.is_empty() { Ok(Self::default()) } else { words.join(",").parse() }
    }
}

impl From<KindSet> for Vec<String> {
    fn from(kinds: KindSet) -> Self {
        kinds.words().map(str::to_owned).collect()
    }
}

/// What survives of what a file carries beside pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct MetadataPolicy {
    /// What holds where nothing else is said.
    #[serde(default)]
    pub policy: PolicyName,
    /// Kept although the policy drops them.
    #[serde(default, skip_serializing_if = "KindSet::is_empty_ref")]
    pub keep: KindSet,
    /// Dropped although the policy, or `keep`, keeps them.
    #[serde(default, skip_serializing_if = "KindSet::is_empty_ref")]
    pub drop: KindSet,
}

impl KindSet {
    fn is_empty_ref(&self) -> bool {
        self.is_empty()
    }
}

impl MetadataPolicy {
    /// A policy as it is.
    pub fn new(policy: PolicyName) -> Self {
        Self { policy, ..Self::default() }
    }

    /// Whether a kind is to survive.
    pub fn keeps(self, kind: Kind) -> bool {
        let by_policy = match (self.policy, kind) {
            (_, Kind::Icc | Kind::Orientation) => return true,
            (PolicyName::Archive, _) => true,
            (PolicyName::Web, kind) => kind == Kind::Copyright,
            (PolicyName::Private, _) => false,
        };
        (by_policy || self.keep.contains(kind)) && !self.drop.contains(kind)
    }

    /// The same, and this kind with it, unless it is dropped by name.
    pub(crate) fn and(mut self, kind: Kind) -> Self {
        self.keep.0 |= KindSet::of(kind).0 & !self.drop.0;
        self
    }

    /// The same without this kind.
    pub(crate) fn without(mut self, kind: Kind) -> Self {
        self.drop.0 |= KindSet::of(kind).0;
        self
    }

    /// Whether a file stays as it is rather than lose a kind that is to survive.
    pub(crate) fn is_strict(self) -> bool {
        self.policy == PolicyName::Archive
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dropped_by_name_outranks_what_is_kept() {
        let policy = MetadataPolicy {
            policy: PolicyName::Web,
            keep: "gps, date".parse().unwrap(),
            drop: "gps,copyright".parse().unwrap(),
        };
        let kept =
            [Kind::Icc, Kind::Time, Kind::Gps, Kind::Copyright, Kind::Exif].map(|kind| policy.keeps(kind));
        assert_eq!(kept, [true, true, false, false, false]);
    }

    #[test]
    fn colours_survive_every_policy() {
        assert!(PolicyName::ALL.into_iter().all(|name| MetadataPolicy::new(name).keeps(Kind::Icc)));
        assert!(MetadataPolicy::new(PolicyName::Archive).keeps(Kind::GainMap));
        assert!(!MetadataPolicy::new(PolicyName::Private).keeps(Kind::Copyright));
    }

    #[test]
    fn a_policy_is_the_same_after_json() {
        let policy = MetadataPolicy { keep: "camera,xmp".parse().unwrap(), ..MetadataPolicy::default() };
        let json = serde_json::to_value(policy).unwrap();
        assert_eq!(json, serde_json::json!({ "policy": "web", "keep": ["camera", "xmp"] }));
        assert_eq!(serde_json::from_value::<MetadataPolicy>(json).unwrap(), policy);
    }

    #[test]
    fn a_kind_that_is_not_known_is_refused_by_name() {
        let error = "gps,colour".parse::<KindSet>().unwrap_err().to_string();
        assert!(error.contains("\"colour\"") && error.contains("camera"), "{error}");
    }
}
