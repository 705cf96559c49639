#!/usr/bin/env bats
# What a command sent and received, by name: the ledger of the report, the cap on uploads, and the policy that a watched run needed.

load helpers
load ../support/local_services/services

setup_file() { world_start; }
teardown_file() { world_stop; }
setup() {
  e2e_setup "$RUNE_SANDBOX"
  world_join
}
teardown() { e2e_teardown; }

# ledger NAME PORT FIELD, and what the servers counted at ADDRESS PORT.
ledger() { box_json "[.egress[] | select(.target == \"$1\" and .port == $2) | .$3] | add"; }
counted() { jq -s --arg at "$1" "[.[] | select(.kind == \"connection\" and .at == \$at) | .$2] | add" "$WORLD/log.jsonl"; }

@test "--proxy: names go through the proxy, which is told the name, and none is looked up" {
  printf '%s\n' 'import socket
listener = socket.create_server(("127.0.0.1", 0)); print(listener.getsockname()[1], flush=True)
client = listener.accept()[0]; head = client.recv(4096).decode(); open("asked", "w").write(head.split("\r\n")[0])
client.sendall(b"HTTP/1.1 200 yes\r\n\r\n"); client.recv(4096)
client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nproxy\n"); client.close()' >proxy.py
  coproc PROXY { "${ENTER[@]}" /usr/bin/python3 proxy.py; }
  local port
  read -r port <&"${PROXY[0]}"
  forget
  box --allow-domain good.test --proxy "http://127.0.0.1:$port" -- curl -sS -m 5 http://good.test/
  assert_exit 0
  assert_contains "$output" proxy
  [ "$(cat asked)" = 'CONNECT good.test:80 HTTP/1.1' ] || explain "asked: $(cat asked)"
  assert_nothing_arrived
}

@test "the ledger has the bytes that the server counted, both ways, by name and port" {
  head -c 123456 /dev/zero >body
  box --allow-domain good.test --allow-domain elsewhere.test --allow-domain good.test:8080 -- /bin/sh -ec '
    curl -sS -o /dev/null http://good.test/bytes/1000000 http://good.test/bytes/7
    curl -sS -T body http://good.test/upload http://good.test:8080/hello
    curl -sS -T body http://elsewhere.test/upload
    curl -sS -o /dev/null -H "Connection: close" http://elsewhere.test/bytes/50'
  assert_exit 0
  local name port at
  while read -r name port at; do
    # The last byte is counted by the server when it learns that the client is gone.
    local deadline=$((SECONDS + 5))
    until [ "$(ledger "$name" "$port" sent)" = "$(counted "$at" received)" ] && [ "$(ledger "$name" "$port" received)" = "$(counted "$at" sent)" ]; do
      [ "$SECONDS" -lt "$deadline" ] || explain "$(box_json .egress)" "$(cat "$WORLD/log.jsonl")"
    done
  done <<'END'
good.test 80 93.184.215.14 80
good.test 8080 93.184.215.14 8080
elsewhere.test 80 93.184.215.15 80
END
  [ "$(ledger good.test 80 received)" -gt 1000000 ]
  [ "$(ledger elsewhere.test 80 sent)" -gt 123456 ]
  [ "$(ledger good.test 80 connections)" -eq 2 ] || explain "$(box_json .egress)"
}

@test "the ledger counts what was refused, and a download by TLS" {
  box --allow-domain good.test -- /bin/sh -c "curl -sS -o /dev/null --cacert $WORLD/ca.pem https://good.test/bytes/500000
    curl -s -m 5 http://elsewhere.test/; curl -s -m 5 http://good.test:8080/; curl -s -m 5 http://93.184.215.15/; true"
  assert_exit 0
  [ "$(ledger good.test 443 received)" -ge 500000 ] || explain "$(box_json .egress)"
  [ "$(ledger good.test 443 received)" -le 520000 ] || explain "$(box_json .egress)"
  [ "$(ledger good.test 8080 refused)" -eq 1 ] || explain "$(box_json .egress)"
  [ "$(ledger elsewhere.test 0 refused)" -ge 1 ] || explain "$(box_json .egress)"
  [ "$(ledger 93.184.215.15 80 refused)" -eq 1 ] || explain "$(box_json .egress)"
}

@test "--max-upload cuts the connection, counts over all connections of a name, and leaves downloads alone" {
  head -c 3000000 /dev/zero >large
  head -c 400000 /dev/zero >small
  box --allow-domain good.test --max-upload 1M -- curl -sS -T large -H Expect: http://good.test/upload
  [ "$status" -ne 0 ] || explain "not cut"
  assert_noted '.path == "/upload"' 0
  [ "$(ledger good.test 80 sent)" -le $((1 << 20)) ] || explain "$(box_json .egress)"
  [[ "$(box_json '.denials | tostring')" == *good.test* ]] || explain "not in the report" "$(cat "$R")"
  box --allow-domain good.test --allow-domain elsewhere.test --max-upload 1M -- /bin/sh -c '
    for i in 1 2 3; do curl -s -T small -H Expect: http://good.test/upload || echo cut; done
    for i in 1 2; do curl -s -T small -H Expect: http://elsewhere.test/upload || echo cut; done
    curl -s -o /dev/null -w "%{size_download}\n" http://elsewhere.test/bytes/5000000'
  [ "$(tr '\n' ' ' <<<"$output")" = '400000 400000 cut 400000 400000 5000000 ' ] || explain "cuts"
  box --allow-domain good.test -- curl -sS -T large -H Expect: http://good.test/upload
  [ "$output" = 3000000 ] || explain control
}

# --- learning a policy ------------------------------------------------------------------------------------------------

# The command of the two tests below: two names, a redirect, another port, several programs.
work() {
  printf '%s' "curl -sSL -o page 'http://good.test/redirect?http://www.good.test/hello' && curl -sS -o other http://elsewhere.test:8080/hello && sort page other | uniq -c | tail -n 1"
}
# audited KEY: one list of the TOML part.
audited() { sed -n '/^\[policy\]/,/^$/p' "$ROOT/audit" | grep "^$1 = "; }

@test "--audit lets a run pass and prints the policy; with exactly that the sandbox refuses nothing" {
  box --audit -- /bin/sh -c "$(work)"
  assert_exit 0
  assert_contains "$output" 'hello from'
  printf '%s\n' "$stderr" >"$ROOT/audit"
  [ "$(audited allowed_domains)" = 'allowed_domains = ["elsewhere.test:8080", "good.test", "www.good.test"]' ] || explain "$(cat "$ROOT/audit")"
  local flags=() domain
  for domain in $(audited allowed_domains | grep -o '"[^"]*"' | tr -d '"'); do flags+=(--allow-domain "$domain"); done
  box "${flags[@]}" -- /bin/sh -c "$(work)"
  assert_exit 0
  assert_no_denials
  # The smallest: without any one of them it fails.
  local left i
  for i in 0 2 4; do
    left=("${flags[@]:0:i}" "${flags[@]:i+2}")
    box "${left[@]}" -- /bin/sh -c "$(work)"
    [ "$status" -ne 0 ] || explain "${flags[i + 1]} was not needed"
  done
  # TOML and YAML say the same.
  /usr/bin/python3 -c 'import sys, tomllib, yaml
toml, _, pipeline = open(sys.argv[1]).read().partition("# pipeline")
toml = tomllib.loads(toml[toml.index("# rune.toml"):])["policy"]
assert toml == yaml.safe_load(pipeline)["source"]["policy"], toml' "$ROOT/audit"
}

@test "--audit calls a program by its name when that leads to the same file" {
  box --audit -- /bin/sh -c "$(work)"
  printf '%s\n' "$stderr" >"$ROOT/audit"
  [ "$(audited allowed_commands)" = 'allowed_commands = ["curl", "sh", "sort", "tail", "uniq"]' ] || explain "$(cat "$ROOT/audit")"
}

@test "with exactly the policy of --audit an agent runs the same command, with zero denials" {
  box --audit -- /bin/sh -c "$(work)"
  printf '%s\n' "$stderr" >"$ROOT/audit"
  join_agent
  policy "$(audited allowed_commands)" "$(audited allowed_domains)" "allowed_paths_rw = [\"/tmp\", \"$WORK\"]"
  serve "$(turn_cmd "$(work)")" "$(turn_text 'done')"
  ask_json go
  assert_exit 0
  assert_outcome answered
  assert_contains "$(tool_result)" 'hello from'
  assert_json '.denials // [] | length' 0
  # One name less, and it is refused.
  policy "$(audited allowed_commands)" 'allowed_domains = ["good.test", "www.good.test"]' "allowed_paths_rw = [\"/tmp\", \"$WORK\"]"
  serve "$(turn_cmd "$(work)")" "$(turn_text 'done')"
  ask_json go
  assert_exit 4
  assert_contains "$(json '.denials | tostring')" elsewhere.test
}

@test "--audit of git over HTTPS names its helper programs, and an agent with that policy clones" {
  world_repository audited
  local cmd="git -c http.sslCAInfo=$WORLD/ca.pem clone -q https://good.test/git/audited.git"
  box --audit -- /bin/sh -c "$cmd learned"
  assert_exit 0
  printf '%s\n' "$stderr" >"$ROOT/audit"
  join_agent
  policy "$(audited allowed_commands)" "$(audited allowed_domains)" "allowed_paths_rw = [\"/tmp\", \"$WORK\"]" "allowed_paths_ro = [\"$WORLD/ca.pem\"]"
  serve "$(turn_cmd "$cmd cloned")" "$(turn_text 'done')"
  ask_json go
  assert_exit 0
  [ -e cloned/.git/HEAD ] || explain "not cloned: $(cat "$ROOT/audit")"
  assert_json '.denials // [] | length' 0
}
