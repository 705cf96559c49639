# The simulator itself, against what Concourse says about scripts: its truth table is the oracle of the other suites.

load helpers
export SCRIPTS_ONLY=1
setup() {
  concourse_setup
  mkdir "$ROOT/scripts"
  printf '{"source":{"a":"<&>"}}' | sim configure --resource-dir "$ROOT/scripts" >/dev/null
}
teardown() { concourse_teardown; }

script() {
  printf '#!/bin/bash\n%s\n' "$2" >"$ROOT/scripts/$1"
  chmod +x "$ROOT/scripts/$1"
}
# check_prints TEXT STATUS: check printing TEXT with exit 0.
check_prints() {
  printf '%s' "$1" >"$ROOT/scripts/text"
  script check "cat $ROOT/scripts/text"
  step check
  assert_json .status "$2"
}

@test "what check may print" {
  check_prints '' succeeded
  check_prints '  ' succeeded
  check_prints 'null' succeeded
  check_prints '[]' succeeded
  check_prints '[{"ref":"a"}]' succeeded
  assert_json .new 1
  check_prints '[{"ref":"a"}] and more' succeeded
  assert_json .new 0
  check_prints 'log line
[{"ref":"a"}]' errored
  check_prints '{"ref":"a"}' errored
  check_prints '[{"ref":1}]' errored
  check_prints '[{"ref":{"x":"y"}}]' errored
  check_prints '[{"ref":null}]' succeeded
  check_prints '[null]' errored
  check_prints '[{}]' errored
  check_prints '[{"ref":"\u0000"}]' errored
  script check 'echo "[]"; exit 1'
  step check
  assert_json .status failed
}

@test "a known version before a new one moves along, known ones alone change nothing" {
  check_prints '[{"ref":"a"}]' succeeded
  check_prints '[{"ref":"b"}]' succeeded
  check_prints '[{"ref":"a"}]' succeeded
  [ "$(versions -r '.[-1].ref')" = b ]
  check_prints '[{"ref":"a"},{"ref":"c"}]' succeeded
  [ "$(versions -r 'map(.ref) | join("")')" = bac ]
}

@test "in and out need a version" {
  for text in '{}' '{"version":null}' '' '{"version":{"ref":"a"},"metadata":[{"name":"x","value":1}]}'; do
    script in "echo '$text'"
    step get --version '{"ref":"a"}'
    assert_json .status errored
  done
  script in "echo '{\"version\":{}}'"
  succeeds get --version '{"ref":"a"}'
  script out "echo '{\"version\":{}}'"
  step put --no-get
  assert_json .status errored
}

@test "stdin, argv, cwd and environment are those of a resource container" {
  script check 'cat >&2; echo >&2; echo "$0 $# $PWD ${HOME-no home}" >&2; env | grep -c ^BUILD_ >&2; true'
  step check
  [ "$(json .stderr)" = "{\"source\":{\"a\":\"\\u003c\\u0026\\u003e\"}}
$ROOT/scripts/check 0 / no home
0" ] || explain 'not as a container'
}

@test "SIGTERM goes to the one process, and what survives is seen" {
  script check "sleep 300 & touch $ROOT/cue; trap 'exit 143' TERM; wait"
  run --separate-stderr sim check --abort-when "$ROOT/cue"
  assert_json .exit 143
  assert_json '.leftovers | length' 1
}
