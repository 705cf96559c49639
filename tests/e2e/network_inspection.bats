#!/usr/bin/env bats
# What the network guard reads of a connection to an allowed name: TLS hellos, requests of HTTP. The internet is a private one
# (tests/support/local_services), whose log tells what really arrived.

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

@test "the TLS server name must be an allowed one, on 443 and on other ports" {
  need openssl "it is the client"
  local port hello
  for port in 443 8443; do
    hello=(openssl s_client -connect "good.test:$port" -verify_return_error -CAfile "$WORLD/ca.pem" -brief)
    box --allow-domain "good.test:$port" -- "${hello[@]}" -servername good.test
    assert_exit 0
    outside timeout 10 "${hello[@]}" -servername neighbour.test </dev/null
    assert_exit 0
    forget
    box --allow-domain "good.test:$port" -- "${hello[@]}" -servername neighbour.test
    [ "$status" -ne 0 ] || explain "neighbour"
    [[ "$(box_json '.denials | tostring')" == *neighbour.test* ]] || explain "not in the report" "$(cat "$R")"
    box --allow-domain "good.test:$port" -- "${hello[@]}" -noservername
    [ "$status" -ne 0 ] || explain "no name"
    [ "$(box_json '.denials | length')" -gt 0 ] || explain "not in the report" "$(cat "$R")"
    # The server saw neither of the two.
    assert_noted '.kind == "hello"' 0
    box --allow-domain "good.test:$port" --allow-domain "neighbour.test:$port" -- "${hello[@]}" -servername neighbour.test
    assert_exit 0
  done
}

@test "a second TLS hello, which a server may ask for, names the same server" {
  need openssl "it is the client"
  cat >twice.py <<'PY'
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
client = context.wrap_bio(incoming, outgoing, server_hostname="good.test")
def step():
    try: client.do_handshake()
    except ssl.SSLWantReadError: pass
    return outgoing.read()
with socket.create_connection(("good.test", 8443), 5) as s:
    s.sendall(step())
    incoming.write(s.recv(1 << 16))
    second = step()
    assert b"good.test" in second, "no second hello"
    s.sendall(second.replace(b"good.test", sys.argv[1].encode()))
    try: print("served" if s.recv(1) == b"\x16" else "closed")
    except OSError: print("reset")
PY
  local name
  for name in good.test evil.test; do
    outside /usr/bin/python3 twice.py $name
    [ "$output" = served ] || explain "control: $name"
  done
  box --allow-domain good.test:8443 -- /usr/bin/python3 twice.py good.test
  [ "$output" = served ] || explain "the same name"
  assert_no_denials
  forget
  box --allow-domain good.test:8443 -- /usr/bin/python3 twice.py evil.test
  [ "$output" = reset ] || explain "another name"
  [[ "$(box_json '.denials | tostring')" == *evil.test* ]] || explain "not in the report" "$(cat "$R")"
}

@test "a shared address and certificate do not open the neighbour" {
  local fetch=(curl -sS -m 5 --cacert "$WORLD/ca.pem" --connect-to neighbour.test:443:good.test:443 https://neighbour.test/hello)
  outside "${fetch[@]}"
  assert_contains "$output" 'hello from neighbour.test'
  forget
  box --allow-domain good.test -- "${fetch[@]}"
  [ "$status" -ne 0 ] || explain "not refused"
  assert_noted '.kind == "request"' 0
}

@test "port 80 speaks HTTP and port 443 TLS, nothing else" {
  python 'import socket, sys
with socket.create_connection(("good.test", int(sys.argv[1])), 5) as s:
    s.sendall(sys.argv[2].encode().decode("unicode_escape").encode("latin1"))
    try: print("got" if s.recv(1000) else "closed")
    except OSError as e: print("reset", e.errno)'
  box --allow-domain good.test -- /usr/bin/python3 act.py 80 'SSH-2.0-x\r\n'
  assert_contains "$output" reset
  box --allow-domain good.test -- /usr/bin/python3 act.py 443 'GET /hello HTTP/1.1\r\nHost: good.test\r\n\r\n'
  assert_contains "$output" reset
  assert_noted '.kind == "request"' 0
  assert_noted '.kind == "hello"' 0
  box --allow-domain good.test -- /usr/bin/python3 act.py 80 'GET /hello HTTP/1.1\r\nHost: good.test\r\nConnection: close\r\n\r\n'
  assert_contains "$output" got
}

@test "the Host header is looked at in every request of a connection" {
  python 'import http.client
c = http.client.HTTPConnection("good.test", 80, timeout=5)
for host in ("good.test", "GOOD.test", "good.test:80", "neighbour.test"):
    try:
        c.putrequest("GET", "/hello", skip_host=True); c.putheader("Host", host); c.endheaders()
        print(host, c.getresponse().read().decode().strip())
    except (OSError, http.client.HTTPException) as e: print(host, "refused")'
  outside /usr/bin/python3 act.py
  assert_contains "$output" 'neighbour.test hello from neighbour.test'
  forget
  box --allow-domain good.test -- /usr/bin/python3 act.py
  assert_contains "$output" 'neighbour.test refused'
  assert_noted '.kind == "request"' 3
  assert_noted '.host == "neighbour.test"' 0
  [[ "$(box_json '.denials | tostring')" == *neighbour.test* ]] || explain "not in the report" "$(cat "$R")"
}

@test "a proxy request, a tunnel and a request without a host are refused" {
  python 'import socket, sys
for head in ("GET http://neighbour.test/hello HTTP/1.1\r\nHost: good.test\r\n\r\n", "CONNECT neighbour.test:443 HTTP/1.1\r\nHost: neighbour.test:443\r\n\r\n",
             "GET /hello HTTP/1.1\r\n\r\n", "GET /hello HTTP/1.1\r\nHost: good.test\r\nHost: neighbour.test\r\n\r\n"):
    with socket.create_connection(("good.test", 80), 5) as s:
        s.sendall(head.encode())
        try: print("got" if s.recv(1000) else "closed")
        except OSError as e: print("reset", e.errno)'
  outside /usr/bin/python3 act.py
  [ "$(grep -c got <<<"$output")" -eq 4 ] || explain control
  forget
  box --allow-domain good.test -- /usr/bin/python3 act.py
  assert_lacks "$output" got
  assert_noted '.kind == "request"' 0
}
