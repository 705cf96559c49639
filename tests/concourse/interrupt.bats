# Abort and timeout: SIGTERM reaches the one process that Concourse started. Nothing may survive it.

load helpers
setup() { concourse_setup; }
teardown() { concourse_teardown; }

# stopped: what the last step says about its end.
assert_stopped() {
  assert_json .exit 143
  [ -z "$(json .stdout)" ] || explain 'something on stdout'
  [ "$(json .stop_ms)" -lt 8000 ] || explain "took $(json .stop_ms) ms"
}

@test "SIGTERM while a tool runs kills its tree, even one that hides" {
  cmd="touch $ROOT/cue/x; trap \"\" TERM; setsid sh -c \"trap '' TERM; sleep 300\" & sleep 300"
  mkdir -m 777 "$ROOT/cue"
  calls_tool execute_cmd "$(jq -cn --arg cmd "$cmd" '{$cmd}')" false done
  source_with ".policy = {allowed_commands: [\"*\"], allowed_paths_rw: [\"/tmp\", \"$ROOT/cue\"]}"
  step check --abort-when "$ROOT/cue/x"
  assert_stopped
}

@test "SIGTERM while a pre_command runs" {
  mkdir -m 777 "$ROOT/cue"
  says x
  source_with ".pre_commands = [\"touch $ROOT/cue/x; sleep 300\"] | .policy = {allowed_paths_rw: [\"/tmp\", \"$ROOT/cue\"]}"
  step check --abort-when "$ROOT/cue/x"
  assert_stopped
}

@test "SIGTERM while the model thinks" {
  serve "{\"must_play_all\":false,\"turns\":[{\"reply\":[{\"touch\":\"$ROOT/cue\"},{\"hang\":true}]}]}"
  source_of_server
  step put --params '{"prompt":"x"}' --abort-when "$ROOT/cue"
  assert_stopped
}

@test "SIGTERM while another check holds the lock" {
  says x
  source_with
  # Some other check of this source: the lock's name is the digest of prompt and history_identifier.
  name=$(printf '%s\0' "$PROMPT" | sha256sum | cut -c1-16)
  exec 8>"/tmp/.rune-check-$EUID-$name"
  flock 8
  touch "$ROOT/cue"
  step check --abort-when "$ROOT/cue"
  exec 8>&-
  rm "/tmp/.rune-check-$EUID-$name"
  [ "$(json .stop_ms)" -lt 8000 ] && [ "$status" -ne 0 ] || explain 'did not stop'
}

@test "SIGTERM at any moment: either done before it, or stopped, and nothing is left" {
  calls_tool execute_cmd '{"cmd":"sleep 0.03; setsid sleep 300 & sleep 0.03"}' false done
  source_with '.policy = {mode: "unrestricted"} | .pre_commands = ["sleep 0.02"]'
  for after in $(seq 0.001 0.006 0.15); do
    step check --timeout "$after"
    case $(json .exit) in
      0) [ "$(json '.versions | length')" = 1 ] || explain 'exit 0 without a version' ;;
      143) [ -z "$(json .stdout)" ] || explain 'stopped, yet something on stdout' ;;
      *) explain "after $after s" ;;
    esac
    [ "$(json '.stop_ms // 0')" -lt 8000 ] || explain "took $(json .stop_ms) ms"
    jq -r '"\(.exit) \(.stop_ms // 0)"' <<<"$output" >>"$ROOT/ends"
  done
  # Not all of them may have been over before the signal, or this shows nothing.
  grep -q '^143' "$ROOT/ends"
}
