//! Landlock: rights that this process gives up, and no rule that gives any back.

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, RestrictionStatus, Ruleset, RulesetAttr, RulesetError,
    RulesetStatus, Scope,
};

/// The newest that the crate knows. Of an older kernel: what it has.
const NEWEST: ABI = ABI::V10;

/// Gives up every path, and TCP, UDP, and signals and sockets to other processes, as far as the kernel has rights for
/// them. Holds the calling thread and what that starts. Descriptors that are open stay as they are.
///
/// # Errors
/// Why not, if the kernel does not have it, or has it switched off.
pub(super) fn close() -> Result<String, String> {
    let status = restrict().map_err(|error| error.to_string())?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, LandlockStatus::NotEnabled) => Err("switched off in this kernel".into()),
        (RulesetStatus::NotEnforced, _) => Err("not in this kernel, or not let through to it".into()),
        // Paths are in all of them.
        (_, LandlockStatus::Available { effective_abi, .. }) => Ok(format!("Landlock ABI {effective_abi:?}")),
        (_, _) => Ok("Landlock".into()),
    }
}

fn restrict() -> Result<RestrictionStatus, RulesetError> {
    let ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?;
    ruleset.create()?.restrict_self()
}
