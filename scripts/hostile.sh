#!/usr/bin/env bash
# Uploads hostile files, each run with others: none may harm the service, each is refused clearly or gives an unharmed result.
#   hostile.sh [FILES [SEED]]    a run is repeated by its seed, which it prints
source "$(dirname "$0")/common.sh"

export HOSTILE_FILES="${1:-20000}" HOSTILE_SEED="${2:-$RANDOM$RANDOM}"
say "$HOSTILE_FILES files, seed $HOSTILE_SEED"
cargo nextest run --locked --workspace --all-features --no-capture \
  --filterset 'package(demitasse) & test(hostile_files_are_refused)'
