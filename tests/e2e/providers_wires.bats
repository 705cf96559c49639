#!/usr/bin/env bats
# The same run over every wire protocol. The server judges each request by the rules of its wire: what it refuses, fails here.

load helpers
setup() {
  e2e_setup
  chmod 777 "$WORK"
  policy 'allowed_commands = ["echo", "touch"]' "allowed_paths_rw = [\"$WORK\"]"
}
teardown() { e2e_teardown; }

WIRES=(openai-chat openai-responses anthropic-messages gemini-native)
# The habits of servers that all speak the chat wire.
DIALECTS=(openrouter deepseek mistral ollama-old gemini-compat)

# serve_wire WIRE TURN...: a server, and the settings that lead to it.
serve_wire() {
  local wire=$1
  shift
  serve_script "$(printf '%s\n' "$@" | jq -sc --arg wire "$wire" '{wire: $wire, turns: .}')"
  unset RUNE_WIRE
  case $wire in
    openai-chat) export RUNE_PROVIDER=openai ;;
    openai-responses) export RUNE_PROVIDER=openai RUNE_WIRE=openai-responses ;;
    anthropic-messages) export RUNE_PROVIDER=anthropic ;;
    gemini-native) export RUNE_PROVIDER=gemini RUNE_BASE_URL=${RUNE_BASE_URL%/v1}/v1beta ;;
  esac
}

# serve_dialect DIALECT TURN...
serve_dialect() {
  local dialect=$1
  shift
  serve_script "$(printf '%s\n' "$@" | jq -sc --arg dialect "$dialect" '{dialect: $dialect, turns: .}')"
  case $dialect in
    openrouter) export RUNE_PROVIDER=openrouter ;;
    ollama-old) export RUNE_PROVIDER=ollama ;;
    *) export RUNE_PROVIDER=openai ;;
  esac
}

# A turn with a thought and calls of echo, one for each word.
turn_echo() {
  jq -cn '{reasoning: "I look", tool_calls: $ARGS.positional | map({name: "execute_cmd", args: {cmd: "echo \(.)"}})}' --args "$@"
}

@test "a plain answer, on every wire" {
  local wire
  for wire in "${WIRES[@]}"; do
    serve_wire "$wire" '{"text":"zwölf ✓","chunk":2}'
    ask_json "What is 3 times 4?"
    assert_exit 0
    assert_json .answer 'zwölf ✓'
    assert_json .usage.input 100
    assert_json .usage.output 10
    assert_contains "$(request 1)" "What is 3 times 4?"
    assert_model_content
  done
}

@test "a call and its result, on every wire: the state that came with it goes back" {
  local wire
  for wire in "${WIRES[@]}"; do
    serve_wire "$wire" "$(turn_echo one)" '{"expect":{"last_tool":{"contains":"one"}},"text":"saw {last_tool/(one)/}"}'
    ask_json go
    assert_exit 0
    assert_json .answer 'saw one'
    assert_json '.tools_used | tojson' '["execute_cmd"]'
    assert_model_content
  done
}

@test "two calls at once, on every wire: two results, in the order of the calls" {
  local wire
  for wire in "${WIRES[@]}"; do
    serve_wire "$wire" "$(turn_echo first second)" '{"expect":{"last_tool":{"contains":"second"}},"text":"ok"}'
    ask_json go
    assert_exit 0
    assert_json '.tools_used | length' 2
    assert_model_content
  done
}

@test "a conversation of several rounds only grows at its end, on every wire whose marks do not move" {
  local wire
  for wire in openai-chat openai-responses gemini-native; do
    serve_wire "$wire" "$(turn_echo a)" "$(turn_echo b c | jq -c '.expect.prefix_of_previous = true')" \
      "$(turn_echo d | jq -c '.expect.prefix_of_previous = true')" '{"expect":{"prefix_of_previous":true,"connection":"reused"},"text":"ok"}'
    ask_json go
    assert_exit 0
    assert_model_content
  done
}

@test "a stream without its terminal marker is never an answer, on any wire" {
  local wire
  for wire in "${WIRES[@]}"; do
    serve_wire "$wire" '{"fault":"no_end"}' '{"text":"whole"}'
    ask_json go
    assert_exit 0
    assert_json .answer whole
    assert_model_content
    serve_wire "$wire" '{"fault":"no_end"}' '{"fault":"no_end"}' '{"fault":"no_end"}' '{"fault":"no_end"}'
    ask_json go
    assert_exit 5
    assert_lacks "$(json .answer)" "as if it were whole"
  done
}

@test "a call in a stream without its terminal marker runs no tool, on any wire; with the marker it does" {
  local wire
  for wire in "${WIRES[@]}"; do
    rm -f "$WORK/ran"
    serve_wire "$wire" "$(jq -cn '{fault: "no_end", template: {tool_calls: [{name: "execute_cmd", args: {cmd: "touch ran"}}]}}')" '{"text":"ok"}'
    ask_json go
    assert_exit 0
    assert_json '.tools_used | length' 0
    assert_no_file "$WORK/ran"
    serve_wire "$wire" "$(turn_cmd 'touch ran')" '{"text":"ok"}'
    ask_json go
    assert_exit 0
    [ -e "$WORK/ran" ] || explain "$wire: the whole call did not run"
  done
}

@test "a call that the line cuts off runs no tool, on any wire" {
  local wire
  for wire in "${WIRES[@]}"; do
    rm -f "$WORK/ran"
    serve_wire "$wire" "$(jq -cn '{fault: "cut", inside: "touch ran", template: {reasoning: ("x" * 300), tool_calls: [{name: "execute_cmd", args: {cmd: "touch ran"}}]}}')" \
      '{"text":"ok"}'
    ask_json go
    assert_exit 0
    assert_json '.tools_used | length' 0
    assert_no_file "$WORK/ran"
    assert_model_content # it was cut there
  done
}

@test "an error inside a 200 is an error, on every wire" {
  local wire fault
  for wire in "${WIRES[@]}"; do
    for fault in error_200 stream_error; do
      local turn
      turn=$(turn_fault $fault '{"message":"the engine caught fire"}')
      serve_wire "$wire" "$turn" "$turn" "$turn" "$turn"
      ask_json go
      assert_exit 5
      [ "$(requests)" -ge 2 ] || explain "$wire $fault: not tried again"
      assert_contains "$(json .error)" "the engine caught fire"
    done
  done
}

@test "a try that fails in the middle leaves nothing in the answer of the next, on any wire" {
  local wire fault
  for wire in "${WIRES[@]}"; do
    for fault in stream_error no_end cut; do
      serve_wire "$wire" "$(turn_fault $fault '{"bytes":900}')" '{"text":"the answer"}'
      ask_json go
      assert_exit 0
      assert_json .answer 'the answer'
      assert_model_content
    done
  done
}

@test "packets of one byte make the same answer, on every wire" {
  local wire
  for wire in "${WIRES[@]}"; do
    serve_wire "$wire" '{"reply":[{"split":{"every":1}},{"template":{"text":"ünïcödé → 終","chunk":3}}]}'
    ask_json go
    assert_exit 0
    assert_json .answer 'ünïcödé → 終'
  done
}

@test "an answer in one piece although a stream was asked for, on every wire" {
  local wire
  for wire in "${WIRES[@]}"; do
    serve_wire "$wire" "$(jq -cn '{fault: "whole", template: {tool_calls: [{name: "execute_cmd", args: {cmd: "echo piece"}}]}}')" '{"fault":"whole"}'
    ask_json go
    assert_exit 0
    assert_json .answer 'in one piece'
    assert_json '.tools_used | length' 1
    assert_model_content
  done
}

@test "a wrong key is told apart from other errors and not tried again, on every wire; it is never shown" {
  local wire
  for wire in "${WIRES[@]}"; do
    serve_wire "$wire" "$(turn_fault 401 "{\"message\":\"Incorrect API key provided: $API_KEY\"}")"
    ask_json go
    assert_exit 5
    assert_outcome provider_auth
    [ "$(requests)" -eq 1 ] || explain "$wire: $(requests) tries"
    assert_lacks "$output$stderr" "$API_KEY"
  done
}

@test "429 and overload are waited for, on every wire" {
  local wire code
  for wire in "${WIRES[@]}"; do
    for code in 429 503 529; do
      serve_wire "$wire" "$(turn_fault $code)" '{"text":"ok"}'
      ask_json go
      assert_exit 0
      assert_model_content
    done
  done
}

@test "a picture goes with its question, on every wire" {
  local wire png=iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==
  base64 -d <<<"$png" >"$WORK/cat.png"
  for wire in "${WIRES[@]}"; do
    serve_wire "$wire" '{"text":"a cat"}'
    run --separate-stderr supervise -- "$RUNE" -p 'What is it?' --json --image cat.png </dev/null
    assert_exit 0
    assert_contains "$(request 1)" "$png"
    assert_model_content
  done
}

@test "calls, thoughts and usage in every habit of the chat wire" {
  local dialect
  for dialect in "${DIALECTS[@]}"; do
    serve_dialect "$dialect" "$(turn_echo one two)" '{"expect":{"last_tool":{"contains":"two"}},"reasoning":"so","text":"saw both"}'
    ask_json go
    assert_exit 0
    assert_json .answer 'saw both'
    assert_json '.tools_used | length' 2
    assert_json .usage.input 200
    assert_model_content
  done
}

@test "Ollama needs no key" {
  serve_dialect ollama-old '{"expect":{"headers":{"authorization":null}},"text":"ok"}'
  unset RUNE_API_KEY
  ask_json go
  assert_exit 0
  assert_model_content
}
