# shellcheck shell=bash
# What the scripts share; sourced, never run.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Where cargo builds; scripts keep their own tools there too.
target="${CARGO_TARGET_DIR:-$PWD/target}"
tools="$target/tools"
# Servers and SDKs written in Python, that tests talk to; apart from the tools that are in PATH.
# shellcheck disable=SC2034 # for the scripts that source this
services="$tools/services"

export PATH="$tools/bin:$tools/python/bin:${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"

say() { printf '%s\n' "$*" >&2; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Prints the path of a server's program, or nothing. Debian keeps them out of a user's PATH.
find_server_program() {
  PATH="$PATH:/usr/local/sbin:/usr/sbin" command -v "$1" && return
  find /usr/lib/postgresql /usr/pgsql-* -maxdepth 3 -name "$1" 2>/dev/null | sort -V | tail -n 1
}

# step NAME COMMAND...: runs it, and says how long it took. Not within a condition: there bash ignores failures.
step_name=
step_times=()
step() {
  local start="$SECONDS"
  step_name="$1"
  shift
  printf '\n==> %s\n' "$step_name" >&2
  "$@"
  step_times+=("$(printf '%6d s  %s' "$((SECONDS - start))" "$step_name")")
  step_name=
}

report_failed_step() {
  [ -z "$step_name" ] || printf '\n==> FAILED: %s\n' "$step_name" >&2
}
trap report_failed_step EXIT
