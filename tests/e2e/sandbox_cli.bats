#!/usr/bin/env bats
# rune-sandbox by hand: every flag, and the report.

load helpers
setup() {
  e2e_setup "$RUNE_SANDBOX"
  chmod 777 "$WORK"
  R=$ROOT/sandbox.json
}
teardown() { e2e_teardown; }

# box FLAG... -- COMMAND...
box() { run --separate-stderr supervise -- "$RUNE_SANDBOX" "$@"; }

@test "--help explains every flag, --version names the version" {
  box --help
  assert_exit 0
  local flag
  for flag in --ro --rox --rw --deny --system --net --memory --pids --disk --timeout --max-output --deny-syscall --env --chdir --require --report --help --version; do
    assert_contains "$output" "$flag"
  done
  box --version
  assert_exit 0
  [[ "$output" =~ [0-9]+\.[0-9]+\.[0-9]+ ]]
}

@test "usage errors are exit 2 with one line" {
  box
  assert_exit 2
  box --no-such-flag -- /bin/true
  assert_exit 2
  assert_contains "$stderr" no-such-flag
  box --system --net sometimes -- /bin/true
  assert_exit 2
  box --system --memory lots -- /bin/true
  assert_exit 2
  box --system --deny-syscall no_such_call -- /bin/true
  assert_exit 2
  assert_contains "$stderr" no_such_call
}

@test "the command's exit code is the program's" {
  box --system --rox /bin --rox /usr -- /bin/sh -c 'exit 7'
  assert_exit 7
  box --system --rox /bin --rox /usr -- /bin/sh -c 'kill -9 $$'
  assert_exit 137
}

@test "stdout and stderr of the command are passed through, stdin too or empty" {
  box --system --rox /usr --rox /bin -- /bin/sh -c 'echo out; echo err >&2'
  [ "$output" = out ] || explain stdout
  # Where a layer is less than asked for, a warning comes before it.
  [ "$(grep -v '^warning: ' <<<"$stderr")" = err ] || explain stderr
}

@test "a command that does not exist is 127, one that may not be executed is 126" {
  box --system --rox /usr --rox /bin -- /bin/no-such-program
  assert_exit 127
  box --ro /usr --ro /bin --ro /lib --ro /lib64 --ro /etc -- /bin/true
  assert_exit 126
}

@test "--ro reads but neither writes nor executes" {
  echo hello >"$WORK/file"
  cp /bin/true "$WORK/prog"
  box --system --rox /usr --rox /bin --ro "$WORK" -- /bin/sh -c "cat $WORK/file; echo x >$WORK/new; $WORK/prog && echo ran"
  assert_contains "$output" hello
  assert_lacks "$output" ran
  assert_no_file "$WORK/new"
}

@test "--rox executes, --rw writes and does not execute" {
  cp /bin/true "$WORK/prog"
  box --system --rox /usr --rox /bin --rox "$WORK" -- /bin/sh -c "$WORK/prog && echo ran"
  assert_contains "$output" ran
  box --system --rox /usr --rox /bin --rw "$WORK" -- /bin/sh -c "echo x >$WORK/new; $WORK/prog && echo ran"
  [ -e "$WORK/new" ] || explain "not written"
  assert_lacks "$output" ran
}

@test "without a grant nothing is readable; --deny wins over a grant around it" {
  mkdir "$WORK/closed" && echo gold >"$WORK/closed/f" && echo silver >"$WORK/open"
  box --system --rox /usr --rox /bin -- /bin/cat "$WORK/open"
  [ "$status" -ne 0 ] || explain "readable without a grant"
  box --system --rox /usr --rox /bin --ro "$WORK" --deny "$WORK/closed" -- /bin/sh -c "cat $WORK/open; cat $WORK/closed/f"
  assert_contains "$output" silver
  assert_lacks "$output" gold
}

@test "--net none closes every internet socket, --net open leaves the machine's" {
  need python3 "it makes the socket"
  local make='import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM); print("made")'
  box --system --rox /usr --rox /bin --rox /lib --net none -- /usr/bin/python3 -c "$make"
  assert_lacks "$output" made
  box --system --rox /usr --rox /bin --rox /lib --net open -- /usr/bin/python3 -c "$make"
  assert_contains "$output" made
}

@test "closed is the default of the network" {
  need python3 "it makes the socket"
  local server='import socket, sys
listener = socket.create_server(("127.0.0.1", 0)); print(listener.getsockname()[1], flush=True); sys.stdin.read()'
  local reach='import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])), 2); print("reached")'
  coproc SERVER { /usr/bin/python3 -c "$server"; }
  local port
  read -r port <&"${SERVER[0]}"
  [ "$(/usr/bin/python3 -c "$reach" "$port")" = reached ] # the control
  box --system --rox /usr --rox /bin --rox /lib -- /usr/bin/python3 -c "$reach" "$port"
  assert_lacks "$output" reached
  box --system --rox /usr --rox /bin --rox /lib --net none -- /usr/bin/python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM); print("made")'
  assert_lacks "$output" made
  box --system --rox /usr --rox /bin --rox /lib --allow-domain "127.0.0.1:$port" -- /usr/bin/python3 -c "$reach" "$port"
  assert_contains "$output" reached
  kill "$SERVER_PID"
}

@test "--timeout ends the command and its whole tree, and the report says wall" {
  box --system --rox /usr --rox /bin --timeout 0.5 --report "$R" -- /bin/sh -c 'trap "" TERM; setsid sleep 3691 & sleep 3692'
  assert_exit 124
  assert_under_ms 4000
  assert_nothing_left
  [[ "$(cat "$R")" == *wall* ]] || explain "$(cat "$R")"
}

@test "--memory, --pids and --max-output hold, and the report names the limit" {
  need python3 "it allocates"
  box --system --rox /usr --rox /bin --rox /lib --memory 128M --report "$R" -- /usr/bin/python3 -c 'x = bytearray(1 << 30); print("got", len(x))'
  assert_lacks "$output" got
  box --system --rox /usr --rox /bin --pids 16 --timeout 10 --report "$R" -- /bin/bash -c 'for i in {1..60}; do sleep 20 & done; echo $(jobs -p | wc -l); kill $(jobs -p)'
  [[ ! "$output" =~ ^60$ ]] || explain "60 processes"
  assert_nothing_left
  box --system --rox /usr --rox /bin --max-output 1M --timeout 10 --report "$R" -- /usr/bin/yes
  [ "$status" -ne 0 ]
  [[ "$(cat "$R")" == *output* ]] || explain "$(cat "$R")"
  [ "${#output}" -le 1200000 ]
}

@test "--cpu holds for all processes of the tree together" {
  box --system --cpu 1 --timeout 20 --report "$R" -- /bin/sh -c 'for i in 1 2 3 4; do (while :; do :; done) & done; wait'
  assert_exit 124
  assert_under_ms 8000
  assert_contains "$(cat "$R")" '"limit":"cpu"'
  assert_nothing_left
  # The control: the same work in less time than that passes.
  box --system --cpu 20 --timeout 20 -- /bin/sh -c 'for i in 1 2; do (n=0; while [ $n -lt 1000 ]; do n=$((n+1)); done) & done; wait; echo over'
  assert_contains "$output" over
}

@test "--deny-syscall closes the family" {
  need python3 "it makes the call"
  local code='import os
try: os.mkdir("'"$WORK"'/d"); print("made")
except OSError as e: print("refused", e.errno)'
  box --system --rox /usr --rox /bin --rox /lib --rw "$WORK" -- /usr/bin/python3 -c "$code"
  assert_contains "$output" made
  rmdir "$WORK/d"
  box --system --rox /usr --rox /bin --rox /lib --rw "$WORK" --deny-syscall mkdir -- /usr/bin/python3 -c "$code"
  assert_contains "$output" refused
}

@test "--env adds a variable to a clean environment, --chdir sets the directory" {
  SECRET_OF_MINE=canary box --system --rox /usr --rox /bin --ro "$WORK" --env COLOUR=blue --chdir "$WORK" -- /bin/sh -c 'env; pwd'
  assert_contains "$output" COLOUR=blue
  assert_lacks "$output" canary
  assert_lacks "$output" "$HOME"
  assert_contains "$output" "$WORK"
}

@test "--require refuses to run when a layer cannot be had, and then nothing ran" {
  box --system --rox /usr --rox /bin --rw "$WORK" --require --report "$R" -- /bin/sh -c "echo x >$WORK/ran"
  if [ "$status" -eq 0 ]; then
    [[ "$(jq -r '[.. | strings] | join(" ")' "$R")" != *missing* ]] || explain "ran although a layer is missing"
  else
    assert_no_file "$WORK/ran"
    [ -n "$stderr" ] || explain "not said why"
  fi
  box --system --rox /usr --rox /bin --require=landlock,seccomp -- /bin/true
  assert_exit 0
  box --system --rox /usr --rox /bin --require=landluck -- /bin/true
  assert_exit 2
  assert_contains "$stderr" landlock
}

@test "the report is JSON with the five layers, the exit and the times" {
  box --system --rox /usr --rox /bin --report "$R" -- /bin/true
  assert_exit 0
  local layer
  jq -e . "$R" >/dev/null || explain "not JSON"
  for layer in limits network seccomp landlock names; do assert_contains "$(cat "$R")" "$layer"; done
  assert_contains "$(cat "$R")" exit
}

@test "descendants are gone when the command ends" {
  box --system --rox /usr --rox /bin -- /bin/sh -c 'setsid sleep 3701 >/dev/null 2>&1 & (nohup sleep 3702 >/dev/null 2>&1 &); echo end'
  assert_exit 0
  assert_contains "$output" end
  assert_under_ms 3000
  assert_nothing_left
}

@test "SIGTERM to rune-sandbox takes the tree with it" {
  run --separate-stderr supervise --when "$WORK/cue" -- "$RUNE_SANDBOX" --system --rox /usr --rox /bin --rw "$WORK" -- \
    /bin/sh -c "trap '' TERM; echo x >$WORK/cue; setsid sleep 3711 & sleep 3712"
  [ "$status" -ne 0 ]
  jq -e '.signal_to_exit_ms < 3000' "$REPORT" >/dev/null || explain "slow to leave"
  assert_nothing_left
}

@test "SIGKILL of rune-sandbox takes the tree with it" {
  run --separate-stderr supervise --when "$WORK/cue" --signal KILL -- "$RUNE_SANDBOX" --system --rox /usr --rox /bin --rw "$WORK" -- \
    /bin/sh -c "echo x >$WORK/cue; setsid sleep 3721 & sleep 3722"
  assert_exit 137
  assert_nothing_left
}

@test "root does not stay root: the command has no capability and, where it can, another uid" {
  need root "there is nothing to drop otherwise"
  box --system --rox /usr --rox /bin -- /bin/sh -c 'grep -E "^(CapEff|CapPrm|CapBnd|NoNewPrivs|Uid)" /proc/self/status'
  assert_exit 0
  [[ "$output" =~ CapEff:[[:space:]]*0000000000000000 ]] || explain caps
  [[ "$output" =~ CapBnd:[[:space:]]*0000000000000000 ]] || explain caps
  [[ "$output" =~ NoNewPrivs:[[:space:]]*1 ]] || explain nnp
  [[ ! "$output" =~ Uid:[[:space:]]*0 ]] || explain uid
}

@test "an ordinary user gets the same confinement" {
  need root "to become the user nobody"
  need setpriv "to become the user nobody"
  run --separate-stderr supervise -- setpriv --reuid=65534 --regid=65534 --clear-groups "$RUNE_SANDBOX" --system --rox /usr --rox /bin -- \
    /bin/sh -c "id -u; cat /etc/shadow; echo x >$WORK/new; echo end"
  assert_exit 0
  assert_contains "$output" 65534
  assert_contains "$output" end
  assert_no_file "$WORK/new"
}

@test "under a filter that allows no namespaces it still confines" {
  need root "to be root in it"
  need cap_sys_admin "to install the filter without no_new_privs; where that is not allowed, one like it is in force already"
  need python3 "it installs the filter"
  # Docker's default profile answers unshare and mount with EPERM and clone3 with ENOSYS.
  cat >"$ROOT/docker.py" <<'PY'
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
deny = {165: 1, 166: 1, 272: 1, 308: 1, 155: 1, 310: 1, 311: 1, 428: 1, 429: 1, 430: 1, 435: 38}
code = [(0x20, 0, 0, 0)]
for nr, errno in deny.items():
    code += [(0x15, 0, 1, nr), (0x06, 0, 0, 0x00050000 | errno)]
code += [(0x06, 0, 0, 0x7fff0000)]
program = b"".join(struct.pack("HBBI", *line) for line in code)
buffer = ctypes.create_string_buffer(program)
fprog = struct.pack("HxxxxxxQ", len(code), ctypes.addressof(buffer))
if libc.prctl(22, 2, fprog, 0, 0) != 0:  # as root with CAP_SYS_ADMIN: no no_new_privs needed
    sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
os.execv(sys.argv[1], sys.argv[1:])
PY
  run --separate-stderr supervise -- /usr/bin/python3 "$ROOT/docker.py" "$RUNE_SANDBOX" --system --rox /usr --rox /bin --report "$R" -- \
    /bin/sh -c "cat /etc/shadow; echo x >$WORK/new; echo end"
  assert_exit 0
  assert_contains "$output" end
  assert_lacks "$output" root:
  assert_no_file "$WORK/new"
}

@test "the single-layer names apply one layer and run the command" {
  local name
  for name in rune-seccomp rune-landlock; do
    [ -e "$BIN_DIR/$name" ] || skip "no $name beside rune-sandbox"
  done
  run --separate-stderr "$BIN_DIR/rune-seccomp" -- /bin/echo one
  assert_exit 0
  [ "$output" = one ]
  run --separate-stderr "$BIN_DIR/rune-landlock" --system --rox /usr --rox /bin -- /bin/cat /etc/hostname
  assert_exit 0
}

@test "a closed standard descriptor is not taken by a socket of ours and handed to the command" {
  local closed
  for closed in '<&-' '>&-' '<&- >&-' '>&- 2>&-' '<&- >&- 2>&-'; do
    eval "\"\$RUNE_SANDBOX\" --system --rw \"\$WORK\" -- /bin/sh -c 'readlink /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 >$WORK/fds' $closed" || true
    [ -s "$WORK/fds" ] || explain "the command did not run with $closed"
    assert_lacks "$(cat "$WORK/fds")" socket:
    assert_lacks "$(cat "$WORK/fds")" signalfd
  done
  # The control: a socket that is handed over on purpose does show.
  run --separate-stderr /usr/bin/python3 -c '
import socket, subprocess, sys
a, b = socket.socketpair()
subprocess.run(sys.argv[1:], stdin=a, check=True)' "$RUNE_SANDBOX" --system -- /bin/sh -c 'readlink /proc/self/fd/0'
  assert_contains "$output" socket:
}

@test "a client that is killed leaves neither its directory nor a process" {
  local pid dir
  # The name of the directory, whether it is mounted as /tmp or not.
  "$RUNE_SANDBOX" --system -- /bin/sh -c 'ls -d "$TMPDIR"/rune-* 2>/dev/null || echo "$TMPDIR"; setsid sleep 77.7 & sleep 77.7' >"$ROOT/said" &
  pid=$!
  until [ -s "$ROOT/said" ] && pgrep -f 'sleep 77[.]7' >/dev/null; do :; done
  dir=/tmp/$(basename "$(cat "$ROOT/said")")
  [ -d "$dir" ] # the control
  kill -KILL "$pid"
  local deadline=$((SECONDS + 5))
  while pgrep -f 'sleep 77[.]7' >/dev/null || [ -e "$dir" ]; do
    [ "$SECONDS" -lt "$deadline" ] || explain "left: $(pgrep -fa 'sleep 77[.]7'; ls -ld "$dir")"
  done
}

@test "shared memory counts, on every backend" {
  box --system --memory 128M -- /usr/bin/python3 -c 'import mmap
m = mmap.mmap(-1, 64 << 20)
for i in range(64): m[i << 20:(i + 1) << 20] = b"x" * (1 << 20)
print("small")'
  assert_contains "$output" small
  box --system --memory 128M -- /usr/bin/python3 -c 'import mmap, time
m = mmap.mmap(-1, 1000 << 20)
for i in range(1000): m[i << 20:(i + 1) << 20] = b"x" * (1 << 20); time.sleep(0.002)
print("large")'
  assert_lacks "$output" large
}

@test "without a /proc nothing runs, because nothing could be killed; where mounts can be made there is one" {
  need root "unmounts /proc in a mount namespace of its own"
  unshare -m true 2>/dev/null || skip "no mount namespace can be made here"
  run --separate-stderr unshare -m sh -c "umount -l /proc; umount -l /proc 2>/dev/null; exec setpriv --bounding-set -sys_admin '$RUNE_SANDBOX' --system -- /bin/echo ran"
  [ "$status" -eq 126 ]
  assert_lacks "$output" ran
  assert_contains "$stderr" /proc
  run --separate-stderr unshare -m sh -c "umount -l /proc; umount -l /proc 2>/dev/null; exec '$RUNE_SANDBOX' --system -- /bin/echo ran"
  assert_contains "$output" ran
}

@test "disk is a limit of everything that a command writes, and within it a command goes on" {
  box --system --disk 24M --report "$R" -- /bin/sh -c 'for i in 1 2 3 4 5 6; do head -c 10M /dev/zero >"$TMPDIR/$i"; sleep 0.2; done; sleep 5'
  assert_exit 124
  [ "$(jq -r .limit "$R")" = disk ]
  box --system --disk 24M --report "$R" -- /bin/sh -c 'head -c 10M /dev/zero >"$TMPDIR/1"; sleep 0.5'
  assert_exit 0
  [ "$(jq -r .limit "$R")" = none ]
}

@test "processor time of children that nobody waits for counts and is reported" {
  box --system --cpu 1 --report "$R" -- /usr/bin/python3 -c '
import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for i in range(8):
    if os.fork() == 0:
        while time.process_time() < 0.5: pass
        os._exit(0)
    try: os.wait()
    except ChildProcessError: pass'
  assert_exit 124
  [ "$(jq -r .limit "$R")" = cpu ]
  [ "$(jq -r .cpu_us "$R")" -ge 900000 ]
}

@test "few open files are enough, and too few are named" {
  run bash -c 'ulimit -n 64; exec "$@"' bash "$RUNE_SANDBOX" --system -- /bin/echo fine
  assert_exit 0
  assert_contains "$output" fine
  run bash -c 'ulimit -n 20; exec "$@"' bash "$RUNE_SANDBOX" --system -- /bin/echo fine
  assert_exit 126
  assert_contains "$output" 'RLIMIT_NOFILE is 20'
}

@test "a command that uses up what the sandbox may open is still ended by its time" {
  run bash -c 'ulimit -n 100; exec "$@"' bash "$RUNE_SANDBOX" --system --net guarded --timeout 2 -- /usr/bin/python3 -c '
import socket, time
kept = []
while True:
    try: kept.append(socket.socket())
    except OSError: time.sleep(0.01)'
  assert_exit 124
}
