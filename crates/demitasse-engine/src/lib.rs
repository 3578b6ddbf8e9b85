//! demitasse-engine
