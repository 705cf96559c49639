#!/usr/bin/env bats
# Pictures of the build's inputs, and what an answer costs.

load helpers

PNG=iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==

setup() { concourse_setup; }
teardown() { concourse_teardown; }

# inputs_with_pictures: two pictures in repo/shots, one outside the inputs and a link to it.
inputs_with_pictures() {
  mkdir -p "$ROOT/inputs/repo/shots"
  base64 -d <<<"$PNG" >"$ROOT/inputs/repo/shots/a.png"
  cp "$ROOT/inputs/repo/shots/a.png" "$ROOT/inputs/repo/shots/b.png"
  cp "$ROOT/inputs/repo/shots/a.png" "$ROOT/secret.png"
  ln -s ../../../secret.png "$ROOT/inputs/repo/shots/link.gif"
  printf '<svg/>' >"$ROOT/inputs/repo/logo.svg"
  chmod -R go+rX "$ROOT/inputs"
}
pictures() { jq -rs '.[0].body | fromjson | [.messages[-1].content | if type == "array" then .[] | select(.type == "image_url") | .image_url.url else empty end] | join(" ")' "$ROOT/model.jsonl"; }

@test "params.images shows the model pictures of the inputs" {
  inputs_with_pictures
  serve '{"turns":[{"text":"Two dots."}]}'
  source_of_server
  succeeds put --inputs "$ROOT/inputs" --params '{"prompt":"What is on them?","images":["repo/shots/*.png"]}'
  [ "$(pictures)" = "data:image/png;base64,$PNG data:image/png;base64,$PNG" ] || fail "other pictures: $(pictures)"
  [ "$(cat "$(json .get.directory)/response.txt")" = 'Two dots.' ]
}

@test "a prompt of a pipeline names no picture by itself" {
  inputs_with_pictures
  serve '{"turns":[{"text":"ok"}]}'
  source_of_server
  succeeds put --inputs "$ROOT/inputs" --params '{"prompt":"see @repo/shots/a.png"}'
  [ -z "$(pictures)" ] || fail 'a picture was sent'
}

@test "params.images never leads outside the inputs, and what is no picture fails the step" {
  inputs_with_pictures
  serve '{"loop":{"text":"ok"},"must_play_all":false}'
  source_of_server
  local path
  for path in ../secret.png repo/shots/link.gif 'repo/shots/*.gif' "$ROOT/secret.png"; do
    fails_with 'params.images' put --inputs "$ROOT/inputs" --params "$(jq -cn --arg path "$path" '{prompt: "x", images: [$path]}')"
  done
  fails_with "'repo/*.jpg' matches no file" put --inputs "$ROOT/inputs" --params '{"prompt":"x","images":["repo/*.jpg"]}'
  fails_with 'SVG is no picture that models take' put --inputs "$ROOT/inputs" --params '{"prompt":"x","images":["repo/*.svg"]}'
  [ "$(requests)" = 0 ] || fail 'the model was asked'
}

@test "the files of a get say what the answer cost" {
  serve '{"turns":[{"text":"ok"}]}'
  source_of_server '.prices = ["openai/test-model 1 0.5 1 10"]'
  succeeds check
  succeeds get
  [ "$(jq -c '.usage | [.input, .output, .cost_usd]' "$(json .directory)/payload.json")" = '[100,10,0.0002]' ]
  assert_json .metadata.cost '0.0002 USD'
}

@test "limits.cost_usd ends a check before the money is spent" {
  serve '{"loop":{"text":"ok"},"must_play_all":false}'
  source_of_server '.limits = {cost_usd: 0.0001} | .prices = ["openai/test-model 1 0.5 1 10"]'
  fails_with 'budget_cost' check
  [ "$(requests)" = 0 ] || fail 'the model was asked'
}
