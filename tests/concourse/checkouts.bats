#!/usr/bin/env bats
# Inputs of a put as Concourse hands them over: made by root, whoever the commands are.

load helpers
setup() { concourse_setup; }
teardown() { concourse_teardown; }

@test "git looks at an input that another owner made, in pre_commands and in tool calls" {
  mkdir -p "$ROOT/inputs"
  git init -q "$ROOT/inputs/repo"
  git -C "$ROOT/inputs/repo" -c user.name=n -c user.email=e@x commit -q --allow-empty -m first
  [ "$EUID" -ne 0 ] || chown -R 0:0 "$ROOT/inputs"
  PROMPT="$PROMPT

Output of \`git -C repo log --format=%s\`:
first
"
  calls_tool execute_cmd '{"cmd":"git -C repo show --stat --format=%s HEAD"}' false 'It says: {{result}}'
  source_with '.policy = {allowed_commands: ["git"]}'
  succeeds put --inputs "$ROOT/inputs" --params "$(jq -cn --arg prompt "${PROMPT%%
*}" '{prompt: $prompt, pre_commands: ["git -C repo log --format=%s"]}')"
}
