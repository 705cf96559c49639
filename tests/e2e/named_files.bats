# Files that the user names for a run: regular files in the directory that was meant, whatever lies or comes in their place.

load helpers
setup() { e2e_setup; }
teardown() { e2e_teardown; }

# How each is given; FILE stands for the path.
readers=('--schema FILE' '--provider cassette --cassette FILE')
writers=('--record FILE')

# with FLAGS FILE: one run with one of these, and an answer that the schema takes.
with() {
  serve "$(turn_text '{"a":1}')"
  # shellcheck disable=SC2086
  ask_json hello ${1//FILE/$2}
}

regular() {
  rm -rf "$1"
  case $2 in
    *schema*) echo '{"type":"object"}' >"$1" ;;
    *cassette*) printf '%s\n' '{"cassette":1,"model":"m"}' '{"ask":{"user":["hello"]},"reply":{"text":"{}","stop":"end"}}' >"$1" ;;
  esac
}

@test "a link, a pipe or a device in a file's place ends the run in one line, at once; the regular file works" {
  for flags in "${readers[@]}" "${writers[@]}"; do
    regular "$ROOT/file" "$flags"
    with "$flags" "$ROOT/file"
    assert_exit 0
    regular "$ROOT/meant" "$flags"
    for planted in link fifo device; do
      rm -f "$ROOT/file"
      case $planted in
        link) ln -s meant "$ROOT/file" ;;
        fifo) mkfifo "$ROOT/file" ;;
      esac
      path=$ROOT/file why='is no regular file'
      [ "$planted" != link ] || why='is a link; name the file that is meant'
      [ "$planted" != device ] || path=/dev/zero
      with "$flags" "$path"
      assert_exit 2
      assert_contains "$stderr$output" "$path: $why"
      assert_under_ms 2000
    done
    [ ! -s "$ROOT/meant" ] || [[ $flags != --record* ]] || explain 'the link was followed'
  done
}

@test "a trace is a new file, whatever was put under its name" {
  serve "$(turn_text hello)"
  ask_json hello --trace="$ROOT/traces"
  assert_exit 0
  [ "$(find "$ROOT/traces" -type f -name '*.jsonl' | wc -l)" -eq 1 ] || explain 'no trace'
  # Where its directory is none: one line, at once.
  mkfifo "$ROOT/pipe"
  for dir in "$ROOT/pipe" /dev/zero; do
    serve "$(turn_text hello)"
    ask_json hello --trace="$dir"
    [ "$status" -ne 0 ] || explain 'it went on'
    assert_contains "$stderr$output" "$dir"
    assert_under_ms 2000
  done
}

# swap DIR: what a command does to lead the agent elsewhere.
swap() { printf 'mv %s %s.moved && ln -s %s %s' "$1" "$1" "$ROOT/victim" "$1"; }

@test "a directory that a command swaps for a link leads neither recording nor trace elsewhere" {
  mkdir -m 777 "$WORK/place" "$ROOT/victim"
  chmod 777 "$WORK"
  policy 'allowed_commands = ["mv", "ln"]' "allowed_paths_rw = [\"$WORK\"]"
  serve "$(turn_cmd "$(swap "$WORK/place")")" "$(turn_text done)"
  ask_json go --record "$WORK/place/tape.jsonl" --trace="$WORK/place/traces"
  assert_exit 0
  [ -L "$WORK/place" ] || explain 'the command did not swap it'
  [ -z "$(ls -A "$ROOT/victim")" ] || explain "written: $(ls "$ROOT/victim")"
  [ "$(wc -l <"$WORK/place.moved/tape.jsonl")" -eq 3 ] || explain "$(cat "$WORK/place.moved/tape.jsonl")"
  jq -es 'any(.[]; .event == "end")' "$WORK"/place.moved/traces/*.jsonl >/dev/null || explain 'the trace stops early'
}

@test "a store of vectors that is a link, a pipe or a device is not used, and the run goes on" {
  flags=(--embeddings-provider ollama --embeddings-base-url http://127.0.0.1:9)
  mkfifo "$ROOT/fifo"
  ln -s meant "$ROOT/link"
  for path in "$ROOT/fifo" "$ROOT/link" /dev/zero "$ROOT/plain"; do
    serve "$(turn_text hello)"
    ask_json hello "${flags[@]}" --embeddings-store "$path"
    assert_exit 0
    assert_under_ms 2000
    case $path in
      */plain) assert_lacks "$stderr" 'is not used' ;;
      *) assert_contains "$stderr" "embeddings.store is not used: $path: " ;;
    esac
  done
  assert_no_file "$ROOT/meant"
}

@test "what the shell hands over is taken as it is: process substitution, standard output and error" {
  serve "$(turn_text '{"a":1}')"
  run --separate-stderr "$RUNE" -p hello --schema <(echo '{"type":"object"}') --record /dev/stderr </dev/null
  assert_exit 0
  assert_contains "$stderr" '{"cassette":1'
  serve "$(turn_text '{"a":1}')"
  run --separate-stderr "$RUNE" -p hello --record /dev/stdout </dev/null
  assert_exit 0
  assert_contains "$output" '{"cassette":1'
  run --separate-stderr "$RUNE" -p hello --provider cassette \
    --cassette <(regular "$ROOT/c" --cassette && cat "$ROOT/c") </dev/null
  assert_exit 0
  for path in /dev/stdout /dev/stderr /dev/fd/1; do
    run bash -c '"$1" --system --report "$2" -- /bin/true 2>&1' - "$RUNE_SANDBOX" "$path"
    assert_exit 0
    assert_contains "$output" '"exit_code"'
  done
}

# step PROGRAM REQUEST [DIR]: check, in or out, as Concourse starts it.
step() { run --separate-stderr timeout 10 "$BIN_DIR/$1" ${3:+"$3"} <<<"$2"; }

@test "check, in and out: what lies where a file is read or written is a regular file, or one line, or replaced" {
  printf '%s\n' '{"cassette":1,"model":"m"}' '{"ask":{"user":["hello"]},"reply":{"text":"hi","stop":"end"}}' >"$ROOT/tape"
  source=$(jq -cn --arg tape "$ROOT/tape" '{provider: "cassette", prompt: "hello", cassette: $tape}')
  step check "{\"source\":$source}"
  assert_exit 0
  version=$(jq -c '.[0]' <<<"$output")
  ln -s tape "$ROOT/link"
  mkfifo "$ROOT/fifo"
  for path in "$ROOT/link" "$ROOT/fifo" /dev/zero; do
    step check "$(jq -cn --argjson source "$source" --arg tape "$path" '{source: ($source + {cassette: $tape})}')"
    assert_exit 1
    assert_contains "$stderr" "$path: is"
  done

  mkdir "$ROOT/got"
  for name in response.txt payload.json; do
    mkfifo "$ROOT/got/.$name.part"
    ln -s ../meant "$ROOT/got/$name"
  done
  step in "{\"source\":$source,\"version\":$version}" "$ROOT/got"
  assert_exit 0
  [ ! -L "$ROOT/got/response.txt" ] && [ "$(cat "$ROOT/got/response.txt")" = hi ] || explain 'not written'
  assert_no_file "$ROOT/meant"

  mkdir "$ROOT/inputs"
  echo -n hello >"$ROOT/inputs/plain"
  ln -s ../tape "$ROOT/inputs/link"
  mkfifo "$ROOT/inputs/fifo"
  for name in plain link fifo ../tape /dev/zero; do
    step out "$(jq -cn --argjson source "$source" --arg name "$name" '{source: $source, params: {prompt_file: $name}}')" "$ROOT/inputs"
    [ "$name" != plain ] || { assert_exit 0 && continue; }
    assert_exit 1
    assert_contains "$stderr" "'$name'"
  done
}

# ended_by SIGNAL COMMAND...: how it ended, and that it took less than two seconds from the signal on.
ended_by() {
  local signal=$1 pid start
  shift
  "$@" </dev/null >"$ROOT/out" 2>"$ROOT/err" 3>&- &
  pid=$!
  sleep 0.5
  [ -d "/proc/$pid" ] || return 0 # it did not wait at all
  start=$(date +%s%3N)
  kill -"$signal" "$pid"
  wait "$pid" || status=$?
  [ $(($(date +%s%3N) - start)) -lt 2000 ] || explain "$signal was not heard: $*"
}

@test "SIGTERM and SIGINT end a run that waits for a pipe that it was given" {
  mkfifo "$ROOT/fifo"
  exec 7<>"$ROOT/fifo"
  for signal in TERM INT; do
    for flags in "${readers[@]}"; do
      # shellcheck disable=SC2086
      ended_by "$signal" env --default-signal=INT "$RUNE" -p hello ${flags//FILE//dev/fd/7}
      [ "$status" -ge 128 ] || explain "$flags: exit $status: $(cat "$ROOT/err")"
    done
  done
  # Full, and nobody reads.
  dd if=/dev/zero of=/dev/fd/7 bs=4096 oflag=nonblock 2>/dev/null || true
  for flags in "${writers[@]}"; do
    serve "$(turn_text hello)"
    # shellcheck disable=SC2086
    ended_by TERM "$RUNE" -p hello ${flags//FILE//dev/fd/7}
  done
  for path in "$ROOT/fifo" /dev/fd/7; do
    ended_by TERM "$RUNE_SANDBOX" --system --report "$path" -- /bin/sleep 20
    [ "$status" -ne 0 ] || explain "$path: exit 0"
  done
  exec 7>&-
}
