#!/usr/bin/env bash
# The figures of speed: the engine's steps, upload to completed on an idle server, accepted uploads, API and workers on shared stores, and
# the claims of a full queue. Run it through `services.sh run`, with POSTGRES_FSYNC=on, which starts the stores.
source "$(dirname "$0")/common.sh"

[ -n "${TEST_REDIS_URL:-}" ] || fail "usage: POSTGRES_FSYNC=on scripts/services.sh run scripts/bench.sh"
scripts/build.sh
step "engine" cargo bench --locked --package demitasse-engine --bench engine -- --noplot
step "upload to completed" cargo xtask bench-upload
step "accepted uploads" cargo xtask bench-accept
step "isolation" cargo xtask bench-isolation
step "API and workers" cargo xtask bench-scale
step "claims" cargo run --quiet --release --locked --package demitasse-backends --example claims -- \
  "$TEST_REDIS_URL?prefix=claims" "$TEST_POSTGRES_URL"
