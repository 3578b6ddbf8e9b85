#!/usr/bin/env bash
# The services that the tests of the backends talk to, on free ports of loopback, with data that is thrown away.
#   services.sh run COMMAND...   starts them, runs the command with their TEST_* variables, stops them
#   services.sh start DIR        starts them and prints the variables: eval "$(scripts/services.sh start DIR)"
#   services.sh stop DIR         stops what `start DIR` started
# A service whose variable is set already is left alone: its tests use what the variable names.
# POSTGRES_FSYNC=on lets PostgreSQL wait for its disk, as measurements must.
source "$(dirname "$0")/common.sh"

# What every wait ends after.
patience_seconds=60

s3_bucket=demitasse-test

# Only a directory with this file is ever deleted.
marker=.demitasse-services

# Where this run keeps its data, logs and process ids.
dir=
exports=()

# Below the ports that the system gives to clients, so that no test takes one by chance before its service does.
free_port() {
  local port
  for _ in {1..100}; do
    port=$((RANDOM % 12000 + 20000))
    grep -qs ":$(printf '%04X' "$port") " /proc/net/tcp /proc/net/tcp6 && continue
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && continue
    [ -e "$dir/port.$port" ] && continue
    touch "$dir/port.$port"
    echo "$port"
    return
  done
  fail "no port is free"
}

# provide NAME VALUE: for the command, and for `start` to print.
provide() {
  export "$1=$2"
  exports+=("$1")
}

wanted() { [ -z "${!1:-}" ]; }

# launch NAME COMMAND...: in the background, its output in DIR/NAME.log. Its own session, so that Ctrl-C reaches the
# tests first and the services when these are done. Its working directory is below DIR: see `is_ours`.
launch() {
  local name="$1"
  shift
  (cd "$dir" && TMPDIR="$dir" exec setsid "$@" >"$dir/$name.log" 2>&1 </dev/null) &
  echo $! >"$dir/$name.pid"
}

# A process id that was written down long ago may be another's by now.
is_ours() {
  local cwd
  cwd="$(readlink "/proc/$1/cwd")" || return 1
  [ "$cwd" = "$dir" ] || [ "${cwd#"$dir"/}" != "$cwd" ]
}

# await NAME COMMAND...: until the command succeeds.
await() {
  local name="$1" pid deadline=$((SECONDS + patience_seconds))
  shift
  pid="$(cat "$dir/$name.pid")"
  until "$@" >"$dir/$name.probe" 2>&1; do
    if ! kill -0 "$pid" 2>/dev/null || [ "$SECONDS" -ge "$deadline" ]; then
      tail -n 20 "$dir/$name.log" "$dir/$name.probe" >&2
      fail "$name did not start; the end of its log is above"
    fi
    sleep 0.1
  done
}

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1"); }

start_redis() {
  wanted TEST_REDIS_URL || return 0
  have redis-server || fail "redis-server is missing: run scripts/deps.sh test, or set TEST_REDIS_URL"
  if ! [[ "$(redis-server --version)" =~ v=([0-9]+) && "${BASH_REMATCH[1]}" -ge 7 ]]; then
    fail "redis-server 7 or newer is needed: install it, or set TEST_REDIS_URL"
  fi
  local port
  port="$(free_port)"
  mkdir "$dir/redis"
  launch redis redis-server --bind 127.0.0.1 --port "$port" --dir "$dir/redis" --appendonly yes --save ''
  await redis redis-cli -p "$port" ping
  provide TEST_REDIS_URL "redis://127.0.0.1:$port"
}

start_postgres() {
  wanted TEST_POSTGRES_URL || return 0
  local bin port as=() user=nobody
  bin="$(dirname "$(readlink -f "$(find_server_program initdb)")")"
  [ -x "$bin/initdb" ] || fail "PostgreSQL is missing: run scripts/deps.sh test, or set TEST_POSTGRES_URL"
  port="$(free_port)"
  mkdir -m 700 "$dir/postgres"
  # It refuses to run as root.
  if [ "$(id -u)" = 0 ]; then
    id postgres >/dev/null 2>&1 && user=postgres
    as=(setpriv "--reuid=$user" "--regid=$(id -gn "$user")" --clear-groups)
    chown "$user" "$dir/postgres"
    "${as[@]}" test -w "$dir/postgres" || fail "the user $user cannot reach $dir: choose a directory elsewhere"
  fi
  "${as[@]}" "$bin/initdb" --pgdata "$dir/postgres" --username postgres --auth trust --encoding UTF8 --locale C.UTF-8 \
    --no-sync >"$dir/initdb.log" 2>&1 || {
    tail -n 20 "$dir/initdb.log" >&2
    fail "initdb failed; the end of its log is above"
  }
  # Without fsync it survives the death of its processes, which tests cause, but not that of the machine.
  local fsync="${POSTGRES_FSYNC:-off}"
  launch postgres "${as[@]}" "$bin/postgres" -D "$dir/postgres" -p "$port" -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories= -c fsync="$fsync" -c max_connections=300
  await postgres "$bin/pg_isready" --host 127.0.0.1 --port "$port"
  provide TEST_POSTGRES_URL "postgres://postgres@127.0.0.1:$port/postgres"
}

# No mongod: SecantusDB speaks its wire protocol. TEST_MONGODB_URI runs the same tests on a real one.
start_mongodb() {
  wanted TEST_MONGODB_URI || return 0
  [ -x "$services/bin/secantusd-py" ] \
    || fail "SecantusDB is missing: run scripts/deps.sh test, or set TEST_MONGODB_URI"
  local port
  port="$(free_port)"
  launch mongodb "$services/bin/secantusd-py" --host 127.0.0.1 --port "$port" --storage-path :memory: \
    --cache-size 256M --log-level WARNING
  await mongodb listens "$port"
  provide TEST_MONGODB_URI "mongodb://127.0.0.1:$port/"
}

s3_url() { echo "s3://$s3_bucket?endpoint=http://127.0.0.1:$1&region=us-east-1&allow_http=true"; }

create_bucket() {
  "$services/bin/python" -c 'import sys, urllib.request as r
r.urlopen(r.Request(sys.argv[1], method="PUT"), timeout=5)' "http://127.0.0.1:$1/$s3_bucket"
}

# Two servers, since each forgives what the other does not: moto keeps to S3's answers, s3s-fs checks signatures.
start_s3() {
  local moto_port fs_port key=demitasse-test secret=demitasse-test-secret
  if ! wanted TEST_S3_URL && ! wanted TEST_S3_FS_URL; then
    return 0
  fi
  if ! wanted TEST_S3_URL || ! wanted TEST_S3_FS_URL; then
    fail "set both TEST_S3_URL and TEST_S3_FS_URL, or neither: they share AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
  fi
  [ -x "$services/bin/moto_server" ] || fail "moto is missing: run scripts/deps.sh test, or set TEST_S3_URL"
  have s3s-fs || fail "s3s-fs is missing: run scripts/deps.sh test, or set TEST_S3_FS_URL"
  moto_port="$(free_port)"
  fs_port="$(free_port)"
  mkdir -p "$dir/s3s-fs/$s3_bucket"
  launch moto "$services/bin/moto_server" -H 127.0.0.1 -p "$moto_port"
  launch s3s-fs s3s-fs --host 127.0.0.1 --port "$fs_port" --access-key "$key" --secret-key "$secret" "$dir/s3s-fs"
  await moto create_bucket "$moto_port"
  await s3s-fs listens "$fs_port"
  provide TEST_S3_URL "$(s3_url "$moto_port")"
  provide TEST_S3_FS_URL "$(s3_url "$fs_port")"
  provide AWS_ACCESS_KEY_ID "$key"
  provide AWS_SECRET_ACCESS_KEY "$secret"
}

# What tests start themselves.
name_programs() {
  if wanted TEST_CLOUDINARY_PYTHON; then
    [ -x "$services/bin/python" ] \
      || fail "Cloudinary's SDK is missing: run scripts/deps.sh test, or set TEST_CLOUDINARY_PYTHON"
    provide TEST_CLOUDINARY_PYTHON "$services/bin/python"
  fi
  if wanted TEST_REDIS_SERVER; then
    have redis-server || fail "redis-server is missing: run scripts/deps.sh test, or set TEST_REDIS_SERVER"
    provide TEST_REDIS_SERVER "$(command -v redis-server)"
  fi
  if wanted TEST_NGINX; then
    local nginx
    nginx="$(find_server_program nginx)"
    [ -n "$nginx" ] || fail "nginx is missing: run scripts/deps.sh test, or set TEST_NGINX"
    provide TEST_NGINX "$nginx"
  fi
}

start_all() {
  touch "$dir/$marker"
  # Open to the user that PostgreSQL runs as, but not to be listed.
  chmod 711 "$dir"
  local start="$SECONDS"
  start_redis
  start_postgres
  start_mongodb
  start_s3
  name_programs
  say "services: ready after $((SECONDS - start)) s"
}

# Politely, then not. SIGINT is PostgreSQL's word for "do not wait for clients".
stop_all() {
  local file name pid running=()
  for file in "$dir"/*.pid; do
    [ -e "$file" ] || continue
    name="$(basename "$file" .pid)"
    pid="$(cat "$file")"
    is_ours "$pid" || continue
    running+=("$pid")
    if [ "$name" = postgres ]; then
      kill -INT "$pid" || true
    else
      kill -TERM "$pid" || true
    fi
  done
  for pid in "${running[@]}"; do
    for _ in {1..100}; do
      is_ours "$pid" || continue 2
      sleep 0.1
    done
    say "process $pid did not stop and is killed; its service's log is in $dir"
    kill -KILL "$pid" || true
  done
}

discard() {
  stop_all
  rm -rf "$dir"
}

run() {
  dir="$(mktemp -d "${TMPDIR:-/tmp}/demitasse-services.XXXXXX")"
  trap discard EXIT
  start_all
  "$@"
}

start() {
  mkdir -p "$1"
  dir="$(cd "$1" && pwd)"
  [ -z "$(ls -A "$dir")" ] || fail "$dir is not empty: stop what runs there (services.sh stop $1), or choose another"
  trap discard EXIT
  start_all
  trap - EXIT
  local name
  for name in "${exports[@]}"; do
    printf 'export %s=%q\n' "$name" "${!name}"
  done
}

stop() {
  dir="$(cd "$1" && pwd)"
  [ -e "$dir/$marker" ] || fail "nothing was started in $dir"
  discard
}

usage() { fail "usage: services.sh run COMMAND... | start DIR | stop DIR"; }

[ $# -ge 2 ] || usage
case "$1" in
  run | start | stop) "$@" ;;
  *) usage ;;
esac
