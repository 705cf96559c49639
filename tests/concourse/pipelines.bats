# The example pipelines: known to Concourse key by key, and every source and params of ours read by our own parser.

load helpers
setup() { concourse_setup; }
teardown() { concourse_teardown; }

# parse KIND PART: lets the step read a part without asking anybody. Every mistake in it is found before the prompt is missed.
parse() {
  local request
  case $1 in
    source) request=$(jq -c '{source: (.source | del(.prompt))}' <<<"$2")
      run --separate-stderr "$RESOURCE_DIR/check" <<<"$request"
      [ "$status" -eq 0 ] && [ "$output" = '[]' ] ;;
    get) request=$(jq -c '{source: (.source | del(.prompt)), params, version: {ref: "x"}}' <<<"$2")
      run --separate-stderr "$RESOURCE_DIR/in" "$ROOT/get" <<<"$request"
      [ "$status" -eq 0 ] ;;
    put) request=$(jq -c '{source, params: (.params | del(.prompt, .prompt_file))}' <<<"$2")
      run --separate-stderr "$RESOURCE_DIR/out" "$ROOT" <<<"$request"
      [ "$status" -eq 1 ] && [[ "$stderr" == *'required for put step'* ]] ;;
  esac
}

@test "every example pipeline is one, and our steps understand it" {
  /usr/bin/python3 -c 'import yaml' 2>/dev/null || skip 'needs PyYAML (python3-yaml) to read the pipelines'
  /usr/bin/python3 -B "$BATS_TEST_DIRNAME/pipeline_parts.py" "$BATS_TEST_DIRNAME"/../../pipelines/*.yml >"$ROOT/parts" ||
    fail 'not a pipeline'
  [ "$(jq -s 'map(.file) | unique | length' "$ROOT/parts")" = "$(ls "$BATS_TEST_DIRNAME"/../../pipelines/*.yml | wc -l)" ]
  while read -r part; do
    parse "$(jq -r .kind <<<"$part")" "$part" || fail "$(jq -r '.place + ": " + .kind' <<<"$part"): $stderr"
  done <"$ROOT/parts"
}
