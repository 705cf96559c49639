#!/usr/bin/env bats
# What programs expect of a machine of their own: watches on files, shared memory, terminals.

load helpers

setup() {
  e2e_setup "$RUNE_SANDBOX"
  chmod 777 "$WORK"
}
teardown() { e2e_teardown; }

box() { run --separate-stderr "${DROP[@]}" "$RUNE_SANDBOX" --system --rw "$WORK" --chdir "$WORK" "$@"; }
own() {
  "$RUNE_SANDBOX" --system --report "$WORK/own.json" -- /bin/true 2>/dev/null
  grep -q "own $1" "$WORK/own.json"
}

@test "tail -f hears of lines by inotify, with namespaces and without" {
  local drop
  for drop in "" "setpriv --bounding-set -sys_admin"; do
    [ -z "$drop" ] || [ "$EUID" -eq 0 ] || continue
    read -ra DROP <<<"$drop"
    rm -f log
    # Falling back to looking once a second is said by tail itself.
    box -- sh -c 'echo one >log; timeout 5 tail -n +1 -f log >heard & sleep 0.5; echo two >>log; for i in 1 2 3 4 5 6 7; do grep -q two heard && break; sleep 0.1; done; cat heard; kill $!'
    [ "${lines[*]}" = 'one two' ] || explain "$drop"
    assert_lacks "$stderr" inotify
  done
}

write_segment() {
  cat >segment.py <<'PY'
import ctypes, sys, time
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
size = int(sys.argv[1]) << 20
segment = libc.shmget(0x52554e45, size, 0o1600)
if segment < 0: sys.exit(f"errno {ctypes.get_errno()}")
at = libc.shmat(segment, None, 0)
for i in range(0, size, 1 << 20): ctypes.memset(at + i, 1, 1 << 20)
libc.shmdt(ctypes.c_void_p(at))
time.sleep(0.5)
print("kept")
PY
}

@test "shared memory of System V is the run's own, counts, and is gone with it" {
  own ipc || skip "needs an IPC namespace"
  write_segment
  box --memory 256M -- python3 segment.py 40
  [ "$output" = kept ] || explain "own"
  # Nobody owns it and nobody maps it any more, and it counts all the same.
  box --memory 256M --report "$ROOT/r.json" -- python3 segment.py 300
  [ "$status" -eq 124 ] || explain "limit"
  [ "$(jq -r .limit "$ROOT/r.json")" = memory ]
  [ "$(grep -c "$((0x52554e45))" /proc/sysvipc/shm)" = 0 ]
  python3 segment.py 300
  [ "$(grep -c "$((0x52554e45))" /proc/sysvipc/shm)" = 1 ]
  ipcrm -M 0x52554e45
}

@test "without a namespace of its own it is not there, which programs take for an answer" {
  need root "an ordinary user's namespaces cannot be taken away here"
  write_segment
  DROP=(setpriv --bounding-set -sys_admin)
  box -- python3 segment.py 1
  assert_contains "$stderr" 'errno 38'
}
