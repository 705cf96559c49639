#!/usr/bin/env bats
# What people do every day beside downloading (ordinary_clients.bats), under the default policy: system, one writable tree, default
# limits. It gives what it gives outside. docs/ordinary-work.md is the table of it.

load helpers
load ../support/local_services/services

setup_file() {
  world_start
  world_repository project
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

@test "a virtual environment is made and used" {
  /usr/bin/python3 -c 'import ensurepip' 2>/dev/null || skip "no python3-venv here"
  # Its python is a link to the system's, which may run; scripts are read by it.
  box -- /bin/sh -ec '/usr/bin/python3 -m venv env && env/bin/python -c "import sys; print(sys.prefix != sys.base_prefix)" && env/bin/python -m pip --version'
  assert_exit 0
  assert_contains "$output" True
}

@test "make -j2 builds a C project; what it built runs where the policy lets that tree execute" {
  with gcc
  mkdir project
  local i
  for i in 1 2 3 4 5 6; do printf 'int f%d(void) { return %d; }\n' $i $i >project/f$i.c; done
  printf '#include <stdio.h>\nint f1(void), f6(void);\nint main(void) { printf("%%d\\n", f1() + f6()); return 0; }\n' >project/main.c
  printf 'CFLAGS = -O2 -g\nprogram: main.o f1.o f2.o f3.o f4.o f5.o f6.o\n\t$(CC) -o $@ $^\nclean:\n\trm -f program *.o\n' >project/Makefile
  box -- make -s -j2 -C project
  assert_exit 0
  assert_no_denials
  box -- project/program
  assert_exit 126
  box --rox "$WORK/project" -- project/program
  [ "$output" = 7 ] || explain "not built"
  box -- make -s -C project clean
  assert_exit 0
  [ ! -e project/program ]
}

@test "python3 -m pytest runs a suite, one test of which talks to its own HTTP server" {
  /usr/bin/python3 -c 'import pytest' 2>/dev/null || skip "no python3-pytest here"
  cat >test_ordinary.py <<'PY'
import http.server, os, pathlib, sqlite3, subprocess, tempfile, threading, urllib.request, multiprocessing, concurrent.futures
def square(x): return x * x
def test_own_server():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for host in ("127.0.0.1", "localhost"):
        with urllib.request.urlopen(f"http://{host}:{server.server_address[1]}/test_ordinary.py") as reply:
            assert b"test_own_server" in reply.read()
    server.shutdown()
def test_temporary_files(tmp_path):
    (tmp_path / "a").write_text("a")
    with tempfile.NamedTemporaryFile() as file:
        assert pathlib.Path(file.name).exists()
def test_subprocess():
    assert subprocess.run(["sort"], input=b"b\na\n", stdout=subprocess.PIPE, check=True).stdout == b"a\nb\n"
def test_processes():
    with multiprocessing.Pool(4) as pool:
        assert pool.map(square, range(10))[9] == 81
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        assert list(pool.map(square, [3])) == [9]
def test_monkeypatch(monkeypatch, capfd):
    monkeypatch.setenv("A", "b")
    subprocess.run(["sh", "-c", "echo $A"], check=True)
    assert capfd.readouterr().out == "b\n"
PY
  run --separate-stderr /usr/bin/python3 -B -m pytest -q -p no:cacheprovider
  assert_exit 0
  box -- /usr/bin/python3 -B -m pytest -q -p no:cacheprovider
  assert_exit 0
  assert_contains "$output" '5 passed'
  assert_no_denials
}

@test "find | xargs, sed, awk, sort, diff and patch over a tree" {
  mkdir -p tree/{a,b,c} && seq 1 100 | xargs -I{} sh -c 'echo "line {}" >tree/a/f{}'
  box -- /bin/sh -ec 'find tree -type f -print0 | xargs -0 -n 7 -P 4 grep -l "line 9" | sort | wc -l
    find tree -name "f1*" -exec sed -i s/line/word/ {} +
    grep -rh word tree | sort -V | tail -1
    cat tree/a/* | awk "{ sum += \$2 } END { print sum }"
    cp -a tree copy && echo changed >copy/a/f5 && { diff -ru tree copy >p || true; } && (cd tree && patch -sp1 <../p) && cat tree/a/f5
    ln -s f5 tree/a/link && mv tree/a/f6 tree/b/ && rm -r copy && ls tree/b && touch -d 2020-01-01 tree/b/f6 && chmod 640 tree/b/f6 && stat -c "%a %y" tree/b/f6 | cut -c1-14'
  assert_exit 0
  [ "$(tr '\n' ' ' <<<"$output")" = '11 word 100 5050 changed f6 640 2020-01-01 ' ] || explain text
  assert_no_denials
}

@test "tar with gzip and xz goes round" {
  mkdir tree && seq 1 20000 >tree/numbers && ln -s numbers tree/link
  local -a tools=(gzip)
  command -v xz >/dev/null && tools+=(xz)
  local tool
  for tool in "${tools[@]}"; do
    box -- /bin/sh -ec "tar -c --$tool -f t.tar tree && mkdir -p out && tar -x -f t.tar -C out && diff -r tree out/tree && rm -r out t.tar && echo same"
    [ "$output" = same ] || explain "$tool"
  done
  assert_no_denials
}

@test "sqlite in rollback and WAL mode, with four writers at once" {
  with sqlite3
  box -- /bin/sh -ec 'sqlite3 db "create table t (n integer); pragma journal_mode=wal;"
    for i in 1 2 3 4; do sqlite3 -cmd ".timeout 20000" db "insert into t select value from generate_series(1,500);" & done; wait
    sqlite3 db "select count(*), sum(n) from t; pragma integrity_check;"
    sqlite3 other "pragma journal_mode=delete; create table t (n); begin; insert into t values (7); commit; vacuum; select * from t;"'
  assert_exit 0
  [ "$(tr '\n' ' ' <<<"$output")" = 'wal 2000|501000 ok delete 7 ' ] || explain rows
  assert_no_denials
}

@test "a shell controls its jobs: jobs, fg, wait, kill %1, stop and continue, pipes that break" {
  cat >jobs.sh <<'BASH'
set -m
sleep 50 & sleep 60 &
jobs | grep -c Running
kill %1; wait %1; echo "killed $?"
kill -STOP %2; until jobs -s | grep -q Stopped; do :; done; echo stopped
kill -CONT %2; until jobs -r | grep -q Running; do :; done; echo running
kill -TERM %2; wait %2; echo "ended $?"
(exit 3) & wait $!; echo "waited $?"
sleep 0.2 & fg %% >/dev/null; echo "fg $?"
trap 'echo trapped' USR1; kill -USR1 $$
yes | head -1 >/dev/null; echo "${PIPESTATUS[0]}"
set -o pipefail; cat <(echo substituted) | tee >(cat >/dev/null)
coproc cat; echo through >&"${COPROC[1]}"; read -r line <&"${COPROC[0]}"; echo "$line"
timeout 0.2 sleep 50; echo "timeout $?"
nohup true 2>/dev/null; nice -n 5 true; setsid -w true; echo helpers
BASH
  run --separate-stderr bash jobs.sh
  local control=$output
  box -- /bin/bash jobs.sh
  assert_exit 0
  [ "$output" = "$control" ] || explain "outside it says:" "$control"
  assert_contains "$output" $'2\nkilled 143\nstopped\nrunning\nended 143\nwaited 3'
  assert_contains "$output" 141
  assert_no_denials
}

@test "an interactive shell without a terminal works, too" {
  box -- /bin/bash --norc -i -c 'sleep 40 & jobs; kill %1; wait; echo over'
  assert_exit 0
  assert_contains "$output" over
}

@test "a static Go program with Go's own resolver, and Go's build and tests" {
  with go
  local go
  go=$(PATH=$PATH:/usr/local/go/bin command -v go)
  mkdir app && cat >app/main.go <<'GO'
package main
import ("fmt"; "io"; "net"; "os"; "sync")
func get(host string) string {
	link, err := net.Dial("tcp", host+":80")
	if err != nil { fmt.Println("error:", err); os.Exit(1) }
	defer link.Close()
	fmt.Fprintf(link, "GET /hello HTTP/1.0\r\nHost: %s\r\n\r\n", host)
	body, _ := io.ReadAll(link)
	return string(body)
}
func main() {
	fmt.Print(get(os.Args[1]))
	var group sync.WaitGroup
	for i := 0; i < 20; i++ { group.Add(1); go func() { defer group.Done(); get(os.Args[1]) }() }
	group.Wait()
}
GO
  printf 'module app\ngo 1.18\n' >app/go.mod
  cat >app/main_test.go <<'GO'
package main
import ("net"; "testing")
func TestOwnServer(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil { t.Fatal(err) }
	go func() { link, _ := server.Accept(); link.Write([]byte("x")); link.Close() }()
	link, err := net.Dial("tcp", server.Addr().String())
	if err != nil { t.Fatal(err) }
	if n, _ := link.Read(make([]byte, 10)); n != 1 { t.Fatal(n) }
}
GO
  box --env GOFLAGS=-mod=mod --env GOTOOLCHAIN=local --env CGO_ENABLED=0 --env GOCACHE="$WORK/cache" --chdir "$WORK/app" -- \
    "$go" build -o "$WORK/app/client" .
  assert_exit 0
  outside app/client good.test
  assert_exit 0
  refused_without good.test --rox "$WORK/app" -- app/client good.test
  box --rox "$WORK/app" --allow-domain good.test -- app/client good.test
  assert_exit 0
  assert_contains "$output" 'hello from good.test'
  assert_no_denials
  # go test executes what it builds, below GOTMPDIR.
  mkdir gotmp
  box --env GOTOOLCHAIN=local --env CGO_ENABLED=0 --env GOCACHE="$WORK/cache" --env GOTMPDIR="$WORK/gotmp" --rox "$WORK/gotmp" --chdir "$WORK/app" -- "$go" test .
  assert_exit 0
  assert_contains "$output" ok
}

# client.c: resolves, connects and asks, with nothing but the C library.
make_c_client() {
  cat >client.c <<'C'
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char** argv) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = 0;
  char text[512];
  int error = getaddrinfo(argv[1], argv[2], &hints, &found);
  if (argc != 3 || error) return printf("lookup: %s\n", gai_strerror(error)), 1;
  for (struct addrinfo* a = found; a; a = a->ai_next) {
    int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
    if (connect(fd, a->ai_addr, a->ai_addrlen)) { perror("connect"); close(fd); continue; }
    int n = snprintf(text, sizeof text, "GET /hello HTTP/1.0\r\nHost: %s\r\n\r\n", argv[1]);
    if (write(fd, text, n) != n) return 1;
    while ((n = read(fd, text, sizeof text)) > 0) fwrite(text, 1, n, stdout);
    return 0;
  }
  return 1;
}
C
}

@test "a static musl program resolves and connects" {
  with musl-gcc
  make_c_client
  musl-gcc -static -O1 -o musl client.c
  outside ./musl good.test 80
  assert_exit 0
  refused_without good.test --rox "$WORK/musl" -- ./musl good.test 80
  box --rox "$WORK/musl" --allow-domain good.test -- ./musl good.test 80
  assert_exit 0
  assert_contains "$output" 'hello from good.test'
  assert_no_denials
}

@test "locales, time zones, users, terminals and temporary files are what programs expect" {
  box -- /bin/sh -ec 'TZ=Europe/Berlin date -d @0 +%H; getent passwd root | cut -d: -f1; printf "%s" ä | LC_ALL=C.UTF-8 wc -m
    mktemp >/dev/null && mktemp -d >/dev/null && echo x >/tmp/x && cat /tmp/x; nproc >/dev/null; uname -s; echo $HOME | grep -c /
    head -c 4 /dev/urandom | wc -c; : >/dev/null; head -c 3 /dev/zero | wc -c; expr 6 \* 7; seq 3 | paste -sd+ | bc 2>/dev/null || echo 6'
  assert_exit 0
  [ "$(tr '\n' ' ' <<<"$output")" = '01 root 1 x Linux 1 4 3 42 6 ' ] || explain words
  assert_no_denials
}

@test "an agent does a day's work: clone, build, test, report" {
  with gcc
  join_agent
  policy 'allowed_commands = ["*"]' 'allowed_domains = ["good.test"]' "allowed_paths_rw = [\"/tmp\", \"$WORK\"]" "allowed_paths_ro = [\"$WORLD/ca.pem\"]"
  serve "$(turn_cmd "GIT_SSL_CAINFO=$WORLD/ca.pem git clone -q https://good.test/git/project.git p && wc -l <p/numbers")" \
    "$(turn_cmd "printf 'int main(void) { return 0; }' >m.c && gcc -o m m.c && ls m")" "$(turn_text 'done')"
  ask_json go
  assert_exit 0
  assert_outcome answered
  [ -e m ] || explain "not built"
  assert_json '.egress[0].target' good.test
}
