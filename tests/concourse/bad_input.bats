# Requests that are wrong: exit 1, nothing on stdout, one last line that names the key and the place.

load helpers
setup() { concourse_setup; source_with; }
teardown() { concourse_teardown; }

# refuses TEXT REQUEST [VERB...]: the raw request, for each verb.
refuses() {
  local text=$1 verb
  printf '%s' "$2" >"$ROOT/raw"
  shift 2
  for verb in "${@:-check}"; do fails_with "$text" "$verb" --stdin-raw "$ROOT/raw"; done
}

@test "text that is no JSON is refused by all three" {
  refuses 'the request on stdin' 'x' check get put
  refuses 'the request on stdin' '' check get put
  refuses 'the request on stdin' '{"source":{"prompt":"a"}' check get put
  refuses 'the request on stdin' '[]' check get put
  refuses 'at byte' $'{"source":{"prompt":"\xff"}}' check get put
}

@test "200,000 brackets are refused without a crash" {
  head -c 200000 /dev/zero | tr '\0' '[' >"$ROOT/raw"
  for verb in check get put; do fails_with 'nested deeper' "$verb" --stdin-raw "$ROOT/raw"; done
  { printf '{"source":{"schema":'; head -c 200000 /dev/zero | tr '\0' '['; } >"$ROOT/raw"
  fails_with 'nested deeper' check --stdin-raw "$ROOT/raw"
}

@test "unknown keys in source and params name the nearest key" {
  refuses "source: unknown key 'promt' (did you mean 'prompt'?)" '{"source":{"promt":"x"}}' check get put
  refuses "did you mean 'allowed_commands'" '{"source":{"policy":{"allowed_command":[]}}}'
  refuses "source.sandbox.filesystem: unknown key 'denied_path'" '{"source":{"sandbox":{"filesystem":{"denied_path":[]}}}}'
  refuses "params: unknown key 'promptfile'" '{"source":{},"params":{"promptfile":"x"}}' put
  refuses "params: unknown key 'skp'" '{"source":{},"params":{"skp":true}}' get
}

@test "unknown keys in a version are ignored" {
  says x
  succeeds check --from '{"ref":"y","whatever":"z"}'
}

@test "wrong types name the place" {
  refuses 'source.prompt: expected string, found array' '{"source":{"prompt":["x"]}}'
  refuses 'source.limits.steps' '{"source":{"limits":{"steps":"many"}}}'
  refuses 'source.policy.max_pids' '{"source":{"policy":{"max_pids":"many"}}}'
  refuses 'source: expected' '{"source":"x"}'
  refuses 'version' '{"source":{},"version":["x"]}'
}

@test "null lists and null objects are their defaults" {
  says x
  source_with '. + {pre_commands: null, redact: null, limits: null, schema: null,
    policy: {allowed_commands: null, allowed_domains: null, denied_paths: null},
    sandbox: {allowed_commands: null, network: {allowed_domains: null}, filesystem: null, resources: null, require: null}}'
  succeeds check
}

@test "a missing key is named" {
  refuses 'rune check: source.api_key is required' '{"source":{"prompt":"x"}}'
  refuses 'rune out: source.api_key is required' '{"source":{},"params":{"prompt":"x"}}' put
}

@test "a store of records is not there yet, and that is said" {
  refuses "source.record: 'store' is not available" '{"source":{"record":"store"}}'
}

@test "params of a put cannot widen the policy" {
  refuses "params.policy.allowed_commands: 'rm'" \
    '{"source":{"provider":"cassette","policy":{"allowed_commands":["ls"]}},"params":{"prompt":"x","policy":{"allowed_commands":["rm"]}}}' put
}

@test "another name than check, in or out gets the usage and exit 2" {
  run --separate-stderr "$RESOURCE_DIR/rune-resource"
  [ "$status" -eq 2 ] && [ -z "$output" ]
  run --separate-stderr "$RESOURCE_DIR/in" </dev/null
  [ "$status" -eq 1 ] && [ -z "$output" ] && [[ "$stderr" == *'directory is missing'* ]]
}
