#!/usr/bin/env bash
# Builds the runtime image from deploy/Dockerfile and runs it as an operator would: not root, read-only, with a volume.
# No registry is asked: the base image is made from Debian's packages. Needs root and about 2 GB in TMPDIR.
#   image-test.sh            with the release binary, which is built first
#   IMAGE_BINARY=FILE ...    with that binary, of Debian 12 or older
source "$(dirname "$0")/common.sh"

# As deploy/Dockerfile says.
image_user=10001
image=localhost/demitasse:test
# What every wait ends after.
patience_seconds=60

dir=
container=

on_exit() {
  local status=$?
  [ -z "$container" ] || containers podman rm --force "$container" >/dev/null 2>&1 || true
  if [ -n "$dir" ]; then
    # Mounts that a broken build left; nothing below them is deleted.
    awk -v dir="$dir/" 'index($2, dir) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r -n 1 umount -l || true
    rm -rf --one-file-system "$dir"
  fi
  [ "$status" = 0 ] || report_failed_step
  exit "$status"
}
trap on_exit EXIT

install_tools() {
  local missing=() tool
  for tool in mmdebstrap buildah podman runc curl; do
    PATH="$PATH:/usr/sbin" command -v "$tool" >/dev/null || missing+=("$tool")
  done
  [ "${#missing[@]}" = 0 ] && return
  have apt-get || fail "these are missing: ${missing[*]}"
  say "installing ${missing[*]}"
  apt-get update -qq >&2 || say "warning: the package lists could not be refreshed"
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# Runs podman or buildah on a store of this run alone, in a way that works inside a container too.
containers() {
  local program="$1"
  shift
  BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs "$program" --root "$dir/images" --runroot "$dir/run" \
    --storage-driver vfs "$@"
}

# Debian 12 from packages, under the name that the Dockerfile asks for. With this machine's sources, if it is one.
make_base() {
  local sources=() file
  if grep -q '^VERSION_CODENAME=bookworm' /etc/os-release && grep -q '^ID=debian' /etc/os-release; then
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources; do
      [ ! -s "$file" ] || sources+=("$file")
    done
  fi
  mmdebstrap --quiet --variant=apt bookworm "$dir/base.tar" "${sources[@]}"
  containers podman import --quiet "$dir/base.tar" docker.io/library/debian:bookworm-slim >&2
  rm "$dir/base.tar"
}

# The runtime stage, from the binary alone. Format docker: the other one has no place for a health check.
build_image() {
  mkdir "$dir/context"
  cp "$binary" "$dir/context/demitasse"
  containers buildah bud --quiet --pull-never --format docker --target runtime --build-arg BINARY=prebuilt \
    --file deploy/Dockerfile --tag "$image" "$dir/context" >&2
  local configured
  configured="$(containers podman image inspect --format '{{.User}} {{.Config.StopSignal}} {{.HealthCheck.Test}}' "$image")"
  [ "$configured" = "$image_user:$image_user SIGTERM [CMD demitasse healthcheck]" ] || fail "the image says: $configured"
  say "image: $(containers podman image inspect --format '{{.Size}}' "$image" | numfmt --to=si)B with its base," \
    "binary $(stat -c %s "$binary" | numfmt --to=si)B"
}

# run_image OPTION... -- ARG...: starts a container in the background; its loopback is this machine's.
run_image() {
  local options=()
  while [ "$1" != -- ]; do
    options+=("$1")
    shift
  done
  shift
  containers podman --runtime runc --cgroup-manager=cgroupfs run --no-healthcheck --network host --read-only \
    --cap-drop all --security-opt no-new-privileges --ulimit nofile=1024:1024 --ulimit nproc=4096:4096 \
    --volume "$dir/data:/data" "${options[@]}" "$image" "$@"
}

# Without a key it must not open a port to everyone.
refuses_without_key() {
  local words
  if words="$(run_image --rm -- serve 2>&1)"; then
    fail "the image served everyone without an API key"
  fi
  grep -q -- --api-key <<<"$words" || fail "it ended without a reason: $words"
  say "without a key: ${words##*demitasse: }"
}

start() {
  local key_file="$dir/env"
  printf 'DEMITASSE_API_KEY=%s\n' "$key" >"$key_file"
  container="$(run_image --detach --env "DEMITASSE_LISTEN=127.0.0.1:$port" --env-file "$key_file" -- serve --workers 1)"
  local deadline=$((SECONDS + patience_seconds))
  until in_container demitasse healthcheck 2>/dev/null; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      containers podman logs "$container" >&2 || true
      fail "the health check never passed"
    fi
    sleep 0.2
  done
  say "healthy, by the health check's own command"
}

in_container() {
  containers podman --runtime runc --cgroup-manager=cgroupfs exec "$container" "$@"
}

is_confined() {
  local status uid written=()
  status="$(in_container cat /proc/1/status)"
  uid="$(awk '/^Uid:/ { print $2 "/" $3 }' <<<"$status")"
  [ "$uid" = "$image_user/$image_user" ] || fail "it runs as user $uid"
  grep -q '^CapEff:[[:space:]]*0*$' <<<"$status" || fail "it has capabilities"
  grep -q '^NoNewPrivs:[[:space:]]*1$' <<<"$status" || fail "it may gain privileges"
  if in_container touch /usr/local/bin/x 2>/dev/null || in_container touch /etc/x 2>/dev/null; then
    fail "the root file system can be written"
  fi
  local sandbox
  sandbox="$(curl --silent --fail "$url/readyz" | field sandbox)"
  [[ "$sandbox" == *"'full'"* ]] || fail "the sandbox of its children: $sandbox"
  mapfile -t written < <(cd "$dir/data" && ls)
  say "user $uid, no capabilities, root read-only, children in the whole sandbox; in /data: ${written[*]}"
}

make_picture() {
  python3 - "$dir/picture.png" <<'PYTHON'
import struct, sys, zlib

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

side = 256
rows = b"".join(b"\0" + bytes(v for x in range(side) for v in (x, y, (x * y) % 251)) for y in range(side))
with open(sys.argv[1], "wb") as out:
    out.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
              + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b""))
PYTHON
}

field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

compresses() {
  local task status deadline=$((SECONDS + patience_seconds))
  make_picture
  local refused
  refused="$(curl --silent --output /dev/null --write-out '%{http_code}' "$url/images")"
  [ "$refused" = 401 ] || fail "without the key it answered $refused"
  task="$(curl --silent --fail --header "Authorization: Bearer $key" --form "image=@$dir/picture.png" "$url/images/upload" \
    | field taskId)"
  until [ "${status:=}" = completed ]; do
    if [ "$status" = failed ] || [ "$SECONDS" -ge "$deadline" ]; then
      fail "the task is ${status:-unknown}"
    fi
    status="$(curl --silent --fail --header "Authorization: Bearer $key" "$url/tasks/$task/status" | field status)"
    sleep 0.1
  done
  say "task $task: completed"
}

# On the signal that the image names: within the grace time, with status 0, and nothing lost.
stops() {
  local began="$SECONDS" code
  containers podman --runtime runc --cgroup-manager=cgroupfs stop --time 40 "$container" >/dev/null
  code="$(containers podman inspect --format '{{.State.ExitCode}}' "$container")"
  containers podman logs "$container" 2>&1 | grep -q 'stopped' || fail "it did not say that it stopped"
  [ "$code" = 0 ] || fail "it ended with status $code"
  say "stopped after $((SECONDS - began)) s with status 0"
  containers podman rm "$container" >/dev/null
  container=
}

finds_its_data() {
  local count
  start
  count="$(curl --silent --fail --header "Authorization: Bearer $key" "$url/images" | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')"
  [ "$count" = 1 ] || fail "after a restart there are $count images"
  stops
}

[ "$(id -u)" = 0 ] || fail "building and running images here needs root: sudo make image-test"
step "tools" install_tools
binary="${IMAGE_BINARY:-$target/release/demitasse}"
[ -n "${IMAGE_BINARY:-}" ] || step "binary" scripts/build.sh
[ -x "$binary" ] || fail "$binary is no program"
dir="$(mktemp -d)"
mkdir -m 0700 "$dir/data"
chown "$image_user:$image_user" "$dir/data"
# Others may pass through, to the volume alone.
chmod 0711 "$dir"
key="$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')"
port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
url="http://127.0.0.1:$port"

step "base image" make_base
step "image" build_image
step "no key, no service" refuses_without_key
step "start" start
step "confinement" is_confined
step "upload" compresses
step "stop" stops
step "start again on the same data" finds_its_data
printf '\nThe image works.\n' >&2
printf '%s\n' "${step_times[@]}" >&2
