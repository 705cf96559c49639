#!/usr/bin/env bats
# Versions, payload.json and metadata, held against the tables of docs/concourse.md: a member that only one side has fails.

load helpers
setup() {
  concourse_setup
  SEEN=$ROOT/seen
}
teardown() { concourse_teardown; }

documented() {
  run "${PYTHON[@]}" "$SUPPORT/documented.py" check "$BATS_TEST_DIRNAME/../../docs/concourse.md" "$1" <"$SEEN"
  [ "$status" -eq 0 ] || explain "docs/concourse.md, $1" "$(cat "$SEEN")"
}

# A get of a plain answer, one of an answer that tools helped with and that has a price, one that had to ask again, and a put.
everything() {
  says 'It is 4.'
  source_with
  succeeds check
  succeeds get
  "$1"
  calls='{"turns":[{"tool_calls":[{"name":"execute_cmd","args":{"cmd":"curl -sS http://elsewhere.test/"}}]},{"text":"done"}]}'
  serve "$calls"
  source_of_server '.policy = {allowed_commands: ["curl"], allowed_domains: ["good.test"]} | .on_denial = "warn" |
    .prices = ["openai/test-model 1 0.5 1 10"] | .track_reversion = true'
  succeeds check
  succeeds get
  "$1"
  now_says one
  source_with '.record = "none"'
  succeeds check
  now_says two
  succeeds get
  "$1"
  # A pin: its version says neither when nor for how much.
  source_with
  succeeds check --from "{\"ref\":\"sha256:$(sha256_of two)\"}"
  succeeds get
  "$1"
  says Hallo. Translate
  succeeds put --params '{"prompt":"Translate"}'
  "$1"
}
payload() { cat "$(json '.directory // .get.directory')/payload.json" >>"$SEEN"; }
version() { json .version >>"$SEEN"; }
metadata() { json .metadata >>"$SEEN"; }

@test "payload.json has the members that the document names, and no other" {
  everything payload
  documented payload.json
}

@test "the metadata have the names of the document, and no other" {
  everything metadata
  documented Metadata
}

@test "versions have the keys of the document, and no other" {
  everything version
  documented 'One version, one answer'
}

@test "usage has the same members in payload.json as in rune --json" {
  local shapes
  shapes=$(for table in cli.md:'The JSON object' concourse.md:payload.json; do
    "${PYTHON[@]}" "$SUPPORT/documented.py" rows "$BATS_TEST_DIRNAME/../../docs/${table%%:*}" "${table#*:}" |
      jq -r '.[] | select(.[0] == "`usage`") | .[1] | capture("`(?<shape>[^`]*)`").shape'
  done)
  [ "$(sort -u <<<"$shapes" | wc -l)" -eq 1 ] || fail "$shapes"
}
