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
  follow bind -- /usr/bin/python3 -c 'import socket; socket.create_server(("127.0.0.1", 18099))'
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

# allowed TURN LINE...: the call is refused under this policy; with the line that the result names, in place of the one with
# the same key, it succeeds.
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
  assert_contains "$(json .detail)" "$line"
  for old in "$@"; do [ "${old%% = *}" = "${line%% = *}" ] || kept+=("$old"); done
  policy "${kept[@]}" "$line"
  serve "$turn" "$(turn_text 'done')"
  ask_json go
  assert_exit 0
  assert_outcome answered
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
