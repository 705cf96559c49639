#!/usr/bin/env bats
# What the kernel refuses to a tool, seen through the agent. Every refusal stands beside the same act outside, where it works.

load helpers
setup() {
  e2e_setup
  chmod 777 "$WORK"
  MARK=$ROOT/outside/mark
  mkdir "$ROOT/outside" && chmod 777 "$ROOT/outside"
  any_command
}
teardown() { e2e_teardown; }

# Every program is allowed, so that only the other layers can refuse.
any_command() { policy 'allowed_commands = ["*"]' "allowed_paths_rw = [\"/tmp\", \"$WORK\"]" "$@"; }
# tool CMD [FLAG...]: lets the model run one command; leaves its text in RESULT.
# A server of the machine, on loopback; its port in $sink.
start_sink() {
  coproc SINK { /usr/bin/python3 -c 'import socket, sys, threading
listener = socket.create_server(("127.0.0.1", 0))
ear = socket.socket(2, 2)
ear.bind(listener.getsockname())
def hear():
    while True: open(sys.argv[1], "ab").write(ear.recv(16))
threading.Thread(target=hear, daemon=True).start()
print(listener.getsockname()[1], flush=True)
sys.stdin.read()' "$ROOT/heard"; }
  read -r sink <&"${SINK[0]}"
}

tool() {
  local cmd=$1
  shift
  serve "$(turn_cmd "$cmd")" "$(turn_text 'done')"
  ask_json go --on-denial warn "$@"
  RESULT=$(tool_result)
}

@test "changing a mode does not tell what is in a directory that is closed" {
  need root "the sandbox walks paths as root only then"
  mkdir -m 700 "$ROOT/closed" && touch "$ROOT/closed/there"
  chmod 600 "$ROOT/closed/there" # the control
  tool "perl -e 'for (qw(there absent)) { chmod(0600, qq($ROOT/closed/\$_)) or print qq(\$_: \$!,) }'"
  assert_contains "$RESULT" 'there: Permission denied,absent: Permission denied,'
}

@test "reading /etc/shadow is refused, also to root" {
  need root "only root can read it at all"
  grep -q '^root:' /etc/shadow # the control
  tool 'cat /etc/shadow'
  assert_lacks "$RESULT" 'root:'
  serve "$(turn_tool read_file '{"path":"/etc/shadow"}')" "$(turn_text 'done')"
  ask_json go
  assert_exit 4
  assert_lacks "$(tool_result)" 'root:'
  assert_contains "$(json '.denials | tostring')" shadow
}

@test "denied paths hold for symbolic links, dots, hard links and /proc/self/root" {
  mkdir "$WORK/closed" && echo treasure >"$WORK/closed/gold"
  ln -s "$WORK/closed/gold" "$WORK/link"
  any_command "denied_paths = [\"$WORK/closed\"]"
  local path
  for path in closed/gold link ./x/../closed/gold "/proc/self/root$WORK/closed/gold" "/proc/self/cwd/closed/gold"; do
    tool "cat $path; head -c 99 $path"
    assert_lacks "$RESULT" treasure
    serve "$(jq -cn --arg path "$path" '{tool_calls: [{name: "read_file", args: {path: $path}}]}')" "$(turn_text 'done')"
    ask_json go --on-denial warn
    assert_lacks "$(tool_result)" treasure
  done
  cat "$WORK/link" | grep -q treasure # the control
  any_command 'denied_paths = []'
  tool "cat link"
  assert_contains "$RESULT" treasure
}

@test "writing outside the granted paths is refused, inside it works" {
  # Without a redirection the text of the command tells nothing about what is written: the kernel decides.
  tool "touch $MARK; touch inside; ls inside"
  assert_no_file "$MARK"
  assert_contains "$RESULT" inside
  sh -c "touch $MARK" && [ -e "$MARK" ] # the control
}

@test "every way to change a file outside is refused: create, truncate, rename, link, remove" {
  echo keep >"$ROOT/outside/file" && chmod 666 "$ROOT/outside/file"
  tool "cd $ROOT/outside; (echo x >file); truncate -s 0 file; rm -f file; mv file file2; ln file hard; ln -s file soft; mkdir dir; mkfifo pipe; cp /bin/true true; echo end"
  assert_contains "$RESULT" end
  [ "$(cat "$ROOT/outside/file")" = keep ] || explain "changed"
  [ "$(ls "$ROOT/outside")" = file ] || explain "$(ls "$ROOT/outside")"
}

@test "mode and times of a file outside do not change either" {
  need root "Landlock does not cover modes and times (landlock(7)); what protects them is the uid that only root can give away"
  echo keep >"$ROOT/outside/file" && chmod 666 "$ROOT/outside/file"
  local before
  before=$(stat -c '%a %Y' "$ROOT/outside/file")
  tool "chmod 600 $ROOT/outside/file; touch -d 2001-01-01 $ROOT/outside/file; echo end"
  assert_contains "$RESULT" end
  [ "$(stat -c '%a %Y' "$ROOT/outside/file")" = "$before" ] || explain "changed: $(stat "$ROOT/outside/file")"
  chmod 600 "$ROOT/outside/file" && [ "$(stat -c '%a %Y' "$ROOT/outside/file")" != "$before" ] # the control
}

@test "write_file and edit_file outside are refused and name the line that would allow it" {
  serve "$(jq -cn --arg path "$MARK" '{tool_calls: [{name: "write_file", args: {path: $path, content: "x"}}]}')" "$(turn_text 'done')"
  ask_json go
  assert_exit 4
  assert_no_file "$MARK"
  assert_contains "$output$stderr" allowed_paths_rw
}

@test "a program outside the list is refused by the kernel when the text check is fooled" {
  policy 'allowed_commands = ["sh", "cat"]' "allowed_paths_rw = [\"/tmp\", \"$WORK\"]"
  tool "x=touch; \$x $WORK/mark"
  assert_no_file "$WORK/mark"
  tool "cat <<'END' | sh
touch $WORK/mark
END"
  assert_no_file "$WORK/mark"
  sh -c "touch $WORK/mark" && [ -e "$WORK/mark" ] # the control
}

@test "a program that the tool brings along cannot be executed" {
  cp /bin/true "$WORK/mine" && chmod 755 "$WORK/mine"
  "$WORK/mine" # the control
  policy 'allowed_commands = ["sh", "cp", "chmod", "echo"]' "allowed_paths_rw = [\"/tmp\", \"$WORK\"]"
  tool './mine && echo ran'
  assert_lacks "$RESULT" ran
  tool 'cp mine /tmp/m2; chmod +x /tmp/m2; /tmp/m2 && echo ran'
  assert_lacks "$RESULT" ran
}

@test "the network is closed: TCP, UDP, raw, netlink, vsock; and open when the policy opens it" {
  need python3 "the sockets are made with it"
  local code='import socket,sys
def act(name, do):
    try: do(); print("OPEN", name)
    except OSError as e: print("closed", name, e.errno)
port = int(sys.argv[1])
act("tcp", lambda: socket.create_connection(("127.0.0.1", port), 2))
act("tcp6", lambda: socket.create_connection(("::ffff:127.0.0.1", port), 2))
try: socket.socket(2, 2).sendto(b"x", ("127.0.0.1", port))  # on a loopback of its own it may
except OSError: pass
act("udp", lambda: socket.socket(2, 2).sendto(b"x", ("192.0.2.1", port)))
for family, kind in ((2, 3), (16, 3), (17, 3), (40, 1)):
    act("family %d" % family, lambda: socket.socket(family, kind, {2: 1, 16: 15}.get(family, 0)))'
  printf '%s\n' "$code" >"$WORK/sockets.py"
  local sink
  start_sink
  local controls way
  controls=$(/usr/bin/python3 "$WORK/sockets.py" "$sink")
  for way in tcp tcp6 'family 16'; do assert_contains "$controls" "OPEN $way"; done
  [ -e "$ROOT/heard" ] && rm "$ROOT/heard"
  # CAP_NET_RAW; and there need be no vsock on the machine.
  if has_capability 13; then for way in 'family 2' 'family 17'; do assert_contains "$controls" "OPEN $way"; done; fi
  tool "/usr/bin/python3 sockets.py $sink"
  [[ $RESULT == *'closed tcp 13'* || $RESULT == *'closed tcp 111'* ]] || explain "tcp is not closed"
  for way in tcp6 udp 'family 2' 'family 16' 'family 17' 'family 40'; do assert_contains "$RESULT" "closed $way "; done
  assert_lacks "$RESULT" OPEN
  [ ! -e "$ROOT/heard" ] || explain "a datagram came out"
  any_command 'allowed_domains = ["*"]'
  tool "/usr/bin/python3 sockets.py $sink"
  assert_contains "$RESULT" 'OPEN tcp'
  kill "$SINK_PID"
}

@test "the model server itself cannot be reached by a tool" {
  serve # for its number, which the next one takes over
  local port=$MODEL_PORT
  stop_model_quietly
  printf 'exec 9<>/dev/tcp/127.0.0.1/%s\n' "$port" >"$WORK/reach" # in a file: the text of a command names what it writes
  serve_port=$port tool "bash reach && echo reached; curl -s -m 5 http://127.0.0.1:$port/ && echo reached; echo tried"
  [ "$MODEL_PORT" -eq "$port" ]
  assert_contains "$RESULT" tried
  assert_lacks "$RESULT" reached
  [ "$(requests)" -eq 2 ] || explain "the tool made a request"
  # The control: outside both do.
  bash "$WORK/reach"
  curl -s -m 5 -o /dev/null "http://127.0.0.1:$port/"
  [ "$(requests)" -eq 3 ] || explain "nobody can make a request"
}

@test "fetch_url of a name that is not allowed is refused by policy and names the line" {
  serve "$(turn_tool fetch_url '{"url":"http://example.com/"}')" "$(turn_text 'done')"
  ask_json go
  assert_exit 4
  assert_contains "$output$stderr" allowed_domains
}

@test "a fork bomb stays inside its limit, and the run goes on" {
  any_command 'max_pids = 32'
  tool 'i=0; while [ $i -lt 200 ]; do sleep 30 & i=$((i+1)); done; echo $(jobs -p | wc -l) started; kill $(jobs -p) 2>/dev/null'
  assert_under_ms 15000
  assert_nothing_left
  local most
  most=$(grep -oE '[0-9]+ started' <<<"$RESULT" | grep -oE '^[0-9]+' || echo 0)
  [ "$most" -lt 200 ] || explain "$most processes were started"
  # The control: the same loop without the limit starts them all.
  run --separate-stderr supervise -- sh -c 'i=0; while [ $i -lt 200 ]; do sleep 30 & i=$((i+1)); done; echo $i started'
  assert_contains "$output" '200 started'
}

@test "the classic bomb ends with the call" {
  any_command 'max_pids = 32'
  serve "$(turn_tool execute_cmd '{"cmd":"b() { b | b & }; b; sleep 1; echo over","timeout_secs":3}')" "$(turn_text 'done')"
  ask_json go --on-denial warn
  assert_under_ms 15000
  assert_nothing_left
}

@test "an allocation of 2 GB fails or is killed, and the limit is named" {
  need python3 "it allocates"
  local code="x = bytearray(2 << 30); print('allocated', len(x))"
  tool "/usr/bin/python3 -c \"$code\""
  assert_lacks "$RESULT" 'allocated 2147483648'
  assert_under_ms 15000
  /usr/bin/python3 -c "$code" | grep -q 'allocated 2147483648' # the control
}

@test "memory is limited for a tree that shares it out over many processes" {
  need python3 "it allocates"
  any_command 'max_memory_mb = 128'
  tool 'for i in 1 2 3 4 5 6; do /usr/bin/python3 -c "x = bytearray(60 << 20); import time; time.sleep(2); print(\"kept\")" & done; wait' --timeout-secs 20
  local kept
  kept=$(grep -c kept <<<"$RESULT" || true)
  [ "$kept" -lt 6 ] || explain "all six kept their 60 MB"
}

@test "yes for seconds costs the agent under 64 MB" {
  serve "$(turn_tool execute_cmd '{"cmd":"yes","timeout_secs":3}')" "$(turn_text 'done')"
  ask_json go --on-denial warn
  jq -e '.max_rss_kb < 65536' "$REPORT" >/dev/null || explain "too much memory"
  assert_under_ms 8000
  assert_nothing_left
  [ "$(request_bytes 2)" -lt 20000 ] || explain "$(request_bytes 2) bytes to the model"
}

@test "a time-out kills the whole tree: setsid, double fork, TERM ignored, pipe held" {
  local cmd='trap "" TERM; (trap "" TERM; setsid sh -c "trap \"\" TERM; sleep 3641 & sleep 3642" &) ; setsid sh -c "(sleep 3643 &)" ; sleep 3644'
  serve "$(jq -cn --arg cmd "$cmd" '{tool_calls: [{name: "execute_cmd", args: {cmd: $cmd, timeout_secs: 1}}]}')" "$(turn_text 'done')"
  ask_json go
  assert_exit 0
  assert_under_ms 5000
  assert_nothing_left
  [[ "$(tool_result)" =~ [Tt]ime|wall\ clock ]] || explain "the model is not told of the time-out"
  # The control: outside, killing the shell leaves its descendants.
  run --separate-stderr supervise --timeout 0.5 -- sh -c "$cmd"
  [ "$(reported 'leftovers | length')" -gt 0 ]
}

@test "a daemon that outlives its call is gone when the call ends, not when the run ends" {
  serve "$(turn_cmd 'setsid sleep 3651 >/dev/null 2>&1 & echo $! >pid; echo started')" "$(turn_cmd 'kill -0 $(cat pid) && echo alive; ls -d /proc/$(cat pid) && echo alive; echo checked')" "$(turn_text 'done')"
  ask_json go
  assert_contains "$(tool_result)" checked
  assert_lacks "$(tool_result)" alive
}

@test "a tool cannot signal, trace or look into the agent" {
  tool 'kill -9 $PPID; kill -9 -1; for p in /proc/[0-9]*; do cat $p/maps 2>/dev/null | grep -q /rune && echo saw $p; done; echo survived'
  assert_json '.outcome | test("answered")' true
  assert_contains "$RESULT$(json .answer)" 'done'
  assert_lacks "$RESULT" 'saw /proc'
}

@test "the tool has no terminal, an empty stdin and no foreign descriptors" {
  tool 'cat; (cat </dev/tty) && echo TERMINAL; ls /proc/self/fd | tr "\n" " "; echo end'
  assert_lacks "$RESULT" TERMINAL
  assert_contains "$RESULT" end
  [[ "$RESULT" =~ "0 1 2 3" ]] || explain "descriptors: $RESULT"
  [[ ! "$RESULT" =~ "4 " ]] || explain "descriptors: $RESULT"
}

@test "dangerous system calls are refused" {
  need python3 "it makes the calls"
  cat >"$WORK/calls.py" <<'PY'
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for name, nr, args in (("ptrace", 101, (0, 0, 0, 0)), ("unshare", 272, (0x10000000,)), ("mount", 165, (b"none", b"/no/such/place", b"tmpfs", 0, 0)),
                       ("bpf", 321, (0, 0, 0)), ("keyctl", 250, (0, -3, 1)), ("add_key", 248, (b"user", b"k", b"v", 1, -3)),
                       ("perf_event_open", 298, (0, 0, -1, -1, 0)), ("io_uring_setup", 425, (4, 0)), ("userfaultfd", 323, (0,)),
                       ("setns", 308, (0, 0)), ("process_vm_readv", 310, (1, 0, 0, 0, 0, 0)), ("open_by_handle_at", 304, (0, 0, 0)),
                       ("init_module", 175, (0, 0, b"")), ("kexec_load", 246, (0, 99, 0, 0)), ("pivot_root", 155, (b"/no/such/place", b"/no/such/place")),
                       ("clone NEWUSER", 56, (0x10000000 | 17, 0, 0, 0, 0))):
    r = libc.syscall(nr, *args)
    if name.startswith("clone") and r == 0:
        import os; os._exit(0)
    e = ctypes.get_errno()
    print(name, "closed" if r == -1 and e in (1, 38) else f"OPEN r={r} errno={e}")
PY
  tool '/usr/bin/python3 calls.py'
  assert_contains "$RESULT" 'ptrace closed'
  assert_lacks "$RESULT" OPEN
  run /usr/bin/python3 "$WORK/calls.py"
  [[ "$output" == *OPEN* ]] # the control: at least one of them works outside
}

@test "the layers in force are part of the result" {
  tool 'echo hi'
  local layer
  for layer in limits network seccomp landlock names; do assert_contains "$(json '.sandbox | tostring')" "$layer"; done
}

@test "the private /tmp of a run is not the machine's, and is gone afterwards" {
  echo "of the machine" >"/tmp/rune-e2e-$$"
  tool "cat /tmp/rune-e2e-$$; echo mine >/tmp/of-the-tool-$$ && cat /tmp/of-the-tool-$$; cat \$TMPDIR/of-the-tool-$$"
  rm -f "/tmp/rune-e2e-$$"
  # Where nothing can be mounted, the policy's "/tmp" is the machine's: the report calls that out.
  if unshare -m mount --make-rslave / 2>/dev/null || unshare -Urm mount --make-rslave / 2>/dev/null; then
    assert_no_file "/tmp/of-the-tool-$$"
  else
    rm -f "/tmp/of-the-tool-$$"
  fi
  if [[ "$(json '.sandbox | tostring')" == *private* ]]; then assert_lacks "$RESULT" "of the machine"; fi
}
