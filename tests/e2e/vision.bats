#!/usr/bin/env bats
# Pictures: which ones reach the model, whole, and which ones are refused before anything is sent.

load helpers

PNG=iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==

setup() {
  e2e_setup
  base64 -d <<<"$PNG" >"$WORK/cat.png"
  base64 -d <<<"$PNG" >"$WORK/a cat.jpg" # the name lies: only the bytes count
  printf '<svg xmlns="http://www.w3.org/2000/svg"/>' >"$WORK/drawing.svg"
  printf '\0\0\0\030ftypheic\0\0\0\0mif1heic' >"$WORK/phone.heic"
  : >"$WORK/empty.png"
  echo text >"$WORK/notes.txt"
}
teardown() {
  [ -z "$WEB_PID" ] || kill "$WEB_PID" 2>/dev/null
  e2e_teardown
}

# prompt TEXT [FLAG...]: -p, with nothing on standard input.
prompt() { run --separate-stderr prompt_ "$@"; }
prompt_() {
  local text=$1
  shift
  supervise -- "$RUNE" -p "$text" --json "$@" </dev/null
}
# The picture URLs and the text of the user's message in request K.
pictures() { request "$1" | jq -c '[.messages[-1].content | if type == "array" then .[] | select(.type == "image_url") | .image_url.url else empty end]'; }
words() { request "$1" | jq -r '.messages[-1].content | if type == "array" then [.[] | select(.type == "text") | .text] | join("") else . end'; }
assert_pictures() {
  local expected
  expected=$(jq -cn --arg url "data:image/png;base64,$PNG" --argjson n "$1" '[range($n) | $url]')
  [ "$(pictures 1)" = "$expected" ] || explain "expected $1 pictures, found $(pictures 1)"
}
# refused TEXT: exit 2, one line about TEXT, nothing sent.
refused() {
  assert_exit 2
  assert_outcome bad_input
  assert_contains "$(json .error)" "$1"
  [ "$(grep -c . <<<"$stderr")" -eq 1 ] || explain "more than one line"
  [ "$(requests)" -eq 0 ] || explain "something was sent"
}
# web: a server of WORK's files on loopback.
web() {
  mkfifo "$ROOT/web.fifo"
  (cd "$WORK" && exec "${PYTHON[@]}" -u -m http.server --bind 127.0.0.1 0) >"$ROOT/web.fifo" 2>"$ROOT/web.log" </dev/null 3>&- &
  WEB_PID=$!
  local line
  read -r line <"$ROOT/web.fifo"
  WEB_PORT=$(sed -n 's/.* port \([0-9]*\).*/\1/p' <<<"$line")
}

@test "a picture of --image reaches the model byte for byte, before the question" {
  serve "$(turn_text 'a cat')"
  prompt 'What is it?' --image cat.png
  assert_exit 0
  assert_pictures 1
  [ "$(words 1)" = 'What is it?' ]
  request 1 | jq -e '.messages[-1].content[0].type == "image_url"' >/dev/null || explain "the picture is not first"
  assert_model_content
}

@test "an @picture in the prompt is shown, also with blanks in its name, and typed by its bytes" {
  serve "$(turn_text 'two cats')"
  prompt 'Compare @cat.png, and (@"a cat.jpg").'
  assert_exit 0
  assert_pictures 2
  [ "$(words 1)" = 'Compare @cat.png, and (@"a cat.jpg").' ]
}

@test "an @word that is no picture file stays text" {
  serve "$(turn_text ok)"
  prompt 'Ask @sysadmin about @notes.txt and @missing.png, me@cat.png'
  assert_exit 0
  assert_pictures 0
  [ "$(words 1)" = 'Ask @sysadmin about @notes.txt and @missing.png, me@cat.png' ]
}

@test "text that is piped in beside -p shows no picture" {
  serve "$(turn_text ok)" "$(turn_text ok)"
  run --separate-stderr bash -c 'printf "see @cat.png" | "$0" -p Summarise. --json' "$RUNE"
  assert_exit 0
  assert_pictures 0
  ask_json 'see @cat.png'
  assert_exit 0
  [ "$(pictures 2 | jq length)" -eq 1 ] || explain "the control: as the prompt itself it does"
}

@test "a piped prompt cannot show what tools may not read" {
  mkdir "$ROOT/private"
  cp "$WORK/cat.png" "$ROOT/private/"
  ln -s "$ROOT/private/cat.png" "$WORK/link.png"
  serve "$(turn_text ok)"
  ask_json 'see @link.png'
  assert_exit 4
  assert_outcome refused_policy
  [ "$(requests)" -eq 0 ]
  prompt 'see @link.png'
  assert_exit 0
  assert_pictures 1
}

@test "a picture that models do not take is refused in one line" {
  serve_loop "$(turn_text ok)"
  prompt hi --image drawing.svg
  refused 'SVG is no picture that models take; convert it to PNG'
  prompt 'see @phone.heic'
  refused 'HEIC is no picture that models take'
  prompt hi --image empty.png
  refused 'is empty'
  prompt hi --image missing.png
  refused 'No such file'
  prompt hi --image notes.txt
  refused 'is no PNG, JPEG, GIF or WebP picture'
  truncate -s $((5 * 1024 * 1024 + 1)) "$WORK/cat.png"
  prompt hi --image cat.png
  refused 'is larger than 5 MiB'
}

@test "no more pictures than max_images" {
  serve "$(turn_text ok)"
  prompt 'see @cat.png and @cat.png' --max-images 1
  refused 'more than 1 pictures'
  prompt 'see @cat.png' --max-images 1
  assert_exit 0
}

@test "a picture of a URL is fetched by us, from an allowed domain only" {
  web
  serve "$(turn_text ok)"
  prompt "see @http://127.0.0.1:$WEB_PORT/cat.png"
  assert_exit 4
  assert_contains "$(json .error)" 'is not in allowed_domains'
  [ "$(requests)" -eq 0 ]
  grep -q GET "$ROOT/web.log" && explain "the server was asked all the same"
  policy "allowed_domains = [\"127.0.0.1:$WEB_PORT\"]"
  prompt "see @http://127.0.0.1:$WEB_PORT/cat.png"
  assert_exit 0
  assert_pictures 1
  grep -q 'GET /cat.png' "$ROOT/web.log"
}

@test "a data: URI in the prompt becomes a picture and leaves the text" {
  serve "$(turn_text ok)"
  prompt "see @data:image/png;base64,$PNG now"
  assert_exit 0
  assert_pictures 1
  [ "$(words 1)" = 'see [picture 1] now' ]
}

@test "a model that takes no pictures ends the run in one line, and nothing is sent" {
  serve "$(turn_text ok)"
  RUNE_BASE_URL=http://127.0.0.1:$MODEL_PORT/api.deepseek.com/v1 prompt hi --image cat.png
  refused 'takes no pictures'
}

@test "pictures stay in the conversation from step to step, in the same bytes" {
  policy 'allowed_commands = ["echo"]'
  serve "$(turn_cmd 'echo 1')" "$(jq -c '. + {expect: {prefix_of_previous: true}}' <<<"$(turn_text 'done')")"
  prompt 'see @cat.png'
  assert_exit 0
  assert_model_content
}

@test "what the table says of pictures can be corrected" {
  serve "$(turn_text ok)"
  RUNE_CAPS='{"images":false}' prompt hi --image cat.png
  refused 'takes no pictures'
  export RUNE_BASE_URL=http://127.0.0.1:$MODEL_PORT/api.deepseek.com/v1
  RUNE_CAPS='{"images":true}' prompt hi --image cat.png
  assert_exit 0
}
