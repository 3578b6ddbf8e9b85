#!/usr/bin/env bash
# The checks. `check.sh all` is what continuous integration runs; each name below is a part of it.
#   check.sh [--fix] NAME...
source "$(dirname "$0")/common.sh"

fix=
if [ "${1:-}" = --fix ]; then
  fix=yes
  shift
fi

npm_run() { (cd web && npm run --silent "$@"); }

format() {
  if [ -n "$fix" ]; then
    cargo fmt --all
    npm_run format
  else
    cargo fmt --all --check
  fi
}

spelling() { typos --config typos.toml; }

shell() {
  if ! have shellcheck; then
    say "shellcheck is not installed: skipped"
    return
  fi
  shellcheck --external-sources --source-path=SCRIPTDIR scripts/*.sh .ci/run
}

# The files under deploy/, each by a tool that knows its schema. KEDA's own kind is not among them. The examples of
# secrets stand in for the files that an operator writes.
deployment() {
  local files file
  hadolint --config .hadolint.yaml deploy/Dockerfile
  # Within `target`, so that a failure leaves nothing elsewhere.
  files="$target/deploy-check"
  rm -rf "$files"
  mkdir -p "$target"
  cp -r deploy "$files"
  for file in "$files"/env/*.example; do
    cp "$file" "${file%.example}"
  done
  for file in "$files"/compose*.yaml; do
    docker-compose --env-file "$files/env/original.env" --file "$file" config --quiet
  done
  # Without the original's variables it must not start.
  docker-compose --file "$files/compose.original.yaml" config --quiet 2>/dev/null \
    && fail "compose.original.yaml is content without its variables"
  for file in deploy/kubernetes/*.yaml; do
    [ "${file##*/}" = kustomization.yaml ] || kubernetes-validate --strict --quiet --kubernetes-version 1.30.0 "$file"
  done
  rm -rf "$files"
  if have systemd-analyze; then
    systemd_units
  else
    say "systemd-analyze is not installed: its units are not checked"
  fi
}

# As they are, but for the binary's path: a unit whose program is missing is refused.
systemd_units() {
  local files="$target/systemd-check" unit words
  rm -rf "$files"
  mkdir -p "$files"
  for unit in deploy/systemd/*.service; do
    sed "s#/usr/local/bin/demitasse#$(command -v true)#" "$unit" >"$files/${unit##*/}"
  done
  # An unknown key is only a warning to it.
  words="$(systemd-analyze verify --man=no "$files"/*.service 2>&1)" || fail "$words"
  [ -z "$words" ] || fail "$words"
  rm -rf "$files"
}

clippy() { cargo clippy --locked --workspace --all-targets --all-features -- -D warnings; }

# Every backend and every codec must build alone, none of them is needed, and neither is the page.
features() {
  cargo clippy --locked --quiet --package demitasse --no-default-features -- -D warnings
  cargo clippy --locked --quiet --package demitasse-backends --no-default-features -- -D warnings
  local feature
  for feature in memory sqlite disk postgres mongodb redis s3 cloudinary; do
    cargo clippy --locked --quiet --package demitasse-backends --no-default-features --features "$feature" \
      -- -D warnings
  done
  # A backend beside it, because it brings what the build scripts of the C libraries are built with: they build once.
  for feature in "" avif bmp gif ico jpeg jxl png qoi svg tiff webp; do
    cargo clippy --locked --quiet --package demitasse-engine --package demitasse-backends --no-default-features \
      --features "demitasse-backends/redis${feature:+,demitasse-engine/$feature}" -- -D warnings
  done
}

licenses() { cargo deny --log-level error --locked --all-features check licenses bans sources; }

# Both databases are asked, whatever the first one says.
advisories() {
  local failed=0
  cargo deny --all-features check advisories || failed=1
  (cd web && npm audit) || failed=1
  return "$failed"
}

unused() { cargo machete; }

documentation() { RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --all-features --no-deps; }

rust_tests() { scripts/services.sh run cargo nextest run --locked --workspace --all-features; }

chaos() { scripts/services.sh run scripts/chaos.sh short; }

doc_tests() { cargo test --locked --quiet --doc --workspace --all-features; }

# The end-to-end tests drive the binary that the Rust tests have built: the same command, so that nothing builds twice.
end_to_end() {
  cargo nextest run --locked --workspace --all-features --no-run
  DEMITASSE_BIN="$target/debug/demitasse" CHROMIUM="$(scripts/chromium.sh)" \
    scripts/services.sh run npm --prefix web run --silent e2e
}

lint() {
  step "format" format
  step "spelling" spelling
  step "shell scripts" shell
  step "deployment files" deployment
  step "licenses" licenses
  step "unused dependencies" unused
  step "clippy" clippy
  step "fewer features" features
}

rust() {
  step "rust tests" rust_tests
  step "chaos (short)" chaos
  step "documentation tests" doc_tests
  step "documentation" documentation
}

web() {
  step "web: types" npm_run typecheck
  step "web: lint" npm_run lint
  step "web: generated files are current" npm_run generate:check
  step "web: unit tests" npm_run test
}

e2e() {
  step "web: build" scripts/web.sh build
  step "end to end" end_to_end
}

all() {
  # First, because the binary embeds it.
  step "web: build" scripts/web.sh build
  lint
  web
  rust
  e2e
}

for name in "$@"; do
  case "$name" in
    all | lint | rust | web | e2e) "$name" ;;
    format | spelling | shell | deployment | clippy | features | licenses | advisories | unused | documentation | chaos)
      step "$name" "$name"
      ;;
    *) fail "no check is called $name" ;;
  esac
done

printf '\nAll checks passed.\n' >&2
printf '%s\n' "${step_times[@]}" >&2
