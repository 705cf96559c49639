#!/usr/bin/env bats
# The clients that people use every day, under the default policy: system, one writable tree, default limits, and the names that the
# work needs. Each act succeeds outside too, and fails when its name is not on the list. docs/ordinary-work.md is the table of it.

load helpers
load ../support/local_services/services

setup_file() {
  world_start
  world_repository project
  make_wheel
  make_node_package
}
teardown_file() { world_stop; }
setup() {
  e2e_setup "$RUNE_SANDBOX"
  ordinary_client
  # shellcheck disable=SC2034  # of supervise, in helpers.bash
  TIMEOUT=120
  world_join
}
teardown() { e2e_teardown; }

# A wheel is a zip file with three files of metadata (PEP 427).
make_wheel() {
  /usr/bin/python3 -B - "$WORLD/python/ordinary-1.0-py3-none-any.whl" <<'PY'
import sys, zipfile
info = "ordinary-1.0.dist-info/"
files = {"ordinary.py": "def word():\n    return 'ordinary'\n", info + "METADATA": "Metadata-Version: 2.1\nName: ordinary\nVersion: 1.0\n",
         info + "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
files[info + "RECORD"] = "".join(f"{name},,\n" for name in [*files, info + "RECORD"])
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    for name, text in files.items():
        wheel.writestr(name, text)
PY
}

make_node_package() (
  cd "$(mktemp -d "$WORLD/package.XXXXXX")" && mkdir package || exit 1
  echo '{"name":"ordinary","version":"1.0.0","main":"index.js"}' >package/package.json
  echo 'module.exports = () => "ordinary";' >package/index.js
  tar -czf "$WORLD/npm/ordinary-1.0.0.tgz" package
)

@test "git clone over HTTPS" {
  local clone=(git clone -q https://good.test/git/project.git) ca=(--env GIT_SSL_CAINFO="$WORLD/ca.pem")
  GIT_SSL_CAINFO=$WORLD/ca.pem outside "${clone[@]}" control
  assert_exit 0
  refused_without good.test "${ca[@]}" -- "${clone[@]}" refused
  box "${ca[@]}" --allow-domain good.test -- "${clone[@]}" mine
  assert_exit 0
  assert_no_denials
  diff -r --exclude=.git control mine
  [ "$(git -c safe.directory='*' -C mine log --format=%s | tr '\n' ' ')" = 'second first ' ]
}

@test "git fetches, branches, commits, rebases, greps, blames and archives in a checkout" {
  box --env GIT_SSL_CAINFO="$WORLD/ca.pem" --allow-domain good.test -- /bin/sh -ec '
    git clone -q --depth 1 https://good.test/git/project.git mine && cd mine
    git fetch -q --unshallow
    git config user.name a && git config user.email a@test
    git switch -q -c topic HEAD~1 && echo three >third && git add . && git commit -qm third
    git rebase -q main && git grep -c 4999 && git blame -s second && git stash -q && git archive HEAD | tar -t | sort | paste -sd" "
    git gc -q && git fsck && git log --oneline | wc -l'
  assert_exit 0
  assert_contains "$output" 'numbers second third'
  [ "$(tail -1 <<<"$output")" -eq 3 ] || explain log
  assert_no_denials
}

@test "git push is taken by a server" {
  git -C "$WORLD/git/project.git" config http.receivepack true
  box --env GIT_SSL_CAINFO="$WORLD/ca.pem" --allow-domain good.test -- /bin/sh -ec '
    git clone -q https://good.test/git/project.git mine && cd mine
    git -c user.name=a -c user.email=a@test commit -q --allow-empty -m pushed && git push -q origin HEAD:refs/heads/pushed'
  assert_exit 0
  [ "$(git -c safe.directory='*' -C "$WORLD/git/project.git" log -1 --format=%s pushed)" = pushed ] || explain "not pushed"
}

@test "curl follows redirects inside the list, and stops at one that leads out of it" {
  box --allow-domain good.test --allow-domain www.good.test -- curl -sSL 'http://good.test/redirect?http://www.good.test/hello'
  assert_exit 0
  assert_contains "$output" 'hello from www.good.test'
  assert_no_denials
  outside curl -sSL 'http://good.test/redirect?http://elsewhere.test/hello'
  assert_contains "$output" 'hello from elsewhere.test'
  refused_without elsewhere.test --allow-domain good.test -- curl -sSL 'http://good.test/redirect?http://elsewhere.test/hello'
  assert_lacks "$output" hello
  assert_noted '.host == "elsewhere.test"' 1
  # By address, for which there is no entry.
  box --allow-domain good.test -- curl -sSL 'http://good.test/redirect?http://93.184.215.15/hello'
  [ "$status" -ne 0 ] || explain "not refused"
  assert_denied connect 93.184.215.15:80
}

@test "curl by HTTPS and HTTP/1.0, with uploads, a form and a retry" {
  head -c 300000 /dev/zero >"$WORK/body"
  box --allow-domain good.test --allow-domain good.test:8443 -- /bin/sh -ec "
    export CURL_CA_BUNDLE=$WORLD/ca.pem
    curl -sS https://good.test/hello
    curl -sS https://good.test:8443/hello
    curl -sS -0 http://good.test/hello
    curl -sS -T body http://good.test/upload
    curl -sS --data-binary @body -H 'Transfer-Encoding: chunked' https://good.test/upload
    curl -sS -F file=@body http://good.test/upload
    curl -sS --retry 2 --compressed -o /dev/null -w '%{size_download}\n' https://good.test/bytes/3000000"
  assert_exit 0
  [ "$(grep -c '^hello from good.test' <<<"$output")" -eq 3 ] || explain hello
  [ "$(grep -c '^300000$' <<<"$output")" -eq 2 ] || explain uploads
  assert_contains "$output" 3000000
  assert_no_denials
}

@test "wget follows a redirect and writes the file" {
  with wget
  outside wget -q --ca-certificate="$WORLD/ca.pem" -O control https://good.test/bytes/100000
  assert_exit 0
  refused_without good.test -- wget -q -T 5 -t 1 -O refused https://good.test/bytes/100000
  box --allow-domain good.test -- wget -q --ca-certificate="$WORLD/ca.pem" -O mine 'https://good.test/redirect?http://good.test/bytes/100000'
  assert_exit 0
  cmp control mine
  assert_no_denials
}

@test "pip downloads and installs from an index" {
  /usr/bin/python3 -c 'import pip' 2>/dev/null || skip "no python3-pip here"
  local pip=(/usr/bin/python3 -m pip --disable-pip-version-check --no-cache-dir --cert "$WORLD/ca.pem" -q)
  local index=(--index-url https://good.test/simple/ --retries 0)
  outside "${pip[@]}" download "${index[@]}" -d control ordinary
  assert_exit 0
  refused_without good.test -- "${pip[@]}" download "${index[@]}" -d refused ordinary
  box --allow-domain good.test -- "${pip[@]}" download "${index[@]}" -d mine ordinary
  assert_exit 0
  diff -r control mine
  box --allow-domain good.test -- "${pip[@]}" install "${index[@]}" --target site ordinary
  assert_exit 0
  assert_no_denials
  box --env PYTHONPATH="$WORK/site" -- /usr/bin/python3 -c 'import ordinary; print(ordinary.word())'
  [ "$output" = ordinary ] || explain word
}

@test "npm installs from a registry, and node runs what came" {
  with npm
  mkdir control mine refused
  local npm=(npm install --no-audit --no-fund --no-update-notifier --fetch-retries=0 --registry https://good.test/npm/ --loglevel=error)
  for directory in control mine refused; do echo '{"name":"app","version":"1.0.0"}' >$directory/package.json; done
  NODE_EXTRA_CA_CERTS=$WORLD/ca.pem outside "${npm[@]}" --prefix control --cache "$WORK/cache" ordinary
  assert_exit 0
  refused_without good.test --env NODE_EXTRA_CA_CERTS="$WORLD/ca.pem" -- "${npm[@]}" --prefix refused ordinary
  box --env NODE_EXTRA_CA_CERTS="$WORLD/ca.pem" --allow-domain good.test -- "${npm[@]}" --prefix mine ordinary
  assert_exit 0
  diff -r control/node_modules/ordinary mine/node_modules/ordinary
  assert_no_denials
  box -- node -e 'console.log(require("./mine/node_modules/ordinary")())'
  [ "$output" = ordinary ] || explain word
}

@test "node fetches, by fetch, http and c-ares, alone and many at a time" {
  with node
  cat >fetch.js <<'JS'
const http = require('http'), dns = require('dns').promises;
(async () => {
  console.log(await (await fetch('https://good.test/hello')).text());
  console.log((await Promise.all(Array.from({length: 20}, () => fetch('http://good.test/bytes/1000').then(r => r.arrayBuffer())))).length);
  http.get('http://good.test/hello', response => response.on('data', data => console.log('http ' + data)));
  const [address] = await dns.resolve4('good.test');
  http.get({host: address, path: '/hello', headers: {Host: 'good.test'}}, response => response.on('data', data => console.log('c-ares ' + data)));
})();
JS
  NODE_EXTRA_CA_CERTS=$WORLD/ca.pem outside node fetch.js
  assert_exit 0
  refused_without good.test -- node fetch.js
  box --env NODE_EXTRA_CA_CERTS="$WORLD/ca.pem" --allow-domain good.test -- node fetch.js
  assert_exit 0
  assert_contains "$output" 'http hello from good.test'
  assert_contains "$output" 'c-ares hello from good.test'
  assert_contains "$output" 20
  assert_no_denials
}

@test "apt-get updates from a repository and downloads a package" {
  with dpkg-scanpackages
  mkdir -p package/DEBIAN apt/lists/partial apt/archives/partial "$WORLD/files/apt"
  printf '%s\n' 'Package: ordinary' 'Version: 1.0' 'Architecture: all' 'Maintainer: a <a@test>' 'Description: ordinary' >package/DEBIAN/control
  dpkg-deb -b --root-owner-group package "$WORLD/files/apt/ordinary_1.0_all.deb" >/dev/null
  (cd "$WORLD/files/apt" && dpkg-scanpackages . >Packages 2>/dev/null)
  echo 'deb [trusted=yes] http://good.test/files/apt ./' >sources.list
  # Its own configuration, and not what this machine's would make it do besides.
  mkdir apt/parts
  printf 'Dir::Etc::parts "%s/parts";\nDir::State "%s";\nDir::State::status "%s/status";\n' "$WORK/apt" "$WORK/apt" "$WORK/apt" >apt.conf
  touch apt/status
  local apt=(env APT_CONFIG="$WORK/apt.conf" apt-get -qq -o Dir::Etc::sourcelist="$WORK/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$WORK/apt/lists"
    -o Dir::Cache="$WORK/apt" -o Debug::NoLocking=1 -o Acquire::Retries=0 -o APT::Sandbox::User= -o Acquire::Languages=none)
  box --allow-domain good.test -- /bin/sh -ec '"$@" update && "$@" download ordinary && ls *.deb' sh "${apt[@]}"
  assert_exit 0
  [ "$output" = ordinary_1.0_all.deb ] || explain "not downloaded"
  assert_no_denials
  rm ./*.deb
  refused_without good.test -- /bin/sh -ec '"$@" update -o APT::Update::Error-Mode=any' sh "${apt[@]}"
  outside "${apt[@]}" update
  assert_exit 0
}

@test "perl opens a socket by name" {
  with perl
  local code='use IO::Socket::INET; my $s = IO::Socket::INET->new(PeerAddr => "good.test:80", Timeout => 5) or die "no: $@"; print $s "GET /hello HTTP/1.0\r\nHost: good.test\r\n\r\n"; print <$s>;'
  outside perl -e "$code"
  assert_exit 0
  refused_without good.test -- perl -e "$code"
  box --allow-domain good.test -- perl -e "$code"
  assert_contains "$output" 'hello from good.test'
  assert_no_denials
}

@test "bash's own /dev/tcp reaches an allowed name" {
  local code='exec 9<>/dev/tcp/good.test/80; printf "GET /hello HTTP/1.0\r\nHost: good.test\r\n\r\n" >&9; cat <&9'
  outside bash -c "$code"
  assert_contains "$output" 'hello from good.test'
  refused_without good.test -- bash -c "$code"
  box --allow-domain good.test -- bash -c "$code"
  assert_contains "$output" 'hello from good.test'
}

@test "python: asyncio, IPv6 sockets with IPv4 inside, timeouts, select and epoll" {
  cat >sockets.py <<'PY'
import asyncio, errno, select, selectors, socket, sys
ask = b"GET /hello HTTP/1.0\r\nHost: good.test\r\n\r\n"

async def one():
    reader, writer = await asyncio.wait_for(asyncio.open_connection("good.test", 80), 5)
    writer.write(ask)
    body = await reader.read()
    writer.close()
    return b"hello from good.test" in body

async def own_server():
    async def echo(reader, writer):
        writer.write(await reader.readline())
        writer.close()
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
    writer.write(b"echo\n")
    return await reader.read()

async def many():
    return sum(await asyncio.gather(*(one() for _ in range(25))))
print("asyncio", asyncio.run(many()), asyncio.run(own_server()))

address = socket.gethostbyname("good.test")
with socket.socket(socket.AF_INET6) as mapped:
    mapped.connect((f"::ffff:{address}", 80))
    print("mapped", mapped.getpeername()[0] == f"::ffff:{address}")
    mapped.sendall(ask)
    print("mapped", b"hello from good.test" in mapped.makefile("rb").read())

with socket.socket() as plain:
    plain.setblocking(False)
    error = plain.connect_ex((address, 80))
    poll = select.poll()
    poll.register(plain, select.POLLOUT)
    print("connect", error in (0, errno.EINPROGRESS), bool(poll.poll(5000)), plain.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    plain.sendall(ask)
    epoll = select.epoll()
    epoll.register(plain, select.EPOLLIN | select.EPOLLET)
    print("epoll", bool(epoll.poll(5)), plain.getpeername() == (address, 80), plain.getsockname()[1] > 0)

with socket.create_connection(("good.test", 80), timeout=5) as timed:
    timed.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    timed.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    timed.sendall(ask)
    timed.shutdown(socket.SHUT_WR)
    print("timeout", b"hello" in timed.makefile("rb").read())

with socket.create_server(("::1", 0), family=socket.AF_INET6) as six, socket.create_connection(six.getsockname()[:2]) as client:
    peer, _ = six.accept()
    peer.sendall(b"six")
    print("own v6", client.recv(3))

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as a, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as b:
    a.bind(("127.0.0.1", 0))
    a.settimeout(2)
    try:
        b.sendto(b"datagram", a.getsockname())
        print("own udp", a.recv(100))
    except OSError as error:
        print("own udp", error)
PY
  outside /usr/bin/python3 sockets.py
  assert_exit 0
  local control=$output
  assert_contains "$control" 'asyncio 25'
  box --allow-domain good.test -- /usr/bin/python3 sockets.py
  assert_exit 0
  # Datagrams between processes of one command are closed with all other UDP; the rest is as it is outside.
  [ "$(grep -v 'own udp' <<<"$output")" = "$(grep -v 'own udp' <<<"$control")" ] || explain "outside:" "$control"
  refused_without good.test -- /usr/bin/python3 sockets.py
}

@test "happy eyeballs: a name whose first addresses do not answer, and an own server on one of localhost's two addresses" {
  local name
  for name in deaf.test half.test; do
    outside curl -sS -m 10 http://$name/hello
    assert_exit 0
    box --allow-domain $name -- curl -sS -m 10 http://$name/hello
    assert_exit 0
    assert_contains "$output" "hello from $name"
  done
  # curl asks ::1 and 127.0.0.1 for localhost.
  cat >server.py <<'PY'
import http.server, subprocess, threading
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=server.serve_forever, daemon=True).start()
subprocess.run(["curl", "-sS", "-m", "5", f"http://localhost:{server.server_address[1]}/server.py"], check=True)
PY
  box -- /usr/bin/python3 server.py
  assert_exit 0
  assert_contains "$output" 'http.server'
}

@test "50 downloads at once" {
  local urls='http://good.test/bytes/200000?[1-50]'
  local fetch=(curl -sS -Z --parallel-immediate --parallel-max 50 -o 'd#1' -w '%{http_code}\n' "$urls")
  outside "${fetch[@]}"
  [ "$(grep -c 200 <<<"$output")" -eq 50 ] || explain control
  rm -f d*
  box --allow-domain good.test -- "${fetch[@]}"
  assert_exit 0
  [ "$(grep -c 200 <<<"$output")" -eq 50 ] || explain sandbox
  [ "$(cat d* | wc -c)" -eq 10000000 ] || explain "sizes"
  [ "$(box_json '[.egress[] | select(.port == 80) | .connections] | add')" -eq 50 ] || explain "$(box_json .egress)"
  # 50 processes, of which each looks up the name itself.
  box --allow-domain good.test -- /bin/sh -c 'seq 1 50 | xargs -P 50 -I{} curl -sS -o /dev/null -w "%{size_download}\n" http://good.test/bytes/{}000 | sort -n | tail -1'
  [ "$output" = 50000 ] || explain processes
  assert_no_denials
}
