# check, as the scheduler of Concourse runs it.

load helpers
setup() { concourse_setup; }
teardown() { concourse_teardown; }

@test "check without a prompt finds nothing, quickly and without a model" {
  for source in '{"source":null}' '{"source":{}}' '{"source":{"prompt":null}}' '{"source":{"prompt":"  "}}'; do
    source_json "$source"
    succeeds check
    assert_json .new 0
    assert_json '.stdout | rtrimstr("\n")' '[]'
  done
}

@test "the first check gives one version, the hash of the answer" {
  says 'It is 4.'
  source_with
  succeeds check
  assert_json '.versions | length' 1
  assert_json '.versions[0].ref' "sha256:$(sha256_of 'It is 4.')"
  assert_json '.versions[0] | keys | join(" ")' 'rec ref'
}

@test "record: none gives exactly the bare ref" {
  says 'It is 4.'
  source_with '.record = "none"'
  succeeds check
  assert_json '.stdout | rtrimstr("\n")' "[{\"ref\":\"sha256:$(sha256_of 'It is 4.')\"}]"
}

@test "an unchanged answer gives the given version back, verbatim, and nothing happens" {
  says 'It is 4.'
  source_with
  succeeds check
  first=$(json '.versions[0]')
  sleep_free_second_check
}
sleep_free_second_check() {
  succeeds check
  assert_json .new 0
  [ "$(json '.versions[0]')" = "$first" ] || explain "not verbatim"
  [ "$(version_count)" = 1 ]
}

@test "only the text of an answer counts, not its line ends and trailing blanks" {
  says $'a\nb'
  source_with
  succeeds check
  now_says $'\na \t\r\nb\r\n\n'
  succeeds check
  assert_json .new 0
}

@test "a changed answer is a new version, behind the old one" {
  says one
  source_with
  succeeds check
  now_says two
  succeeds check
  assert_json .new 1
  [ "$(versions -r '.[-1].ref')" = "sha256:$(sha256_of two)" ]
}

@test "A, B, A: three versions with track_reversion, two without" {
  source_with '.track_reversion = true'
  for answer in A B A; do
    now_says "$answer"
    # The time of the first sight has seconds.
    [ "$answer" = B ] || sleep 1.1
    succeeds check
  done
  [ "$(version_count)" = 3 ]
  source_with '.record = "none"'
  for answer in A B A; do
    now_says "$answer"
    succeeds check
  done
  [ "$(version_count)" = 2 ]
}

@test "a pin that names the ref alone is not handed back, and grows no version per check" {
  says 'It is 4.'
  source_with
  pin="{\"ref\":\"sha256:$(sha256_of 'It is 4.')\"}"
  succeeds check --from "$pin"
  assert_json '.versions[0] | has("rec")' true
  succeeds check --from "$pin"
  assert_json .new 0
  [ "$(version_count)" = 1 ]
}

@test "an empty version and a foreign one are taken as they come" {
  says 'It is 4.'
  source_with
  for version in '{}' 'null' '{"ref":"latest"}' '{"ref":"x","other":"y z"}'; do
    succeeds check --from "$version"
    assert_json '.versions | length' 1
  done
}

@test "inside min_interval the model is not asked" {
  says 'It is 4.'
  source_with '.min_interval = "1h"'
  succeeds check
  rm "$CASSETTE" # whoever asks now fails
  succeeds check
  assert_json .new 0
}

@test "a provider that fails makes the check fail, or keep the last version when told" {
  source="\"api_key\":\"$API_KEY\",\"base_url\":\"http://127.0.0.1:9/v1\",\"prompt\":\"$PROMPT\",\"model\":\"m\",\"record\":\"none\""
  source_json "{\"source\":{$source}}"
  fails_with 'rune check: provider_down' check
  [[ "$(json '.stderr + .stdout')" != *"$API_KEY"* ]] || explain 'the key got out'
  source_json "{\"source\":{$source,\"on_provider_error\":\"keep\"}}"
  succeeds check --from "{\"ref\":\"sha256:$(sha256_of x)\"}"
  assert_json '.versions[0].ref' "sha256:$(sha256_of x)"
}

@test "a structured answer is hashed by the chosen members" {
  says '{"verdict":"ok","note":"one"}'
  source_with '.schema = {type: "object", required: ["verdict"]} | .version_from = ["/verdict"]'
  succeeds check
  now_says '{"note":"two", "verdict":"ok"}'
  succeeds check
  assert_json .new 0
  now_says '{"note":"two", "verdict":"bad"}'
  succeeds check
  assert_json .new 1
}

@test "pre_commands run confined, and what they print reaches the prompt" {
  says done "$PROMPT

Output of \`echo from the command\`:
from the command
"
  source_with '.pre_commands = ["echo from the command"]'
  succeeds check
}

@test "a pre_command that fails, fails the check and is named" {
  says done
  source_with '.pre_commands = ["true", "ls /nowhere"]'
  fails_with 'source.pre_commands[1]: `ls /nowhere` ended with exit code 2' check
}

@test "a refused tool call fails the check with the line that would allow it; on_denial: warn lets it pass" {
  calls_tool execute_cmd '{"cmd":"uname -s"}' true 'I was refused.'
  source_with '.policy = {allowed_commands: []}'
  fails_with 'to allow it: add "uname" to source.policy.allowed_commands; or set source.on_denial: warn' check
  # What the log says, done word for word in the pipeline's source, lets the check succeed.
  local way
  way=$(json .stderr | sed -n 's/^  \(to allow it: .*\)/\1/p')
  echo '{"policy":{"allowed_commands":[]}}' >"$ROOT/source.json"
  /usr/bin/python3 "$SUPPORT/follow_remedy.py" "$way" "$ROOT/source.json"
  rm "$CASSETTE"
  calls_tool execute_cmd '{"cmd":"uname -s"}' false 'I was allowed.'
  source_with ".policy = $(jq -c .policy "$ROOT/source.json")"
  succeeds check
  rm "$CASSETTE"
  calls_tool execute_cmd '{"cmd":"uname -s"}' true 'I was refused.'
  source_with '.policy = {allowed_commands: []} | .on_denial = "warn"'
  succeeds check
}

@test "a tool that writes to every descriptor it can find does not reach stdout" {
  calls_tool execute_cmd '{"cmd":"for f in 0 1 2 3 4 5 6 7 8 9 10; do echo [] >&$f; done; for f in /proc/self/fd/*; do echo [] >$f; done; true"}' false done
  source_with '.policy = {mode: "unrestricted"}'
  succeeds check
  [ "$(json .stdout | jq -es length)" = 1 ] || explain 'more than one JSON document'
}
