//! One suite per port; every implementation runs it.
