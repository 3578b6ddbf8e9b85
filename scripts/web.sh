#!/usr/bin/env bash
# The web UI.
#   web.sh install   node_modules as package-lock.json says, if it changed
#   web.sh build     web/dist, if a source is newer
source "$(dirname "$0")/common.sh"

stamp=web/node_modules/.installed

install() {
  local lock
  lock="$(sha256sum <web/package-lock.json)"
  [ "$(cat "$stamp" 2>/dev/null)" = "$lock" ] && return
  say "installing the web UI's packages"
  (cd web && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error) \
    || fail "npm could not install the web UI's packages"
  printf '%s' "$lock" >"$stamp"
}

# Whether web/dist is there and nothing that it is made from is newer.
is_built() {
  [ -f web/dist/index.html ] || return 1
  [ -z "$(find web docs/openapi.json \( -name node_modules -o -name dist -o -name e2e -o -name test-results \
    -o -name playwright-report \) -prune -o -type f -newer web/dist/index.html -print -quit)" ]
}

build() {
  install
  is_built && return
  (cd web && npm run --silent build) || fail "the web UI could not be built"
}

"${1:?what to do}"
