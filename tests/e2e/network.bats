#!/usr/bin/env bats
# The network guard from outside: what a command reaches, what it does not, and what the report says. The internet is a private
# one (tests/support/local_services), whose log tells what really arrived.

load helpers
load ../support/local_services/services

setup_file() { world_start; }
teardown_file() { world_stop; }
setup() {
  e2e_setup "$RUNE_SANDBOX"
  world_join
}
teardown() { e2e_teardown; }

# python CODE: a file of that code, to be run on both sides.
python() { printf '%s\n' "$1" >"$WORK/act.py"; }

# --- which names, ports and addresses ---------------------------------------------------------------------------------

@test "a name means ports 80 and 443, an entry with a port that port alone" {
  local url
  for url in http://good.test/hello http://good.test:8080/hello https://good.test/hello https://good.test:8443/hello; do
    outside curl -sS -m 5 --cacert "$WORLD/ca.pem" "$url"
    assert_contains "$output" hello
  done
  box --allow-domain good.test -- curl -sS -m 5 --cacert "$WORLD/ca.pem" http://good.test/hello https://good.test/hello
  assert_exit 0
  box --allow-domain good.test -- curl -sS -m 5 http://good.test:8080/hello
  [ "$status" -ne 0 ] || explain "port 8080"
  assert_denied connect good.test:8080
  box --allow-domain good.test:8080 -- curl -sS -m 5 http://good.test:8080/hello
  assert_exit 0
  box --allow-domain good.test:8080 -- curl -sS -m 5 http://good.test/hello
  [ "$status" -ne 0 ] || explain "port 80"
  assert_denied connect good.test:80
}

@test "*.suffix means subdomains and not the suffix" {
  box --allow-domain '*.good.test' -- curl -sS -m 5 http://www.good.test/hello
  assert_exit 0
  box --allow-domain '*.good.test' -- curl -sS -m 5 http://good.test/hello
  [ "$status" -ne 0 ] || explain apex
  assert_denied lookup good.test
  box --allow-domain 'good.test' -- curl -sS -m 5 http://www.good.test/hello
  [ "$status" -ne 0 ] || explain subdomain
}

@test "the address of an allowed name is not allowed by itself, however it is spelt" {
  local address
  for address in 93.184.215.14 1572394766 0x5db8d70e 0135.0270.0327.016 '[::ffff:93.184.215.14]' '[2606:2800:21f::14]' '[::ffff:5db8:d70e]'; do
    outside curl -sS -m 5 -g "http://$address/hello"
    assert_contains "$output" hello
    forget
    box --allow-domain good.test -- curl -sS -m 5 -g "http://$address/hello"
    [ "$status" -ne 0 ] || explain "$address"
    jq -e 'any(.denials[]; .what == "connect")' "$R" >/dev/null || explain "not in the report" "$(cat "$R")"
    assert_noted '.kind == "accept"' 0
  done
  box --allow-domain 93.184.215.14:80 -- curl -sS -m 5 http://93.184.215.14/hello
  assert_exit 0
  box --allow-domain 93.184.215.0/24 -- curl -sS -m 5 http://93.184.215.15:8080/hello
  assert_exit 0
}

@test "an allowed name that leads to loopback, a private network or a metadata service leads nowhere without an entry for the address" {
  local name address
  while read -r name address; do
    outside curl -sS -m 5 "http://$name/hello"
    assert_contains "$output" "at $address"
    forget
    box --allow-domain "$name" -- curl -sS -m 5 "http://$name/hello"
    [ "$status" -ne 0 ] || explain "$name"
    [ "$(box_json '.denials | length')" -gt 0 ] || explain "not in the report" "$(cat "$R")"
    assert_noted '.kind == "accept"' 0
    box --allow-domain "$name" --allow-domain "$address:80" -- curl -sS -m 5 "http://$name/hello"
    assert_exit 0
  done <<'END'
inward.test 127.0.0.1
private.test 10.1.2.3
metadata.test 169.254.169.254
inner.test 127.0.0.1
END
}

@test "the machine's own name and localhost lead to no service of the machine" {
  local name
  for name in "$(hostname)" localhost 127.0.0.1 '[::1]' 0.0.0.0 '[::]' '[::ffff:127.0.0.1]'; do
    outside curl -sS -m 5 -g "http://$name/hello"
    assert_contains "$output" hello
    forget
    box --allow-domain good.test -- curl -sS -m 5 -g "http://$name/hello"
    [ "$status" -ne 0 ] || explain "$name"
    assert_nothing_arrived
  done
}

@test "a name of /etc/hosts is a name like any other" {
  outside curl -sS -m 5 http://hosted.test/hello
  assert_contains "$output" 'at 93.184.215.14'
  box -- curl -sS -m 5 http://hosted.test/hello
  [ "$status" -ne 0 ] || explain "not refused"
  box --allow-domain hosted.test -- curl -sS -m 5 http://hosted.test/hello
  assert_exit 0
  [ "$(box_json '[.egress[] | select(.port == 80) | .target] | join(" ")')" = hosted.test ] || explain "$(box_json .egress)"
}

# --- names ------------------------------------------------------------------------------------------------------------

@test "a lookup asks nobody, a connection asks once, and the next one to the same name not again" {
  box --allow-domain good.test -- /bin/sh -c 'for i in 1 2 3; do getent ahosts good.test; done'
  assert_exit 0
  [[ "$output" == 198.1[89].* ]] || explain "the true address was told"
  assert_noted '.kind == "dns"' 0
  [ "$(box_json '[.egress[].lookups] | add')" -ge 3 ] || explain "$(box_json .egress)"
  box --allow-domain good.test -- curl -sS -m 5 http://good.test/hello
  assert_exit 0
  assert_noted '.kind == "dns" and .type == 1' 1
  assert_noted '.kind == "dns"' 2 # the IPv6 address, too
  forget
  box --allow-domain good.test -- /bin/sh -c 'for i in 1 2 3 4 5; do curl -sS -m 5 -o /dev/null http://good.test/hello || exit 1; done'
  assert_exit 0
  assert_noted '.kind == "dns" and .type == 1' 1
  assert_noted '.kind == "request"' 5
}

@test "every other kind of record is empty, a forbidden name does not exist, and none of it is asked outside" {
  need dig "it asks"
  local type
  for type in AAAA TXT MX NS SOA SRV CNAME HTTPS SVCB CAA ANY; do
    box --allow-domain good.test -- dig +tries=1 +time=3 "$type" good.test
    assert_exit 0
    assert_contains "$output" 'status: NOERROR'
    assert_contains "$output" 'ANSWER: 0'
  done
  for type in A AAAA TXT; do
    box --allow-domain good.test -- dig +tries=1 +time=3 "$type" elsewhere.test
    assert_contains "$output" 'status: NXDOMAIN'
    assert_denied lookup elsewhere.test
  done
  box --allow-domain good.test -- dig +tries=1 +time=3 -x 93.184.215.14
  assert_contains "$output" 'status: NXDOMAIN'
  assert_nothing_arrived
  outside dig +tries=1 +time=3 elsewhere.test
  assert_contains "$output" 'status: NOERROR'
  assert_noted '.kind == "dns"' 1
}

@test "dig works by UDP and TCP, over IPv4 alone, and whatever server it names" {
  need dig "it asks"
  local flags
  for flags in '' +tcp +noedns -4 '@127.0.0.1' '@93.184.215.15' '@93.184.215.15 +tcp' +bufsize=512; do
    # shellcheck disable=SC2086  # several words
    box --allow-domain good.test -- dig $flags +tries=1 +time=3 +short A good.test
    assert_exit 0
    [[ "$output" == 198.1[89].* ]] || explain "dig $flags"
  done
  assert_nothing_arrived
}

@test "data does not leave in names" {
  python 'import socket, sys
for i in range(200):
    for name in (f"secret{i}.elsewhere.test", f"secret{i}.good.test", "x" * 60 + f".{i}.evil.test"):
        try: socket.getaddrinfo(name, 80)
        except OSError: pass
print("asked")'
  box --allow-domain good.test -- /usr/bin/python3 act.py
  assert_contains "$output" asked
  assert_nothing_arrived
  outside /usr/bin/python3 act.py
  [ "$(noted '.kind == "dns"')" -ge 600 ] || explain control
}

# --- everything that is no TCP to a name ------------------------------------------------------------------------------

@test "datagrams reach nobody" {
  python 'import socket, sys
for host, port in (("93.184.215.14", 9999), ("127.0.0.1", 9999), ("good.test", 443)):
    for connected in (False, True):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            if connected: s.connect((host, port)); s.send(b"datagram")
            else: s.sendto(b"datagram", (host, port))
            print("sent")
        except OSError as e: print("refused", e.errno)'
  # Whatever the calls said: a listener of the outside hears nothing.
  "${ENTER[@]}" /usr/bin/python3 -B -S -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", 9999)); print("READY", flush=True)
while True:
    heard = s.recv(100)
    with open(sys.argv[1], "ab") as f: f.write(heard)' "$ROOT/heard" >"$ROOT/ready" 3>&- &
  local listener=$!
  soon grep -q READY "$ROOT/ready"
  box --allow-domain good.test --allow-domain 93.184.215.14 -- /usr/bin/python3 act.py
  assert_exit 0
  [ "$(grep -cE '^(sent|refused)' <<<"$output")" -eq 6 ] || explain "not all were tried"
  # The control. Datagrams are heard in their order: what came from inside would stand before these four.
  outside /usr/bin/python3 act.py
  [ "$(grep -c '^sent' <<<"$output")" -eq 6 ] || explain "not all were sent"
  soon grep -qE '(datagram){4}' "$ROOT/heard"
  [ "$(cat "$ROOT/heard")" = datagramdatagramdatagramdatagram ] || explain "heard $(cat "$ROOT/heard")"
  kill "$listener"
}

@test "unix sockets of the machine are refused, those that the command makes in its own tree work" {
  python 'import os, socket, sys
path = sys.argv[1]
s = socket.socket(socket.AF_UNIX)
try: s.connect(path.replace("@", "\0")); print("reached")
except OSError as e: print("refused", e.errno)
own = "own.socket"
server = socket.socket(socket.AF_UNIX); server.bind(own); server.listen()
client = socket.socket(socket.AF_UNIX); client.connect(own)
peer, _ = server.accept(); peer.sendall(b"own works"); print(client.recv(20).decode())
os.unlink(own)'
  /usr/bin/python3 -B -S -c 'import os, socket, sys
sockets = []
for path in sys.argv[1:]:
    s = socket.socket(socket.AF_UNIX); s.bind(path.replace("@", "\0")); s.listen(); sockets.append(s)
    if path[0] != "@": os.chmod(path, 0o777)
print("READY", flush=True)
while True: sockets[0].accept()' "$ROOT/machine.socket" "@rune-e2e-$$" "$WORK/before.socket" >"$ROOT/ready" 3>&- &
  local server=$! path
  soon grep -q READY "$ROOT/ready"
  # The last one lies where the command may write, and was there before it.
  for path in "$ROOT/machine.socket" "@rune-e2e-$$" "$WORK/before.socket"; do
    # An abstract name belongs to its network namespace: the control stays in that of the machine.
    run --separate-stderr /usr/bin/python3 act.py "$path"
    assert_contains "$output" reached
    run --separate-stderr supervise -- "$RUNE_SANDBOX" --system --rw "$WORK" --report "$R" -- /usr/bin/python3 act.py "$path"
    assert_exit 0
    assert_contains "$output" refused
    assert_contains "$output" 'own works'
    [ "$(box_json '.denials | length')" -gt 0 ] || explain "not in the report" "$(cat "$R")"
  done
  kill "$server"
}

# knock ADDRESS...: once the command has written its port, somebody else knocks there; then it may go on. `wait` ends in time.
knock() {
  (
    soon [ -e port ] || true
    for address in "$@"; do "${ENTER[@]}" curl -sS -m 0.5 "http://$address:$(cat port)/" || true; done
    touch knocked
  ) >"$ROOT/knocks" 2>&1 3>&- &
}
# A server at one address that tells who comes in, and then serves its own command. Whoever knocked is let in first: it waits
# once more after the knocking is over.
own_server() {
  rm -f port knocked
  python "import os, socket
own = socket.create_server(('$1', 0))
with open('port.new', 'w') as f: f.write(str(own.getsockname()[1]))
os.rename('port.new', 'port')
own.settimeout(0.1)
over = False
while True:
    try: own.accept(); print('somebody came in')
    except TimeoutError:
        if over: break
        over = os.path.exists('knocked')
with socket.create_connection(('127.0.0.1', own.getsockname()[1])): print('own works', own.accept()[1] is not None)"
}

@test "nobody comes in from outside the machine: a server on every address is one on loopback, a public address cannot be bound" {
  own_server 0.0.0.0
  knock 93.184.215.14 10.1.2.3
  box -- /usr/bin/python3 act.py
  wait
  assert_exit 0
  [ "$output" = 'own works True' ] || explain "reached"
  [ "$(grep -c '^curl: ' "$ROOT/knocks")" -eq 2 ] || explain "nobody knocked" "$(cat "$ROOT/knocks")"
  own_server 0.0.0.0
  knock 93.184.215.14
  outside /usr/bin/python3 act.py
  wait
  assert_contains "$output" 'came in' # the control
  own_server 93.184.215.14
  box -- /usr/bin/python3 act.py
  [ "$status" -ne 0 ] || explain bound
  assert_denied bind 93.184.215.14:0
}

@test "a server on loopback hears its own command" {
  own_server 127.0.0.1
  : >knocked # nobody from outside this time
  box -- /usr/bin/python3 act.py
  assert_exit 0
  assert_contains "$output" 'own works True'
}

@test "--net none closes everything, own servers too; allowed names do not help" {
  python 'import socket, sys
for act in (lambda: socket.create_connection(("good.test", 80), 5), lambda: socket.create_connection(("93.184.215.14", 80), 5),
            lambda: socket.create_server(("127.0.0.1", 0)), lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)):
    try: act(); print("done")
    except OSError as e: print("refused")'
  outside /usr/bin/python3 act.py
  [ "$(grep -c 'done' <<<"$output")" -eq 4 ] || explain control
  forget
  box --allow-domain good.test --net none -- /usr/bin/python3 act.py
  [ "$(grep -c refused <<<"$output")" -eq 4 ] || explain "not closed"
  assert_nothing_arrived
}

@test "rune-net-guard applies the guard alone" {
  [ -e "$BIN_DIR/rune-net-guard" ] || skip "no rune-net-guard beside rune-sandbox"
  outside "$BIN_DIR/rune-net-guard" --allow-domain good.test -- curl -sS -m 5 http://good.test/hello
  assert_exit 0
  assert_contains "$output" 'hello from good.test'
  outside "$BIN_DIR/rune-net-guard" --allow-domain good.test -- curl -sS -m 5 http://elsewhere.test/hello
  [ "$status" -ne 0 ] || explain "not refused"
  assert_noted '.host == "elsewhere.test"' 0
}
