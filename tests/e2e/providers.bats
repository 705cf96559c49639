#!/usr/bin/env bats
# Who is asked, how to get in, and what a person is told when it does not work.

load helpers
setup() {
  e2e_setup
  policy 'allowed_commands = ["echo"]'
}
teardown() { e2e_teardown; }

# serve_copilot TURN... : everything GitHub has, at one address. SIDE may hold the script's "side".
serve_copilot() {
  serve_script "$(printf '%s\n' "$@" | jq -sc --argjson side "${SIDE:-{\}}" '{dialect: "copilot", turns: ., side: $side}')"
  export RUNE_PROVIDER=github-copilot RUNE_API_KEY=ghu_e2eCanaryToken0123456789 RUNE_BASE_URL=http://127.0.0.1:$MODEL_PORT
}

@test "copilot: the token is exchanged, the editor's headers are there, a tool call works" {
  serve_copilot "$(turn_cmd 'echo deep')" '{"expect":{"last_tool":{"contains":"deep"},"headers":{"x-initiator":"agent"}},"text":"seen"}'
  ask_json go
  assert_exit 0
  assert_json .answer seen
  assert_json .provider github-copilot
  assert_no_secret "$RUNE_API_KEY" "$output" "$stderr"
  assert_model_content
}

@test "copilot: a model is asked on the wire that serves it" {
  local model
  for model in test-responses test-messages; do
    serve_copilot '{"text":"hello"}'
    ask_json go --model "$model"
    assert_exit 0
    assert_json .answer hello
    assert_contains "$(jq -r .path "$MODEL_LOG")" "/${model#test-}"
    assert_model_content
  done
}

@test "copilot: a session that is refused is renewed once" {
  serve_copilot "$(turn_fault 401 '{"message":"IDE token expired: unauthorized: token expired"}')" '{"text":"hello"}'
  ask_json go
  assert_exit 0
  assert_json .answer hello
  serve_copilot "$(turn_fault 401)" "$(turn_fault 401)"
  ask_json go
  assert_exit 5
  assert_outcome provider_auth
  assert_model_content
}

@test "copilot: a refusal of the exchange says what GitHub said and where to look" {
  SIDE='{"GET /copilot_internal/v2/token":[{"status":403,"body":{"message":"no","error_details":{"message":"No access to GitHub Copilot found","url":"https://github.com/github-copilot/signup"}}}]}'
  serve_copilot
  ask_json go
  assert_exit 5
  assert_outcome provider_auth
  assert_contains "$(json .error)" "https://github.com/github-copilot/signup"
  assert_no_secret "$RUNE_API_KEY" "$output" "$stderr"
}

@test "init logs in to copilot, and the file is only for its owner" {
  serve_copilot '{"text":"hello"}'
  local github=$RUNE_BASE_URL
  unset RUNE_PROVIDER RUNE_API_KEY RUNE_BASE_URL RUNE_MODEL
  rm "$HOME/.rune/rune.toml"
  run --separate-stderr bash -c "printf 'github-copilot\n%s\ntest-model\n' '$github' | '$RUNE' init"
  assert_exit 0
  assert_contains "$stderr" "https://github.com/login/device"
  assert_contains "$stderr" "ABCD-1234"
  assert_lacks "$stderr" ghu_fromDeviceLogin
  [ "$(stat -c %a "$HOME/.rune/rune.toml")" = 600 ] || explain "the file can be read by others"
  assert_contains "$(cat "$HOME/.rune/rune.toml")" ghu_fromDeviceLogin
  ask_json go
  assert_exit 0
  assert_json .answer hello
}

@test "models: every provider's list, as a table and as JSON" {
  local wire
  for wire in openai-chat anthropic-messages gemini-native; do
    serve_script "{\"wire\":\"$wire\",\"turns\":[]}"
    case $wire in
      openai-chat) export RUNE_PROVIDER=openai ;;
      anthropic-messages) export RUNE_PROVIDER=anthropic ;;
      gemini-native) export RUNE_PROVIDER=gemini ;;
    esac
    run --separate-stderr "$RUNE" models
    assert_exit 0
    assert_contains "$output" test-model
    assert_contains "$output" context
    run --separate-stderr "$RUNE" models --json
    assert_exit 0
    [ "$(json '[.models[] | select(.context > 100000)] | length > 0')" = true ] || explain "no window"
  done
}

@test "models: what a server calls its models cannot reach into the terminal" {
  serve_script '{"turns":[],"side":{"GET /v1/models":[{"body":{"data":[{"id":"evil\u001b[31m\nname\u202e"}]}}]}}'
  run --separate-stderr "$RUNE" models
  assert_exit 0
  assert_contains "$output" evil
  [[ $output != *$'\e'* && $output != *$'\u202e'* ]] || explain "escaped"
  [ "$(printf '%s\n' "$output" | wc -l)" -eq 2 ] || explain "more than one line for a model"
}

@test "models: every failure is one line that says what to change" {
  local case
  for case in '{"status":401,"body":{"error":{"message":"bad key"}}}|api_key' '{"status":404,"body":"<html><title>Nope</title>"}|base_url' \
    '{"status":200,"headers":[["Content-Type","text/html"]],"body":"<html><title>Hotel</title>"}|login page' \
    '{"status":302,"headers":[["Location","http://elsewhere.example/"]]}|redirects'; do
    serve_script "{\"turns\":[],\"side\":{\"GET /v1/models\":[${case%|*}]}}"
    run --separate-stderr "$RUNE" models
    assert_exit 5
    assert_contains "$stderr" "${case##*|}"
    [ "$(printf '%s\n' "$stderr" | wc -l)" -eq 1 ] || explain "more than one line"
    [ -z "$output" ] || explain "something on stdout"
  done
}

@test "fallback: the next provider answers when the first is down, and that is said once" {
  serve '{"text":"from the second"}'
  local second=$RUNE_BASE_URL
  export RUNE_BASE_URL=http://127.0.0.1:9/v1 SECOND_KEY=sk-secondCanaryKey0123456789
  config "[[fallback]]" "base_url = \"$second\"" 'model = "other-model"' 'api_key_env = "SECOND_KEY"'
  ask_json go
  assert_exit 0
  assert_json .answer "from the second"
  assert_contains "$stderr" "from here on openai/other-model is asked"
  [ "$(jq -r '.headers | to_entries[] | select((.key | ascii_downcase) == "authorization") | .value' "$MODEL_LOG" 2>/dev/null ||
    jq -r '.headers[] | select((.[0] | ascii_downcase) == "authorization") | .[1]' "$MODEL_LOG")" = "Bearer $SECOND_KEY" ] ||
    explain "another key went to the second provider: $(cat "$MODEL_LOG")"
  assert_no_secret "$SECOND_KEY" "$output" "$stderr"
  assert_no_secret "$API_KEY" "$MODEL_LOG"
  assert_model_content
}

@test "fallback: not once a tool has run" {
  serve "$(turn_cmd 'echo one')" "$(turn_fault 401)"
  config "[[fallback]]" 'provider = "ollama"' 'base_url = "http://127.0.0.1:9/v1"' '[policy]' 'allowed_commands = ["echo"]'
  ask_json go
  assert_exit 5
  assert_outcome provider_auth
  assert_lacks "$stderr" "from here on"
  assert_model_content
}

@test "fallback: a mistake in an entry is named before anything is asked" {
  config '[[fallback]]' 'modle = "x"'
  ask_json go
  assert_exit 2
  assert_contains "$(json .error)" "modle"
  assert_contains "$(json .error)" "model"
  config '[[fallback]]' 'provider = "anthropic"'
  ask_json go
  assert_exit 2
  assert_contains "$(json .error)" "fallback[0]: no key for provider anthropic"
}

@test "caps: what the table says is corrected, and a mistake is named" {
  serve '{"expect":{"body":{"/stream_options":null},"headers":{"x-team":"build"}},"text":"ok"}'
  config '[caps]' 'stream_usage = false' 'headers = ["X-Team: build"]'
  ask_json go
  assert_exit 0
  assert_model_content
  config 'caps = { image = false }'
  ask_json go
  assert_exit 2
  assert_contains "$(json .error)" "images"
}

@test "what the server does not understand is left out, and the answer comes all the same" {
  serve "$(turn_fault 400 '{"message":"Unrecognized request argument supplied: stream_options"}')" \
    '{"expect":{"body":{"/stream_options":null}},"text":"ok"}'
  ask_json go
  assert_exit 0
  assert_json .answer ok
  assert_model_content
}

@test "bad addresses: one line that says what to change" {
  serve "$(turn_fault 404)"
  export RUNE_BASE_URL=${RUNE_BASE_URL%/v1}/v1/v1
  ask_json go
  assert_exit 5
  assert_contains "$(json .error)" "/v1 twice"
  export RUNE_BASE_URL=ftp://host/v1
  ask_json go
  assert_exit 2
  assert_contains "$(json .error)" "base_url"
  export RUNE_BASE_URL=http://no-such-host.invalid/v1
  ask_json go
  assert_exit 5
  assert_contains "$(json .error)" "cannot resolve no-such-host.invalid"
}
