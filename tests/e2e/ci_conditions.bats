#!/usr/bin/env bats
# The conditions of a CI system, one test each: the right outcome, within a bound of time, with nothing left behind.

load helpers
setup() { e2e_setup; }
teardown() { e2e_teardown; }

# A short name for "the file that the tool made": the cue for a signal.
cue() { echo "$WORK/cue"; }
policy_with_cue() {
  chmod 777 "$WORK"
  policy 'allowed_commands = ["sh", "sleep", "setsid", "touch", "echo", "cat"]' "allowed_paths_rw = [\"/tmp\", \"$WORK\"]"
}

@test "the provider key is not in a tool's environment" {
  policy 'allowed_commands = ["env", "grep"]'
  serve "$(turn_cmd 'env')" "$(turn_text 'done')"
  ask_json go
  assert_exit 0
  assert_contains "$(tool_result)" PATH=
  assert_lacks "$(tool_result)" RUNE_
  assert_no_secret "$API_KEY" "$MODEL_LOG.none" <(tool_result)
  # The control: an ordinary child of the same shell does see it.
  assert_contains "$(env)" "$API_KEY"
}

@test "the key cannot be read through /proc of any parent" {
  policy 'allowed_commands = ["*"]'
  serve "$(turn_cmd 'for p in /proc/[0-9]*; do tr "\0" "\n" <$p/environ 2>/dev/null; cat $p/cmdline 2>/dev/null; done | grep -c -e "[C]anary" -e "RUNE_API[_]KEY"')" \
    "$(turn_text 'done')"
  ask_json go
  tool_result | grep -qx 0 || explain "$(tool_result)"
  assert_no_secret "$API_KEY" <(jq -r 'select(.n > 1) | .body' "$MODEL_LOG")
  # The control: without the program around it, the same loop finds the key.
  local plain
  plain=$(for p in /proc/[0-9]*; do tr '\0' '\n' <"$p/environ" 2>/dev/null; done | grep -c Canary)
  [ "$plain" -gt 0 ]
}

@test "secrets that a tool prints are redacted on stdout, on stderr, in the trace, and before the model" {
  policy 'allowed_commands = ["echo"]'
  local token=ghp_CanaryCanaryCanaryCanaryCanaryCanary
  serve "$(turn_cmd "echo $API_KEY $token")" '{"text":"I saw {last_tool}"}'
  ask_json go --trace="$ROOT/trace" --log-level debug
  printf '%s' "$output" >"$ROOT/stdout"
  printf '%s' "$stderr" >"$ROOT/stderr"
  [ "$(find "$ROOT/trace" -type f | wc -l)" -ge 1 ] || explain "no trace"
  assert_no_secret "$API_KEY" "$ROOT/stdout" "$ROOT/stderr" "$ROOT/trace"
  assert_no_secret "$token" "$ROOT/stdout" "$ROOT/stderr" "$ROOT/trace"
  tool_result >"$ROOT/tool"
  assert_no_secret "$API_KEY" "$ROOT/tool"
}

@test "a setsid'ed sleep does not survive the run" {
  policy 'allowed_commands = ["*"]'
  serve "$(turn_cmd 'setsid sleep 3611 >/dev/null 2>&1 & (setsid sleep 3612 & ) ; nohup sleep 3613 >/dev/null 2>&1 & echo started')" "$(turn_text 'done')"
  ask_json go
  assert_contains "$(tool_result)" started
  assert_under_ms 5000
  assert_nothing_left
  # The control: outside, it does survive its shell.
  sh -c 'setsid sleep 3611 >/dev/null 2>&1 & echo $!' >"$ROOT/pid" 3>&-
  kill -0 "$(cat "$ROOT/pid")"
  kill "$(cat "$ROOT/pid")"
}

for_signal() {
  policy_with_cue
  serve_loop "$(turn_cmd "echo x >$(cue); setsid sleep 3621 & sleep 3622")"
  ask_signal "$1" "$2" "$(cue)"
  assert_exit "$3"
  assert_one_json_object
  assert_outcome cancelled
  jq -e '.signal_to_exit_ms < 2000' "$REPORT" >/dev/null || explain "slow to leave"
  assert_nothing_left
}

@test "SIGTERM to the parent during a tool: 143, cancelled, nothing left" { for_signal TERM parent 143; }
@test "SIGTERM to the group during a tool: 143, cancelled, nothing left" { for_signal TERM group 143; }
@test "SIGINT to the parent during a tool: 130, cancelled, nothing left" { for_signal INT parent 130; }
@test "SIGINT to the group during a tool: 130, cancelled, nothing left" { for_signal INT group 130; }
@test "SIGHUP during a tool: 129, cancelled, nothing left" { for_signal HUP parent 129; }

@test "SIGKILL of the program takes every tool with it" {
  policy_with_cue
  serve_loop "$(turn_cmd "echo x >$(cue); setsid sleep 3631 & sleep 3632")"
  ask_signal KILL parent "$(cue)"
  assert_exit 137
  assert_nothing_left
}

@test "SIGTERM while waiting for the first byte of the model" {
  serve_script "$(jq -cn --arg cue "$ROOT/cue" '{turns: [{reply: [{touch: $cue}, {hang: true}]}]}')"
  ask_signal TERM parent "$ROOT/cue"
  assert_exit 143
  assert_outcome cancelled
  jq -e '.signal_to_exit_ms < 500' "$REPORT" >/dev/null || explain "slow to leave"
}

@test "SIGTERM while waiting to retry" {
  serve_loop "$(turn_fault 429 '{"retry_after":"20"}')"
  # The log line is written when the answer is out: from then on the program can only wait.
  ask_signal TERM parent "$MODEL_LOG"
  assert_exit 143
  jq -e '.signal_to_exit_ms < 500' "$REPORT" >/dev/null || explain "slow to leave"
}

@test "an open stdin pipe beside a prompt does not hang" {
  serve "$(turn_text ok)"
  run --separate-stderr supervise --stdin open -- "$RUNE" --json -p hello
  assert_exit 0
  assert_under_ms 3000
}

@test "no key: a clear error that says what to set, at once" {
  unset RUNE_API_KEY
  export RUNE_BASE_URL=https://api.openai.com/v1
  ask_json hello
  [[ "$status" -eq 2 || "$status" -eq 5 ]] || explain "exit"
  assert_contains "$(json .error)" RUNE_API_KEY
  assert_under_ms 500
}

@test "an endless identical call is stopped as looped" {
  policy 'allowed_commands = ["echo"]'
  serve_loop "$(turn_cmd 'echo same')"
  ask_json go
  assert_exit 1
  assert_outcome looped
  [ "$(requests)" -le 6 ] || explain "$(requests) calls"
}

@test "the step cap is a failure with its own code" {
  policy 'allowed_commands = ["echo"]'
  serve_loop "$(turn_cmd 'echo {n}')"
  ask_json go --max-steps 4
  assert_exit 3
  assert_outcome budget_steps
}

@test "5 MB of tool output: at most 10 KB reach the model, with the count of what was left out" {
  policy 'allowed_commands = ["head", "tr"]'
  serve "$(turn_cmd 'head -c 5000000 /dev/zero | tr "\0" "x"')" "$(turn_text 'done')"
  ask_json go
  assert_exit 0
  local added=$(($(request_bytes 2) - $(request_bytes 1)))
  [ "$added" -le 10240 ] || explain "$added bytes"
  [[ "$(tool_result)" =~ [0-9]{5,} ]] || explain "no count of omitted bytes"
  jq -e '.max_rss_kb < 65536' "$REPORT" >/dev/null || explain "too much memory"
}

@test "400 000 lines of tool output: at most 10 KB reach the model" {
  policy 'allowed_commands = ["seq"]'
  serve "$(turn_cmd 'seq 400000')" "$(turn_text 'done')"
  ask_json go
  assert_exit 0
  local added=$(($(request_bytes 2) - $(request_bytes 1)))
  [ "$added" -le 10240 ] || explain "$added bytes"
  assert_contains "$(tool_result)" 400000
  assert_contains "$(tool_result)" $'1\n2\n3'
}

@test "the omitted part can be paged with the read tool" {
  policy 'allowed_commands = ["seq"]'
  serve "$(turn_cmd 'seq 400000')" "$(turn_tool read_file '{"path":"{last_tool/is in ([^];\\s]+)/}","offset":199999,"limit":3}')" \
    '{"expect":{"last_tool":{"contains":"200000"}},"text":"paged"}'
  ask_json go
  assert_exit 0
  assert_model_content
}

@test "escapes, OSC, bidi and tag characters in the final text are taken out, in text and in JSON" {
  local evil=$'safe \033[31mred\033[0m \033]0;title\a \033]52;c;aGk=\a bidi \u202e\u2066 zero\u200bwidth tag\U000E0041 c1\u009b31m bell\a cr\rover'
  serve_loop "$(turn_text "$evil")"
  ask hello
  assert_exit 0
  local text
  for text in "$output" "$stderr"; do
    for bad in $'\033' $'\a' $'\r' $'\u202e' $'\u2066' $'\u200b' $'\U000E0041' $'\u009b'; do assert_lacks "$text" "$bad"; done
  done
  assert_contains "$output" 'safe red'
  ask_json hello
  text=$(json .answer)
  for bad in $'\033' $'\a' $'\u202e' $'\u200b' $'\U000E0041' $'\u009b'; do assert_lacks "$text" "$bad"; done
}

@test "escapes in a tool's name, arguments and output never reach stderr" {
  policy 'allowed_commands = ["printf"]'
  serve "$(turn_cmd "printf '\\033]0;owned\\a\\033[2J' $(printf '\033[31m')")" '{"tool_calls":[{"name":"bad\u001b[31m\u202ename","args":{}}]}' "$(turn_text 'done')"
  ask hello
  assert_lacks "$stderr" $'\033'
  assert_lacks "$stderr" $'\a'
  assert_lacks "$stderr" $'\u202e'
}

@test "a schema and prose: one repair round, then schema_unsatisfied" {
  echo '{"type":"object","required":["verdict"],"properties":{"verdict":{"enum":["pass","fail"]}},"additionalProperties":false}' >"$ROOT/s.json"
  serve_loop "$(turn_text 'It looks fine to me.')"
  ask_json hello --schema "$ROOT/s.json"
  assert_exit 1
  assert_outcome schema_unsatisfied
  [ "$(requests)" -eq 2 ] || explain "$(requests) calls"
}

@test "a schema whose enum is violated: the repair round may fix it" {
  echo '{"type":"object","required":["verdict"],"properties":{"verdict":{"enum":["pass","fail"]}},"additionalProperties":false}' >"$ROOT/s.json"
  serve_loop "$(turn_text '{"verdict":"maybe"}')"
  ask_json hello --schema "$ROOT/s.json"
  assert_exit 1
  assert_outcome schema_unsatisfied
  serve "$(turn_text '{"verdict":"maybe"}')" '{"expect":{"body":{"/messages":{"contains":"verdict"}}},"text":"```json\n{\"verdict\": \"pass\"}\n```"}'
  ask_json hello --schema "$ROOT/s.json"
  assert_exit 0
  assert_json '.answer | if type == "string" then fromjson else . end | .verdict' pass
  assert_model_content
}

@test "a schema with a keyword that is not checked is refused at the start" {
  echo '{"type":"object","frobnicate":true}' >"$ROOT/s.json"
  serve_loop "$(turn_text '{}')"
  ask_json hello --schema "$ROOT/s.json"
  assert_exit 2
  assert_contains "$(json .error)" frobnicate
}

@test "three parallel calls of half a second take the time of one, results in call order" {
  policy 'allowed_commands = ["sh", "sleep", "echo"]'
  serve "$(turn_cmds 'sleep 0.5; echo first' 'sleep 0.4; echo second' 'sleep 0.3; echo third')" "$(turn_text 'done')"
  ask_json go
  assert_exit 0
  assert_under_ms 1300
  assert_contains "$(tool_result 1)" first
  assert_contains "$(tool_result 2)" second
  assert_contains "$(tool_result 3)" third
  assert_model_content
}

@test "no new files: not in HOME, not in the working directory, not in /tmp" {
  policy 'allowed_commands = ["echo"]'
  mkdir -p "$ROOT/tmp" && chmod 1777 "$ROOT/tmp"
  serve "$(turn_cmd 'echo hi >/tmp/x; echo ok')" "$(turn_text 'done')"
  local before
  before=$(cd "$ROOT" && find home work tmp | sort)
  TMPDIR=$ROOT/tmp ask_json go
  assert_exit 0
  [ "$(cd "$ROOT" && find home work tmp | sort)" = "$before" ] || explain "new files: $(cd "$ROOT" && find home work tmp | sort)"
  [ -z "$(find /tmp -maxdepth 1 -name '*rune*' -newer "$ROOT/script.json" -user "$(id -un)" ! -name 'rune-e2e*' -path "*$MODEL_PORT*")" ]
}

@test "no HOME, a HOME that does not exist, a HOME that cannot be written" {
  serve_loop "$(turn_text ok)"
  run --separate-stderr bash -c "printf hi | env -u HOME '$RUNE' --json"
  assert_exit 0
  run --separate-stderr bash -c "printf hi | HOME=/nonexistent '$RUNE' --json"
  assert_exit 0
  run --separate-stderr bash -c "printf hi | HOME=/proc '$RUNE' --json"
  assert_exit 0
}

@test "a sparse environment and the directory / are enough" {
  serve_loop "$(turn_text ok)"
  run --separate-stderr bash -c "cd / && printf hi | env -i PATH=/usr/bin:/bin RUNE_API_KEY=k-0123456789 RUNE_MODEL=m RUNE_BASE_URL='$RUNE_BASE_URL' '$RUNE' --json"
  assert_exit 0
  assert_json .answer ok
}

@test "proxy variables of the machine do not carry the key elsewhere for loopback" {
  serve_loop "$(turn_text ok)"
  HTTP_PROXY=http://127.0.0.1:1 http_proxy=http://127.0.0.1:1 NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 ask_json hello
  assert_exit 0
}

@test "stdout is one JSON object even when a tool writes to every descriptor it can find" {
  policy 'allowed_commands = ["*"]'
  serve "$(turn_cmd 'for f in /proc/self/fd/* /proc/$PPID/fd/* /proc/[0-9]*/fd/1; do echo garbage >$f; done 2>/dev/null; echo done')" "$(turn_text ok)"
  ask_json go
  assert_lacks "$output" garbage
}
