#!/usr/bin/env bats
# What a refusal says would allow the act, does: as flags of rune-sandbox, and as lines of rune.toml.

load helpers
load ../support/local_services/services

setup_file() { world_start; }
teardown_file() { world_stop; }
setup() {
  e2e_setup "$RUNE_SANDBOX"
  world_join
}
teardown() { e2e_teardown; }

# follow "WHAT..." FLAG... -- COMMAND: fails once for each WHAT, one after the other, each time without the flags that the
# report then names; with all of them the command succeeds, and nothing is refused.
follow() {
  local whats=$1 what flags=() words
  shift
  while [ "$1" != -- ]; do flags+=("$1"); shift; done
  for what in $whats; do
    box "${flags[@]}" "$@"
    [ "$status" -ne 0 ] || explain "$what was not refused"
    mapfile -t words < <(jq -r --arg what "$what" '.denials[] | select(.what == $what) | .allow[]' "$R")
    [ "${#words[@]}" -gt 0 ] || explain "nothing allows $what" "$(box_json .denials)"
    flags+=("${words[@]}")
  done
  box "${flags[@]}" "$@"
  assert_exit 0
  assert_no_denials
}
# names_nothing WHAT FLAG... -- COMMAND: refused, and no flag is promised.
names_nothing() {
  local what=$1
  shift
  box "$@"
  [ "$(jq -c --arg what "$what" '[.denials[] | select(.what == $what) | .allow] | unique' "$R")" = '[[]]' ] || explain "$what" "$(box_json .denials)"
}

@test "by hand: names, ports and addresses" {
  follow lookup -- curl -sSf -m 5 http://good.test/hello
  follow 'lookup connect' -- curl -sSf -m 5 http://good.test:8080/hello
  follow connect -- curl -sSf -m 5 http://93.184.215.14/hello
  follow 'lookup address' -- curl -sSf -m 5 http://private.test/hello
}

@test "by hand: what a client says on an allowed connection" {
  follow tls --allow-domain good.test -- curl -sSf -m 5 --cacert "$WORLD/ca.pem" --connect-to neighbour.test:443:good.test:443 https://neighbour.test/hello
  follow http --allow-domain good.test -- curl -sSf -m 5 -H 'Host: neighbour.test' http://good.test/hello
}

@test "by hand: bytes up, and a port to serve on" {
  head -c 3000000 /dev/zero >large
  follow upload --allow-domain good.test --max-upload 1M -- curl -sSf -T large -H Expect: http://good.test/upload
  follow bind -- /usr/bin/python3 -c 'import socket; socket.create_server(("127.0.0.1", 99))'
}

@test "by hand: programs and files" {
  cp /bin/true prog
  chmod 755 prog
  follow exec -- "$WORK/prog"
  follow exec -- /bin/sh -c "$WORK/prog"
  echo hello >"$ROOT/file"
  mkdir -m 777 "$ROOT/open"
  follow read --builtin -- read "$ROOT/file" 1 0
  follow read --builtin -- list "$ROOT/open"
  follow write --builtin -- write "$ROOT/open/new"
}

@test "by hand: no flag is promised for what no flag allows" {
  names_nothing send -- /usr/bin/python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("93.184.215.14", 4444))'
  names_nothing connect -- /usr/bin/python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect("\0name")'
  names_nothing read --builtin -- read /etc/shadow 1 0
  names_nothing syscall -- /usr/bin/python3 -c 'import ctypes; ctypes.CDLL(None).ptrace(0, 0, 0, 0)'
}

@test "rune: an allowed name that leads to a private address is a refusal that model and result have" {
  join_agent
  policy 'allowed_commands = ["curl"]' 'allowed_domains = ["private.test"]'
  serve "$(turn_cmd 'curl -sS -m 5 http://private.test/hello')" "$(turn_text 'done')"
  ask_json go
  assert_exit 4
  assert_json '.denials[0].what' address
  assert_contains "$(tool_result)" 'refused: address private.test:80'
}

@test "by hand: the last line names what was refused and flags that work" {
  local flags
  box -- curl -sS -m 5 http://good.test/hello
  [ "$status" -ne 0 ]
  flags=$(sed -n 's/^warning: rune-sandbox: refused: lookup good.test (names).*; to allow: //p' <<<"$stderr")
  [ -n "$flags" ] || explain "no such line"
  eval "box $flags -- curl -sSf -m 5 http://good.test/hello"
  assert_exit 0
  assert_lacks "$stderr" refused
}

# passes TURN: the call is refused; with what the refusal says done word for word, and nothing else, it succeeds.
passes() {
  serve "$1" "$(turn_text 'done')"
  ask_json go --on-denial fail
  assert_exit 4
  local way line
  way=$(json '.denials[0].way_out')
  line=$(json '.denials[0].allow')
  assert_contains "$(json .detail)" "$way"
  run "${PYTHON[@]}" "$SUPPORT/follow_remedy.py" "$way"
  [ "$status" -eq 0 ] || explain "$way"
  serve "$1" "$(turn_text 'done')"
  ask_json go --on-denial fail
  assert_exit 0
  assert_outcome answered
}
# allowed TURN LINE...: passes, under this policy; the line in `allow`, in place of the one with the same key, does as well.
allowed() {
  local turn=$1 line old kept=()
  shift
  policy "$@"
  serve "$turn" "$(turn_text 'done')"
  ask_json go
  assert_exit 4
  assert_json '.denials | length' 1
  line=$(json '.denials[0].allow')
  [[ "$line" == *' = '* ]] || explain "no line: $line"
  for old in "$@"; do [ "${old%% = *}" = "${line%% = *}" ] || kept+=("$old"); done
  policy "${kept[@]}" "$line"
  serve "$turn" "$(turn_text 'done')"
  ask_json go
  assert_exit 0
  assert_outcome answered
  rm -f "$ROOT/open/new"  # it belongs to the run that made it
  policy "$@"
  passes "$turn"
}

@test "rune: the line of a call that its text check refuses" {
  join_agent
  mkdir -m 777 "$ROOT/open"
  echo hello >"$ROOT/file"
  allowed "$(turn_cmd 'uname -s | head -n 1')" 'allowed_commands = ["echo"]'
  allowed "$(turn_tool read_file "{\"path\":\"$ROOT/file\"}")" 'allowed_paths_ro = ["/usr"]'
  allowed "$(turn_tool write_file "{\"path\":\"$ROOT/open/new\",\"content\":\"x\"}")" 'allowed_paths_rw = ["/tmp"]'
  allowed "$(turn_tool fetch_url '{"url":"http://good.test/hello"}')" 'allowed_domains = []'
  allowed "$(turn_tool fetch_url '{"url":"http://good.test:8080/hello"}')" 'allowed_domains = ["good.test"]'
}

@test "rune: the line of a call that only the kernel refuses" {
  join_agent
  mkdir -m 777 "$ROOT/open"
  echo hello >"$ROOT/file"
  ln -s "$ROOT/file" link
  ln -s "$ROOT/open" linked
  allowed "$(turn_tool read_file '{"path":"link"}')" 'allowed_paths_ro = ["/usr"]'
  allowed "$(turn_tool write_file '{"path":"linked/new","content":"x"}')" "allowed_paths_rw = [\"$WORK\"]"
  allowed "$(turn_cmd 'curl -sSf -m 5 -o /dev/null http://good.test/hello')" 'allowed_commands = ["curl"]' 'allowed_domains = []'
  allowed "$(turn_cmd 'curl -sSf -m 5 -o /dev/null http://93.184.215.14/hello')" 'allowed_commands = ["curl"]' 'allowed_domains = []'
}

@test "rune: a grant is added to the list that is there, comments and all, and to every file that has it" {
  join_agent
  config '[policy]' '# what we use' 'allowed_commands = [' '  "ls", "cat",  # reading' '  "echo",' ']' 'mode = "allowlist"'
  passes "$(turn_cmd 'uname -s')"
  grep -q '"ls", "cat",  # reading' "$HOME/.rune/rune.toml" || explain "the list was replaced"
  serve "$(turn_cmd 'echo a | cat')" "$(turn_text 'done')"
  ask_json go --on-denial fail
  assert_outcome answered
  # A key that nobody has written gets its default with it, in a file without the table, too.
  echo hello >"$ROOT/file"
  config 'max_steps = 9'
  passes "$(turn_tool read_file "{\"path\":\"$ROOT/file\"}")"
  grep -q '"/bin", "/usr", "/lib", ' "$HOME/.rune/rune.toml" || explain "the default was lost"
  # A project that narrows, and one that takes away what the user allows.
  policy 'allowed_commands = ["echo", "ls"]'
  printf '[policy]\nallowed_commands = ["echo"]\n' >rune.toml
  passes "$(turn_cmd 'uname -s')"
  passes "$(turn_cmd 'ls')"
}

@test "rune: one file is one file, there or not" {
  join_agent
  mkdir -m 777 "$ROOT/open"
  policy 'allowed_paths_rw = ["/tmp"]'
  passes "$(turn_tool write_file "{\"path\":\"$ROOT/open/new\",\"content\":\"x\"}")"
  serve "$(turn_tool write_file "{\"path\":\"$ROOT/open/other\",\"content\":\"x\"}")" "$(turn_text 'done')"
  ask_json go
  assert_exit 4
  assert_no_file "$ROOT/open/other"
}

@test "rune: where nothing would allow it, it says so, and which entry keeps it closed" {
  join_agent
  mkdir "$ROOT/closed"
  policy 'allowed_paths_ro = ["/usr"]' "denied_paths = [\"$ROOT/closed\"]"
  serve "$(turn_tool read_file "{\"path\":\"$ROOT/closed/x\"}")" "$(turn_text 'done')"
  ask_json go
  assert_json '.denials[0].allow' ''
  assert_json '.denials[0].way_out' "'$ROOT/closed' of denied_paths (~/.rune/rune.toml:3) keeps it closed"
  policy 'allowed_commands = ["python3"]'
  serve "$(turn_cmd 'python3 -c "import socket; socket.socket(socket.AF_UNIX).connect(chr(0) + chr(120))"')" "$(turn_text 'done')"
  ask_json go
  assert_json '.denials[0].way_out' 'no entry of the policy allows it'
}

@test "rune: the way out of what only the guard and the guardian see" {
  join_agent
  policy 'allowed_commands = ["curl"]' 'allowed_domains = ["private.test"]'
  passes "$(turn_cmd 'curl -sSf -m 5 -o /dev/null http://private.test/hello')"
  policy 'allowed_commands = ["curl"]' 'allowed_domains = []'
  passes "$(turn_cmd 'curl -sSf -m 5 -o /dev/null http://good.test:8080/hello')"
  head -c 3000000 /dev/zero >large
  policy 'allowed_commands = ["curl"]' 'allowed_domains = ["good.test"]' 'max_upload_mb = 1'
  passes "$(turn_cmd 'curl -sSf -T large -H Expect: http://good.test/upload')"
  printf 'uname -s\n' >build.sh
  policy 'allowed_commands = ["sh"]'
  passes "$(turn_cmd 'sh -e build.sh')"
  policy "allowed_paths_rw = [\"$WORK\"]"
  mkdir -p .git
  passes "$(turn_tool write_file '{"path":".git/config","content":"x"}')"
}

@test "rune: an allowed name that leads nowhere is a line of the result, the log and the report" {
  join_agent
  policy 'allowed_commands = ["curl"]' 'allowed_domains = ["nowhere.test"]'
  serve "$(turn_cmd 'curl -sS -m 5 http://nowhere.test/hello')" "$(turn_text 'done')"
  ask go
  assert_contains "$(tool_result)" $'\nnetwork: '
  assert_contains "$(tool_result)" nowhere.test
  assert_contains "$stderr" '    network: '
  box --allow-domain nowhere.test -- curl -sS -m 5 http://nowhere.test/hello
  assert_contains "$(box_json '.troubles | tostring')" nowhere.test
  assert_contains "$stderr" 'warning: network: '
  # The control: a name that leads somewhere.
  box --allow-domain good.test -- curl -sSf -m 5 http://good.test/hello
  assert_exit 0
  [ "$(box_json '.troubles | length')" -eq 0 ] || explain troubles
}

@test "localhost with a port is an entry like 127.0.0.1 with it" {
  box --allow-domain localhost:80 -- curl -sSf -m 5 http://localhost/hello
  assert_exit 0
  box --allow-domain localhost:81 -- curl -sSf -m 5 http://localhost/hello
  [ "$status" -ne 0 ] || explain "another port"
}
