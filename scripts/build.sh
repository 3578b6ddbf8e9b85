#!/usr/bin/env bash
# The release binary.
source "$(dirname "$0")/common.sh"

cargo build --release --locked --package demitasse --bin demitasse
say "built $target/release/demitasse"
