# A private internet for a suite: `load ../support/local_services/services`, then world_start in setup_file or setup, world_stop
# in the matching teardown. Names, addresses and paths: world.py, site_server.py.

LOCAL_SERVICES=$(cd "$BATS_TEST_DIRNAME/../support/local_services" && pwd)

# world_start DIRECTORY: starts it; sets WORLD, WORLD_PID and WORLD_LOG (exported, for the tests of a file).
world_start() {
  export WORLD=$1 WORLD_PID WORLD_LOG=$1/log.jsonl
  local flags=(--mount --net) word
  [ "$EUID" -eq 0 ] || flags+=(--user --map-root-user)
  unshare "${flags[@]}" true 2>/dev/null || return 1
  mkdir -p "$WORLD"/{git,python,npm}
  chmod 755 "$WORLD"
  world_authority || return 1
  : >"$WORLD_LOG"
  mkfifo "$WORLD/in" "$WORLD/out"
  # Descriptor 3 is bats' own. Whoever starts this holds the writing end: the world ends with it.
  unshare "${flags[@]}" /usr/bin/python3 -B -S "$LOCAL_SERVICES/world.py" "$WORLD" <"$WORLD/in" >"$WORLD/out" 2>"$WORLD/err" 3>&- &
  WORLD_PID=$!
  exec {WORLD_IN}>"$WORLD/in"
  read -r word <"$WORLD/out"
  [ "$word" = READY ] || { cat "$WORLD/err" >&2; return 1; }
}
world_stop() {
  [ -n "${WORLD_PID:-}" ] || return 0
  exec {WORLD_IN}>&-
  wait "$WORLD_PID" 2>/dev/null || true
}

# A throw-away authority, and one certificate for all names of the world.
world_authority() {
  local names=DNS:good.test,DNS:*.good.test,DNS:neighbour.test,DNS:elsewhere.test,DNS:deaf.test,DNS:half.test,DNS:inward.test
  (
    cd "$WORLD" || exit 1
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=throw-away -keyout ca.key -out ca.pem \
      -addext keyUsage=critical,keyCertSign
    openssl req -newkey rsa:2048 -nodes -subj /CN=good.test -keyout key.pem -out request.pem
    printf 'subjectAltName=%s\n' "$names" >extensions
    openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out cert.pem
    chmod 644 ca.pem
  ) >"$WORLD/openssl.log" 2>&1 || { cat "$WORLD/openssl.log" >&2; return 1; }
}

# in_world COMMAND...: as who runs the suite, without any confinement.
in_world() {
  if [ "$EUID" -eq 0 ]; then
    nsenter --target "$WORLD_PID" --mount --net --wd="$PWD" -- "$@"
  else
    nsenter --target "$WORLD_PID" --user --preserve-credentials --mount --net --wd="$PWD" -- \
      unshare --user --map-user="$EUID" --map-group="$(id -g)" "$@"
  fi
}

# noted FILTER: how many lines of the log a jq condition holds for.
noted() { jq -s "[.[] | select($1)] | length" "$WORLD_LOG"; }
forget() { : >"$WORLD_LOG"; }
