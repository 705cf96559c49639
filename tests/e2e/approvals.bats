#!/usr/bin/env bats
# What a person is asked at a terminal, what counts as an answer, and how far it reaches.

load helpers
setup() {
  e2e_setup
  policy 'mode = "confirm"' 'allowed_commands = []'
}
teardown() { e2e_teardown; }

# at_terminal STEP...: a session at a terminal (tests/support/terminal.py).
at_terminal() { run --separate-stderr supervise -- "${PYTHON[@]}" "$SUPPORT/terminal.py" --timeout 20 "$@" -- "$RUNE"; }
# thinking TURN: the model writes the file THINKING, and takes a second for its answer.
thinking() { jq -cn --arg file "$ROOT/thinking" --argjson turn "$1" '{reply: [{touch: $file}, {sleep_ms: 1000}, {template: $turn}]}'; }
write_turn() { turn_tool write_file "{\"path\":\"$1\",\"content\":\"x\"}"; }

@test "what is typed before the question does not answer it, and is the next prompt" {
  serve "$(thinking "$(turn_cmd "touch $WORK/made")")" "$(turn_text 'not done')" "$(turn_text 'heard you')" "$(turn_text 'heard the rest')"
  at_terminal see:'ᚱ› ' type:go file:"$ROOT/thinking" key:$'\n\ny\nand la' see:'Execute? [Y/n/A(lways)] ' type:n see:'not done' \
    see:'ᚱ› y' see:'heard you' see:'ᚱ› and la' type:ter see:'heard the rest' see:'ᚱ› ' type:/exit
  assert_exit 0
  assert_no_file "$WORK/made"
  [ "$(request 3 | jq -r '.messages[-1].content')" = y ] || explain "the line was not the next prompt"
  [ "$(request 4 | jq -r '.messages[-1].content')" = 'and later' ] || explain "the unfinished line was lost"
}

@test "an empty line, y and A after the question say yes" {
  local answer
  for answer in '' y A; do
    rm -f "$ROOT/thinking"
    policy 'mode = "confirm"' 'allowed_commands = []' "allowed_paths_rw = [\"$WORK\"]"
    chmod 777 "$WORK"
    serve "$(turn_cmd "touch $WORK/made")" "$(turn_text 'it is done')"
    at_terminal see:'ᚱ› ' type:go see:'Execute? [Y/n/A(lways)] ' type:"$answer" see:'it is done' see:'ᚱ› ' type:/exit
    assert_exit 0
    rm "$WORK/made" || explain "'$answer' was no yes"
  done
}

@test "always for a file is that file alone" {
  mkdir -m 777 "$ROOT/open"
  serve "$(write_turn "$ROOT/open/a")" "$(write_turn "$ROOT/open/a")" "$(write_turn "$ROOT/open/b")" "$(turn_text 'done')"
  at_terminal see:'ᚱ› ' type:go see:"A: always in this session for $ROOT/open/a" see:'D: always in this session for all of '"$ROOT/open" \
    see:'Execute? ' type:A see:'open/b' see:'Execute? ' type:n see:done see:'ᚱ› ' type:/exit
  assert_exit 0
  [ -e "$ROOT/open/a" ] || explain "not written"
  assert_no_file "$ROOT/open/b"
}

@test "a directory is opened by a choice that names it, and a home never is" {
  mkdir -m 777 "$ROOT/open" "$HOME/notes"
  chmod 777 "$HOME"
  serve "$(write_turn "$ROOT/open/a")" "$(write_turn "$ROOT/open/b")" "$(write_turn "$HOME/notes.txt")" "$(write_turn "$HOME/other.txt")" "$(turn_text 'done')"
  at_terminal see:'ᚱ› ' type:go see:"D: always in this session for all of $ROOT/open" see:'Execute? ' type:D \
    see:"A: always in this session for $HOME/notes.txt" see:'Execute? [Y/n/A(lways)] ' type:A see:other.txt see:'Execute? ' type:n see:done see:'ᚱ› ' type:/exit
  assert_exit 0
  [ -e "$ROOT/open/b" ] || explain "not written"
  [ -e "$HOME/notes.txt" ] || explain "not written"
  assert_no_file "$HOME/other.txt"
}
