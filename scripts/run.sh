#!/usr/bin/env bash
# Builds the release binary and starts the server in the foreground; the arguments are those of `demitasse serve`.
source "$(dirname "$0")/common.sh"

scripts/build.sh
exec "$target/release/demitasse" serve "$@"
