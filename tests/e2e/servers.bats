#!/usr/bin/env bats
# Servers that commands run for themselves: on any port that takes no privilege, reached by the command and by nobody else. In a
# network of the run's own, and where there is none, on the machine's loopback.

load helpers

setup() {
  e2e_setup "$RUNE_SANDBOX"
  chmod 777 "$WORK"
}
teardown() { e2e_teardown; }

box() { run --separate-stderr "${DROP[@]}" "$RUNE_SANDBOX" --system --rw "$WORK" --chdir "$WORK" "$@"; }
# On the machine's loopback: what remains without the right to make namespaces.
without_namespaces() {
  need root "an ordinary user's namespaces cannot be taken away here"
  DROP=(setpriv --bounding-set -sys_admin)
}
own_network() {
  box --report "$ROOT/network.json" -- /bin/true
  grep -q 'own process ids' "$ROOT/network.json" || skip "needs namespaces of the run's own"
}

# A server on the port that somebody else of the machine listens on. Says who answers, and where it believes to be.
write_server() {
  cat >server.py <<'PY'
import socket, sys
port = int(sys.argv[1])
server = socket.socket()
server.bind((sys.argv[2], port))
server.listen()
client = socket.create_connection(("localhost", port))
there, _ = server.accept()
there.sendall(b"mine")
print(client.recv(4).decode(), server.getsockname()[1] == port)
PY
}
# stranger COMMAND...: while a server of the machine listens on $PORT of loopback, which says on a line how often it was reached.
stranger() {
  "${PYTHON[@]}" - "$ROOT" <<'PY' 3>&- &
import pathlib, socket, sys
root = pathlib.Path(sys.argv[1])
server = socket.create_server(("127.0.0.1", 0))
(root / "port.new").write_text(str(server.getsockname()[1]))
(root / "port.new").rename(root / "port")
while True:
    server.accept()[0].close()
    with open(root / "reached", "a") as log: print("reached", file=log)
PY
  STRANGER=$!
  while [ ! -e "$ROOT/port" ]; do sleep 0.02; done
  PORT=$(cat "$ROOT/port")
}
assert_served() {
  [ "$output" = 'mine True' ] || explain "not served"
  [ ! -e "$ROOT/reached" ] || explain "it was the stranger that was reached"
}

@test "a server has the port that it asks for, though somebody has it outside" {
  write_server
  stranger
  run --separate-stderr python3 server.py "$PORT" 127.0.0.1
  assert_contains "$stderr" 'Address already in use'
  for address in 127.0.0.1 0.0.0.0; do
    box -- python3 server.py "$PORT" $address
    assert_served
  done
  kill "$STRANGER"
}

@test "without namespaces too" {
  without_namespaces
  write_server
  stranger
  for address in 127.0.0.1 0.0.0.0; do
    box -- python3 server.py "$PORT" $address
    assert_served
  done
  kill "$STRANGER"
}

@test "what it serves nobody outside reaches on that port" {
  write_server
  cat >wait.py <<'PY'
import http.server, sys
print(http.server.HTTPServer(("", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).server_port, flush=True)
sys.stdin.read()
PY
  local port tried
  port=$("${PYTHON[@]}" -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
  for tried in "" "setpriv --bounding-set -sys_admin"; do
    [ -z "$tried" ] || [ "$EUID" -eq 0 ] || continue
    mkfifo "$ROOT/in" "$ROOT/out"
    # shellcheck disable=SC2086  # words
    $tried "$RUNE_SANDBOX" --system --rw "$WORK" --chdir "$WORK" -- python3 wait.py "$port" <"$ROOT/in" >"$ROOT/out" 2>/dev/null 3>&- &
    exec 4>"$ROOT/in" 5<"$ROOT/out"
    read -r said <&5
    [ "$said" = "$port" ]
    run "${PYTHON[@]}" -c "import socket; socket.create_connection(('127.0.0.1', $port), 2)"
    assert_contains "$output" ConnectionRefusedError
    exec 4>&- 5<&-
    wait $!
    rm "$ROOT/in" "$ROOT/out"
  done
}

@test "datagrams between its own sockets, IPv6 and its interfaces are there in a network of its own" {
  own_network
  cat >own.py <<'PY'
import asyncio, socket
for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    ear = socket.socket(family, socket.SOCK_DGRAM)
    ear.bind((address, 0))
    mouth = socket.socket(family, socket.SOCK_DGRAM)
    mouth.sendto(b"heard", ear.getsockname())
    said, back = ear.recvfrom(16)
    ear.sendto(b"back", back[:2])
    print(said.decode(), mouth.recv(16).decode())
class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport): self.transport = transport
    def datagram_received(self, data, peer): self.transport.sendto(data, peer)
class Once(asyncio.DatagramProtocol):
    def __init__(self, done): self.done = done
    def datagram_received(self, data, peer): self.done.set_result(data.decode())
async def main():
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 9001))
    done = loop.create_future()
    transport, _ = await loop.create_datagram_endpoint(lambda: Once(done), remote_addr=("127.0.0.1", 9001))
    transport.sendto(b"echo")
    print(await asyncio.wait_for(done, 5))
asyncio.run(main())
PY
  cat >interfaces.py <<'PY'
import socket
print([name for _, name in socket.if_nameindex()])
PY
  run --separate-stderr python3 own.py
  [ "${lines[*]}" = "heard back heard back echo" ] || explain "outside"
  box -- python3 own.py
  [ "${lines[*]}" = "heard back heard back echo" ] || explain "inside"
  box -- python3 interfaces.py
  [ "$output" = "['lo']" ] || explain "interfaces"
}

@test "a datagram that nobody of its own hears is reported, for somebody of the machine might have" {
  box --report "$ROOT/report.json" -- python3 -c 'import socket; socket.socket(2, 2).sendto(b"x", ("127.0.0.1", 8125))'
  [ "$(jq -c '.denials[0] | [.what, .target]' "$ROOT/report.json")" = '["send","127.0.0.1:8125"]' ]
}

@test "a port below 1024 and a foreign address are refused, and the report says by what they would be opened" {
  for drop in "" "setpriv --bounding-set -sys_admin"; do
    [ -z "$drop" ] || [ "$EUID" -eq 0 ] || continue
    read -ra DROP <<<"$drop"
    box --report "$ROOT/report.json" -- python3 -c 'import socket; socket.socket().bind(("127.0.0.1", 81))'
    assert_contains "$stderr" 'Permission denied'
    [ "$(jq -c '.denials[0] | [.what, .target, .allow]' "$ROOT/report.json")" = '["bind","127.0.0.1:81",["--allow-domain","127.0.0.1:81"]]' ]
    box -- python3 -c 'import socket; socket.socket().bind(("192.0.2.1", 8080))'
    assert_contains "$stderr" 'Permission denied'
  done
}

@test "who waits for a server that comes later is not reported; who asks for one of the machine is" {
  stranger
  cat >later.py <<'PY'
import socket, threading, time
def serve():
    time.sleep(0.3)
    socket.create_server(("127.0.0.1", 8123)).accept()
threading.Thread(target=serve, daemon=True).start()
while True:
    try:
        socket.create_connection(("127.0.0.1", 8123))
        break
    except OSError: time.sleep(0.05)
PY
  for drop in "" "setpriv --bounding-set -sys_admin"; do
    [ -z "$drop" ] || [ "$EUID" -eq 0 ] || continue
    read -ra DROP <<<"$drop"
    box --report "$ROOT/report.json" -- python3 later.py
    [ "$status" -eq 0 ]
    [ "$(jq -c .denials "$ROOT/report.json")" = '[]' ]
    box --report "$ROOT/report.json" -- python3 -c "import socket; socket.create_connection(('127.0.0.1', $PORT))"
    [ "$status" -eq 1 ]
    [ "$(jq -c '.denials[0].allow' "$ROOT/report.json")" = "[\"--allow-domain\",\"127.0.0.1:$PORT\"]" ]
    box --allow-domain "127.0.0.1:$PORT" -- python3 -c "import socket; socket.create_connection(('127.0.0.1', $PORT))"
    [ "$status" -eq 0 ]
  done
  kill "$STRANGER"
}

@test "both ends of a Unix socket are told the command's own user" {
  cat >peers.py <<'PY'
import os, socket, struct
def peer(s): return struct.unpack("3i", s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1:]
server = socket.socket(socket.AF_UNIX)
server.bind("s")
server.listen()
client = socket.socket(socket.AF_UNIX)
client.connect("s")
there, _ = server.accept()
mine = (os.geteuid(), os.getegid())
print(peer(there) == mine, peer(client) == mine)
PY
  box -- python3 peers.py
  [ "$output" = 'True True' ] || explain "$(id)"
}
