#!/usr/bin/env bats
# What docs/providers.md promises, with the program as a user has it.

load helpers
setup() {
  e2e_setup
  policy 'allowed_commands = ["echo"]'
}
teardown() { e2e_teardown; }

# serve_as PROVIDER TURN...: a server for it, at the address of this machine that the provider would have its API at.
serve_as() {
  local wire=openai-chat dialect=openai
  case $1 in
    anthropic) wire=anthropic-messages ;;
    gemini) wire=gemini-native ;;
    openrouter) dialect=openrouter ;;
    ollama) dialect=ollama-old ;;
  esac
  serve_script "$(printf '%s\n' "${@:2}" | jq -sc --arg wire $wire --arg dialect $dialect '{wire: $wire, dialect: $dialect, turns: .}')"
  export RUNE_BASE_URL=http://127.0.0.1:$MODEL_PORT
  [ "$1" != openai ] || RUNE_BASE_URL+=/v1
}
header() { jq -r --arg name "$1" '.headers[] | select((.[0] | ascii_downcase) == $name) | .[1]' "$MODEL_LOG"; }
# body FILTER: of the first request.
body() { request 1 | jq -c "$1"; }

@test "who is asked is told by the key, and by provider before that; an address alone is OpenAI's kind" {
  local pair key
  for pair in sk-or-:openrouter AIza:gemini sk-ant-:anthropic sk-:openai anything:openai ghu_:openai github_pat_:openai; do
    key=${pair%%:*}0123456789abcdef
    serve_as "${pair##*:}" '{"text":"ok"}'
    RUNE_API_KEY=$key ask_json go
    assert_exit 0
    assert_json .provider "${pair##*:}"
    assert_model_content
  done
  serve_as anthropic '{"text":"ok"}'
  RUNE_API_KEY=sk-or-0123456789abcdef RUNE_PROVIDER=anthropic ask_json go
  assert_exit 0
  assert_json .provider anthropic
}

@test "each provider has a default model, takes its address without a path, and its key in its own header" {
  local provider model path name value
  while read -r provider model path name value; do
    serve_as "$provider" '{"text":"ok"}'
    unset RUNE_MODEL
    RUNE_PROVIDER=$provider ask_json go
    assert_exit 0
    [ "$(jq -r .path "$MODEL_LOG")" = "$path" ] || explain "$provider: $(jq -r .path "$MODEL_LOG")"
    [ "$provider" = gemini ] || [ "$(body .model)" = "\"$model\"" ] || explain "$provider: $(body .model)"
    [ "$(header "$name")" = "${value/KEY/$API_KEY}" ] || explain "$provider: $name: $(header "$name")"
    assert_lacks "$(jq -r .path "$MODEL_LOG")" "$API_KEY"
  done <<'TABLE'
openai gpt-4o /v1/chat/completions authorization Bearer KEY
openrouter openai/gpt-4o /api/v1/chat/completions authorization Bearer KEY
gemini gemini-2.5-flash /v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse x-goog-api-key KEY
anthropic claude-sonnet-4-5 /v1/messages x-api-key KEY
ollama llama3.1 /v1/chat/completions authorization Bearer KEY
TABLE
}

@test "Gemini below /openai is asked on the chat wire" {
  serve_script '{"dialect":"gemini-compat","turns":[{"expect":{"path":"/v1beta/openai/chat/completions","headers":{"authorization":{"contains":"Bearer"}}},
    "tool_calls":[{"name":"execute_cmd","args":{"cmd":"echo one"}}]},{"expect":{"last_tool":{"contains":"one"}},"text":"ok"}]}'
  export RUNE_BASE_URL=http://127.0.0.1:$MODEL_PORT/v1beta/openai RUNE_PROVIDER=gemini RUNE_MODEL=gemini-2.5-flash
  ask_json go
  assert_exit 0
  assert_json .answer ok
  assert_model_content
}

@test "a key is needed, but not for Ollama and not on this machine" {
  unset RUNE_API_KEY RUNE_BASE_URL
  local provider
  for provider in openai openrouter gemini anthropic github-copilot; do
    RUNE_PROVIDER=$provider ask_json go
    assert_exit 2
    assert_contains "$(json .error)" "no key for provider $provider"
  done
  serve_as openai '{"expect":{"headers":{"authorization":null}},"text":"ok"}'
  ask_json go
  assert_exit 0
  assert_model_content
}

@test "thinking is asked for in each provider's words, and not at all where the model has none" {
  local provider model word wanted
  while read -r provider model word wanted; do
    serve_as "$provider" '{"text":"ok"}'
    RUNE_PROVIDER=$provider RUNE_MODEL=$model ask_json go --thinking "$word"
    assert_exit 0
    [ "$(body '{reasoning_effort, reasoning, thinking, effort: .output_config?.effort?, gemini: .generationConfig?.thinkingConfig?}
      | with_entries(select(.value != null))')" = "$wanted" ] || explain "$provider $model $word: $(request 1 | jq -c 'del(.messages, .tools, .contents)')"
    assert_model_content
  done <<'TABLE'
openai gpt-5 high {"reasoning_effort":"high"}
openai gpt-5 off {"reasoning_effort":"none"}
openai gpt-4o high {}
openrouter openai/gpt-5 low {"reasoning":{"effort":"low"}}
ollama qwen3 medium {"reasoning_effort":"medium"}
anthropic claude-sonnet-4-5 medium {"thinking":{"type":"enabled","budget_tokens":8192}}
anthropic claude-opus-4-6 high {"thinking":{"type":"adaptive"},"effort":"high"}
anthropic claude-sonnet-4-5 high {"thinking":{"type":"enabled","budget_tokens":16384}}
anthropic claude-opus-4-6 xhigh {"thinking":{"type":"adaptive"},"effort":"max"}
anthropic claude-opus-4-6 off {"thinking":{"type":"disabled"}}
anthropic claude-3-5-haiku-latest high {}
gemini gemini-2.5-flash off {"gemini":{"thinkingBudget":0}}
gemini gemini-3-pro-preview low {"gemini":{"thinkingLevel":"LOW"}}
TABLE
}

@test "Anthropic gets marks for its cache, and who takes a key for its cache the same one at each step" {
  serve_as anthropic "$(turn_cmd 'echo one')" '{"text":"ok"}'
  RUNE_PROVIDER=anthropic ask_json go
  assert_exit 0
  local step
  for step in 1 2; do
    step=$(request $step | jq '[.. | objects | select(has("cache_control"))] | length')
    [ "$step" -ge 2 ] && [ "$step" -le 4 ] || explain "$step marks"
  done
  serve_as openai "$(turn_cmd 'echo one')" '{"text":"ok"}'
  config '[caps]' 'cache_key = true' '[policy]' 'allowed_commands = ["echo"]'
  ask_json go
  assert_exit 0
  [ "$(request 1 | jq -r .prompt_cache_key)" = "$(request 2 | jq -r .prompt_cache_key)" ] || explain "another key"
  [ "$(request 1 | jq -r .prompt_cache_key)" != null ] || explain "no key"
}

@test "cached and reasoning tokens are reported, with a cost where a price is known" {
  serve_as openai '{"text":"ok","usage":{"prompt_tokens":1000000,"completion_tokens":100000,"prompt_tokens_details":{"cached_tokens":400000},
    "completion_tokens_details":{"reasoning_tokens":60000}}}'
  RUNE_MODEL=gpt-4o ask_json go
  assert_exit 0
  assert_json .usage.cached 400000
  assert_json .usage.reasoning 60000
  assert_json .usage.cost_usd 3 # 0.6 M at 2.50, 0.4 M at 1.25, 0.1 M at 10
  serve_as openai '{"text":"ok"}'
  RUNE_MODEL=nobody-knows-it ask_json go
  assert_json .usage.cost_usd null
}

@test "a price of one's own counts" {
  serve_as openai '{"text":"ok","usage":{"prompt_tokens":1000000,"completion_tokens":0}}'
  config 'prices = ["openai/my-model 2.5 1.25 2.5 10"]' '[limits]' 'cost_usd = 50'
  RUNE_MODEL=my-model ask_json go
  assert_exit 0
  assert_json .usage.cost_usd 2.5
}

@test "a call whose worst case does not fit into limits.cost_usd is not made; with room for it, it is" {
  serve_as openai '{"text":"ok"}'
  RUNE_MODEL=gpt-4o ask_json go --max-cost-usd 0.000001
  assert_exit 3
  assert_outcome budget_cost
  [ "$(requests)" -eq 0 ] || explain "asked all the same"
  RUNE_MODEL=gpt-4o ask_json go --max-cost-usd 1
  assert_exit 0
}

@test "a server that wants to be left alone for longer than a minute is not waited for, and that is said" {
  serve "$(turn_fault 429 '{"retry_after":"120"}')"
  ask_json go
  assert_exit 5
  assert_outcome provider_rate
  [ "$(requests)" -eq 1 ] || explain "asked again"
  assert_contains "$(json .error)" "asks to wait 120 s"
}

@test "spent credit is no rate limit: it is not tried again" {
  serve '{"fault":"429","body":"{\"error\":{\"message\":\"You exceeded your current quota\",\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}}"}'
  ask_json go
  assert_exit 5
  assert_outcome provider_rate
  [ "$(requests)" -eq 1 ] || explain "asked again"
}

@test "deadlines: an answer that does not begin, and one that falls silent, are given up and tried again" {
  serve '{"reply":[{"hang":true}]}' '{"text":"ok"}'
  RUNE_DEADLINES_FIRST_BYTE_SECS=1 ask_json go
  assert_exit 0
  assert_contains "$stderr" "attempt 2"
  serve '{"reply":[{"sse":{"data":{"choices":[{"index":0,"delta":{"role":"assistant"}}]}}},{"hang":true}]}' '{"text":"ok"}'
  RUNE_DEADLINES_IDLE_SECS=1 ask_json go
  assert_exit 0
  assert_contains "$stderr" "attempt 2"
}

# check_source SOURCE: one check of a resource.
check_source() { run --separate-stderr bash -c '"$1" <<<"$2"' check "$BIN_DIR/check" "$(jq -c '{source: .}' <<<"$1")"; }

@test "a pipeline takes provider, wire, caps and thinking" {
  [ -x "$BIN_DIR/check" ] || skip 'needs check beside rune'
  serve_script '{"wire":"openai-responses","turns":[{"expect":{"body":{"/model":"gpt-5","/reasoning/effort":"low"},"headers":{"x-team":"build"}},"text":"fine"}]}'
  check_source "$(jq -n --arg url "$RUNE_BASE_URL" '{prompt: "go", provider: "openai", wire: "openai-responses", model: "gpt-5",
    base_url: $url, api_key: "sk-pipelineCanary0123456789", thinking: "low", caps: {headers: ["X-Team: build"]}}')"
  assert_exit 0
  [ "$(jq length <<<"$output")" = 1 ] || explain "no version"
  assert_model_content
}

@test "a pipeline falls back to another provider with a key of its own" {
  [ -x "$BIN_DIR/check" ] || skip 'needs check beside rune'
  serve_as anthropic '{"expect":{"headers":{"x-api-key":"sk-ant-secondCanary0123456789"}},"text":"fine"}'
  check_source "$(jq -n --arg url "$RUNE_BASE_URL" '{prompt: "go", api_key: "sk-pipelineCanary0123456789", base_url: "http://127.0.0.1:9/v1",
    fallback: [{provider: "anthropic", base_url: $url, api_key: "sk-ant-secondCanary0123456789"}]}')"
  assert_exit 0
  assert_contains "$stderr" "from here on anthropic/claude-sonnet-4-5 is asked"
  assert_lacks "$output$stderr" Canary
  assert_model_content
}

@test "fallback: a request that is refused for what it says goes nowhere else" {
  serve "$(turn_fault 400 '{"message":"no such thing"}')"
  config '[[fallback]]' 'provider = "ollama"' 'base_url = "http://127.0.0.1:9/v1"'
  ask_json go
  assert_exit 5
  assert_lacks "$stderr" "from here on"
}
