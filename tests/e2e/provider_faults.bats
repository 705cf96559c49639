#!/usr/bin/env bats
# A server that refuses, fails, stalls or talks nonsense: the right outcome, within a bound of time, with nothing left behind.

load helpers
setup() { e2e_setup; }
teardown() { e2e_teardown; }

@test "401: provider_auth after one try, key not echoed" {
  serve_loop "$(turn_fault 401 "{\"message\":\"Incorrect API key provided: $API_KEY\"}")"
  ask_json hello
  assert_exit 5
  assert_outcome provider_auth
  [ "$(requests)" -eq 1 ] || explain "$(requests) tries"
  assert_lacks "$output$stderr" "$API_KEY"
  assert_under_ms 1000
}

@test "403: provider_auth after one try" {
  serve_loop "$(turn_fault 403)"
  ask_json hello
  assert_exit 5
  assert_outcome provider_auth
  [ "$(requests)" -eq 1 ]
}

@test "400: not retried, the server's words are passed on" {
  serve_loop "$(turn_fault 400 '{"message":"Unknown model frobnicator"}')"
  ask_json hello
  [ "$status" -ne 0 ]
  [ "$(requests)" -eq 1 ] || explain "$(requests) tries"
  assert_contains "$(json .error)" frobnicator
  assert_under_ms 1000
}

@test "404: not retried, base_url is mentioned" {
  serve_loop "$(turn_fault 404)"
  ask_json hello
  [ "$status" -ne 0 ]
  [ "$(requests)" -eq 1 ] || explain "$(requests) tries"
  assert_under_ms 1000
}

@test "429 with Retry-After 1: waits that second, then succeeds" {
  serve "$(turn_fault 429 '{"retry_after":"1"}')" '{"expect":{"min_gap_ms":990,"max_gap_ms":3000},"text":"ok"}'
  ask_json hello
  assert_exit 0
  assert_model_content
}

@test "429 for ever: provider_rate after a few tries" {
  serve_loop "$(turn_fault 429)"
  ask_json hello
  assert_exit 5
  assert_outcome provider_rate
  [ "$(requests)" -ge 2 ] && [ "$(requests)" -le 5 ] || explain "$(requests) tries"
  assert_under_ms 5000
}

@test "429 because the quota is spent is not retried" {
  serve_loop "$(turn_fault 429 '{"body":{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}}')"
  ask_json hello
  assert_exit 5
  assert_outcome provider_rate
  [ "$(requests)" -eq 1 ] || explain "$(requests) tries"
}

@test "500 for ever: provider_down after a few tries" {
  serve_loop "$(turn_fault 500)"
  ask_json hello
  assert_exit 5
  assert_outcome provider_down
  [ "$(requests)" -ge 2 ] && [ "$(requests)" -le 5 ] || explain "$(requests) tries"
  assert_under_ms 5000
}

@test "500, 502, 503 and 529 then an answer: answered" {
  local code
  for code in 500 502 503 529; do
    serve "$(turn_fault $code)" "$(turn_text ok)"
    ask_json hello
    assert_exit 0
    assert_model_content
  done
}

@test "a stream cut in the middle: retried, then provider error; text of the failed try is not printed" {
  serve "$(turn_fault cut '{"bytes":400}')" "$(turn_text whole)"
  ask hello
  if [ "$status" -eq 0 ]; then
    [ "$output" = whole ] || explain "text of the cut try was printed"
  else
    assert_exit 5
  fi
  serve_loop "$(turn_fault cut '{"bytes":400}')"
  ask_json hello
  assert_exit 5
  [[ "$(json .outcome)" =~ ^provider_(down|protocol)$ ]] || explain "outcome $(json .outcome)"
  assert_under_ms 5000
}

@test "a stream without an end marker, an error in mid-stream, malformed chunks, a reset: provider errors" {
  local fault
  for fault in "$(turn_fault stream_error)" "$(turn_fault bad_chunk)" '{"reply":[{"rst":true}]}' '{"reply":[{"close":true}]}' \
    '{"reply":[{"sse":{"data":{"choices":[{"index":0,"delta":{"content":"half"},"finish_reason":null}]}}},{"close":true}]}'; do
    serve_loop "$fault"
    ask_json hello
    assert_exit 5
    [[ "$(json .outcome)" =~ ^provider_(down|protocol)$ ]] || explain "outcome $(json .outcome) for $fault"
    assert_under_ms 5000
  done
}

@test "HTML instead of an API: provider_protocol that mentions base_url" {
  serve_loop "$(turn_fault html)"
  ask_json hello
  assert_exit 5
  assert_outcome provider_protocol
  assert_contains "$(json .error)" base_url
}

@test "a redirect is not followed" {
  serve_loop "$(turn_fault 307 '{"location":"http://127.0.0.1:1/elsewhere"}')"
  ask_json hello
  assert_exit 5
  [ "$(requests)" -eq 1 ] || explain "$(requests) tries"
}

@test "a model that never answers: the first-byte deadline ends it" {
  config '[deadlines]' 'first_byte_secs = 1'
  serve_script '{"loop":{"reply":[{"hang":true}]},"must_play_all":false}'
  ask_json hello --timeout-secs 20
  assert_exit 5
  assert_outcome provider_down
  assert_under_ms 10000
}

@test "a model that stops in the middle: the idle deadline ends it" {
  config '[deadlines]' 'idle_secs = 1'
  serve_script '{"loop":{"reply":[{"sse":{"data":{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}}},{"hang":true}]}}'
  ask_json hello --timeout-secs 20
  assert_exit 5
  assert_under_ms 10000
}

@test "a slow stream that keeps moving is not killed" {
  config '[deadlines]' 'first_byte_secs = 1' 'idle_secs = 1'
  serve_script '{"turns":[{"reply":[{"split":{"every":200}},{"drip":{"bytes":200,"every_ms":100}},{"template":{"text":"slow but sure, slow but sure","chunk":2}}]}]}'
  ask_json hello
  assert_exit 0
  assert_json .answer 'slow but sure, slow but sure'
}

@test "packets of one byte make the same answer" {
  serve_script '{"turns":[{"reply":[{"split":{"every":1}},{"template":{"text":"ünïcödé → 終"}}]}]}'
  ask_json hello
  assert_exit 0
  assert_json .answer 'ünïcödé → 終'
}
