//! demitasse-backends
