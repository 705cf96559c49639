#!/usr/bin/env bats
# What a refusal does to a run: who hears of it, and which fail it.

load helpers
setup() { e2e_setup; }
teardown() { e2e_teardown; }

@test "a refusal that was got over is a warning; --on-denial fail fails for it" {
  policy 'allowed_commands = ["echo"]'
  serve "$(turn_cmd 'uname -s')" "$(turn_cmd 'echo $X | echo fine')" "$(turn_text 'I got it otherwise')"
  ask hello
  assert_exit 0
  [ "$output" = 'I got it otherwise' ] || explain "not the answer alone"
  assert_contains "$stderr" "warning: answered_with_denials: BLOCKED by policy: command 'uname'"
  serve "$(turn_cmd 'uname -s')" "$(turn_cmd 'echo fine')" "$(turn_text 'I got it otherwise')"
  ask_json hello --on-denial fail
  assert_exit 4
  assert_outcome answered_with_denials
  assert_json .unrecovered null
}

@test "a program that is refused below another is told to model, log, result and trace" {
  printf 'echo built\nuname -s\nexit 3\n' >build.sh
  policy 'allowed_commands = ["sh", "echo"]'
  serve "$(turn_cmd 'sh build.sh')" "$(turn_cmd 'echo fine')" "$(turn_text 'done')"
  ask_json hello --trace="$ROOT/trace"
  assert_exit 4
  assert_json '.denials | length' 1
  assert_json '.denials[0].what' exec
  assert_contains "$(json .unrecovered)" 'sh never succeeded: refused: exec '
  assert_contains "$(tool_result 1)" $'built'
  assert_contains "$(tool_result 1)" $'\nrefused: exec '
  [ "$(jq -s '[.[] | select(.event == "tool_end") | .refusals | length] | add' "$ROOT"/trace/*)" -eq 1 ] || explain "trace"
  serve "$(turn_cmd 'sh build.sh')" "$(turn_cmd 'sh -c "echo fine"')" "$(turn_text 'done')"
  ask hello
  assert_exit 0
  assert_contains "$stderr" '✗ execute_cmd: exit code 3'
  assert_contains "$stderr" '    refused: exec '
  assert_contains "$stderr" 'warning: answered_with_denials'
  # The control: with the program allowed nothing is refused.
  printf 'echo built\nuname -s\n' >build.sh
  policy 'allowed_commands = ["sh", "echo", "uname"]'
  serve "$(turn_cmd 'sh build.sh')" "$(turn_text 'done')"
  ask_json hello --on-denial fail
  assert_exit 0
  assert_outcome answered
}

@test "a call that names a file of credentials fails the run, whatever came of it" {
  policy 'allowed_commands = ["cat", "echo"]'
  mkdir -m 700 "$HOME/.ssh"
  echo treasure >"$HOME/.ssh/id"
  serve "$(turn_cmd 'cat ~/.ssh/id 2>/dev/null || echo none')" "$(turn_cmd 'cat /dev/null')" "$(turn_text 'done')"
  ask_json hello
  assert_exit 4
  assert_contains "$(json .unrecovered)" 'a call named a secret: refused: read '
  assert_lacks "$(tool_result 1)" treasure
  echo text >note
  serve "$(turn_cmd 'cat note')" "$(turn_text 'done')"
  ask_json hello
  assert_exit 0
}

@test "--on-denial warn makes the same run a success with a warning" {
  policy 'allowed_commands = ["echo"]'
  serve "$(turn_cmd 'uname -a')" "$(turn_text 'I could not')"
  ask_json hello --on-denial warn
  assert_exit 0
  assert_outcome answered_with_denials
  assert_json '.denials[0].target' uname
  serve "$(turn_cmd 'uname -a')" "$(turn_text 'I could not')"
  ask hello --on-denial warn
  assert_exit 0
  [ "$output" = 'I could not' ] || explain "not the answer alone"
  assert_contains "$stderr" uname
}

@test "confirm mode without a terminal stops and says that nobody could be asked, unless --yes is given" {
  policy 'mode = "confirm"'
  serve_loop "$(turn_cmd 'uname -s')" "$(turn_text 'done')"
  ask_json hello
  assert_exit 4
  assert_outcome refused_policy
  assert_contains "$(json .error)" 'nobody could be asked'
  assert_contains "$(json .error)" '--yes'
  [ "$(requests)" -eq 1 ] || explain "the model was asked again"
  serve "$(turn_cmd 'uname -s')" "$(turn_text 'done')"
  ask_json hello --yes
  assert_exit 0
  assert_outcome answered
  assert_contains "$(tool_result)" Linux
}

@test "--yes never lifts a refusal of allowlist mode" {
  policy 'mode = "allowlist"' 'allowed_commands = ["echo"]'
  serve "$(turn_cmd 'uname -s')" "$(turn_text 'done')"
  ask_json hello --yes
  assert_exit 4
  assert_lacks "$(tool_result)" Linux
}

@test "rune why says what would be done and which line decides, for programs, files and hosts" {
  policy 'allowed_commands = ["ls"]' 'allowed_domains = ["*.good.test"]'
  why() { run --separate-stderr supervise -- "$RUNE" why "$@"; }
  why 'ls -l'
  assert_exit 0
  assert_contains "$output" "allowed  run ls: 'ls' of allowed_commands (~/.rune/rune.toml:2), the file "
  why api.good.test
  assert_exit 0
  assert_contains "$output" "'*.good.test' of allowed_domains (~/.rune/rune.toml:3)"
  echo text >note
  why note
  assert_exit 4
  assert_contains "$output" "allowed  read $WORK/note: the working directory"
  assert_contains "$output" "refused  write $WORK/note: "
  why 'rm x'
  assert_exit 4
  assert_contains "$output" 'to allow it: add "rm" to allowed_commands in [policy] (~/.rune/rune.toml:2)'
}

@test "what a list names and is not there is said at the start" {
  policy 'allowed_commands = ["echo", "no-such-program"]' 'allowed_paths_ro = ["/usr", "/nosuch"]'
  serve "$(turn_text 'done')"
  ask hello
  assert_exit 0
  assert_contains "$stderr" "allowed_commands (~/.rune/rune.toml:2): nothing would be run as 'no-such-program'"
  assert_contains "$stderr" "allowed_paths_ro (~/.rune/rune.toml:3): there is no '/nosuch'"
  assert_lacks "$stderr" echo
}

@test "an exit code that is not 0 is not called ok, and the layers are said in one line" {
  policy 'allowed_commands = ["sh"]'
  serve "$(turn_cmd 'sh -c "exit 2"')" "$(turn_text 'done')"
  ask hello
  assert_exit 0
  assert_contains "$stderr" '✗ execute_cmd: exit code 2'
  assert_lacks "$stderr" '...ok'
  [ "$(grep -c 'sandbox: ' <<<"$stderr")" -eq 1 ] || explain "the layers"
  assert_contains "$stderr" 'sandbox: confinement: '
}
