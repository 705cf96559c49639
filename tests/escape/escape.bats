#!/usr/bin/env bats
# Ways out of a confined command. Each denial is shown beside the same act without the sandbox.

load ../e2e/helpers

setup() {
  e2e_setup "$RUNE_SANDBOX"
  PROBE=$BIN_DIR/escape_probe
  [ -x "$PROBE" ] || skip "no escape_probe: build the target escape_probe"
  cp "$PROBE" "$WORK/probe-$$"
  PROBE=$WORK/probe-$$
}

teardown() {
  local pid
  for pid in $(pgrep -f "^$PROBE " || true); do kill -9 "$pid" 2>/dev/null || true; done
  e2e_teardown
}

confined() { timeout 20 "$RUNE_SANDBOX" --system --rox "$WORK" --timeout 5 -- "$PROBE" "$@"; }

alive() { pgrep -fc "^$PROBE " || true; }

@test "a command may not signal a process outside, which its user may" {
  sleep 30 &
  local victim=$!
  "$PROBE" signal "$victim"
  run -1 confined signal "$victim"
  kill "$victim"
}

@test "a command may not trace a process outside, which its user may" {
  sleep 30 &
  local victim=$!
  if "$PROBE" trace "$victim"; then
    run -1 confined trace "$victim"
  else
    kill "$victim"
    skip "tracing is refused here without the sandbox, too"
  fi
  kill "$victim"
}

@test "orphans of a command that refuses to adopt them are gone when it ends" {
  "$PROBE" orphans 30
  [ "$(alive)" -eq 8 ] || fail "the control left $(alive) orphans, not 8"
  pkill_probe
  run -0 confined orphans 30
  [ "$(alive)" -eq 0 ] || fail "$(alive) orphans are left"
}

@test "stopped orphans are gone when the command ends" {
  "$PROBE" stopped
  [ "$(alive)" -eq 1 ] || fail "the control left no orphan"
  pkill_probe
  run -0 confined stopped
  [ "$(alive)" -eq 0 ] || fail "a stopped orphan is left"
}

@test "a process that forks its successor and ends, for ever, does not outrun the guardian" {
  run -0 confined runaway
  [ "$(alive)" -eq 0 ] || fail "it still runs"
}

@test "a command has no descriptor of the caller's but the standard three" {
  "$PROBE" descriptor 7</dev/null
  run -1 confined descriptor 7</dev/null
}

@test "a command makes no internet socket" {
  "$PROBE" socket
  run -1 confined socket
}

# Only processes of this test's own copy of the probe.
pkill_probe() {
  local pid
  for pid in $(pgrep -f "^$PROBE "); do kill -9 "$pid"; done
  until [ "$(alive)" -eq 0 ]; do :; done
}
