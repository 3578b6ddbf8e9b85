#!/usr/bin/env bash
# Prints the path of the Chromium that the end-to-end tests drive.
source "$(dirname "$0")/common.sh"

if [ -n "${CHROMIUM:-}" ]; then
  have "$CHROMIUM" || fail "CHROMIUM is set to $CHROMIUM, which cannot be run"
  command -v "$CHROMIUM"
  exit
fi
for name in chromium chromium-browser google-chrome-stable google-chrome; do
  path="$(command -v "$name" || true)"
  # Ubuntu's chromium-browser without snap is a script that only prints advice.
  if [ -n "$path" ] && "$path" --version >/dev/null 2>&1; then
    printf '%s\n' "$path"
    exit
  fi
done
own="$(cd web && node -p 'require("@playwright/test").chromium.executablePath()' 2>/dev/null)" || own=
if [ -x "$own" ]; then
  printf '%s\n' "$own"
  exit
fi
fail "no Chromium was found: install chromium or google-chrome, or set CHROMIUM to the path of one"
