#!/usr/bin/env bats
# What is sent: small, stable, and the same on every machine.

load helpers
setup() { e2e_setup; policy 'allowed_commands = ["echo"]'; }
teardown() { e2e_teardown; }

@test "the first request with all tools is at most 8 KB" {
  serve "$(turn_text ok)"
  ask "Say hello."
  assert_exit 0
  [ "$(request_bytes 1)" -le 8192 ] || explain "$(request_bytes 1) bytes"
}

@test "the six tools of the contract cost at most 6 KB with everything around them" {
  serve "$(turn_text ok)"
  ask "Say hello."
  local added
  added=$(request 1 | jq -c '[.tools[] | select(.function.name | IN("edit_file", "find_files", "search_files"))]' | wc -c)
  [ $(($(request_bytes 1) - added)) -le 6144 ] || explain "$(($(request_bytes 1) - added)) bytes without the added tools"
}

@test "the tools are the six of the contract and the three added ones, sorted by name" {
  serve "$(jq -cn '{expect: {tool_names: ["edit_file", "execute_cmd", "fetch_url", "find_files", "inspect_process", "list_dir",
                                          "read_file", "search_files", "write_file"]}, text: "ok"}')"
  ask hello
  assert_exit 0
  assert_model_content
}

@test "a run with three tool calls sends at most 20 KB, or 26 KB with the added tools" {
  serve "$(turn_cmd 'echo step1')" "$(turn_cmd 'echo step2')" "$(turn_cmd 'echo step3')" "$(turn_text 'DONE')"
  ask go
  assert_exit 0
  local sum
  sum=$(jq -s 'map(.body_bytes) | add' "$MODEL_LOG")
  [ "$sum" -le $((20480 + 4 * 2048)) ] || explain "$sum bytes in all"
}

@test "a trivial step adds at most 250 bytes" {
  serve "$(turn_cmd 'echo step1')" "$(turn_cmd 'echo step2')" "$(turn_text 'DONE')"
  ask go
  local growth=$(($(request_bytes 3) - $(request_bytes 2)))
  [ "$growth" -le 250 ] || explain "$growth bytes"
}

@test "request k is a prefix of request k+1, and the connection is kept" {
  local next='{"expect":{"prefix_of_previous":true,"connection":"reused"}}' k turns=()
  turns=("$(turn_cmd 'echo 0')")
  for k in 1 2 3 4; do turns+=("$(jq -c --argjson next "$next" '. + $next' <<<"$(turn_cmd "echo $k")")"); done
  serve "${turns[@]}" "$(jq -c '. + {text: "done"}' <<<"$next")"
  ask go
  assert_exit 0
  assert_model_content
}

@test "parallel results keep the prefix, too" {
  serve "$(turn_cmds 'echo a' 'echo b' 'echo c')" '{"expect":{"prefix_of_previous":true},"tool_calls":[{"name":"list_dir","args":{"path":"."}}]}' \
    '{"expect":{"prefix_of_previous":true},"text":"done"}'
  ask go
  assert_exit 0
  assert_model_content
}

# Without the sentence at the end of the system prompt that says where the model is and what it may do.
without_place() { sed 's/\(\\n\\n\)You are in [^"]*\. Read: [^"]*"/\1"/'; }

@test "but for where the model is, the request is byte-identical across directories, homes, dates, locales and environments" {
  serve_loop "$(turn_text ok)"
  ask "same question"
  mkdir -p "$WORK/another/place" "$ROOT/otherhome/.rune"
  cp "$HOME/.rune/rune.toml" "$ROOT/otherhome/.rune/"
  cd "$WORK/another/place" || return 1
  HOME=$ROOT/otherhome TZ=Asia/Taipei LANG=de_DE.UTF-8 USER=somebody HOSTNAME=elsewhere COLUMNS=40 ask "same question"
  assert_exit 0
  [ "$(requests)" -eq 2 ]
  local first second
  [ "$(request 1)" != "$(request 2)" ] || explain "the model is not told where it is"
  first=$(request 1 | without_place) second=$(request 2 | without_place)
  [ "$first" = "$second" ] || explain "requests differ" "$first" "$second"
}

@test "a date that is far off changes nothing" {
  need faketime "the clock must be moved for one process"
  serve_loop "$(turn_text ok)"
  ask "same question"
  run --separate-stderr bash -c "printf 'same question' | faketime '2031-05-05 05:05:05' '$RUNE'"
  [ "$(requests)" -eq 2 ] || explain "no second request"
  [ "$(request 1)" = "$(request 2)" ]
}

@test "but for where the model is, no date, directory, host name or user is in the first request before the user's words" {
  serve "$(turn_text ok)"
  ask "QUESTION"
  local before
  before=$(request 1 | without_place)
  before=${before%%QUESTION*}
  for word in "$WORK" "$HOME" "$(hostname)" "$(date +%Y-%m)"; do
    assert_lacks "$before" "$word"
  done
}

@test "nothing but the chat request is sent: no title, no model list, no telemetry" {
  serve "$(turn_text ok)"
  ask hello
  assert_model_content
  [ "$(jq -rs '[.[] | .method + " " + .path] | unique | join(",")' "$MODEL_LOG")" = "POST /v1/chat/completions" ]
}

@test "base_url with a slash at its end is the same place" {
  serve "$(jq -cn '{expect: {path: "/v1/chat/completions"}, text: "ok"}')"
  RUNE_BASE_URL=$RUNE_BASE_URL/ ask hello
  assert_exit 0
  assert_model_content
}

@test "tool output is scrubbed: NUL, invalid UTF-8 and escapes never reach the model" {
  policy 'allowed_commands = ["printf"]'
  serve "$(turn_cmd "printf 'a\\000b\\377c\\033[31md\\302\\205e'")" "$(turn_text ok)"
  ask_json go
  assert_exit 0
  assert_model_content
  assert_lacks "$(request 2)" $'\033'
  assert_lacks "$(request 2)" '\u001b'
  assert_contains "$(tool_result)" a
}

@test "bad arguments, unknown tools and missing arguments are errors for the model, not for the run" {
  serve "$(turn_tool execute_cmd '"{not json"')" "$(turn_tool no_such_tool '{}')" "$(turn_tool read_file '{}')" \
    "$(turn_tool read_file '{"path":7}')" "$(turn_text 'done')"
  ask_json go
  assert_exit 0
  assert_json .answer 'done'
  [ "$(requests)" -eq 5 ]
  assert_contains "$(tool_result 2)" execute_cmd
  assert_model_content
}

@test "a call id that the model uses twice is made unique" {
  serve '{"tool_calls":[{"id":"same","name":"execute_cmd","args":{"cmd":"echo 1"}},{"id":"same","name":"execute_cmd","args":{"cmd":"echo 2"}}]}' \
    '{"tool_calls":[{"id":"same","name":"execute_cmd","args":{"cmd":"echo 3"}}]}' "$(turn_text 'done')"
  ask_json go
  assert_exit 0
  assert_model_content
}
