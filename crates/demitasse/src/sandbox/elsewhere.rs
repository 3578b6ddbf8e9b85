//! Systems and processors whose sandbox is not known here.

use super::Layer;

/// Why there is none at all, if there is none at all.
pub(super) const NONE_BECAUSE: Option<&str> =
    Some(if cfg!(target_os = "linux") { "not for this processor" } else { "not Linux" });

/// Gives up nothing.
///
/// # Errors
/// There is no such layer.
pub(crate) fn enter(layers: &[Layer], start_threads: impl FnOnce()) -> Result<Option<String>, String> {
    start_threads();
    match layers.first() {
        None => Ok(None),
        Some(layer) => Err(format!("{}: not on this system", layer.name())),
    }
}
