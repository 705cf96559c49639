#!/usr/bin/env bats
# Ways around a text check of the command line. Only `echo` and `ls` are allowed; each trick tries to make a marker file with
# `touch`. The effect is judged on the disk, never by a message. Each trick is tried twice: as the model's own command line,
# where the text check sees it, and hidden in a script file that an allowed shell reads, where only the kernel can refuse it.
# Each has a control that shows that a plain shell does make the marker.

load helpers
setup() {
  e2e_setup
  chmod 777 "$WORK"
  M=$WORK/marker
  only 'echo' 'ls'
}
teardown() { e2e_teardown; }

only() {
  local list
  ALLOWED=("$@")
  list=$(printf '"%s", ' "$@")
  policy 'mode = "allowlist"' "allowed_commands = [${list%, }]" "allowed_paths_rw = [\"/tmp\", \"$WORK\"]"
}

# trick CMD...: each must leave no marker, neither past the text check nor past the kernel alone.
trick() {
  local cmd
  for cmd in "$@"; do
    attempt "$cmd" "$cmd"
  done
  local listed=("${ALLOWED[@]}")
  only "${listed[@]}" sh
  for cmd in "$@"; do
    printf '%s\n' "$cmd" >"$ROOT/trick.sh" && chmod 644 "$ROOT/trick.sh" && mv "$ROOT/trick.sh" "$WORK/trick.sh"
    attempt 'sh trick.sh' "by the kernel: $cmd"
    assert_lacks "$(tool_result)" BLOCKED
  done
  only "${listed[@]}"
}
# attempt CMD NAME: lets the model run CMD.
attempt() {
  rm -rf "$M"
  serve "$(jq -cn --arg cmd "$1" '{tool_calls: [{name: "execute_cmd", args: {cmd: $cmd, timeout_secs: 5}}]}')" "$(turn_text 'done')"
  ask_json go --on-denial warn
  assert_no_file "$M" || fail "got through: $2"
  assert_nothing_left
}
# control CMD...: in a plain shell each does make the marker.
control() {
  local cmd
  for cmd in "$@"; do
    rm -rf "$M"
    (cd "$WORK" && timeout 10 bash -c "$cmd" >/dev/null 2>&1 </dev/null) 3>&- || true
    [ -e "$M" ] || fail "the control made no marker: $cmd"
  done
  rm -rf "$M"
}

@test "the rig: an allowed command makes a marker, so the marker can be made" {
  only echo touch
  serve "$(turn_cmd "touch $M")" "$(turn_text 'done')"
  ask_json go
  assert_exit 0
  [ -e "$M" ] || explain "no marker"
  # The same through a script file, where no text check looks.
  rm "$M"
  only echo touch sh
  echo "touch $M" >"$WORK/trick.sh"
  serve "$(turn_cmd "sh trick.sh")" "$(turn_text 'done')"
  ask_json go
  [ -e "$M" ] || explain "no marker by a script"
}

@test "command substitution: dollar, backticks, in quotes, nested, in arithmetic" {
  local all=("echo \$(touch $M)" "echo \`touch $M\`" "echo \"\$(touch $M)\"" "echo \"a\`touch $M\`b\"" "echo \$(echo \$(touch $M))"
    "echo \$((\$(touch $M; echo 1) + 1))" "echo \${x:-\$(touch $M)}" "echo <<END
\$(touch $M)
END")
  control "${all[@]}"
  trick "${all[@]}"
}

@test "separators: newline, CR LF, semicolon, ampersand, and, or, pipe" {
  local all=("echo ok
touch $M" "echo ok; touch $M" "echo ok & touch $M" "echo ok && touch $M" "false || touch $M" "echo ok | touch $M" "echo ok;touch $M")
  control "${all[@]}"
  trick "${all[@]}" $'echo ok\r\ntouch '"$M"
}

@test "redirections in front of the command, and words that look like allowed ones" {
  local all=(">./ls touch $M" "2>&1 touch $M" "</dev/null touch $M")
  control "${all[@]}"
  trick "${all[@]}"
}

@test "ampersand before redirection means two things in two shells" {
  # shellcheck disable=SC2016
  trick "ls &>/tmp/f touch $M"
}

@test "functions and aliases that take an allowed name" {
  local all=("ls() { touch $M; }; ls" "echo() { touch $M; }; echo")
  control "${all[@]}"
  trick "${all[@]}" "alias ls='touch $M'
ls"
}

@test "compound commands: if, case, for, while, until, groups, subshells, coproc" {
  local all=("if ls; then touch $M; fi" "case a in a) touch $M;; esac" "for i in 1; do touch $M; done"
    "while ls; do touch $M; break; done" "until touch $M; do :; done" "{ touch $M; }" "(touch $M)" "! touch $M")
  control "${all[@]}"
  trick "${all[@]}"
}

@test "builtins that run words: eval, exec, command, dot, trap, builtin" {
  local all=("eval touch $M" "eval 'tou''ch $M'" "exec touch $M" "command touch $M" "trap 'touch $M' EXIT" "echo 'touch $M' >s; . ./s")
  control "${all[@]}"
  rm -f "$WORK/s"
  trick "${all[@]}"
}

@test "names that are built at run time" {
  local all=("x=touch; \$x $M" "t\"\"ouch $M" "'touch' $M" "\\touch $M" "\${x:-touch} $M" "\$(echo touch) $M" "t?uch() { :; }; tou''ch $M"
    "a=tou b=ch; \$a\$b $M" "\$'touch' $M" "set -- touch $M; \"\$@\"")
  control "${all[@]:0:6}" "${all[@]:7:1}" "${all[@]:9:1}"
  trick "${all[@]}"
}

@test "only the basename counted once: an executable called ls in the working directory" {
  printf '#!/bin/sh\ntouch %s\n' "$M" >"$WORK/ls"
  chmod 755 "$WORK/ls"
  control "./ls"
  trick "./ls" "$WORK/ls" "PATH=.:\$PATH ls" "export PATH=.; ls" "../work/ls"
}

@test "the order of PATH: programs of the working directory do not replace those of the tools" {
  local name
  for name in ls cat head curl mkdir dirname sh echo; do
    printf '#!/bin/sh\ntouch %s\n' "$M" >"$WORK/$name"
    chmod 755 "$WORK/$name"
  done
  echo text >"$WORK/file"
  policy 'mode = "allowlist"' 'allowed_commands = ["echo", "ls"]' "allowed_paths_rw = [\"/tmp\", \"$WORK\"]" "allowed_paths_ro = [\"/lib\", \"$WORK\"]"
  PATH=$WORK:$PATH serve "$(turn_tool read_file '{"path":"file"}')" "$(turn_tool list_dir '{"path":"."}')" "$(turn_cmd 'ls')" "$(turn_text 'done')"
  run --separate-stderr bash -c "printf go | PATH=$WORK:$PATH '$RUNE' --json"
  assert_no_file "$M"
}

@test "assignments in front: PATH, LD_PRELOAD, LD_LIBRARY_PATH, BASH_ENV, ENV, IFS, PAGER" {
  printf '#!/bin/sh\ntouch %s\n' "$M" >"$WORK/evil"
  chmod 755 "$WORK/evil"
  trick "PATH=$WORK ls" "LD_PRELOAD=$WORK/evil.so ls" "ENV=$WORK/evil ls" "BASH_ENV=$WORK/evil ls" "IFS=x; echo" "PAGER=$WORK/evil ls"
}

@test "LD_PRELOAD of a library that the tool brought along gains nothing that the list does not give" {
  need gcc "a library is built"
  printf '#include <unistd.h>\n#include <stdlib.h>\n__attribute__((constructor)) static void f(void) { unsetenv("LD_PRELOAD"); execl("/usr/bin/touch", "touch", "%s", (char *)0); }\n' "$M" >"$ROOT/evil.c"
  gcc -shared -fPIC -o "$WORK/evil.so" "$ROOT/evil.c"
  control "LD_PRELOAD=$WORK/evil.so ls"
  trick "LD_PRELOAD=$WORK/evil.so ls"
}

@test "allowed programs that run others meet the kernel's list" {
  only find xargs env awk sed tar git timeout nohup nice sort ls echo python3 perl
  echo x >"$WORK/in"
  mkdir -p "$WORK/repo" && git -C "$WORK/repo" init -q
  local all=("find . -maxdepth 0 -exec touch $M \\;" "echo $M | xargs touch" "env touch $M" "awk 'BEGIN { system(\"touch $M\") }'"
    "sed '1e touch $M' in" "timeout 5 touch $M" "nohup touch $M" "nice touch $M" "tar cf /dev/null in --checkpoint=1 --checkpoint-action=exec='touch $M'"
    "git -C repo -c alias.x='!touch $M' x" "perl -e 'system(\"touch\", \"$M\")'" "python3 -c 'import os; os.system(\"touch $M\")'"
    "sort --compress-program=touch -S 1 in; env -S 'touch $M'")
  control "${all[@]}"
  trick "${all[@]}"
}

@test "interpreters are not stopped by a list of programs, but by the files: writing outside stays refused" {
  only python3 perl
  mkdir "$ROOT/outside" && chmod 777 "$ROOT/outside"
  M=$ROOT/outside/marker
  local all=("python3 -c 'open(\"$M\", \"w\")'" "perl -e 'open(F, \">$M\")'")
  control "${all[@]}"
  trick "${all[@]}"
}

@test "the dynamic loader as a program, memfd and /proc/self/exe" {
  need python3 "it writes the memfd"
  local loader
  loader=$(find /lib64/ld-linux-x86-64.so.2 "/lib/ld-linux-$(uname -m).so.1" 2>/dev/null | head -n 1) # of this machine
  control "$loader /usr/bin/touch $M"
  trick "$loader /usr/bin/touch $M"
  only python3
  control "$loader /usr/bin/touch $M"
  trick "python3 -c 'import os; os.execv(\"$loader\", [\"x\", \"/usr/bin/touch\", \"$M\"])'"
  local memfd="python3 -c 'import os; f = os.memfd_create(\"x\"); os.write(f, open(\"/usr/bin/touch\", \"rb\").read()); os.execve(f, [\"touch\", \"$M\"], {})'"
  control "$memfd"
  trick "$memfd"
}

@test "the cwd argument is bound by the policy, and the time-out by its ceiling" {
  mkdir "$ROOT/closed" && echo treasure >"$ROOT/closed/gold"
  policy 'allowed_commands = ["ls", "cat"]' "denied_paths = [\"$ROOT/closed\"]"
  serve "$(jq -cn --arg cwd "$ROOT/closed" '{tool_calls: [{name: "execute_cmd", args: {cmd: "cat gold", cwd: $cwd}}, {name: "execute_cmd", args: {cmd: "ls", cwd: $cwd}}]}')" "$(turn_text 'done')"
  ask_json go --on-denial warn
  assert_lacks "$(tool_result 1)$(tool_result 2)" treasure
  assert_lacks "$(tool_result 2)" gold
}

@test "a working directory whose name is a command" {
  local name
  for name in "a;touch marker;" '$(touch marker)' '`touch marker`' "it's" 'with space' '-n' $'new\nline'; do
    mkdir -p "$WORK/$name" && echo hello >"$WORK/$name/file"
    chmod 777 "$WORK/$name"
    cd "$WORK/$name" || return 1
    serve "$(turn_tool list_dir '{"path":"."}')" "$(turn_tool read_file '{"path":"file"}')" "$(turn_cmd 'echo ran')" "$(turn_text 'done')"
    ask_json go
    assert_exit 0
    assert_contains "$(tool_result 1)" file
    assert_contains "$(tool_result 2)" hello
    assert_contains "$(tool_result 3)" ran
    [ -z "$(find "$WORK" "$ROOT" -name marker)" ] || explain "a marker was made"
  done
}

@test "domains, paths and file names of the policy and of the model are never pasted into a shell" {
  policy 'allowed_commands = ["echo"]' "allowed_paths_rw = [\"/tmp\", \"$WORK\", \"$WORK/\$(touch marker)\"]" "allowed_paths_ro = [\"/usr\", \"$WORK/it's; touch marker\"]"
  serve "$(turn_tool fetch_url '{"url":"https://x;touch${IFS}marker;.com/"}')" "$(turn_tool read_file '{"path":"$(touch marker)"}')" \
    "$(turn_tool write_file '{"path":"a b/c;touch marker","content":"$(touch marker)"}')" "$(turn_tool list_dir '{"path":"`touch marker`"}')" "$(turn_text 'done')"
  ask_json go --on-denial warn
  [ -z "$(find "$WORK" "$HOME" -name marker)" ] || explain "a marker was made"
  [ "$(cat "$WORK/a b/c;touch marker")" = '$(touch marker)' ] || explain "write_file did not write what it was given"
}

@test "file names with a dash in front are names, not options" {
  echo content >"$WORK/-c5"
  serve "$(turn_tool read_file '{"path":"-c5"}')" "$(turn_tool write_file '{"path":"--help","content":"x"}')" "$(turn_tool list_dir '{"path":"."}')" "$(turn_text 'done')"
  ask_json go
  assert_exit 0
  assert_contains "$(tool_result 1)" content
  [ "$(cat "$WORK/--help")" = x ]
}

@test "two calls at once are judged like one" {
  serve "$(turn_cmds "touch $M" "touch $M.2")" "$(turn_text 'done')"
  ask_json go
  assert_exit 4
  assert_no_file "$M"
  assert_json '.denials[0].count' 2
}

@test "quoted and prefixed allowed commands are not refused by mistake" {
  serve "$(turn_cmds "'ls'" 'X= ls' 'echo a | ls' 'for i in 1 2; do echo $i; done' '[ -d . ] && echo yes' 'echo "$(ls)"' 'if ls; then echo b; fi')" "$(turn_text 'done')"
  ask_json go
  assert_exit 0
  assert_json '.denials | length' 0
}
