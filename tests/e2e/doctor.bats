#!/usr/bin/env bats
# The proof: `rune doctor`, and the same probes before the first tool call of a run, in everything that a run leaves behind.

load helpers
load ../support/local_services/services

setup_file() { world_start; }
teardown_file() { world_stop; }
setup() {
  e2e_setup
  LAYERS=(limits network seccomp landlock names)
}
teardown() { e2e_teardown; }

doctor() { run --separate-stderr supervise -- "$RUNE" doctor "$@"; }
# without SYSCALL COMMAND...: where that call is refused, as some container runtimes do.
without() {
  [ -e "$BIN_DIR/rune-seccomp" ] || skip "no rune-seccomp beside rune-sandbox"
  run --separate-stderr supervise -- "$BIN_DIR/rune-seccomp" --deny-syscall "$1" -- "${@:2}"
}
PROVED='confinement: [1-5]/5, probes ([1-9][0-9]+)/\1'

@test "doctor prints the five layers, every probe on both sides, and one line that sums it up" {
  doctor
  assert_exit 0
  local layer
  for layer in "${LAYERS[@]}"; do
    grep -qE "^$layer +(enforced|degraded|missing|off) " <<<"$output" || explain "no layer $layer"
    grep -qE "^$layer: .* (closed|closed here anyway|OPEN|not tried) " <<<"$output" || explain "no probe of $layer"
  done
  [ "$(grep -cE '^(limits|network|seccomp|landlock|names): ' <<<"$output")" -ge 25 ] || explain "too few probes"
  tail -n 1 <<<"$output" | grep -qE "^$PROVED \([0-9.]+ ms\)$" || explain "the last line"
  echo "# $(tail -n 1 <<<"$output")" >&3
  assert_nothing_left
}

@test "doctor --json is one object with the same: line, layers, probes" {
  doctor --json
  assert_exit 0
  assert_one_json_object
  assert_json '[.layers[].layer] | join(" ")' "${LAYERS[*]}"
  json .line | grep -qE "^$PROVED$" || explain line
  [ "$(json '.probes | length')" -ge 25 ] || explain "too few probes"
  assert_json '[.probes[] | select((.layer and .act and .state and .inside and .outside) | not)] | length' 0
  # Each closed one is refused inside and was possible outside, up to what its object does not support.
  assert_json '[.probes[] | select(.state == "closed" and (.inside == "done" or .inside == .outside))] | length' 0
  assert_json '[.probes[] | select(.state == "OPEN")] | length' 0
  [ "$(json '[.probes[] | select(.state == "closed")] | length')" -ge 18 ] || explain "too few are closed"
}

@test "doctor needs neither a key nor a model, and asks none" {
  unset RUNE_API_KEY RUNE_MODEL RUNE_BASE_URL
  doctor
  assert_exit 0
}

@test "what the policy opens is not called closed: an open network is off, and its probes are not tried" {
  policy 'allowed_domains = ["*"]'
  doctor --json
  assert_exit 0
  assert_json '.layers[] | select(.layer == "network") | .state' off
  assert_json '[.probes[] | select(.layer == "names" and .state != "not tried")] | length' 0
  [ "$(json '[.probes[] | select(.layer == "landlock" and .state == "closed")] | length')" -gt 0 ]
}

@test "a missing layer is named, with the reason, and its acts stand open" {
  without landlock_create_ruleset "$RUNE" doctor --json
  assert_exit 0
  assert_json '.layers[] | select(.layer == "landlock") | .state' missing
  assert_contains "$(json '.layers[] | select(.layer == "landlock") | .why')" landlock_create_ruleset
  [[ "$(json .line)" =~ confinement:\ [0-4]/5 ]] || explain line
  without landlock_create_ruleset "$RUNE" doctor
  grep -qE '^landlock +missing .*landlock_create_ruleset' <<<"$output" || explain "not in the table"
}

@test "exit 6 when a required layer is missing, and the layer is named; 0 when only others are required" {
  policy 'enforcement = "require"'
  without landlock_create_ruleset "$RUNE" doctor
  assert_exit 6
  [[ "$stderr" == *"required layer '"*"' is "* ]] || explain "no layer named"
  policy 'enforcement = ["landlock"]'
  without landlock_create_ruleset "$RUNE" doctor
  assert_exit 6
  assert_contains "$stderr" "'landlock' is missing"
  policy 'enforcement = ["network", "seccomp", "names"]'
  without landlock_create_ruleset "$RUNE" doctor
  assert_exit 0
  # The control: without the outer filter.
  policy 'enforcement = ["landlock"]'
  doctor
  assert_exit 0
}

@test "without a listener for system calls the network is closed whole, which is less than was asked for" {
  need python3 "it installs the filter"
  # seccomp(2) with SECCOMP_FILTER_FLAG_NEW_LISTENER fails, as where a runtime has taken the only one.
  cat >"$ROOT/no_listener.py" <<'PY'
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
# number == seccomp and flags & NEW_LISTENER: EBUSY
code = [(0x20, 0, 0, 0), (0x15, 0, 3, 317), (0x20, 0, 0, 24), (0x45, 0, 1, 8), (0x06, 0, 0, 0x00050000 | 16), (0x06, 0, 0, 0x7fff0000)]
program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in code))
fprog = struct.pack("HxxxxxxQ", len(code), ctypes.addressof(program))
libc.prctl(38, 1, 0, 0, 0)
if libc.prctl(22, 2, fprog, 0, 0) != 0: sys.exit(os.strerror(ctypes.get_errno()))
os.execv(sys.argv[1], sys.argv[1:])
PY
  policy 'allowed_domains = ["good.test"]'
  run --separate-stderr supervise -- /usr/bin/python3 "$ROOT/no_listener.py" "$RUNE" doctor --json
  [ "$(json '[.probes[] | select(.layer == "network" and .state == "OPEN")] | length')" -eq 0 ] || explain open
  assert_json '.layers[] | select(.layer == "network") | .state' degraded
  [ -n "$(json '.layers[] | select(.layer == "network") | .why')" ] || explain "no reason"
  policy 'allowed_domains = ["good.test"]' 'enforcement = "require"'
  run --separate-stderr supervise -- /usr/bin/python3 "$ROOT/no_listener.py" "$RUNE" doctor
  assert_exit 6
}

@test "a run whose policy requires a missing layer ends with 6 before anything ran" {
  policy 'enforcement = "require"' 'allowed_commands = ["touch"]' "allowed_paths_rw = [\"/tmp\", \"$WORK\"]"
  serve_loop "$(turn_cmd 'touch ran')"
  without landlock_create_ruleset "$RUNE" --json -p go
  assert_exit 6
  assert_outcome sandbox_unavailable
  assert_no_file ran
}

@test "rune-sandbox --probe tries the same by hand" {
  run --separate-stderr supervise -- "$RUNE_SANDBOX" --system --probe
  assert_exit 0
  [ "$(grep -c closed <<<"$output")" -ge 25 ] || explain probes
}

@test "a run with a tool call carries the proof in --json and in the trace; one without a tool call needs none" {
  policy 'allowed_commands = ["echo"]'
  serve "$(turn_cmd 'echo hi')" "$(turn_text 'done')"
  ask_json go --trace="$ROOT/trace"
  assert_exit 0
  json .confinement | grep -qE "^$PROVED$" || explain "confinement: $(json .confinement)"
  local trace
  trace=$(cat "$ROOT"/trace/*)
  jq -es 'map(select(.confinement)) | .[-1].confinement | (.line | startswith("confinement: ")) and (.probes | length >= 25) and (.layers | length == 5)' \
    <<<"$trace" >/dev/null || explain "$trace"
  serve "$(turn_text 'done')"
  ask_json go
  assert_json '.confinement // "none" | test("probes 0/|none|^confinement: [0-5]/5$")' true
}

@test "an act that a missing layer leaves open is said in a run, too" {
  need root "an ordinary user's own files stay readable"
  policy 'allowed_commands = ["echo"]'
  serve "$(turn_cmd 'echo hi')" "$(turn_text 'done')"
  without landlock_create_ruleset "$RUNE" --json -p go
  assert_exit 0
  [[ "$(json .confinement)" =~ confinement:\ [0-4]/5 ]] || explain "$(json .confinement)"
  assert_contains "$(json '.sandbox.landlock.state')" missing
  [ -n "$(json '.open // ""')" ] || explain "nothing is said"
}

# --- the ledger of a run ----------------------------------------------------------------------------------------------

@test "the egress of a run stands in --json with the steps that caused it, and in the trace" {
  world_join
  join_agent
  policy 'allowed_commands = ["curl"]' 'allowed_domains = ["good.test"]'
  serve "$(turn_cmd 'curl -sS -o /dev/null http://good.test/bytes/10000')" "$(turn_cmd 'curl -sS http://elsewhere.test/hello')" \
    "$(turn_cmd 'curl -sS -o /dev/null http://good.test/bytes/20000')" "$(turn_text 'done')"
  ask_json go --on-denial warn --trace="$ROOT/trace"
  assert_exit 0
  local good='.egress[] | select(.target == "good.test" and .port == 80)'
  assert_json "$good | .connections" 2
  assert_json "$good | .steps | join(\",\")" 1,3
  assert_json "$good | .received > 30000 and .received < 31000 and .sent > 50" true
  assert_json '[.egress[] | select(.target == "elsewhere.test") | .refused] | add >= 1' true
  # What the server counted.
  local deadline=$((SECONDS + 5))
  until [ "$(json "$good | .received")" = "$(jq -s '[.[] | select(.kind == "connection") | .sent] | add' "$WORLD/log.jsonl")" ]; do
    [ "$SECONDS" -lt "$deadline" ] || explain "$(cat "$WORLD/log.jsonl")"
  done
  jq -es 'any(.[]; (.egress // [])[]? | .target == "good.test" and .connections == 2)' <(cat "$ROOT"/trace/*) >/dev/null || explain "$(cat "$ROOT"/trace/*)"
}

@test "egress stands in the log of a run at a terminal's place, by name" {
  world_join
  join_agent
  policy 'allowed_commands = ["curl"]' 'allowed_domains = ["good.test"]'
  serve "$(turn_cmd 'curl -sS -o /dev/null http://good.test/bytes/10000')" "$(turn_text 'done')"
  ask go --log-level info
  assert_exit 0
  assert_contains "$stderr" 'egress: good.test:80'
}

# --- Concourse --------------------------------------------------------------------------------------------------------

# request VERSION PARAMS: what a step gets on its standard input.
request() {
  jq -cn --arg url "$RUNE_BASE_URL" --arg key "$API_KEY" --argjson version "$1" --argjson params "$2" '{
    source: {api_key: $key, model: "test-model", base_url: $url, prompt: "go",
             policy: {allowed_commands: ["curl"], allowed_domains: ["good.test"]}},
    version: $version, params: $params}'
}
# resource NAME ARGUMENT...: check, in or out with the request on stdin.
resource() { run --separate-stderr resource_ "$@"; }
resource_() { "${ENTER[@]}" "$BIN_DIR/$1" "${@:2}" <"$ROOT/request"; }
metadata() { json ".metadata[] | select(.name == \"$1\") | .value"; }

@test "check records the proof and the egress, in shows them in payload.json and metadata" {
  [ -x "$BIN_DIR/check" ] || skip "no check beside rune"
  world_join
  join_agent
  serve "$(turn_cmd 'curl -sS -o /dev/null http://good.test/bytes/10000')" "$(turn_text 'done')"
  request null null >"$ROOT/request"
  resource check
  assert_exit 0
  local version
  version=$(json '.[0] | tojson')
  assert_contains "$stderr" 'egress: good.test:80'
  # The model is not asked again.
  stop_model_quietly
  request "$version" '{}' >"$ROOT/request"
  mkdir "$ROOT/get"
  resource in "$ROOT/get"
  assert_exit 0
  metadata confinement | grep -qE "${PROVED#*: }" || explain "metadata"
  jq -r .confinement "$ROOT/get/payload.json" | grep -qE "${PROVED#*: }" || explain "$(cat "$ROOT/get/payload.json")"
  jq -e '.egress[] | select(.target == "good.test" and .port == 80) | .connections == 1 and .received > 10000' "$ROOT/get/payload.json" >/dev/null ||
    explain "$(cat "$ROOT/get/payload.json")"
}

@test "out carries the proof in its metadata" {
  [ -x "$BIN_DIR/out" ] || skip "no out beside rune"
  world_join
  join_agent
  serve "$(turn_cmd 'curl -sS -o /dev/null http://good.test/bytes/10000')" "$(turn_text 'done')"
  request null '{"prompt": "go"}' >"$ROOT/request"
  mkdir "$ROOT/put"
  resource out "$ROOT/put"
  assert_exit 0
  metadata confinement | grep -qE "${PROVED#*: }" || explain "metadata"
  assert_contains "$stderr" 'egress: good.test:80'
}
