# in and out: what a version stands for, on any worker.

load helpers
setup() { concourse_setup; }
teardown() { concourse_teardown; }

same_tree() { diff -r "$1" "$2" >&2 || explain "$1 and $2 differ"; }

@test "a version checked here gives identical files there, without the model" {
  calls_tool execute_cmd '{"cmd":"echo forty-two"}' false $'The answer: {{call_1}}\n'
  source_with '.policy = {allowed_commands: ["echo"]}'
  succeeds check
  rm "$CASSETTE"
  succeeds get --worker w1
  first=$(json .directory)
  succeeds get --worker w2
  assert_json .cached false
  same_tree "$first" "$(json .directory)"
  [ "$(ls "$first" | tr '\n' ' ')" = 'payload.json response.txt ' ]
  [ "$(cat "$first/response.txt"; printf x)" = $'The answer: forty-two\nx' ] || fail 'not the raw answer'
  [ "$(jq -r 'keys_unsorted | join(" ")' "$first/payload.json")" = 'prompt response ref model timestamp verified replayed steps usage sandbox confinement tools' ]
  [ "$(jq -r .prompt "$first/payload.json")" = "$PROMPT" ]
  [ "$(jq -r '.verified, .replayed, .model, .steps, .tools[0].call' "$first/payload.json" | tr '\n' ' ')" = 'true true test-model 2 execute_cmd echo forty-two ' ]
  assert_json .metadata.replayed true
  succeeds get --worker w2
  assert_json .cached true
}

@test "a put and its implicit get make exactly one model call" {
  serve '{"turns":[{"text":"Hallo."}]}'
  source_of_server
  succeeds put --params '{"prompt":"Translate: hello, build $BUILD_NAME"}'
  [ "$(requests)" = 1 ] || fail "asked $(requests) times"
  [ "$(cat "$(json .get.directory)/response.txt")" = Hallo. ]
  [ "$(jq -r .prompt "$(json .get.directory)/payload.json")" = 'Translate: hello, build 7' ]
  assert_json .version.via put
  assert_contains "$(json .stderr)" $'--- answer ---\nHallo.\n---'
  [[ "$output" != *"$API_KEY"* ]] || fail 'the key got out'
}

@test "the version of a put is the next check's given version" {
  says Hallo. 'Translate'
  says Hallo.
  source_with
  succeeds put --params '{"prompt":"Translate"}'
  succeeds check
  assert_json .new 0
}

@test "out reads its prompt and context from the inputs, and the tools can read them" {
  mkdir -p "$ROOT/inputs/repo"
  echo 'Sum up.' >"$ROOT/inputs/repo/p.md"
  echo 'the notes' >"$ROOT/inputs/repo/notes.txt"
  chmod -R go+rX "$ROOT/inputs"
  PROMPT=$'Sum up.\n\n\nContent of `repo/notes.txt`:\nthe notes\n'
  calls_tool read_file '{"path":"repo/notes.txt"}' false '{{call_1}}'
  source_with 'del(.prompt)'
  succeeds put --inputs "$ROOT/inputs" --params '{"prompt_file":"repo/p.md","context":["repo/notes.txt"]}'
  assert_contains "$(cat "$(json .get.directory)/response.txt")" 'the notes'
}

@test "out never reads outside its inputs" {
  mkdir "$ROOT/inputs"
  echo secret >"$ROOT/secret"
  ln -s ../secret "$ROOT/inputs/link"
  ln -s /etc/passwd "$ROOT/inputs/absolute"
  source_with
  for path in ../secret link absolute /etc/passwd; do
    fails_with "params.prompt_file: '$path'" put --inputs "$ROOT/inputs" --params "{\"prompt_file\":\"$path\"}"
  done
}

@test "out needs a prompt" {
  source_with
  fails_with 'required for put step' put
  fails_with 'required for put step' put --params '{"prompt":null}'
  fails_with 'params.prompt is empty' put --params '{"prompt":""}'
}

@test "fail_if turns a verdict into a failed step, with the answer in the log" {
  says '{"verdict":"fail","reason":"it leaks"}' Judge.
  source_with
  params='{"prompt":"Judge.","schema":{"type":"object"},"fail_if":{"pointer":"/verdict","equals":"fail"}}'
  fails_with params.fail_if put --params "$params"
  assert_contains "$(json .stderr)" 'it leaks'
  [ "$(version_count)" = 0 ]
  succeeds put --params "${params/\"fail\"\}/\"pass\"\}}"
  assert_json .metadata.verdict fail
  [ "$(cat "$(json .get.directory)/answer.json")" = '{"reason":"it leaks","verdict":"fail"}' ]
  fails_with params.fail_if put --params '{"prompt":"Judge.","fail_if":{"matches":"leaks$|leaks\""}}'
}

@test "a sealed record opens with its key only, and the text cannot be read without" {
  says 'a very particular answer'
  source_with '.record_key = "0123456789abcdef-record"'
  succeeds check
  version=$(json '.versions[0]')
  [[ "$(jq -r .rec <<<"$version")" == [st]* ]]
  succeeds get
  assert_json .metadata.replayed true
  source_with '.record_key = "another-key-0123456789"'
  succeeds get --version "$version"
  assert_contains "$(json .stderr)" 'written with another key'
  assert_json .metadata.replayed false
  assert_json .metadata.verified true
  source_with '.record_key = "another-key-0123456789" | .on_mismatch = "fail"'
  now_says 'something else'
  fails_with 'gave another answer' get --version "$version"
}

@test "a tampered record is refused, and nobody is asked behind its back" {
  says 'It is 4.'
  source_with '.record_key = "0123456789abcdef-record"'
  succeeds check
  version=$(json '.versions[0] | .rec |= (.[:-6] + (if .[-6:-5] == "A" then "B" else "A" end) + .[-5:]) | tojson')
  fails_with version.rec get --version "$version"
  assert_json '.files | length' 0
  fails_with version.rec get --version '{"ref":"sha256:'"$(sha256_of x)"'","rec":"pe30"}'
}

@test "without a record a get asks again and says what it got" {
  says one
  source_with '.record = "none"'
  succeeds check
  now_says two
  succeeds get
  assert_json .version.ref "sha256:$(sha256_of one)"
  payload=$(json .directory)/payload.json
  [ "$(jq -r '.verified, .replayed, .ref, .actual_ref' "$payload" | tr '\n' ' ')" = "false false sha256:$(sha256_of one) sha256:$(sha256_of two) " ]
  fails_with 'gave another answer' get --params '{"strict":true}'
  assert_json '.files | length' 0
}

@test "a put without a record does not run the source's prompt in its get" {
  says Hallo. Translate
  says wrong
  source_with
  step put --params '{"prompt":"Translate","skip_record":true}'
  assert_json .status failed
  assert_contains "$(json .get.stderr)" 'no_get: true'
  succeeds put --params '{"prompt":"Translate","skip_record":true}' --no-get
  succeeds put --params '{"prompt":"Translate","skip_record":true}' --get-params '{"skip":true}'
}

@test "a get without a prompt writes a stub and succeeds" {
  source_json '{"source":null}'
  succeeds get --version '{"ref":"latest"}'
  [ "$(cat "$(json .directory)/payload.json")" = '{}' ]
  assert_json .metadata.status 'no prompt configured'
}

@test "an answer too large for the version is asked for again, and said so" {
  says "$(head -c 3000 /dev/urandom | base64 -w0)"
  source_with '.inline_limit = 1000'
  succeeds check
  assert_contains "$(json .stderr)" 'source.inline_limit'
  assert_json '.versions[0] | keys | join(" ")' ref
  succeeds get
  assert_json .metadata.verified true
}

@test "a destination that cannot be written leaves nothing and says so in one line" {
  says x
  source_with
  succeeds check
  fails_with 'rune in: ' get --to /proc/nowhere
  mkdir -p "$ROOT/to/payload.json/in-the-way"
  fails_with payload.json get --to "$ROOT/to"
  [ "$(ls -A "$ROOT/to")" = payload.json ]
}

@test "a full disk leaves no half-written file" {
  [ "$EUID" -eq 0 ] || skip 'needs root: mounts a small file system'
  says "$(head -c 30000 /dev/zero | tr '\0' x)"
  source_with
  succeeds check
  mkdir "$ROOT/small"
  mount -t tmpfs -o size=16k none "$ROOT/small" || skip 'needs root that may mount'
  step get --to "$ROOT/small"
  left=$(ls -A "$ROOT/small")
  umount "$ROOT/small"
  [ "$status" -ne 0 ] || explain 'wrote to a full disk'
  [ -z "$left" ] || fail "left: $left"
  assert_contains "$(json '.stderr | rtrimstr("\n")' | tail -n 1)" 'No space left'
}
