# Shared by every suite. `load helpers`, then setup() { e2e_setup; } and teardown() { e2e_teardown; }.
#
# A test lives in its own directory below /var/tmp (not /tmp: commands have a private one), with its own HOME, talks to its
# own scripted model on loopback, and runs the program under tests/support/supervise.py, which sees every process left behind.

bats_require_minimum_version 1.5.0

BIN_DIR=$(cd "${RUNE_BIN_DIR:-$BATS_TEST_DIRNAME/../../build/dev/bin}" 2>/dev/null && pwd)
RUNE=$BIN_DIR/rune
RUNE_SANDBOX=$BIN_DIR/rune-sandbox
SUPPORT=$(cd "$BATS_TEST_DIRNAME/../support" && pwd)
PYTHON=(/usr/bin/python3 -B -S)

# These look like keys, and must never be seen anywhere.
API_KEY=sk-e2eCanaryKey0123456789abcdefghij

e2e_setup() {
  local program=${1:-$RUNE}
  [ -x "$program" ] || fail "no $program: build first, or set RUNE_BIN_DIR"
  local name
  for name in $(compgen -e | grep -E '^(RUNE_|OPENAI_|ANTHROPIC_|GEMINI_|GITHUB_TOKEN|.*_proxy$|.*_PROXY$)'); do
    case $name in RUNE_BIN_DIR | RUNE_LIBEXEC | RUNE_SANDBOX_MUST_WORK) ;; *) unset "$name" ;; esac
  done
  ROOT=$(mktemp -d /var/tmp/rune-e2e.XXXXXX)
  export HOME=$ROOT/home
  WORK=$ROOT/work
  REPORT=$ROOT/report.json
  MODEL_LOG=$ROOT/model.jsonl
  mkdir -p "$HOME/.rune" "$WORK"
  chmod 755 "$ROOT" "$HOME" "$WORK"
  export RUNE_API_KEY=$API_KEY RUNE_MODEL=test-model
  # Where nothing listens, until `serve` says better.
  export RUNE_BASE_URL=http://127.0.0.1:9/v1
  MODEL_PID=
  TIMEOUT=30
  config
  cd "$WORK" || return 1
}

e2e_teardown() {
  stop_model_quietly
  [ -z "$ROOT" ] || rm -rf "$ROOT"
}

fail() {
  printf '%s\n' "$@" >&2
  return 1
}

# Shows what the last run said when an assertion fails.
# shellcheck disable=SC2154  # status, output and stderr are set by run
explain() {
  printf '%s\n' "$@" "--- exit $status, stdout:" "$output" "--- stderr:" "$stderr" "--- report:" "$(cat "$REPORT" 2>/dev/null)" >&2
  return 1
}

# need root|user|cap_sys_admin|cap_sys_ptrace|landlock|seccomp|cgroup|python REASON: skips, or fails where the sandbox must work.
need() {
  case $1 in
    root) [ "$EUID" -eq 0 ] ;;
    user) [ "$EUID" -ne 0 ] ;;
    cap_sys_ptrace) has_capability 19 ;;
    cap_sys_admin) has_capability 21 ;;
    landlock) [ "$("${PYTHON[@]}" -c 'import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))')" -ge "${3:-1}" ] ;;
    seccomp) grep -q '^Seccomp_filters:\|^Seccomp:' /proc/self/status ;;
    cgroup) "$RUNE_SANDBOX" --system --report "$ROOT/need.json" -- /bin/true && grep -q 'cgroup' "$ROOT/need.json" ;;
    *) command -v "$1" >/dev/null ;;
  esac && return
  [ "$RUNE_SANDBOX_MUST_WORK" != 1 ] || [[ $1 == root || $1 == user || $1 == cap_* ]] || fail "needs $1: $2"
  skip "needs $1: $2"
}

# has_capability NUMBER (linux/capability.h): root in a container lacks many.
has_capability() { [ $((0x$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status) >> $1 & 1)) -eq 1 ]; }

# config [LINE...]: the user's rune.toml. Retries are quick so that faults take milliseconds, not minutes.
config() {
  printf '%s\n' "$@" '[retry]' 'base_ms = 20' >"$HOME/.rune/rune.toml"
  chmod 600 "$HOME/.rune/rune.toml"
}

# policy LINE...: the [policy] table alone.
policy() { config '[policy]' "$@"; }

# --- the scripted model ------------------------------------------------------------------------------------------------

turn_text() { jq -cn --arg text "$1" '{text: $text}'; }
turn_tool() { jq -cn --arg name "$1" --argjson args "$2" '{tool_calls: [{name: $name, args: $args}]}'; }
turn_cmd() { jq -cn --arg cmd "$1" '{tool_calls: [{name: "execute_cmd", args: {cmd: $cmd}}]}'; }
# One turn with several execute_cmd calls.
turn_cmds() { jq -cn '{tool_calls: $ARGS.positional | map({name: "execute_cmd", args: {cmd: .}})}' --args "$@"; }
turn_fault() { jq -cn --arg fault "$1" --argjson more "${2:-{\}}" '{fault: $fault} + $more'; }

# serve TURN...: plays the turns; serve_loop TURN...: the last one for ever; serve_script JSON: as it is.
serve() { serve_script "$(printf '%s\n' "$@" | jq -sc '{turns: .}')"; }
serve_loop() { serve_script "$(printf '%s\n' "$@" | jq -sc '{turns: .[:-1], loop: .[-1], must_play_all: false}')"; }
serve_script() {
  stop_model_quietly
  printf '%s' "$1" >"$ROOT/script.json"
  start_model --script "$ROOT/script.json"
}
start_model() {
  local word
  mkfifo "$ROOT/port.$$.$RANDOM.fifo"
  local fifo
  fifo=$(echo "$ROOT"/port.*.fifo)
  # Descriptor 3 is bats' own: whoever keeps it open keeps bats waiting.
  (cd / && exec "${PYTHON[@]}" "$SUPPORT/fake_model.py" "$@" --port "${serve_port:-0}" --log "$MODEL_LOG" --until-parent-exits) \
    >"$fifo" 2>"$ROOT/model.err" </dev/null 3>&- &
  MODEL_PID=$!
  read -r word MODEL_PORT <"$fifo"
  rm -f "$fifo"
  [ "$word" = PORT ] || fail "the fake model did not start: $(cat "$ROOT/model.err")"
  export RUNE_BASE_URL=http://127.0.0.1:$MODEL_PORT/v1
}
stop_model_quietly() {
  [ -z "$MODEL_PID" ] && return
  kill "$MODEL_PID" 2>/dev/null
  MODEL_STATUS=0
  wait "$MODEL_PID" 2>/dev/null || MODEL_STATUS=$?
  MODEL_PID=
}
# Fails unless every request was right and every turn was played.
assert_model_content() {
  stop_model_quietly
  [ "$MODEL_STATUS" -eq 0 ] || explain "$(cat "$ROOT/model.err")"
}
requests() { wc -l <"$MODEL_LOG"; }
request() { jq -rs ".[$1 - 1].body" "$MODEL_LOG"; }
request_bytes() { jq -rs ".[$1 - 1].body_bytes" "$MODEL_LOG"; }
# tool_result [K]: the text of the K-th tool message of the last request (default: the last one).
tool_result() {
  jq -rs --argjson k "${1:-0}" '.[-1].body | fromjson | [.messages[] | select(.role == "tool") | .content] | .[$k - 1]' "$MODEL_LOG"
}

# --- running -----------------------------------------------------------------------------------------------------------

supervise() { "${PYTHON[@]}" "$SUPPORT/supervise.py" --report "$REPORT" --timeout "$TIMEOUT" "$@" 3>&-; }

# ask PROMPT [FLAG...]: pipe mode. Sets status, output, stderr.
ask() { run --separate-stderr ask_ "$@"; }
ask_() {
  local prompt=$1
  shift
  printf '%s' "$prompt" | supervise -- "$RUNE" "$@"
}
# ask_json PROMPT [FLAG...]: with --json, and the promise that comes with it.
ask_json() {
  ask "$@" --json
  assert_one_json_object
}
# ask_signal SIGNAL parent|group FILE: sends the signal when FILE exists.
ask_signal() { run --separate-stderr ask_signal_ "$@"; }
ask_signal_() { printf 'go' | supervise --signal "$1" --to "$2" --when "$3" -- "$RUNE" --json; }

reported() { jq -r ".$1" "$REPORT"; }

# --- assertions --------------------------------------------------------------------------------------------------------

assert_exit() { [ "$status" -eq "$1" ] || explain "expected exit $1"; }
assert_one_json_object() {
  printf '%s' "$output" | jq -es 'length == 1 and (.[0] | type == "object")' >/dev/null || explain "stdout is not one JSON object"
  [ "$(printf '%s\n' "$output" | wc -l)" -eq 1 ] || explain "the object is not on one line"
}
json() { printf '%s' "$output" | jq -r "$1"; }
assert_json() {
  local got
  got=$(json "$1")
  [ "$got" = "$2" ] || explain "$1 is '$got', expected '$2'"
}
assert_outcome() { assert_json .outcome "$1"; }
assert_contains() { [[ "$1" == *"$2"* ]] || explain "'$2' not found in:" "$1"; }
assert_lacks() { [[ "$1" != *"$2"* ]] || explain "'$2' found in:" "$1"; }
assert_under_ms() { jq -e ".wall_ms < $1" "$REPORT" >/dev/null || explain "took longer than $1 ms"; }
# The tree is gone: no process survived, and nothing below our directory or with our token runs any more.
assert_nothing_left() {
  [ "$(reported 'leftovers | length')" -eq 0 ] || explain "left behind: $(reported leftovers)"
  [ "$(reported core)" = false ] || explain "dumped core"
  local pid
  for pid in /proc/[0-9]*; do
    if [ "$(readlink "$pid/cwd" 2>/dev/null)" = "$WORK" ] && [ "${pid#/proc/}" != "$$" ] && [ "${pid#/proc/}" != "$BASHPID" ]; then
      is_ours "${pid#/proc/}" || explain "still runs in $WORK: $(tr '\0' ' ' <"$pid/cmdline")"
    fi
  done
}
# Bats itself and its subshells stand in WORK, too.
is_ours() {
  local pid=$1
  while [ "$pid" -gt 1 ]; do
    [ "$pid" = "$$" ] && return 0
    pid=$(sed 's/.*) . \([0-9]*\) .*/\1/' "/proc/$pid/stat" 2>/dev/null) || return 0
  done
  return 1
}
assert_no_file() { [ ! -e "$1" ] || explain "$1 exists"; }
# assert_no_secret VALUE TEXT_OR_FILE...: plain, base64 (every alignment), percent and JSON-escaped.
assert_no_secret() { "${PYTHON[@]}" "$BATS_TEST_DIRNAME/find_secret.py" "$@" || explain "a secret got out"; }

# soon COMMAND...: waits until it succeeds, ten seconds at most.
soon() {
  local end=$((SECONDS + 10))
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || explain "never: $*" || return 1
    sleep 0.02
  done
}
