#!/usr/bin/env bats
# What docs/ says of the programs' output, held against that output: a member, a command or an exit code that only one side has fails.

load helpers
setup() {
  e2e_setup
  SEEN=$ROOT/seen
  DOCS=$(cd "$BATS_TEST_DIRNAME/../../docs" && pwd)
  export LANG=C.UTF-8 TERM=dumb
}
teardown() { e2e_teardown; }

# seen: keeps what the last run printed. documented FILE HEADING [--by MEMBER]: all that was kept is what the table says.
seen() { printf '%s\n' "$output" >>"$SEEN"; }
documented() {
  run "${PYTHON[@]}" "$SUPPORT/documented.py" check "$DOCS/$1" "${@:2}" <"$SEEN"
  [ "$status" -eq 0 ] || explain "docs/$1, $2" "$(cat "$SEEN")"
}
# rows FILE HEADING: the table as one JSON array.
rows() { "${PYTHON[@]}" "$SUPPORT/documented.py" rows "$DOCS/$1" "$2"; }
# without_landlock COMMAND...: an outer filter takes the layer away, as some container runtimes do.
without_landlock() {
  [ -e "$BIN_DIR/rune-seccomp" ] || skip "no rune-seccomp beside rune-sandbox"
  run --separate-stderr supervise -- "$BIN_DIR/rune-seccomp" --deny-syscall landlock_create_ruleset -- "$@"
}
# session LINE...: a session at a terminal of its own, which is told the lines.
session() {
  need script "it gives the session a terminal"
  run --separate-stderr bash -c 'printf "%s\n" "${@:2}" | script -qec "$1" /dev/null' session "$RUNE ${session_flags:-}" "$@"
}

@test "the JSON object has the members that docs/cli.md names, and no other" {
  need root "what an ordinary user without Landlock leaves open depends on the machine"
  config 'prices = ["openai/test-model 1 0.5 1 10"]'
  echo '{"type":"object","required":["a"]}' >"$ROOT/schema.json"
  serve "$(turn_text '{"a":{"b":1}}')"
  ask_json go --schema "$ROOT/schema.json"
  assert_exit 0
  seen
  policy 'allowed_commands = ["curl"]' 'allowed_domains = ["good.test"]'
  serve "$(turn_cmd 'curl -sS http://elsewhere.test/')" "$(turn_text 'done')"
  ask_json go --on-denial warn
  assert_exit 0
  seen
  ask_json go --max-steps many
  assert_exit 2
  seen
  policy 'allowed_commands = ["echo"]'
  serve "$(turn_cmd 'echo hi')" "$(turn_text 'done')"
  without_landlock "$RUNE" --json -p go
  assert_exit 0
  seen
  documented cli.md 'The JSON object'
}

@test "the trace has the events and members that docs/cli.md names, and no other" {
  config 'prices = ["openai/test-model 1 0.5 1 10"]' '[policy]' 'allowed_commands = ["curl"]' 'allowed_domains = ["127.0.0.1:9"]'
  echo '{"type":"object"}' >"$ROOT/schema.json"
  # A name that is refused, and a port that is allowed and where nobody listens.
  serve "$(turn_cmds 'curl -sS http://elsewhere.test/' 'curl -sS http://127.0.0.1:9/')" "$(turn_text prose)" "$(turn_text '{}')"
  ask_json go --on-denial warn --schema "$ROOT/schema.json" --trace="$ROOT/trace"
  assert_exit 0
  policy 'allowed_commands = ["echo"]'
  serve "$(turn_cmd 'echo hi')" "$(turn_text 'done')"
  without_landlock "$RUNE" --json --trace="$ROOT/trace" -p go
  # No tool, no price, and a question at a terminal.
  serve "$(turn_text hi)" "$(turn_cmd 'uname -s')" "$(turn_text 'done')"
  ask_json go --trace="$ROOT/trace"
  "${PYTHON[@]}" "$SUPPORT/terminal.py" see:'ᚱ› ' type:go see:'Execute? ' type:y see:'ᚱ› ' type:/exit -- "$RUNE" --trace="$ROOT/trace"
  cat "$ROOT"/trace/* >"$SEEN"
  documented cli.md 'The trace' --by event
}

@test "doctor --json prints the members that docs/cli.md names, and no other" {
  run --separate-stderr supervise -- "$RUNE" doctor --json
  seen
  without_landlock "$RUNE" doctor --json
  seen
  documented cli.md 'What doctor prints'
  local states
  states=$(jq -s '[.[].probes[].state] | unique' "$SEEN")
  rows cli.md 'What doctor prints' | jq -e --argjson states "$states" '.[2][1] as $said | $states | all(. as $state | $said | contains("`\($state)`"))' >/dev/null ||
    fail "states: $states"
}

@test "rune-sandbox --report writes the members that docs/sandbox.md names, and no other" {
  local command
  for command in 'exit 3' 'kill -9 $$' 'getent hosts elsewhere.test'; do
    run "$RUNE_SANDBOX" --system --allow-domain good.test --report "$ROOT/sandbox.json" -- /bin/sh -c "$command"
    cat "$ROOT/sandbox.json" >>"$SEEN"
  done
  documented sandbox.md 'The report and the proof'
  [ "$(jq -s -c '[.[0].exit_code, .[1].exit_code, .[1].signal]' "$SEEN")" = '[3,null,9]' ] || fail "$(cat "$SEEN")"
}

@test "a session knows the commands that docs/cli.md names, and no other" {
  local help documented
  documented=$(rows cli.md 'A session' | jq -r '.[][0]' | grep -oE '`/[a-z ]+[a-z]' | tr -d '`' | sort)
  session /help /exit
  # After a name comes at least one blank more than names have.
  help=$(tr -d '\r' <<<"$output" | sed -nE 's/^  (\/[a-z]+( [a-z]+)?)  +.*/\1/p' | sort)
  [ "$help" = "$documented" ] || fail "docs/cli.md:" "$documented" "/help:" "$help"
  mapfile -t documented < <(grep -v -e exit -e quit <<<"$documented")
  session "${documented[@]}" 'a line' ';;' /nothing /exit
  [ "$(grep -c 'no command' <<<"$output")" -eq 1 ] || explain "a command is not known"
}

# ends OUTCOME: the last run ended so, with the code of the table.
ends() {
  assert_outcome "$1"
  rows cli.md 'Exit codes' | jq -e --arg outcome "\`$1\`" --arg status "$status" \
    'any(.[]; (.[0] | split(", ") | index($status)) and (.[1] | contains($outcome)))' >/dev/null || explain "exit $status is not in the table for $1"
  echo "$1" >>"$SEEN"
}

@test "each outcome ends with the exit code of docs/cli.md" {
  policy 'allowed_commands = ["echo"]'
  echo '{"type":"object"}' >"$ROOT/schema.json"
  serve_loop "$(turn_text prose)"
  ask_json go
  ends answered
  ask_json go --schema "$ROOT/schema.json"
  ends schema_unsatisfied
  ask_json go --token-budget 10
  ends budget_tokens
  ask_json go --max-cost-usd 0.0000001
  ends budget_cost
  ask_json go --max-steps many
  ends bad_input
  ask_json go --image https://elsewhere.test/cat.png
  ends refused_policy
  serve_loop "$(turn_text ' ')"
  ask_json go
  ends stalled
  serve_loop "$(turn_cmd 'echo hi')"
  ask_json go
  ends looped
  ask_json go --max-steps 1
  ends budget_steps
  serve_loop "$(turn_cmd 'uname')" "$(turn_text 'done')"
  ask_json go
  ends answered_with_denials
  serve_loop "$(turn_cmd 'uname')" "$(turn_text 'done')"
  ask_json go --on-denial warn
  [ "$status" -eq 0 ]
  ends answered_with_denials
  local fault
  for fault in 401:auth 429:rate 500:down html:protocol; do
    serve_loop "$(turn_fault "${fault%:*}")"
    ask_json go
    ends "provider_${fault#*:}"
  done
  local hang
  hang='{turns: [{reply: [{status: 200, headers: [["Content-Type", "text/event-stream"]]}, {touch: $cue}, {wait_client_close: 5000}]}]}'
  serve_script "$(jq -cn --arg cue "$ROOT/cue" "$hang")"
  ask_json go --timeout-secs 1
  ends budget_time
  for signal in INT TERM; do
    rm -f "$ROOT/cue"
    serve_script "$(jq -cn --arg cue "$ROOT/cue" "$hang")"
    ask_signal "$signal" parent "$ROOT/cue"
    ends cancelled
  done
  policy 'enforcement = ["landlock"]' 'allowed_commands = ["echo"]'
  serve_loop "$(turn_cmd 'echo hi')"
  without_landlock "$RUNE" --json -p go
  ends sandbox_unavailable
  # What a run cannot be led to, `internal`, is all that was not seen.
  [ "$(rows cli.md 'Exit codes' | jq -r '.[][1]' | grep -oE '`[a-z_]+`' | tr -d '`' | sort -u | comm -23 - <(sort -u "$SEEN"))" = internal ] ||
    fail "seen: $(sort -u "$SEEN")"
}
