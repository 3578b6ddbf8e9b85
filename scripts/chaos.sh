#!/usr/bin/env bash
# Uploads while everything is killed, on each pair of stores: nothing may be lost or doubled.
# Run it through `services.sh run`, which starts the stores.
#   chaos.sh short [ARGS...]  half a minute each, for `make test`
#   chaos.sh long [ARGS...]   two minutes and a thousand uploads each; ARGS as of `cargo xtask chaos`
source "$(dirname "$0")/common.sh"

case "${1:-}" in
  short) length=(--seconds 20 --uploads 150) ;;
  long) length=(--seconds 120 --uploads 1000) ;;
  *) fail "usage: chaos.sh short | long" ;;
esac
shift

# The features of the Rust tests, so that nothing builds twice.
cargo build --locked --quiet --workspace --all-features --bins

run() {
  "$target/debug/xtask" chaos --binary "$target/debug/demitasse" "${length[@]}" "$@"
}

# Redis is of its own each time. On SQLite and a directory, one process does everything.
run "$@"
