//! What is in force, in words and for machines.

use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

use super::Layer;

/// What is in force in the engine's children on this system, as it was tried.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sandbox {
    /// What each child is held to, or it does no image.
    pub(crate) layers: Vec<Layer>,
    /// What the kernel says of a layer, such as which rights it knows.
    pub(crate) notes: Vec<String>,
    /// What is not in force, or was not stopped, and why.
    pub(crate) gaps: Vec<String>,
}

/// In one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SandboxState)]
pub(crate) enum State {
    /// Every layer, and everything that was tried was stopped.
    Full,
    /// Some of it.
    Partial,
    /// None of it.
    Off,
}

impl Sandbox {
    /// None, because of `why`.
    pub(crate) fn off(why: &str) -> Self {
        Self { gaps: vec![why.into()], ..Self::default() }
    }

    pub(crate) fn state(&self) -> State {
        match (self.layers.is_empty(), self.gaps.is_empty()) {
            (true, _) => State::Off,
            (false, true) => State::Full,
            (false, false) => State::Partial,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "full",
            Self::Partial => "partial",
            Self::Off => "off",
        })
    }
}

/// `full: limits, landlock, seccomp; Landlock ABI V7`, `partial: limits, seccomp; landlock: ..`, or `off: not on this system`.
impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layers: Vec<_> = self.layers.iter().map(|layer| layer.name()).collect();
        let mut parts = vec![layers.join(", ")];
        parts.extend(self.notes.iter().cloned());
        parts.extend(self.gaps.iter().cloned());
        parts.retain(|part| !part.is_empty());
        write!(f, "{}: {}", self.state(), parts.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_full_only_without_a_gap_and_off_only_without_a_layer() {
        let gaps = vec!["landlock: not known to this kernel".to_owned()];
        let notes = vec!["Landlock ABI V7".to_owned()];
        let full = Sandbox { layers: Layer::ALL.into(), notes, gaps: Vec::new() };
        let partial = Sandbox { layers: vec![Layer::Limits, Layer::Seccomp], notes: Vec::new(), gaps };
        let off = Sandbox::off("--sandbox off");
        let told = [&full, &partial, &off].map(|sandbox| (sandbox.state(), sandbox.to_string()));
        assert_eq!(
            told,
            [
                (State::Full, "full: limits, landlock, seccomp; Landlock ABI V7".into()),
                (State::Partial, "partial: limits, seccomp; landlock: not known to this kernel".into()),
                (State::Off, "off: --sandbox off".into()),
            ]
        );
    }
}
