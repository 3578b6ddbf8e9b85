#!/usr/bin/env bash
# Uploads while everything is killed, on each set of stores: nothing may be lost or doubled.
# Run it through `services.sh run`, which starts the stores.
#   chaos.sh short [ARGS...]    half a minute each, and the control; for `make test`
#   chaos.sh long [ARGS...]     a thousand uploads and two hundred random kills each; ARGS as of `cargo xtask chaos`
#   chaos.sh control [ARGS...]  shows that a loss is seen and reported
# STORES picks some of them: STORES="sqlite postgres mongodb".
source "$(dirname "$0")/common.sh"

form="${1:-}"
shift || true
case "$form" in
  short) length=(--seconds 15 --uploads 100) ;;
  long) length=(--seconds 120 --uploads 1000 --kills 200 --removals --sweep 1) ;;
  control) length=() ;;
  *) fail "usage: chaos.sh short | long | control" ;;
esac

folder="$(mktemp -d "${TMPDIR:-/tmp}/demitasse-chaos-stores.XXXXXX")"
# Of this run alone, so that several may share the servers.
own="chaos_${folder##*.}"
own="${own,,}"
stand_in=

clean_up() {
  [ -z "$stand_in" ] || kill "$stand_in" 2>/dev/null || true
  rm -rf "$folder"
  report_failed_step
}
trap clean_up EXIT

# One command with an example, so that the features are those of the Rust tests, and nothing builds twice.
cargo build --locked --quiet --workspace --all-features --bins --example cloudinary_stand_in

run() { "$target/debug/xtask" chaos --binary "$target/debug/demitasse" "$@"; }

# Redis is of its own each time. On SQLite and a directory, one process does everything.
on_sqlite() { run "$@"; }

# in_path URL NAME: the URL with NAME at the end of its path.
in_path() {
  local query=
  [ "${1#*\?}" = "$1" ] || query="?${1#*\?}"
  local base="${1%%\?*}"
  echo "${base%/}/$2$query"
}

on_postgres() {
  local psql joint='?'
  psql="$(find_server_program psql)"
  [ -n "$psql" ] || fail "psql is missing: install PostgreSQL's client"
  [ "${TEST_POSTGRES_URL#*\?}" = "$TEST_POSTGRES_URL" ] || joint='&'
  "$psql" --quiet --no-psqlrc --set ON_ERROR_STOP=1 --command "CREATE SCHEMA $own" "$TEST_POSTGRES_URL"
  run --stores "Redis + PostgreSQL + S3" --metadata "$TEST_POSTGRES_URL${joint}options[search_path]=$own" \
    --storage "$(in_path "$TEST_S3_URL" "$own")" "$@"
  "$psql" --quiet --no-psqlrc --command "SET client_min_messages = error; DROP SCHEMA $own CASCADE" "$TEST_POSTGRES_URL"
}

# The server of services.sh speaks MongoDB's wire protocol and is no mongod; the stand-in is no Cloudinary.
on_mongodb() {
  mkdir "$folder/cloudinary"
  "$target/debug/examples/cloudinary_stand_in" --dir "$folder/cloudinary" >"$folder/url" 2>"$folder/stand-in.log" &
  stand_in=$!
  until [ -s "$folder/url" ]; do
    kill -0 "$stand_in" 2>/dev/null || fail "the stand-in did not start: $(cat "$folder/stand-in.log")"
    sleep 0.1
  done
  run --stores "Redis + MongoDB's wire protocol + Cloudinary's stand-in" \
    --metadata "$(in_path "$TEST_MONGODB_URI" "$own")" --storage "$(head -n 1 "$folder/url")" --blobs "$folder/cloudinary" "$@"
}

# Redis alone is killed, with more jobs in it than the workers get done by then, and nobody looks for what it lost: the
# harness must say so.
control() {
  local said code=0
  said="$(TMPDIR="$folder" run --stores "a Redis that nobody repairs" --victims redis --sweep 86400 --slow 1000 \
    --seconds 4 --uploads 16 --patience 12 "$@" 2>"$folder/control.log")" || code=$?
  say "$(head -n 1 <<<"$said"): a control, which must lose"
  if [ "$code" != 1 ] || ! [[ "$said" == *": lost "[1-9]* ]]; then
    fail "the control ended with $code, and reported no loss: $said $(cat "$folder/control.log")"
  fi
}

if [ "$form" != long ]; then
  control "$@"
fi
if [ "$form" != control ]; then
  for stores in ${STORES:-sqlite postgres mongodb}; do
    "on_$stores" "${length[@]}" "$@"
  done
fi
