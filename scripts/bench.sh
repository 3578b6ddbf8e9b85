#!/usr/bin/env bash
# The figures of speed: the engine's steps, then upload to completed on an idle server.
source "$(dirname "$0")/common.sh"

scripts/build.sh
step "engine" cargo bench --locked --package demitasse-engine --bench engine -- --noplot
step "upload to completed" cargo xtask bench-upload
