#!/usr/bin/env bats
# What commands write and run: never without `allowed_paths_exec` (--rox), and like anywhere else with it.

load helpers
setup() {
  e2e_setup
  chmod 777 "$WORK"
  # shellcheck disable=SC2034  # of supervise, in helpers.bash
  TIMEOUT=60
}
teardown() { e2e_teardown; }

# by_hand FLAG... -- COMMAND
by_hand() { run --separate-stderr "$RUNE_SANDBOX" --system --rw "$WORK" "$@"; }
hello() {
  printf '#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n' >hello.c
  printf 'hello: hello.c\n\tgcc -o $@ $<\n' >Makefile
}
# told CMD [FLAG...]: the model runs one command; its text is in RESULT.
told() {
  serve "$(turn_cmd "$1")" "$(turn_text 'done')"
  shift
  ask_json go --on-denial warn "$@"
  RESULT=$(tool_result)
}

@test "by hand: what was built runs with --rox beside --rw, and not without" {
  need gcc "something is built"
  hello
  by_hand -- /bin/sh -c 'make -s && ./hello'
  [ "$status" -eq 126 ]
  [ -x hello ]
  rm hello
  by_hand --rox "$WORK" -- /bin/sh -c 'make -s && ./hello'
  [ "$output" = hello ] || explain "not run"
}

@test "by hand: a tree inside a writable one, also below /tmp, stays writable" {
  local tree
  tree=$(mktemp -d /tmp/rune-exec.XXXXXX)
  mkdir -m 777 "$tree/bin" && chmod 777 "$tree"
  run --separate-stderr "$RUNE_SANDBOX" --system --rw "$tree" --rox "$tree/bin" -- /bin/sh -c "cp /bin/echo $tree/bin/e && $tree/bin/e works; cp /bin/echo $tree/e; $tree/e no"
  rm -rf "$tree"
  [ "$output" = works ] || explain "outside of bin, or not in it"
}

@test "by hand: a library that a command wrote is mapped" {
  need gcc "something is built"
  printf 'int answer(void) { return 42; }\n' >l.c
  local load='import ctypes; print(ctypes.CDLL("./l.so").answer())'
  gcc -shared -fPIC -o l.so l.c
  [ "$(/usr/bin/python3 -c "$load")" = 42 ]
  by_hand -- /usr/bin/python3 -c "$load"
  [ "$status" -ne 0 ]
  by_hand --rox "$WORK" -- /usr/bin/python3 -c "$load"
  [ "$output" = 42 ] || explain "not mapped"
}

@test "rune: make && ./hello with the tree, refused without; the list of programs does not bound what runs there" {
  need gcc "something is built"
  hello
  policy 'allowed_commands = ["make", "gcc"]' "allowed_paths_rw = [\"$WORK\"]"
  told 'make -s && ./hello'
  assert_json '.denials[0].allow' "allowed_paths_exec = [\"$WORK/hello\"]"
  policy 'allowed_commands = ["make", "gcc"]' "allowed_paths_rw = [\"$WORK\"]" "allowed_paths_exec = [\"$WORK\"]"
  told 'make -s && ./hello'
  assert_contains "$RESULT" hello
  assert_json '.denials | length' 0
}

@test "rune: one file that is built anew is that file" {
  need gcc "something is built"
  hello
  policy 'allowed_commands = ["make", "gcc", "rm"]' "allowed_paths_rw = [\"$WORK\"]" "allowed_paths_exec = [\"$WORK/hello\"]"
  serve "$(turn_cmd 'make -s')" "$(turn_cmd './hello')" "$(turn_cmd 'rm hello')" "$(turn_cmd 'make -s')" "$(turn_cmd './hello')" "$(turn_text 'done')"
  ask_json go
  assert_exit 0
  assert_contains "$(tool_result)" hello
}

@test "rune: a file tool first, and what is built later still runs" {
  need gcc "something is built"
  hello
  policy 'allowed_commands = ["make", "gcc"]' "allowed_paths_rw = [\"/tmp\", \"$WORK\"]" "allowed_paths_exec = [\"$WORK\", \"/tmp\"]"
  serve "$(turn_tool read_file "{\"path\":\"$WORK/hello.c\"}")" "$(turn_cmd 'make -s && ./hello && gcc -o /tmp/h hello.c && /tmp/h')" "$(turn_text 'done')"
  ask_json go
  assert_exit 0
  assert_contains "$(tool_result)" $'hello\nhello'
}

@test "rune: every program is also one that was just written" {
  policy 'allowed_commands = ["*"]' "allowed_paths_rw = [\"/tmp\", \"$WORK\"]"
  told 'cp /bin/echo e && ./e works && cp /bin/echo /tmp/e && /tmp/e there'
  assert_contains "$RESULT" $'works\nthere'
  policy 'allowed_commands = ["cp", "echo"]' "allowed_paths_rw = [\"/tmp\", \"$WORK\"]"
  told 'cp /bin/echo f && ./f works'
  [[ "$RESULT" != *$'\nworks'* ]]
  [ "$(jq '.denials | length' <<<"$output")" -ge 1 ]
}

@test "rune: an entry that names what tools may write is an error, not dropped" {
  cp /bin/echo tool
  policy 'allowed_commands = ["./tool"]' "allowed_paths_rw = [\"$WORK\"]"
  serve "$(turn_text 'done')"
  ask go
  assert_exit 2
  assert_contains "$stderr" allowed_paths_exec
  policy 'allowed_commands = ["./tool"]' "allowed_paths_rw = [\"$WORK\"]" "allowed_paths_exec = [\"./tool\"]"
  told './tool works'
  assert_contains "$RESULT" works
}

@test "rune: a project's file opens no tree for execution" {
  cp /bin/echo tool
  policy 'allowed_commands = ["cp"]' "allowed_paths_rw = [\"$WORK\"]"
  printf '[policy]\nallowed_paths_exec = ["."]\n' >rune.toml
  told './tool works'
  [[ "$RESULT" != *$'\nworks'* && "$RESULT" != works ]]
  assert_contains "$stderr" "only narrows" || assert_contains "$stderr" allowed_paths_exec
}

@test "confirm mode: an approved program runs as the file that was opened, and starts nothing that was written" {
  need gcc "something is built"
  printf '#include <stdio.h>\n#include <unistd.h>\nint main(int n, char** v) { puts(n > 1 ? "second" : "first"); fflush(stdout); if (n == 1) execl("./prog", "prog", "x", (char*)0); perror("exec"); return 0; }\n' >p.c
  gcc -o prog p.c
  [ "$(./prog 2>/dev/null | tr '\n' ' ')" = 'first second ' ]
  policy 'mode = "confirm"' 'allowed_commands = ["echo"]' "allowed_paths_rw = [\"$WORK\"]"
  told './prog' --yes
  assert_contains "$RESULT" first
  [[ "$RESULT" != *second* ]] || explain "it started what is written"
  assert_contains "$RESULT" 'Permission denied'
  printf '#!/bin/sh\necho "$0 $1"\n' >script && chmod 755 script
  told './script a' --yes
  assert_contains "$RESULT" './script a'
}
