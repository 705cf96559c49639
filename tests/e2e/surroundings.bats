#!/usr/bin/env bats
# What commands find around them, and what the model is told of it.

load helpers
setup() {
  e2e_setup
  chmod 777 "$WORK"
}
teardown() { e2e_teardown; }

told() {
  serve "$(turn_cmd "$1")" "$(turn_text 'done')"
  shift
  ask_json go --on-denial warn "$@"
  RESULT=$(tool_result)
}

@test "git works in a checkout of another owner, and not outside without safe.directory" {
  need root "a checkout of another owner is made"
  git init -q repo && git -C repo -c user.name=n -c user.email=e@x commit -q --allow-empty -m first
  chown -R 12345:12345 repo
  run git -C repo log --format=%s
  [ "$status" -ne 0 ]
  policy 'allowed_commands = ["git"]'
  told 'git -C repo log --format=%s'
  [ "$RESULT" = first ] || explain "$RESULT"
}

@test "variables are passed and set; secrets are an error, and a project's file adds none" {
  policy 'allowed_commands = ["env"]' 'env = ["E2E_PASSED", "E2E_SET=two words"]'
  export E2E_PASSED=yes E2E_OTHER=no
  printf '[policy]\nenv = ["E2E_OTHER"]\n' >rune.toml
  told env
  assert_contains "$RESULT" E2E_PASSED=yes
  assert_contains "$RESULT" 'E2E_SET=two words'
  [[ "$RESULT" != *E2E_OTHER* ]] || explain "a project's file passed a variable on"
  rm rune.toml
  policy 'allowed_commands = ["env"]' 'env = ["E2E_TOKEN"]'
  ask go
  assert_exit 2
  assert_contains "$stderr" E2E_TOKEN
}

@test "an allowed program by its absolute path, and one of policy.path, are found by name" {
  mkdir -p tools more
  cp /bin/echo tools/e2e-say
  cp /bin/echo more/e2e-more
  policy "allowed_commands = [\"$WORK/tools/e2e-say\", \"e2e-more\"]" "path = [\"$WORK/more\"]" 'allowed_paths_rw = []'
  told 'e2e-say one && e2e-more two'
  [ "$RESULT" = $'one\ntwo' ] || explain "$RESULT"
  told 'e2e-say direct'
  [ "$RESULT" = direct ] || explain "$RESULT"
  policy "allowed_commands = [\"$WORK/tools/e2e-say\"]" 'allowed_paths_rw = []'
  told 'e2e-more two'
  assert_contains "$RESULT" BLOCKED
}

@test "the model is told where it is, in at most 500 bytes at the end of its instructions" {
  policy 'allowed_commands = ["ls"]' 'allowed_domains = ["good.test"]'
  serve "$(turn_text 'done')"
  ask_json go
  local text
  text=$(request 1 | jq -r '.messages[] | select(.role == "system" or .role == "developer") | .content' | tail -n 1)
  assert_contains "$text" "You are in $WORK on Linux"
  assert_contains "$text" 'You may run: ls. Reach: good.test.'
  [ "${#text}" -le 500 ]
}

@test "a working directory below a default denied path is readable, what lies beside it is not" {
  need root "a directory in /root is made"
  local place
  place=$(mktemp -d /root/rune-e2e.XXXXXX)
  echo licence >"$place/LICENSE"
  mkdir "$place/clone" && echo mine >"$place/clone/LICENSE"
  policy 'allowed_commands = ["cat"]'
  cd "$place/clone"
  serve "$(turn_tool read_file '{"path":"LICENSE"}')" "$(turn_text 'done')"
  ask_json go --on-denial warn
  local first second third
  first=$(tool_result)
  serve "$(turn_tool read_file '{"path":"../LICENSE"}')" "$(turn_text 'done')"
  ask_json go --on-denial warn
  second=$(tool_result)
  policy 'allowed_commands = ["cat"]' 'denied_paths = ["/root"]'
  serve "$(turn_tool read_file '{"path":"LICENSE"}')" "$(turn_text 'done')"
  ask_json go --on-denial warn
  third=$(tool_result)
  cd "$WORK"
  rm -r "$place"
  assert_contains "$first" mine
  assert_contains "$second" BLOCKED
  assert_contains "$third" BLOCKED
  assert_contains "$stderr" 'working directory cannot be read'
}

@test "without CAP_SETUID, with no capability at all, and as a uid without a name it starts, and says who commands are" {
  need root "capabilities are dropped"
  run --separate-stderr setpriv --bounding-set=-setuid,-setgid --inh-caps=-all "$RUNE_SANDBOX" --system --report "$ROOT/r.json" -- /usr/bin/id -u
  [ "$output" = 0 ] || explain "did not start"
  assert_contains "$(jq -r '.layers[] | select(.layer == "landlock").mechanism' "$ROOT/r.json")" CAP_SETUID
  run --separate-stderr setpriv --bounding-set=-all --inh-caps=-all "$RUNE_SANDBOX" --system -- /bin/sh -c 'id -u; cat /etc/shadow'
  [ "$output" = 0 ] || explain "did not start, or read a secret"
  run --separate-stderr setpriv --reuid=54321 --regid=54321 --clear-groups "$RUNE_SANDBOX" --system -- /usr/bin/id -u
  [ "$output" = 54321 ] || explain "did not start"
}

@test "a root that cannot be written is enough, with a TMPDIR that can" {
  need cap_sys_admin "mounts are made"
  mkdir "$ROOT/tmp"
  # shellcheck disable=SC2016  # for the inner shell
  run --separate-stderr unshare -m /bin/sh -ec 'mount --make-rprivate /; mount -t tmpfs -o mode=1777 tmpfs "$1"
    mount -o remount,bind,ro /; ! touch /var/tmp/x 2>/dev/null
    TMPDIR=$1 exec "$0" --system -- /bin/sh -c "echo works >\$TMPDIR/x; cat \$TMPDIR/x"' "$RUNE_SANDBOX" "$ROOT/tmp"
  [ "$output" = works ] || explain "did not start"
}
