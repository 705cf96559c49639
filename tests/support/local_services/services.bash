# A private internet for a suite (world.py): `load ../support/local_services/services`, world_start in setup_file, world_join in
# setup, world_stop in teardown_file. It needs a network and a mount namespace; where these cannot be had, tests skip and say so.

LOCAL_SERVICES=$(cd "$BATS_TEST_DIRNAME/../support/local_services" && pwd)

# world_start: makes the directory WORLD and starts everything in it. WORLD_PID is empty where it cannot be had.
world_start() {
  export WORLD WORLD_PID=
  local flags=(--mount --net) word
  WORLD=$(mktemp -d /var/tmp/rune-world.XXXXXX)
  chmod 755 "$WORLD"
  mkdir -p "$WORLD"/{git,python,npm,files}
  [ "$EUID" -eq 0 ] || flags+=(--user --map-root-user)
  unshare "${flags[@]}" true 2>/dev/null || return 0
  world_authority || return 1
  : >"$WORLD/log.jsonl"
  mkfifo "$WORLD/out"
  # Descriptor 3 is bats' own: whoever keeps it open keeps bats waiting.
  unshare "${flags[@]}" /usr/bin/python3 -B -S "$LOCAL_SERVICES/world.py" "$WORLD" >"$WORLD/out" 2>"$WORLD/err" </dev/null 3>&- &
  WORLD_PID=$!
  read -r word <"$WORLD/out"
  [ "$word" = READY ] || { cat "$WORLD/err" >&2; return 1; }
}
world_stop() {
  if [ -n "$WORLD_PID" ]; then
    kill "$WORLD_PID"
    wait "$WORLD_PID" 2>/dev/null || true
  fi
  rm -rf --one-file-system "$WORLD"
}

# world_join: after e2e_setup. ENTER is the way in, as who runs the suite and with no more rights than that; the log is empty.
world_join() {
  R=$ROOT/sandbox.json
  if [ -z "$WORLD_PID" ]; then
    [ "$RUNE_SANDBOX_MUST_WORK" != 1 ] || [ "$EUID" -ne 0 ] || ! has_capability 21 || fail "no network namespace"
    skip "needs a network and a mount namespace, for a private internet"
  fi
  ENTER=(nsenter --target "$WORLD_PID" --mount --net --wd="$PWD")
  if [ "$EUID" -ne 0 ]; then
    ENTER+=(--user --preserve-credentials unshare --user --map-user="$EUID" --map-group="$(id -g)")
  fi
  forget
}

# A throw-away authority, and one certificate for all names of the world.
world_authority() {
  (
    cd "$WORLD" || exit 1
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=throw-away -keyout ca.key -out ca.pem \
      -addext keyUsage=critical,keyCertSign
    openssl req -newkey rsa:2048 -nodes -subj /CN=good.test -keyout key.pem -out request.pem
    echo 'subjectAltName=DNS:good.test,DNS:*.good.test,DNS:neighbour.test,DNS:elsewhere.test' >extensions
    openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out cert.pem
    chmod 644 ca.pem
  ) >"$WORLD/openssl.log" 2>&1 || { cat "$WORLD/openssl.log" >&2; return 1; }
}

# outside COMMAND...: in that internet, without any confinement. Sets status, output, stderr.
outside() { run --separate-stderr "${ENTER[@]}" "$@"; }
# box FLAG... -- COMMAND...: under rune-sandbox, with the system and the directory of the test; the report is in $R.
box() {
  run --separate-stderr supervise -- "${ENTER[@]}" "$RUNE_SANDBOX" --system --ro "$WORLD/ca.pem" --rw "$WORK" --report "$R" "$@"
}
# box_json FILTER: from the report of that.
box_json() { jq -r "$1" "$R"; }
# forget: empties the log. Lines of what went before may still come, of the kind "connection" only: they are written at its end.
forget() { : >"$WORLD/log.jsonl"; }
# shellcheck disable=SC2034  # helpers.bash starts its programs with PYTHON
# join_agent: from here on `serve` and `ask` happen in that internet, too.
join_agent() { PYTHON=("${ENTER[@]}" /usr/bin/python3 -B -S); }
# noted CONDITION: for how many lines of the outside's log a jq condition holds.
noted() { jq -s "[.[] | select($1)] | length" "$WORLD/log.jsonl"; }
# assert_noted CONDITION N
assert_noted() { [ "$(noted "$1")" -eq "$2" ] || explain "$1 holds for $(noted "$1") lines, expected $2:" "$(cat "$WORLD/log.jsonl")"; }
assert_nothing_arrived() { assert_noted '.kind != "connection"' 0; }
# assert_denied WHAT TARGET: stands in the report.
assert_denied() {
  jq -e --arg what "$1" --arg target "$2" 'any(.denials[]; .what == $what and .target == $target)' "$R" >/dev/null ||
    explain "no denial '$1 $2'" "$(cat "$R")"
}
assert_no_denials() { [ "$(box_json '.denials | length')" -eq 0 ] || explain "denials" "$(cat "$R")"; }

# world_repository NAME: two commits on main, served as /git/NAME.git.
world_repository() (
  cd "$WORLD" || exit 1
  export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@test GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@test
  git init -q -b main "$1"
  seq 1 5000 >"$1/numbers"
  git -C "$1" add . && git -C "$1" commit -qm first
  echo two >"$1/second"
  git -C "$1" add . && git -C "$1" commit -qm second
  git clone -q --bare "$1" "git/$1.git"
)
