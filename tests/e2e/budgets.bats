#!/usr/bin/env bats
# Budgets are checked before the money is spent, and every kind of endless run ends by itself.

load helpers
setup() { e2e_setup; policy 'allowed_commands = ["echo", "sleep", "true"]'; }
teardown() { e2e_teardown; }

@test "a step cap of N makes exactly N model calls" {
  serve_loop "$(turn_cmd 'echo {n}')"
  ask_json go --max-steps 3
  assert_exit 3
  assert_outcome budget_steps
  assert_json .steps 3
  [ "$(requests)" -eq 3 ]
}

@test "a run that needs exactly its steps is answered" {
  serve "$(turn_cmd 'echo 1')" "$(turn_text 'done')"
  ask_json go --max-steps 2
  assert_exit 0
}

@test "the token budget is never exceeded: the call that could is not made" {
  serve_loop "$(jq -cn '{tool_calls: [{name: "execute_cmd", args: {cmd: "echo {n}"}}],
                         usage: {prompt_tokens: 2000, completion_tokens: 100, total_tokens: 2100}}')"
  ask_json go --token-budget 10000
  assert_exit 3
  assert_outcome budget_tokens
  jq -e . <<<"$(json .tokens)" >/dev/null
  [ "$(json .tokens)" -le 10000 ] || explain "spent $(json .tokens) of 10000"
  [ "$(requests)" -ge 1 ]
}

@test "a token budget below the first request makes no call at all" {
  serve_loop "$(turn_text hi)"
  ask_json go --token-budget 10
  assert_exit 3
  assert_outcome budget_tokens
  [ "$(requests)" -eq 0 ] || explain "asked all the same"
}

@test "the wall clock ends a run in which the tool sleeps" {
  serve_loop "$(turn_cmd 'sleep 60')"
  ask_json go --timeout-secs 1
  assert_exit 3
  assert_outcome budget_time
  assert_under_ms 3000
  assert_nothing_left
}

@test "the wall clock ends a run in which the model drips" {
  serve_script '{"loop":{"fault":"comments","every_ms":50}}'
  ask_json go --timeout-secs 1
  assert_exit 3
  assert_outcome budget_time
  assert_under_ms 3000
}

@test "the wall clock ends a run that waits to retry" {
  serve_loop "$(turn_fault 429 '{"retry_after":"30"}')"
  ask_json go --timeout-secs 1
  assert_under_ms 3000
  [[ "$status" -eq 3 || "$status" -eq 5 ]] || explain "exit"
}

@test "the same call again and again ends as looped" {
  serve_loop "$(turn_cmd 'echo same')"
  ask_json go
  assert_exit 1
  assert_outcome looped
  [ "$(requests)" -le 6 ] || explain "$(requests) model calls"
  assert_under_ms 5000
}

@test "different calls are not a loop" {
  local turns=() k
  for k in 1 2 3 4 5 6 7; do turns+=("$(turn_cmd "echo $k")"); done
  serve "${turns[@]}" "$(turn_text 'done')"
  ask_json go
  assert_exit 0
  assert_model_content
}

@test "an empty answer is not a success" {
  serve_loop "$(turn_text '')"
  ask_json go
  [ "$status" -ne 0 ] || explain "an empty answer passed"
  [[ "$(json .outcome)" =~ ^(stalled|provider_protocol)$ ]] || explain "outcome $(json .outcome)"
  [ "$(requests)" -le 4 ]
}

@test "an answer cut by its length limit is not a success" {
  serve_loop '{"text":"half of a sent","finish":"length"}'
  ask_json go
  if [ "$status" -eq 0 ]; then
    explain "a cut answer passed as whole"
  fi
}

@test "a thousand calls in one answer end in bounded time and leave nothing" {
  serve_script "$(jq -cn '{turns: [{tool_calls: [range(1000) | {name: "execute_cmd", args: {cmd: "true"}}]}], loop: {text: "done"}, must_play_all: false}')"
  ask_json go
  assert_under_ms 25000
  assert_nothing_left
}

@test "a tool's own time-out reaches the model as an error and the run goes on" {
  serve "$(turn_tool execute_cmd '{"cmd":"sleep 30","timeout_secs":1}')" '{"expect":{"last_tool":{"regex":"(?i)time|wall clock"}},"text":"it was slow"}'
  ask_json go
  assert_exit 0
  assert_json .answer 'it was slow'
  assert_under_ms 4000
  assert_model_content
}

@test "a tool's time-out cannot be raised above the ceiling" {
  serve_loop "$(turn_tool execute_cmd '{"cmd":"sleep 30","timeout_secs":1000000000}')" "$(turn_text 'done')"
  ask_json go --timeout-secs 2
  assert_under_ms 4000
}

@test "a run says what it cost when there is a price, and nothing when there is none" {
  serve "$(turn_text hi)" "$(turn_text hi)"
  RUNE_PRICES='openai/test-model 1 0.5 1 10' ask_json go
  assert_exit 0
  assert_json .usage.cost_usd 0.0002
  ask_json go
  assert_exit 0
  assert_json .usage.cost_usd null
}

@test "the cost cap is never exceeded: the call that could is not made" {
  serve_loop "$(jq -cn '{tool_calls: [{name: "execute_cmd", args: {cmd: "echo {n}"}}],
                         usage: {prompt_tokens: 2000, completion_tokens: 100, total_tokens: 2100}}')"
  RUNE_PRICES='openai/test-model 1 0.5 1 10' ask_json go --max-cost-usd 0.03
  assert_exit 3
  assert_outcome budget_cost
  jq -e '.usage.cost_usd > 0 and .usage.cost_usd <= 0.03' <<<"$output" >/dev/null || explain "spent $(json .usage.cost_usd)"
  [ "$(requests)" -ge 2 ]
}

@test "a cost cap below the first request makes no call, and a model without a price counts as the dearest" {
  serve_loop "$(turn_text hi)"
  ask_json go --max-cost-usd 0.001
  assert_exit 3
  assert_outcome budget_cost
  [ "$(requests)" -eq 0 ] || explain "asked all the same"
  RUNE_PRICES='openai/test-model 0.01 0.01 0.01 0.01' ask_json go --max-cost-usd 0.001
  assert_exit 0
}
