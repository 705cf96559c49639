# Shared by the suites. `load helpers`, then setup() { concourse_setup; } and teardown() { concourse_teardown; }.
#
# RESOURCE_DIR is where check, in and out are: the build tree, or /opt/resource in the image.

bats_require_minimum_version 1.5.0

RESOURCE_DIR=${RESOURCE_DIR:-${RUNE_BIN_DIR:-$BATS_TEST_DIRNAME/../../build/dev/bin}}
RESOURCE_DIR=$(cd "$RESOURCE_DIR" 2>/dev/null && pwd)
SUPPORT=$(cd "$BATS_TEST_DIRNAME/../support" && pwd)
PYTHON=(/usr/bin/python3 -B -S)
API_KEY=sk-concourseCanary0123456789abcdef

concourse_setup() {
  [ -n "$SCRIPTS_ONLY" ] || [ -x "$RESOURCE_DIR/check" ] || fail "no check in '$RESOURCE_DIR': build first, or set RESOURCE_DIR"
  # Not below /tmp: commands have a private one. The name differs per test, so the prompts and with them the locks do, too.
  ROOT=$(mktemp -d /var/tmp/rune-concourse.XXXXXX)
  chmod 755 "$ROOT"
  STATE=$ROOT/state
  CASSETTE=$ROOT/cassette.jsonl
  PROMPT="Question of $(basename "$ROOT")"
  MODEL_PID=
  mkdir "$STATE"
}

concourse_teardown() {
  stop_model
  [ -z "$ROOT" ] || rm -rf "$ROOT"
}

fail() {
  printf '%s\n' "$@" >&2
  return 1
}

# What the last step said, when an assertion fails.
explain() {
  printf '%s\n' "$@" "--- exit $status:" "$(jq . <<<"$output" 2>/dev/null || printf '%s' "$output")" "$stderr" >&2
  return 1
}

# --- the model ---------------------------------------------------------------------------------------------------------

# says ANSWER: the cassette answers PROMPT (or $2) with it.
says() {
  [ -s "$CASSETTE" ] || echo '{"cassette":1,"model":"test-model"}' >"$CASSETTE"
  jq -cn --arg user "${2:-$PROMPT}" --arg text "$1" \
    '{ask: {user: [$user]}, reply: {text: $text, stop: "end", usage: {input: 100, output: 10}}}' >>"$CASSETTE"
}
now_says() {
  rm -f "$CASSETTE"
  says "$@"
}
# calls_tool NAME ARGS IS_ERROR ANSWER: one tool call, then the answer.
calls_tool() {
  [ -s "$CASSETTE" ] || echo '{"cassette":1,"model":"test-model"}' >"$CASSETTE"
  jq -cn --arg user "$PROMPT" --arg name "$1" --argjson args "$2" --argjson error "$3" --arg text "$4" '
    {ask: {user: [$user]}, reply: {text: "", stop: "tool_calls", usage: {input: 1, output: 1},
           tool_calls: [{id: "call_1", name: $name, arguments: $args}]}},
    {ask: {results: [{id: "call_1", name: $name, is_error: $error}]}, template: true,
     reply: {text: $text, stop: "end", usage: {input: 1, output: 1}}}' >>"$CASSETTE"
}
# source_with [FILTER]: the source of a resource that asks the cassette.
source_with() {
  jq -cn --arg cassette "$CASSETTE" --arg prompt "$PROMPT" \
    "{source: ({provider: \"cassette\", cassette: \$cassette, prompt: \$prompt} | ${1:-.})}" |
    sim configure --resource-dir "$RESOURCE_DIR" >/dev/null
}
source_json() {
  printf '%s' "$1" | sim configure --resource-dir "$RESOURCE_DIR" >/dev/null
}

# serve SCRIPT: a model on loopback that counts.
serve() {
  printf '%s' "$1" >"$ROOT/script.json"
  mkfifo "$ROOT/port"
  (cd / && exec "${PYTHON[@]}" "$SUPPORT/fake_model.py" --script "$ROOT/script.json" --log "$ROOT/model.jsonl" --until-parent-exits) \
    >"$ROOT/port" 2>"$ROOT/model.err" </dev/null 3>&- &
  MODEL_PID=$!
  local word
  read -r word MODEL_PORT <"$ROOT/port"
  [ "$word" = PORT ] || fail "the fake model did not start: $(cat "$ROOT/model.err")"
}
stop_model() {
  [ -z "$MODEL_PID" ] && return
  kill "$MODEL_PID" 2>/dev/null
  wait "$MODEL_PID" 2>/dev/null
  MODEL_PID=
}
requests() { wc -l <"$ROOT/model.jsonl"; }
source_of_server() {
  jq -cn --arg url "http://127.0.0.1:$MODEL_PORT/v1" --arg prompt "$PROMPT" --arg key "$API_KEY" \
    "{source: ({api_key: \$key, model: \"test-model\", base_url: \$url, prompt: \$prompt} | ${1:-.})}" |
    sim configure --resource-dir "$RESOURCE_DIR" >/dev/null
}

# --- steps -------------------------------------------------------------------------------------------------------------

sim() { "${PYTHON[@]}" "$BATS_TEST_DIRNAME/concourse_sim.py" "$STATE" "$@" 3>&-; }
# step VERB [FLAG...]: sets status, output (the simulator's report). No step may leave a process behind.
step() {
  run --separate-stderr sim "$@"
  [ "$(json '.leftovers + (.get.leftovers // []) | length')" = 0 ] || explain "left behind: $(json .leftovers)"
}
succeeds() {
  step "$@"
  [ "$status" -eq 0 ] || explain "$1 did not succeed"
}
# fails_with TEXT VERB [FLAG...]: exit 1, nothing on stdout, TEXT in the last line of the log.
fails_with() {
  local text=$1 last
  shift
  step "$@"
  [ "$status" -ne 0 ] || explain "$1 succeeded"
  [ "$(json .exit)" = 1 ] || explain "expected exit 1"
  [ -z "$(json .stdout)" ] || explain "something on stdout"
  last=$(json '.stderr | rtrimstr("\n")' | tail -n 1)
  [[ "$last" == *"$text"* ]] || explain "the last line is not about '$text': $last"
}
json() { jq -r "$1" <<<"$output"; }
assert_json() {
  local got
  got=$(json "$1")
  [ "$got" = "$2" ] || explain "$1 is '$got', expected '$2'"
}
assert_contains() { [[ "$1" == *"$2"* ]] || explain "'$2' not found in:" "$1"; }
versions() { sim versions | jq .versions | jq "$@"; }
version_count() { sim versions | jq '.versions | length'; }
sha256_of() { printf '%s' "$1" | sha256sum | cut -d' ' -f1; }
