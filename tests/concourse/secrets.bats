# Nothing secret of a source leaves: not in versions, metadata, files or logs, however a model or a tool spells it.

load helpers
setup() { concourse_setup; }
teardown() { concourse_teardown; }

RECORD_KEY=canary-record-key-0123456789
WORD=canary-word-of-the-pipeline

# assert_hidden TEXT_OR_FILE...: the finder reads files, so texts go into one. That it finds is shown first.
assert_hidden() {
  local secret
  mkdir -p "$ROOT/seen"
  rm -f "$ROOT/seen"/*
  for text in "$@"; do
    if [ -f "$text" ]; then cp "$text" "$(mktemp "$ROOT/seen/XXXXXX")"; else printf '%s' "$text" >"$(mktemp "$ROOT/seen/XXXXXX")"; fi
  done
  for secret in "$API_KEY" "$RECORD_KEY" "$WORD"; do
    printf '%s' "$secret" | base64 >"$ROOT/planted"
    ! find_secret "$secret" "$ROOT/planted" 2>/dev/null || explain 'the finder is blind'
    find_secret "$secret" "$ROOT/seen" || explain "$secret got out"
  done
}
find_secret() { "${PYTHON[@]}" "$BATS_TEST_DIRNAME/../e2e/find_secret.py" "$@"; }

@test "an answer that spells the secrets in every form is redacted before it is hashed" {
  answer="$API_KEY $(printf %s "$RECORD_KEY" | base64 -w0) $(printf 'x%s' "$WORD" | base64 -w0) $(jq -rn --arg w "$WORD" '$w | @uri')"
  says "$answer"
  source_with ".api_key = \"$API_KEY\" | .record_key = \"$RECORD_KEY\" | .redact = [\"$WORD\"] | .debug = true"
  succeeds check
  assert_hidden "$output"
  assert_json '.versions[0].ref | startswith("sha256:")' true
  [ "$(json '.versions[0].ref')" != "sha256:$(sha256_of "$answer")" ] || explain 'the raw answer was hashed'
  succeeds get
  assert_hidden "$output" "$(json .directory)/payload.json" "$(json .directory)/response.txt"
}

@test "a prompt that holds a secret does not carry it into the files" {
  PROMPT="Tell me about $WORD, please"
  says done
  says done "Tell me about $WORD, please: put"
  source_with ".record_key = \"$RECORD_KEY\" | .redact = [\"$WORD\"]"
  succeeds check
  succeeds get
  assert_hidden "$output" "$(json .directory)/payload.json"
  succeeds put --params "{\"prompt\":\"$PROMPT: put\"}"
  assert_hidden "$(json '.stderr, .metadata, .get.stderr')" "$(json .get.directory)/payload.json"
}

@test "a tool that reads all it can of the processes around it finds no secret" {
  cmd="for f in /proc/[0-9]*/environ /proc/[0-9]*/cmdline /proc/[0-9]*/maps; do cat \$f; done 2>/dev/null | tr '\\0' '\\n' | grep -c '[c]oncourseCanary\\|[c]anary-'; true"
  calls_tool execute_cmd "$(jq -cn --arg cmd "$cmd" '{$cmd}')" false 'found {{call_1}}'
  source_with ".api_key = \"$API_KEY\" | .record_key = \"$RECORD_KEY\" | .redact = [\"$WORD\"] | .policy = {mode: \"unrestricted\"}"
  succeeds check
  succeeds get
  [ "$(cat "$(json .directory)/response.txt")" = 'found 0' ] || explain "$(cat "$(json .directory)/response.txt")"
}

@test "a broken request that holds a secret is not quoted" {
  printf '{"source":{"api_key":"%s","promt":"%s","model":{"x":"%s"}}}' "$API_KEY" "$API_KEY" "$API_KEY" >"$ROOT/raw"
  source_with
  for verb in check get put; do
    fails_with "unknown key 'promt'" "$verb" --stdin-raw "$ROOT/raw"
    assert_hidden "$(json .stderr)"
  done
}
