#!/usr/bin/env bats
# Pipe mode: one prompt in, one answer out, one exit code that says what happened.

load helpers
setup() { e2e_setup; }
teardown() { e2e_teardown; }

@test "stdin is the prompt and stdout is the answer alone" {
  serve "$(jq -cn '{expect: {path: "/v1/chat/completions", method: "POST",
                             headers: {authorization: ("Bearer " + env.RUNE_API_KEY)},
                             body: {"/messages/-1/role": "user", "/messages/-1/content": {contains: "What is 2+2?"}, "/stream": true}},
                    text: "4"}')"
  ask "What is 2+2?"
  assert_exit 0
  [ "$output" = 4 ] || explain "not the answer alone"
  assert_model_content
  assert_nothing_left
}

@test "--json prints the result object of the contract" {
  serve "$(turn_text 4)"
  ask_json "What is 2+2?"
  assert_exit 0
  assert_json .answer 4
  assert_json .steps 1
  assert_json .tokens 110
  assert_json '.tools_used | tojson' '[]'
  assert_json .outcome answered
  assert_json '.denials | tojson' '[]'
  assert_json '.usage | type' object
  assert_json '.sandbox | type | . == "object" or . == "array"' true
  assert_json 'has("error")' false
}

@test "RUNE_JSON_OUTPUT=1 is the same as --json" {
  serve "$(turn_text four)"
  RUNE_JSON_OUTPUT=1 ask "What is 2+2?"
  assert_one_json_object
  assert_json .answer four
}

@test "tools_used lists the calls in call order, repetitions kept" {
  policy 'allowed_commands = ["echo"]'
  serve "$(turn_cmd 'echo one')" "$(turn_cmds 'echo two' 'echo three')" "$(turn_tool list_dir '{"path":"."}')" "$(turn_text 'done')"
  ask_json "go"
  assert_exit 0
  assert_json '.tools_used | tojson' '["execute_cmd","execute_cmd","execute_cmd","list_dir"]'
  assert_json .steps 4
  assert_model_content
}

@test "the answer is exact: several lines, no decoration, nothing of the tools" {
  policy 'allowed_commands = ["echo"]'
  serve "$(turn_cmd 'echo noise-of-the-tool')" "$(turn_text $'line one\nline two — ü\n')"
  ask "go"
  assert_exit 0
  [ "$output" = $'line one\nline two — ü' ] || explain "not exact"
}

@test "-p takes the prompt and stdin becomes context" {
  serve "$(jq -cn '{expect: {body: {"/messages": {contains: "Explain this"}}}, text: "seen"}')"
  run --separate-stderr bash -c "echo 'the piped context' | '$RUNE' -p 'Explain this'"
  assert_exit 0
  [ "$output" = seen ]
  assert_contains "$(request 1)" 'the piped context'
  assert_model_content
}

@test "-p does not wait for an open stdin that never says anything" {
  serve "$(turn_text quick)"
  run --separate-stderr supervise --stdin open -- "$RUNE" -p hello
  assert_exit 0
  [ "$output" = quick ] || explain "no answer"
  assert_under_ms 3000
}

@test "-p with /dev/null on stdin runs" {
  serve "$(turn_text ok)"
  run --separate-stderr supervise --stdin null -- "$RUNE" --prompt hello --json
  assert_exit 0
  assert_json .answer ok
}

@test "an empty stdin is a usage error, as one JSON object with --json" {
  run --separate-stderr supervise --stdin null -- "$RUNE"
  assert_exit 2
  [ -z "$output" ] || explain "stdout is not empty"
  [ -n "$stderr" ] || explain "nothing said"
  ask_json ""
  assert_exit 2
  assert_outcome bad_input
  assert_json '.error | length > 0' true
  ask_json $' \n\t\n'
  assert_exit 2
  assert_outcome bad_input
}

@test "a stdin that is not UTF-8 is a usage error, not a crash" {
  run --separate-stderr bash -c "printf 'caf\351 \377\376' | '$RUNE' --json"
  assert_one_json_object
  assert_exit 2
  assert_outcome bad_input
}

@test "an unknown flag is exit 2 and named, and one JSON object with --json" {
  ask hello --modle x
  assert_exit 2
  assert_contains "$stderr" "--modle"
  [ -z "$output" ] || explain "stdout is not empty"
  ask_json hello --modle x
  assert_exit 2
  assert_outcome bad_input
}

@test "a bad value of a flag is exit 2" {
  for flags in "--max-steps many" "--policy-mode wild" "--on-denial perhaps" "--timeout-secs -5" "--log-level loud"; do
    # shellcheck disable=SC2086
    ask_json hello $flags
    assert_exit 2
    assert_outcome bad_input
  done
}

@test "an unknown key in the configuration is exit 2 and names file, key and the nearest key" {
  config 'modle = "x"'
  ask_json hello
  assert_exit 2
  assert_outcome bad_input
  assert_contains "$(json .error)" modle
  assert_contains "$(json .error)" "model"
  assert_contains "$(json .error)" rune.toml
}

@test "a broken configuration file is exit 2 with a line number" {
  printf 'model = "a"\n[policy\n' >"$HOME/.rune/rune.toml"
  ask_json hello
  assert_exit 2
  assert_contains "$(json .error)" rune.toml
  [[ "$(json .error)" =~ (line\ |:)2 ]] || explain "no line number"
}

@test "a missing --config, --schema or --cassette file is exit 2 and named" {
  for flag in --config --schema; do
    ask_json hello "$flag" "$ROOT/nowhere"
    assert_exit 2
    assert_contains "$(json .error)" "$ROOT/nowhere"
  done
  ask_json hello --provider cassette --cassette "$ROOT/nowhere"
  assert_exit 2
  assert_contains "$(json .error)" "$ROOT/nowhere"
}

@test "--version and --help go to stdout, exit 0, and need neither key nor configuration" {
  unset RUNE_API_KEY RUNE_BASE_URL RUNE_MODEL
  printf 'broken [\n' >"$HOME/.rune/rune.toml"
  run --separate-stderr "$RUNE" --version
  assert_exit 0
  [[ "$output" =~ ^rune\ [0-9]+\.[0-9]+\.[0-9]+ ]] || explain "not a version"
  run --separate-stderr "$RUNE" --help
  assert_exit 0
  for flag in -p --prompt --json -y --yes --policy-mode --schema --provider --model --api-key --base-url --max-steps --token-budget \
    --timeout-secs --config --record --cassette --trace --system-prompt --append-system-prompt --on-denial --log-level --version; do
    assert_contains "$output" "$flag"
  done
  assert_contains "$output" '--policy-mode allowlist|confirm|unrestricted'
}

@test "exit 1: a failure that is none of the others (schema not satisfied)" {
  echo '{"type":"object","required":["a"],"properties":{"a":{"type":"integer"}}}' >"$ROOT/s.json"
  serve_loop "$(turn_text 'just prose')"
  ask_json hello --schema "$ROOT/s.json"
  assert_exit 1
  assert_outcome schema_unsatisfied
}

@test "exit 3: the step limit" {
  policy 'allowed_commands = ["echo"]'
  serve_loop "$(turn_cmd 'echo {n}')"
  ask_json hello --max-steps 2
  assert_exit 3
  assert_outcome budget_steps
  [ "$(requests)" -eq 2 ] || explain "$(requests) requests"
}

@test "exit 4: a refused tool call fails an unattended run and prints the line that would allow it" {
  policy 'allowed_commands = ["echo"]'
  serve "$(turn_cmd 'uname -a')" "$(turn_text 'I could not')"
  ask_json hello
  assert_exit 4
  assert_outcome answered_with_denials
  assert_json '.denials | length' 1
  assert_contains "$(json '.denials[0] | tostring')" uname
  assert_contains "$stderr$output" allowed_commands
  assert_json .answer 'I could not'
}

@test "--policy-mode unrestricted consults no list" {
  policy 'allowed_commands = []'
  serve "$(turn_cmd 'uname -s')" "$(turn_text 'done')"
  ask_json hello --policy-mode unrestricted
  assert_exit 0
  assert_contains "$(tool_result)" Linux
}

@test "exit 5: nobody listens at base_url" {
  ask_json hello
  assert_exit 5
  assert_outcome provider_down
  assert_contains "$(json .error)" 127.0.0.1
}

@test "exit 6: a confinement that is required and cannot be had" {
  # Whether this machine can give every layer is not known here: either it does, or the run must not have happened.
  policy 'enforcement = "require"'
  serve_loop "$(turn_text hi)"
  ask_json hello
  if [ "$status" -eq 0 ]; then
    [[ ! "$(json '.sandbox | tostring')" =~ degraded|missing ]] || explain "a layer is not in force, yet the run went on"
  else
    assert_exit 6
    assert_outcome sandbox_unavailable
    assert_json '.error | length > 0' true
  fi
}

@test "exit 130 and 143: interrupted while the model thinks" {
  for pair in INT:130 TERM:143; do
    rm -f "$ROOT/cue"
    serve_script "$(jq -cn --arg cue "$ROOT/cue" '{turns: [{reply: [{status: 200, headers: [["Content-Type", "text/event-stream"]]},
      {touch: $cue}, {wait_client_close: 5000}]}]}')"
    ask_signal "${pair%:*}" parent "$ROOT/cue"
    assert_exit "${pair#*:}"
    assert_one_json_object
    assert_outcome cancelled
    jq -e '.signal_to_exit_ms < 500' "$REPORT" >/dev/null || explain "slow to leave"
    assert_nothing_left
  done
}

@test "every outcome gives one JSON object with the agreed keys" {
  policy 'allowed_commands = ["echo"]'
  local turns
  for turns in "$(turn_text hi)" "$(turn_fault 401)" "$(turn_fault 400)" "$(turn_fault html)" "$(turn_text '')"; do
    serve_loop "$turns"
    ask_json hello
    for key in answer steps tokens tools_used outcome usage sandbox denials; do
      assert_json "has(\"$key\")" true
    done
    [ "$status" -eq 0 ] || assert_json '.error | type' string
  done
}

@test "a closed stdout is a failure, not a crash" {
  serve "$(turn_text hi)"
  run --separate-stderr bash -c "echo hello | '$RUNE' >&-"
  [ "$status" -ne 0 ] || explain "success without a place for the answer"
  [ "$status" -lt 128 ] || explain "died of a signal"
}

@test "a reader that goes away is a failure, not a hang" {
  serve "$(jq -cn '{text: ("x" * 300000)}')"
  run --separate-stderr bash -c "echo hello | { '$RUNE'; echo \"code \$?\" >&2; } | head -c 10"
  assert_lacks "$stderr" "code 139"
  assert_contains "$stderr" "code "
}

@test "a large prompt goes through whole" {
  serve "$(turn_text ok)"
  head -c 900000 /dev/zero | tr '\0' 'a' >"$ROOT/prompt"
  run --separate-stderr supervise --stdin "$ROOT/prompt" -- "$RUNE" --json
  assert_exit 0
  [ "$(request_bytes 1)" -gt 900000 ]
}

@test "flags win over RUNE_ variables, variables over the file" {
  config 'model = "from-file"'
  serve_loop "$(turn_text ok)"
  unset RUNE_MODEL
  ask hello
  RUNE_MODEL=from-env ask hello
  RUNE_MODEL=from-env ask hello --model from-flag
  [ "$(jq -rs '[.[].body | fromjson | .model] | join(" ")' "$MODEL_LOG")" = "from-file from-env from-flag" ] ||
    explain "$(jq -rs '[.[].body | fromjson | .model] | join(" ")' "$MODEL_LOG")"
}

@test "the system prompt can be replaced and appended to" {
  serve_loop "$(turn_text ok)"
  ask hello --system-prompt "You are a teapot." --append-system-prompt "Be short."
  assert_exit 0
  local system
  system=$(request 1 | jq -r '.messages[0].content')
  assert_contains "$system" "You are a teapot."
  assert_contains "$system" "Be short."
}

@test "a rune.toml of the working directory may narrow but neither widen nor set a provider" {
  policy 'allowed_commands = ["echo", "uname"]'
  printf 'base_url = "http://127.0.0.1:1/v1"\n' >"$WORK/rune.toml"
  serve_loop "$(turn_text ok)"
  ask_json hello
  [ "$status" -ne 0 ] || [ "$(requests)" -eq 1 ] || explain "the directory chose the provider"
  printf '[policy]\nmode = "unrestricted"\nallowed_commands = ["*"]\n' >"$WORK/rune.toml"
  serve_loop "$(turn_cmd 'id -u')" "$(turn_text ok)"
  ask_json hello
  [ "$status" -ne 0 ] || explain "the directory widened the policy"
  printf '[policy]\nallowed_commands = ["echo"]\n' >"$WORK/rune.toml"
  serve_loop "$(turn_cmd 'uname -s')" "$(turn_text ok)"
  ask_json hello
  assert_exit 4
}

@test "rune trust lets this directory's file widen" {
  printf '[policy]\nallowed_commands = ["uname"]\n' >"$WORK/rune.toml"
  policy 'allowed_commands = []'
  run --separate-stderr supervise --stdin null -- "$RUNE" trust
  assert_exit 0
  serve "$(turn_cmd 'uname -s')" "$(turn_text ok)"
  ask_json hello
  assert_exit 0
  assert_contains "$(tool_result)" Linux
}

@test "the embedded cassette answers without key and network" {
  unset RUNE_API_KEY RUNE_BASE_URL RUNE_MODEL
  policy 'allowed_commands = ["wc"]'
  printf 'one\ntwo\n' >"$WORK/notes.txt"
  RUNE_PROVIDER=cassette ask_json "Which files are here, and what does the notes file say?"
  assert_exit 0
  assert_outcome answered
  assert_contains "$(json .answer)" notes.txt
  RUNE_PROVIDER=cassette ask_json "Something that it has not recorded"
  [ "$status" -ne 0 ] || explain "answered a question that it does not know"
}

@test "a recorded run replays from its cassette, the tools really run, a different prompt diverges loudly" {
  policy 'allowed_commands = ["echo"]'
  serve "$(turn_cmd 'echo recorded')" "$(turn_text 'the end')"
  ask_json "first prompt" --record "$ROOT/run.cassette"
  assert_exit 0
  [ -s "$ROOT/run.cassette" ]
  stop_model_quietly
  unset RUNE_API_KEY RUNE_BASE_URL
  RUNE_PROVIDER=cassette RUNE_CASSETTE=$ROOT/run.cassette ask_json "first prompt"
  assert_exit 0
  assert_json .answer 'the end'
  assert_json '.tools_used | tojson' '["execute_cmd"]'
  RUNE_PROVIDER=cassette RUNE_CASSETTE=$ROOT/run.cassette ask_json "another prompt"
  [ "$status" -ne 0 ] || explain "replayed an answer to another question"
  assert_json '.error | length > 0' true
}
