#!/usr/bin/env bats
# What rune-sandbox by hand says of itself: warnings, the report on standard output, help of each layer, audits.

load helpers
setup() {
  e2e_setup "$RUNE_SANDBOX"
  chmod 777 "$WORK"
}
teardown() { e2e_teardown; }

# box FLAG... -- COMMAND...
box() { run --separate-stderr supervise -- "$RUNE_SANDBOX" "$@"; }

@test "--quiet, --report -, a path that is not there, --pids 0, and help of each layer" {
  box --system --ro /nosuch -- /bin/true
  assert_exit 0
  assert_contains "$stderr" 'warning: rune-sandbox: --ro /nosuch: there is no such path'
  box --system --ro /nosuch --quiet --net none -- /bin/true
  [ -z "$stderr" ] || explain "not quiet"
  box --system --quiet --report - -- /bin/true
  assert_json .exit_code 0
  box --system --pids 0 -- /bin/sh -c 'echo fine'
  [ "$output" = fine ] || explain "no limit is not no process"
  box --require landlock,seccomp --system -- /bin/true
  assert_exit 0
  local name
  for name in rune-seccomp rune-landlock rune-net-guard; do
    run --separate-stderr "$BIN_DIR/$name" --help
    assert_exit 0
    assert_contains "$output" "Usage: $name"
  done
}

@test "an audit of a program that is not there is an error, and no policy" {
  box --audit --system -- no-such-program
  assert_exit 127
  assert_lacks "$stderr" allowed_commands
  box --audit --system -- /bin/true
  assert_exit 0
  assert_contains "$stderr" 'allowed_commands = ["true"]'
}
