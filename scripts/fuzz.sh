#!/usr/bin/env bash
# Fuzzes, led by coverage (libFuzzer): each target for some seconds, one after the other, and a table at the end.
#   fuzz.sh [SECONDS] [TARGET...]   60 seconds, every target
# Stable Rust: coverage by the compiler's own pass, in Rust code only; no address sanitizer, which needs a nightly compiler.
# What C code does wrong is noticed when it crashes. It builds in a folder of its own, since every crate is built otherwise.
source "$(dirname "$0")/common.sh"

seconds="${1:-60}"
[ "$#" = 0 ] || shift
[[ "$seconds" =~ ^[0-9]+$ ]] || fail "say how many seconds each target gets, and then which targets: $seconds"

# A corpus grows from run to run; a finding is a file that repeats it: FUZZ_BINARY FILE.
folder="$target/fuzz"
host="$(rustc -vV | sed -n 's/^host: //p')"
binary="$folder/$host/debug/fuzz"
coverage=(-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares)
# Of one input: seconds until it counts as endless, megabytes, bytes. The target itself counts more than two seconds of processor
# time as a finding.
limits=(-timeout=30 -rss_limit_mb=512 -max_len=65536)

build() {
  CARGO_TARGET_DIR="$folder" RUSTFLAGS="${coverage[*]}" \
    cargo build --locked --quiet --package demitasse-fuzz --features libfuzzer --bin fuzz --target "$host"
}

# number NAME LOG: the last figure of this name.
number() { { grep -o "stat::$1: *[0-9]*" "$2" || true; } | tail -n 1 | grep -o '[0-9]*$' || echo 0; }

# A target again and again until its time is over: libFuzzer ends at a finding.
fuzz() {
  local name="$1" corpus="$folder/corpus/$1" findings="$folder/findings/$1" log="$folder/$1.log"
  local began="$SECONDS" left="$seconds" executions=0 memory=0 found
  mkdir -p "$corpus" "$findings"
  while [ "$left" -gt 0 ]; do
    "$binary" "$corpus" "${limits[@]}" -max_total_time="$left" -print_final_stats=1 \
      -artifact_prefix="$findings/" >"$log" 2>&1 || true
    executions=$((executions + $(number number_of_executed_units "$log")))
    found="$(number peak_rss_mb "$log")"
    [ "$found" -le "$memory" ] || memory="$found"
    left=$((seconds - SECONDS + began))
    # One that cannot even begin would be tried without end.
    grep -q '^INFO: seed corpus\|#2\b' "$log" || break
  done
  found="$(find "$findings" -type f | wc -l)"
  table+=("$(printf '| %s | %d | %d | %d | %d | %d |' "$name" "$((SECONDS - began))" "$executions" \
    "$({ grep -o 'cov: [0-9]*' "$log" || true; } | tail -n 1 | grep -o '[0-9]*' || echo 0)" "$memory" "$found")")
  say "${table[-1]}"
  [ "$found" = 0 ] || failed=yes
}

step "build" build
targets=("$@")
[ "${#targets[@]}" != 0 ] || mapfile -t targets < <("$binary" list)
failed=
table=()
for name in "${targets[@]}"; do
  fuzz "$name"
done
printf '\n| target | seconds | executions | edges | MB | findings |\n|---|---|---|---|---|---|\n'
printf '%s\n' "${table[@]}"
[ -z "$failed" ] || fail "findings are in $folder/findings: repeat one by $binary FILE"
