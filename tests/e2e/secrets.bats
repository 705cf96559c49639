#!/usr/bin/env bats
# Canaries are planted wherever a secret can live; afterwards every byte that left the program is searched for them: plain,
# base64, percent-encoded, hexadecimal, JSON-escaped and reversed.

load helpers
ENV_TOKEN=EnvTokenCanary7f3a9c1d5e
CONFIG_KEY=sk-configCanary4242424242424242
PASSWORD='p@ss"wörd/canary+1'
setup() {
  e2e_setup
  export GITHUB_TOKEN=$ENV_TOKEN DB_PASSWORD=$PASSWORD AWS_SECRET_ACCESS_KEY=awsCanary/secret+key0123456789abcdefghij
  OUT=$ROOT/out
  mkdir "$OUT"
}
teardown() { e2e_teardown; }

# run_leaky [FLAG...]: everything that leaves the program lands in $OUT.
run_leaky() {
  ask_json go --trace="$OUT/trace" --record "$OUT/cassette" --log-level debug "$@"
  printf '%s' "$output" >"$OUT/stdout"
  printf '%s' "$stderr" >"$OUT/stderr"
  jq -r '.body' "$MODEL_LOG" >"$OUT/bodies"
  jq -r '.path' "$MODEL_LOG" >"$OUT/paths"
}
assert_clean() {
  local secret
  for secret in "$@"; do assert_no_secret "$secret" "$OUT"; done
}

@test "the search itself finds every form it promises" {
  local secret=canary-0123456789 form
  mkdir "$ROOT/forms"
  for form in "$secret" "$(rev <<<"$secret")" "$(base64 <<<"$secret")" "$(base64 <<<"x$secret")" "$(base64 <<<"xx$secret")" \
    "$(jq -rn --arg s 'canary-0123456789' '$s | @uri')"; do
    printf 'noise %s noise' "$form" >"$ROOT/forms/f"
    run "${PYTHON[@]}" "$BATS_TEST_DIRNAME/find_secret.py" "$secret" "$ROOT/forms"
    [ "$status" -eq 1 ] || explain "not found: $form"
  done
  printf 'nothing here' >"$ROOT/forms/f"
  assert_no_secret "$secret" "$ROOT/forms"
}

@test "the key is in the Authorization header and nowhere else" {
  serve "$(jq -cn '{expect: {headers: {authorization: ("Bearer " + env.RUNE_API_KEY)}}, text: "ok"}')"
  run_leaky
  assert_exit 0
  assert_model_content
  assert_clean "$API_KEY"
}

@test "a key in the configuration file cannot be read by a tool that stands in HOME" {
  unset RUNE_API_KEY
  config "api_key = \"$CONFIG_KEY\"" '[policy]' 'allowed_commands = ["*"]'
  cd "$HOME" || return 1
  serve "$(turn_cmds 'cat .rune/rune.toml' "cat $HOME/.rune/rune.toml" 'grep -r Canary . 2>/dev/null' 'base64 .rune/rune.toml')" \
    "$(jq -cn '{tool_calls: [{name: "read_file", args: {path: ".rune/rune.toml"}}, {name: "search_files", args: {pattern: "Canary", path: "."}}]}')" '{"text":"{last_tool}"}'
  run_leaky --on-denial warn
  grep -q "$CONFIG_KEY" "$HOME/.rune/rune.toml" # the control
  assert_clean "$CONFIG_KEY"
}

@test "no tool sees the variables of the build: env, /proc, printenv, set, python" {
  policy 'allowed_commands = ["*"]'
  serve "$(turn_cmds 'env' 'cat /proc/self/environ' 'cat /proc/$PPID/environ' 'for p in /proc/[0-9]*; do cat $p/environ; done 2>/dev/null | head -c 4000' 'set' 'echo $GITHUB_TOKEN$DB_PASSWORD$RUNE_API_KEY')" \
    '{"text":"{last_tool}"}'
  run_leaky --on-denial warn
  assert_clean "$API_KEY" "$ENV_TOKEN" "$PASSWORD" "$AWS_SECRET_ACCESS_KEY"
}

@test "a secret value that a tool finds elsewhere is redacted before model, log, trace, record and answer" {
  policy 'allowed_commands = ["cat", "base64", "echo"]'
  printf '%s %s\n' "$API_KEY" "$ENV_TOKEN" >"$WORK/notes"
  serve "$(turn_cmds 'cat notes' 'base64 -w0 notes')" "$(turn_tool read_file '{"path":"notes"}')" '{"text":"found {last_tool}"}'
  run_leaky --on-denial warn
  assert_clean "$API_KEY" "$ENV_TOKEN"
}

@test "well-known shapes of credentials are redacted even when nobody named them" {
  policy 'allowed_commands = ["cat"]'
  local token
  local shapes=(ghp_CanaryCanaryCanaryCanaryCanaryCan00 github_pat_11CANARY00aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    AKIACANARYCANARY0000 sk-proj-CanaryCanaryCanaryCanaryCanaryCanary AIzaSyCanaryCanaryCanaryCanaryCanary00
    xoxb-000000000000-CanaryCanaryCanary)
  printf 'task-1 %s\n' "${shapes[@]}" >"$WORK/notes"
  serve "$(turn_cmd 'cat notes')" '{"text":"found {last_tool}"}'
  run_leaky --on-denial warn
  for token in "${shapes[@]}"; do
    assert_no_secret "$token" "$OUT/stdout" "$OUT/stderr" "$OUT/trace"
  done
}

@test "a server that echoes the key in its error does not get it into the log" {
  serve_loop "$(turn_fault 400 "{\"message\":\"bad header Authorization: Bearer $API_KEY\"}")"
  run_leaky
  assert_no_secret "$API_KEY" "$OUT/stdout" "$OUT/stderr"
  [ ! -e "$OUT/trace" ] || assert_no_secret "$API_KEY" "$OUT/trace"
}

# seen_while_running FLAG...: command line and environment of the program, as root or its user sees them during a tool call.
seen_while_running() {
  export SECOND_KEY=sk-secondCanary5252525252525252
  chmod 777 "$WORK"
  config '[[fallback]]' 'provider = "openai"' 'api_key_env = "SECOND_KEY"' '[policy]' \
    'allowed_commands = ["*"]' "allowed_paths_rw = [\"/tmp\", \"$WORK\"]"
  serve_loop "$(turn_cmd 'echo x >cue; sleep 3661')"
  ( until [ -s "$WORK/cue" ]; do sleep 0.02; done
    # Ours by its directory, its guardian by its parent: other tests run beside this one.
    for p in /proc/[0-9]*; do
      [ "$(readlink "$p/exe")" = "$RUNE" ] && [ "$(readlink "$p/cwd")" = "$WORK" ] || continue
      cat "$p/cmdline" "$p/environ" 2>/dev/null >>"$OUT/proc"
      for child in $(cat "$p"/task/*/children); do
        [ "$(readlink "/proc/$child/exe")" = "$RUNE_SANDBOX" ] && cat "/proc/$child/cmdline" "/proc/$child/environ" 2>/dev/null >>"$OUT/guardian"
      done
    done
    echo x >"$ROOT/cue2" ) 3>&- &
  run --separate-stderr bash -c "printf go | ${PYTHON[*]} $SUPPORT/supervise.py --report $REPORT --when $ROOT/cue2 -- $RUNE --json $*"
}

@test "a key given as a flag is gone from the process's command line while it runs" {
  need cap_sys_ptrace "nobody else sees anything of a process that is not dumpable"
  unset RUNE_API_KEY
  seen_while_running --api-key "$CONFIG_KEY"
  [ -s "$OUT/proc" ] || explain "the process was not seen"
  assert_clean "$CONFIG_KEY" "$SECOND_KEY"
}

@test "a key given as a variable is gone from the process's environment while it runs, and the guardian never had it" {
  need cap_sys_ptrace "nobody else sees anything of a process that is not dumpable"
  seen_while_running
  [ -s "$OUT/proc" ] && [ -s "$OUT/guardian" ] || explain "the processes were not seen"
  assert_clean "$API_KEY" "$SECOND_KEY"
  assert_no_secret "$ENV_TOKEN" "$OUT/guardian"
}

@test "the program is not dumpable: an ordinary process of the same user cannot read its memory map" {
  need user "root may read everything"
  chmod 777 "$WORK"
  policy 'allowed_commands = ["*"]' "allowed_paths_rw = [\"/tmp\", \"$WORK\"]"
  serve_loop "$(turn_cmd 'echo x >cue; sleep 3671')"
  ( until [ -s "$WORK/cue" ]; do sleep 0.02; done
    for p in /proc/[0-9]*; do grep -q '^Name:.rune$' "$p/status" && cat "$p/environ" "$p/maps"; done >"$OUT/proc" 2>/dev/null
    echo x >"$ROOT/cue2" ) 3>&- &
  ask_signal TERM parent "$ROOT/cue2"
  [ ! -s "$OUT/proc" ] || explain "readable"
}

@test "a crash leaves no core file" {
  chmod 777 "$WORK"
  policy 'allowed_commands = ["*"]' "allowed_paths_rw = [\"/tmp\", \"$WORK\"]"
  serve_loop "$(turn_cmd 'echo x >cue; sleep 3681')"
  run --separate-stderr bash -c "ulimit -c unlimited; printf go | ${PYTHON[*]} $SUPPORT/supervise.py --report $REPORT --signal SEGV --when $WORK/cue -- $RUNE --json"
  [ "$(reported core)" = false ] || explain "dumped core"
  [ -z "$(find "$WORK" "$HOME" -name 'core*')" ]
  [ "$(reported 'leftovers | length')" -eq 0 ] || explain "left behind: $(reported leftovers)"
}

@test "rune init writes a file that only its owner can read" {
  rm -rf "$HOME/.rune"
  run --separate-stderr bash -c "printf '3\n$CONFIG_KEY\n\n\n\n\ny\ny\ny\n' | (umask 022; '$RUNE' init)"
  if [ -e "$HOME/.rune/rune.toml" ]; then
    [ "$(stat -c %a "$HOME/.rune/rune.toml")" = 600 ] || explain "mode $(stat -c %a "$HOME/.rune/rune.toml")"
  fi
  assert_lacks "$output$stderr" "$CONFIG_KEY"
}

@test "trace and record files are for their owner alone" {
  serve "$(turn_text ok)"
  umask 022
  run_leaky
  local file
  while read -r file; do
    [ "$(stat -c %a "$file")" = 600 ] || explain "$file has mode $(stat -c %a "$file")"
  done < <(find "$OUT/trace" "$OUT/cassette" -type f)
}
