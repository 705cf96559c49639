/// Programs of all kinds under the guard: how each of them resolves names and connects is its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "sandbox/base/files.h"
#include "sandbox/base/text.h"
#include "tests/unit/guard/guarded_run.h"

namespace rune::sandbox {
namespace {

using testing::HasSubstr;

bool Installed(const std::string& program) {
  for (const std::string dir : {"/usr/bin/", "/bin/", "/usr/local/bin/", "/usr/local/go/bin/", "/usr/sbin/"}) {
    if (::access((dir + program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

#define SKIP_WITHOUT(program) \
  if (!Installed(program)) GTEST_SKIP() << program << " is not installed"

class GuardedPrograms : public testing::Test {
 protected:
  void SetUp() override {
    if (!WhyNoGuardHere().empty()) GTEST_SKIP() << WhyNoGuardHere();
    setup_.rules = {"good.test:" + std::to_string(server_.port()), "127.0.0.0/8:" + std::to_string(server_.port())};
    setup_.hosts = {{"good.test", *ParseIp("127.0.0.1")}, {"evil.test", *ParseIp("127.0.0.1")}};
  }

  std::string Url(const std::string& name) const {
    return "http://" + name + ":" + std::to_string(server_.port()) + "/";
  }

  /// `argv` with the URL of an allowed name fetches, with that of another one fails and is noted.
  void ExpectFetches(std::vector<std::string> argv) {
    argv.push_back(Url("good.test"));
    const auto good = RunGuarded(setup_, argv);
    EXPECT_EQ(good.status, 0) << good.output;
    EXPECT_THAT(good.output, HasSubstr("hello"));
    const int before = server_.connections();
    argv.back() = Url("evil.test");
    const auto evil = RunGuarded(setup_, argv);
    EXPECT_NE(evil.status, 0);
    EXPECT_TRUE(evil.Denied(DeniedAct::kLookup, "evil.test")) << evil.output;
    EXPECT_EQ(server_.connections(), before);
  }

  /// Writes `source` into a private directory and builds it there with `command` (a shell line with $OUT and $SRC).
  std::string Build(const std::string& name, const std::string& source, const std::string& command) {
    const std::string src = dir_.path() + "/" + name;
    const std::string out = dir_.path() + "/program";
    std::ofstream(src) << source;
    const std::string line = "SRC='" + src + "'; OUT='" + out + "'; " + command + " >&2";
    const int status = RunBare([&] {
      ::execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
      return 127;
    });
    return status == 0 ? out : "";
  }

  HelloServer server_;
  GuardedSetup setup_;
  TempDir dir_ = std::move(TempDir::Create("/tmp", "guard-test-")).value();
};

TEST_F(GuardedPrograms, CurlFetches) {
  SKIP_WITHOUT("curl");
  ExpectFetches({"curl", "-sS", "-m", "10"});
}

TEST_F(GuardedPrograms, WgetFetches) {
  SKIP_WITHOUT("wget");
  ExpectFetches({"wget", "-q", "-T", "10", "-t", "1", "-O", "-"});
}

TEST_F(GuardedPrograms, PythonFetchesBlockingAndWithATimeout) {
  SKIP_WITHOUT("python3");
  for (const std::string timeout : {"None", "10"}) {
    ExpectFetches({"/usr/bin/python3", "-c",
                   "import sys,urllib.request; print(urllib.request.urlopen(sys.argv[1],timeout=" + timeout +
                       ").read().decode())"});
  }
}

TEST_F(GuardedPrograms, PythonAsyncioFetches) {
  SKIP_WITHOUT("python3");
  ExpectFetches({"/usr/bin/python3", "-c", R"(
import asyncio, sys, urllib.parse
async def main():
  u = urllib.parse.urlsplit(sys.argv[1])
  r, w = await asyncio.open_connection(u.hostname, u.port)
  w.write(f'GET / HTTP/1.1\r\nHost: {u.netloc}\r\n\r\n'.encode())
  print((await r.read()).decode())
asyncio.run(main())
)"});
}

TEST_F(GuardedPrograms, BusyboxFetchesAndLooksUp) {
  SKIP_WITHOUT("busybox");
  ExpectFetches({"busybox", "wget", "-q", "-O", "-"});
  const auto lookup = RunGuarded(setup_, {"busybox", "nslookup", "good.test"});
  EXPECT_THAT(lookup.output, HasSubstr("198.18.0.2"));
}

TEST_F(GuardedPrograms, NodeFetchesAndResolves) {
  SKIP_WITHOUT("node");
  ExpectFetches({"node", "-e", R"(
const http = require('http');
http.get(process.argv[1], r => { r.on('data', d => process.stdout.write(d)); }).on('error', e => { console.error(e); process.exit(1); });
)"});
  const auto resolved = RunGuarded(
      setup_, {"node", "-e",
               "require('dns').resolve4('good.test', (e, a) => { console.log(e, a); process.exit(e ? 1 : 0); })"});
  EXPECT_EQ(resolved.status, 0) << resolved.output;
  EXPECT_THAT(resolved.output, HasSubstr("198.18.0.2"));
}

TEST_F(GuardedPrograms, GoFetchesWithItsOwnResolver) {
  SKIP_WITHOUT("go");
  // Only "net": net/http takes a cold cache half a minute.
  const std::string program = Build("main.go", R"(
package main
import ("fmt"; "io"; "net"; "os"; "strings")
func main() {
  host := strings.Trim(strings.TrimPrefix(os.Args[1], "http:"), "/")
  c, err := net.Dial("tcp", host)
  if err != nil { fmt.Println(err); os.Exit(1) }
  fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host)
  b, _ := io.ReadAll(c)
  fmt.Println(string(b))
}
)",
                                    "PATH=$PATH:/usr/local/go/bin CGO_ENABLED=0 go build -o $OUT $SRC");
  if (program.empty()) GTEST_SKIP() << "go cannot build here";
  ExpectFetches({program});
}

TEST_F(GuardedPrograms, StaticMuslFetches) {
  SKIP_WITHOUT("musl-gcc");
  const std::string program = Build("main.c", R"(
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char** argv) {
  char name[256], port[16];
  if (argc < 2 || sscanf(argv[1], "http://%255[^:]:%15[0-9]", name, port) != 2) return 2;
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
  int e = getaddrinfo(name, port, &hints, &found);
  if (e) return puts(gai_strerror(e)), 1;
  int fd = socket(found->ai_family, SOCK_STREAM, 0);
  if (connect(fd, found->ai_addr, found->ai_addrlen)) return perror("connect"), 1;
  dprintf(fd, "GET / HTTP/1.1\r\nHost: %s:%s\r\n\r\n", name, port);
  char answer[4096];
  ssize_t n;
  while ((n = read(fd, answer, sizeof answer)) > 0) fwrite(answer, 1, n, stdout);
  return 0;
}
)",
                                    "musl-gcc -static -o $OUT $SRC");
  if (program.empty()) GTEST_SKIP() << "musl-gcc cannot build here";
  ExpectFetches({program});
}

TEST_F(GuardedPrograms, GetentLooksUp) {
  const auto good = RunGuarded(setup_, {"getent", "ahosts", "good.test"});
  EXPECT_EQ(good.status, 0);
  EXPECT_THAT(good.output, HasSubstr("198.18.0.2"));
  const auto evil = RunGuarded(setup_, {"getent", "ahosts", "evil.test"});
  EXPECT_EQ(evil.status, 2);
}

TEST_F(GuardedPrograms, DigAsksByUdpAndByTcpWhateverServerItNames) {
  SKIP_WITHOUT("dig");
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{}, {"@8.8.8.8"}, {"+tcp"}, {"@8.8.8.8", "+tcp"}}) {
    std::vector<std::string> argv{"dig", "+short", "+tries=1", "+time=3", "good.test"};
    argv.insert(argv.end(), more.begin(), more.end());
    const auto result = RunGuarded(setup_, argv);
    EXPECT_EQ(result.status, 0) << result.output;
    EXPECT_EQ(result.output, "198.18.0.2\n");
  }
  const auto evil = RunGuarded(setup_, {"dig", "+tries=1", "+time=3", "evil.test"});
  EXPECT_THAT(evil.output, HasSubstr("NXDOMAIN"));
  EXPECT_THAT(evil.output, HasSubstr("EDE: 18"));
}

}  // namespace
}  // namespace rune::sandbox
