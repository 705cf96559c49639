/// Real programs under SystemRead(), the filter, Landlock, an identity and rlimits together, each with what it must not
/// do.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "sandbox/base/files.h"
#include "sandbox/layers/identity.h"
#include "sandbox/layers/landlock.h"
#include "sandbox/layers/rlimits.h"
#include "sandbox/layers/seccomp.h"
#include "sandbox/program.h"
#include "tests/unit/layers/in_child.h"

namespace rune::sandbox {
namespace {

using testing::HasSubstr;

struct Outcome {
  int exit_code = -1;
  std::string output;  ///< stdout and stderr.
};

class ProgramsRun : public testing::Test {
 protected:
  void SetUp() override {
    if (LandlockAbi() == 0 || !SeccompAvailable()) GTEST_SKIP() << "needs Landlock and seccomp";
    identity_ = PlanIdentity({.writable = {}, .landlock_abi = LandlockAbi()});
    ASSERT_EQ(::chown(dir_.path().c_str(), identity_.uid, identity_.gid), 0);
  }

  /// Runs `argv` with exactly `programs` allowed.
  Outcome Run(const std::vector<std::string>& programs, std::vector<std::string> argv) const {
    Confinement confinement{.files = SystemRead()};
    confinement.files.write.push_back(dir_.path());
    for (const std::string& name : programs) {
      const auto files = ProgramFiles(name);
      if (!files.ok()) return {-1, files.error().message};
      confinement.files.execute.insert(confinement.files.execute.end(), files->begin(), files->end());
    }
    const auto ruleset = BuildLandlock(confinement);
    const auto filter = CompileSeccomp({});
    if (!ruleset.ok() || !filter.ok()) return {};
    Pipe pipe = std::move(MakePipe()).value();
    const std::string program = FindProgram(argv[0]);
    const std::string home = "HOME=" + dir_.path();
    const std::string tmp = "TMPDIR=" + dir_.path();
    std::vector<char*> words;
    for (std::string& word : argv) words.push_back(word.data());
    words.push_back(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
      ::dup2(pipe.write.get(), 1);
      ::dup2(pipe.write.get(), 2);
      ::dup2(::open("/dev/null", O_RDONLY), 0);
      const char* const env[] = {"PATH=/usr/local/bin:/usr/bin:/bin", home.c_str(), tmp.c_str(), "LC_ALL=C", nullptr};
      if (::chdir(dir_.path().c_str()) != 0 || ApplyIdentity(identity_) != 0 ||
          InstallLandlock(ruleset->fd.get()) != 0 || ApplyRlimits({}) != 0 || InstallSeccomp(*filter) != 0) {
        ::_exit(250);
      }
      ::execve(program.c_str(), words.data(), const_cast<char* const*>(env));
      ::_exit(251);
    }
    pipe.write.Reset();
    const auto output = ReadAll(pipe.read.get(), 1 << 20);
    int status = 0;
    ::waitpid(child, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, output.ok() ? *output : ""};
  }

  bool Write(const std::string& name, const std::string& text) const {
    return WriteFileAtomic(dir_.path() + "/" + name, text).ok();
  }

  TempDir dir_ = std::move(TempDir::Create("/tmp", "programs-test-")).value();
  Identity identity_;
};

#define SKIP_WITHOUT(name) \
  if (FindProgram(name).empty()) GTEST_SKIP() << "no " name " on this machine"

TEST_F(ProgramsRun, ShellWritesItsDirectoryAndRunsOnlyWhatIsListed) {
  const Outcome outcome =
      Run({"sh", "cat"}, {"sh", "-c",
                          "echo one > file && cat file && cat /etc/hostname >/dev/null && echo two\n"
                          "ls . ; cat /etc/shadow; cat /usr/bin/ls > copy; /bin/true; echo code $?"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.output, HasSubstr("one\ntwo\n"));
  EXPECT_THAT(outcome.output, HasSubstr("ls: Permission denied"));
  EXPECT_THAT(outcome.output, HasSubstr("/etc/shadow: Permission denied"));
  EXPECT_THAT(outcome.output, HasSubstr("/usr/bin/ls: Permission denied"));
  EXPECT_THAT(outcome.output, HasSubstr("code 126"));
}

TEST_F(ProgramsRun, ShellListsProgramsAndEtc) {
  SKIP_WITHOUT("ls");
  const Outcome outcome = Run({"sh", "ls"}, {"sh", "-c", "ls /usr/bin /etc /etc/ssl >/dev/null && ls /root /home"});
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_THAT(outcome.output, testing::Not(HasSubstr("/etc")));
  EXPECT_THAT(outcome.output, HasSubstr("cannot open directory"));
}

TEST_F(ProgramsRun, ProgramsCannotBeStartedThroughTheLoaderOrACopy) {
  SKIP_WITHOUT("cp");
  const auto files = ProgramFiles("true");
  ASSERT_TRUE(files.ok());
  const auto loader =
      std::find_if(files->begin(), files->end(), [](const std::string& path) { return path.find("ld-") != path.npos; });
  if (loader == files->end()) GTEST_SKIP() << "/bin/true is static here";
  EXPECT_EQ(Run({"sh", "true"}, {"sh", "-c", *loader + " /bin/true && echo yes"}).output, "yes\n");
  EXPECT_THAT(Run({"sh"}, {"sh", "-c", *loader + " /bin/true && echo yes"}).output, HasSubstr("Permission denied"));
  EXPECT_NE(Run({"sh", "cp", "true"}, {"sh", "-c", "cp /bin/true ./t && ./t"}).exit_code, 0);
}

TEST_F(ProgramsRun, PythonThreadsProcessesAndDatabasesWork) {
  SKIP_WITHOUT("python3");
  const Outcome outcome = Run({"python3"}, {"python3", "-c", R"py(
import sys, threading, subprocess, multiprocessing, sqlite3, asyncio, socket
threads = [threading.Thread(target=int) for _ in range(50)]
[t.start() for t in threads]; [t.join() for t in threads]
print("sub", subprocess.run([sys.executable, "-c", "print(6*7)"], capture_output=True, text=True).stdout.strip(), flush=True)
def child(end): end.send("hello")
here, there = multiprocessing.Pipe()
p = multiprocessing.Process(target=child, args=(there,)); p.start(); print("mp", here.recv()); p.join()
db = sqlite3.connect("x.db"); db.execute("create table t(a)"); db.commit(); print("sqlite ok")
asyncio.run(asyncio.sleep(0)); print("asyncio ok")
for family in socket.AF_INET, socket.AF_INET6:
    try: socket.socket(family, socket.SOCK_STREAM); print("socket!")
    except PermissionError: print("no socket")
)py"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.output, "sub 42\nmp hello\nsqlite ok\nasyncio ok\nno socket\nno socket\n");
}

TEST_F(ProgramsRun, GitCommitsAndItsDirectoryOfHelpersWorks) {
  SKIP_WITHOUT("git");
  EXPECT_EQ(Run({"git"}, {"git", "init", "-q", "repo"}).output, "");
  EXPECT_EQ(Run({"git"}, {"git", "-C", "repo", "-c", "user.name=a", "-c", "user.email=b@c", "commit", "-q",
                          "--allow-empty", "-m", "first"})
                .output,
            "");
  EXPECT_THAT(Run({"git"}, {"git", "-C", "repo", "log", "--oneline"}).output, HasSubstr("first"));
  EXPECT_EQ(Run({"git"}, {"git", "clone", "-q", "repo", "copy"}).exit_code, 0);
  EXPECT_NE(Run({"git"}, {"git", "ls-remote", "https://127.0.0.1:1/x"}).exit_code, 0);
}

TEST_F(ProgramsRun, GccBuildsWhatMayNotRun) {
  SKIP_WITHOUT("gcc");
  ASSERT_TRUE(Write("hello.c", "#include <stdio.h>\nint main(void) { puts(\"hello\"); return 0; }\n"));
  const Outcome built = Run({"gcc"}, {"gcc", "hello.c", "-o", "hello"});
  EXPECT_EQ(built.exit_code, 0) << built.output;
  EXPECT_THAT(Run({"sh"}, {"sh", "-c", "./hello"}).output, HasSubstr("Permission denied"));
  EXPECT_EQ(Run({dir_.path() + "/hello"}, {dir_.path() + "/hello"}).output, "hello\n");
}

TEST_F(ProgramsRun, MakeRunsItsRecipes) {
  SKIP_WITHOUT("make");
  ASSERT_TRUE(Write("Makefile", "all:\n\t@echo $$((40 + 2)) > made; read x < made; echo $$x\n"));
  EXPECT_EQ(Run({"make"}, {"make"}).output, "42\n");
}

TEST_F(ProgramsRun, NodeStartsChildrenAndWorkers) {
  SKIP_WITHOUT("node");
  const Outcome outcome = Run({"node"}, {"node", "-e", R"js(
const cp = require("child_process"), fs = require("fs"), net = require("net");
fs.writeFileSync("n", require("crypto").randomBytes(8));
console.log(cp.execFileSync(process.execPath, ["-p", "6*7"]).toString().trim());
new (require("worker_threads").Worker)("console.log('worker')", {eval: true}).on("exit", () =>
  net.connect(1, "127.0.0.1").on("error", e => console.log(e.code)));
)js"});
  EXPECT_EQ(outcome.output, "42\nworker\nEACCES\n");
}

TEST_F(ProgramsRun, CurlFailsToConnectAndSaysSo) {
  SKIP_WITHOUT("curl");
  EXPECT_EQ(Run({"curl"}, {"curl", "--version"}).exit_code, 0);
  EXPECT_EQ(Run({"curl"}, {"curl", "-sS", "http://127.0.0.1:1/"}).exit_code, 7);
  EXPECT_EQ(Run({"curl"}, {"curl", "-sS", "--unix-socket", "/run/docker.sock", "http://x/"}).exit_code, 7);
}

}  // namespace
}  // namespace rune::sandbox
