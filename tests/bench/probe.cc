/// Measures one thing and prints the samples as JSON; bench.py runs it and makes the table. Small on purpose: the peak
/// memory of a child counts from the size of the process that spawned it.
///
///   probe launch HELPER COUNT RESIDENT_MB    confined launches of /bin/true, interleaved with plain posix_spawn(3)
///   probe many HELPER COUNT AT_ONCE          the same, AT_ONCE launches at a time: microseconds per launch
///   probe leak HELPER COUNT                  descriptors and memory of the guardian before and after COUNT launches
///   probe run COUNT STDIN_TEXT COMMAND...    whole runs of a program: start, end (CLOCK_MONOTONIC), peak memory

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "sandbox/base/event_loop.h"
#include "sandbox/base/files.h"
#include "sandbox/base/text.h"
#include "sandbox/program.h"
#include "sandbox/report.h"
#include "sandbox/sandbox.h"

namespace {

using rune::Clock;
using rune::TimePoint;
using rune::sandbox::Completed;
using rune::sandbox::Confinement;
using rune::sandbox::Sandbox;

double Microseconds(Clock::duration duration) { return std::chrono::duration<double, std::micro>(duration).count(); }

[[noreturn]] void Die(const std::string& message) {
  std::fprintf(stderr, "probe: %s\n", message.c_str());
  std::exit(1);
}

std::string JsonArray(const std::vector<double>& samples) {
  std::string text = "[";
  for (double sample : samples) {
    char number[32];
    std::snprintf(number, sizeof number, "%s%.1f", text.size() > 1 ? "," : "", sample);
    text += number;
  }
  return text + "]";
}

struct Finished {
  int status = 0;
  long max_rss_kb = 0;
};

/// posix_spawn(3) of `argv` with `stdin_fd` and everything else to /dev/null, then wait4(2).
Finished SpawnAndWait(const std::vector<std::string>& argv, int stdin_fd) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, stdin_fd, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  std::vector<char*> raw;
  for (const std::string& word : argv) raw.push_back(const_cast<char*>(word.c_str()));
  raw.push_back(nullptr);
  pid_t pid = 0;
  if (posix_spawn(&pid, raw[0], &actions, nullptr, raw.data(), environ) != 0) Die("cannot start " + argv[0]);
  posix_spawn_file_actions_destroy(&actions);
  Finished finished;
  struct rusage usage = {};
  if (wait4(pid, &finished.status, 0, &usage) < 0) Die("wait4");
  finished.max_rss_kb = usage.ru_maxrss;
  return finished;
}

/// What a policy with one allowed command compiles to.
Confinement TypicalConfinement(const Sandbox& sandbox) {
  Confinement confinement;
  confinement.files = rune::sandbox::SystemRead();
  auto program = rune::sandbox::ProgramFiles("true");
  if (!program.ok()) Die(program.error().message);
  auto& execute = confinement.files.execute;
  execute.insert(execute.end(), program->begin(), program->end());
  confinement.files.write.push_back(sandbox.tmp_dir());
  confinement.files.denied = {"/root", "/etc/shadow"};
  confinement.denied_syscalls = {"ptrace", "mount", "kexec_load", "bpf", "setns"};
  return confinement;
}

double TimedLaunch(rune::EventLoop& loop, Sandbox& sandbox, const Confinement& confinement) {
  bool done = false;
  const TimePoint begin = Clock::now();
  auto id = sandbox.Launch({.argv = {"true"}}, confinement, [&](Completed completed) {
    if (completed.report.exit_code != 0) Die("the confined command failed: " + completed.report.setup_error);
    done = true;
  });
  if (!id.ok()) Die(id.error().message);
  loop.RunUntil([&] { return done; }, begin + std::chrono::seconds(10));
  if (!done) Die("the confined command did not end");
  return Microseconds(Clock::now() - begin);
}

int MeasureLaunch(const std::string& helper, std::int64_t count, std::int64_t resident_mb) {
  const auto resident_bytes = static_cast<std::size_t>(resident_mb) << 20;
  std::vector<char> ballast(resident_bytes, 'x');
  rune::EventLoop loop;
  auto sandbox = Sandbox::Create(loop, {.helper = helper});
  if (!sandbox.ok()) Die(sandbox.error().message);
  const Confinement confinement = TypicalConfinement(**sandbox);
  const int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const double first = TimedLaunch(loop, **sandbox, confinement);
  std::vector<double> launches;
  std::vector<double> spawns;
  for (std::int64_t i = 0; i < count; ++i) {
    const TimePoint begin = Clock::now();
    SpawnAndWait({"/bin/true"}, null_fd);
    spawns.push_back(Microseconds(Clock::now() - begin));
    launches.push_back(TimedLaunch(loop, **sandbox, confinement));
  }
  auto layers = (*sandbox)->Layers(confinement);
  std::string summary;
  if (layers.ok()) {
    for (const auto& layer : *layers) {
      summary += std::string(LayerName(layer.layer)) + ": " + std::string(LayerStateName(layer.state)) + "; ";
    }
  }
  std::printf(R"({"first_us":%.1f,"launch_us":%s,"spawn_us":%s,"layers":"%s"})"
              "\n",
              first, JsonArray(launches).c_str(), JsonArray(spawns).c_str(), summary.c_str());
  return 0;
}

/// Starts `count` commands, at most `at_once` at a time, and waits for all.
double TimedMany(rune::EventLoop& loop, Sandbox& sandbox, std::int64_t count, std::size_t at_once) {
  const Confinement confinement = TypicalConfinement(sandbox);
  std::int64_t ended = 0;
  const TimePoint begin = Clock::now();
  for (std::int64_t i = 0; i < count; ++i) {
    loop.RunUntil([&] { return sandbox.running() < at_once; }, begin + std::chrono::seconds(100));
    auto id = sandbox.Launch({.argv = {"true"}}, confinement, [&](Completed completed) {
      if (completed.report.exit_code != 0) Die("a confined command failed: " + completed.report.setup_error);
      ++ended;
    });
    if (!id.ok()) Die(id.error().message);
  }
  loop.RunUntil([&] { return ended == count; }, begin + std::chrono::seconds(100));
  if (ended != count) Die("the confined commands did not end");
  return Microseconds(Clock::now() - begin) / static_cast<double>(count);
}

int MeasureMany(const std::string& helper, std::int64_t count, std::int64_t at_once) {
  rune::EventLoop loop;
  auto sandbox = Sandbox::Create(loop, {.helper = helper});
  if (!sandbox.ok()) Die(sandbox.error().message);
  TimedMany(loop, **sandbox, 5, 1);
  const double single = TimedMany(loop, **sandbox, count, 1);
  const double many = TimedMany(loop, **sandbox, count, static_cast<std::size_t>(at_once));
  std::printf(R"({"single_us":%.1f,"many_us":%.1f})"
              "\n",
              single, many);
  return 0;
}

struct Held {
  std::size_t descriptors = 0;
  long resident_kb = 0;
};

/// Of our only child, the guardian. Its descriptors can only be listed by root: it is not dumpable.
Held HeldByGuardian() {
  const std::string self = std::to_string(::getpid());
  auto children = rune::ReadFile("/proc/self/task/" + self + "/children", 4096);
  if (!children.ok() || children->empty()) Die("no guardian");
  const std::string guardian = "/proc/" + children->substr(0, children->find(' '));
  Held held;
  std::error_code error;
  for (auto it = std::filesystem::directory_iterator(guardian + "/fd", error); it != end(it); it.increment(error)) {
    ++held.descriptors;
  }
  auto statm = rune::ReadFile(guardian + "/statm", 256);
  if (!statm.ok()) Die(statm.error().message);
  held.resident_kb = std::strtol(statm->c_str() + statm->find(' '), nullptr, 10) * (::sysconf(_SC_PAGESIZE) / 1024);
  return held;
}

int MeasureLeak(const std::string& helper, std::int64_t count) {
  rune::EventLoop loop;
  auto sandbox = Sandbox::Create(loop, {.helper = helper});
  if (!sandbox.ok()) Die(sandbox.error().message);
  TimedMany(loop, **sandbox, 50, 4);
  const Held before = HeldByGuardian();
  TimedMany(loop, **sandbox, count, 4);
  const Held after = HeldByGuardian();
  std::printf(R"({"fds_before":%zu,"fds_after":%zu,"kb_before":%ld,"kb_after":%ld})"
              "\n",
              before.descriptors, after.descriptors, before.resident_kb, after.resident_kb);
  return 0;
}

int MeasureRun(std::int64_t count, const std::string& input, const std::vector<std::string>& argv) {
  const int stdin_fd = memfd_create("stdin", MFD_CLOEXEC);
  if (stdin_fd < 0 || write(stdin_fd, input.data(), input.size()) != static_cast<ssize_t>(input.size())) Die("memfd");
  std::vector<double> starts;
  std::vector<double> ends;
  std::vector<double> memory;
  int failures = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    lseek(stdin_fd, 0, SEEK_SET);
    starts.push_back(Microseconds(Clock::now().time_since_epoch()));
    const Finished finished = SpawnAndWait(argv, stdin_fd);
    ends.push_back(Microseconds(Clock::now().time_since_epoch()));
    memory.push_back(static_cast<double>(finished.max_rss_kb));
    if (finished.status != 0) ++failures;
  }
  std::printf(R"({"start_us":%s,"end_us":%s,"max_rss_kb":%s,"failures":%d})"
              "\n",
              JsonArray(starts).c_str(), JsonArray(ends).c_str(), JsonArray(memory).c_str(), failures);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 4 && words[0] == "launch") {
    const auto count = rune::ParseInt(words[2]);
    const auto resident = rune::ParseInt(words[3]);
    if (count && resident) return MeasureLaunch(words[1], *count, *resident);
  }
  if (words.size() == 4 && words[0] == "many") {
    const auto count = rune::ParseInt(words[2]);
    const auto at_once = rune::ParseInt(words[3]);
    if (count && at_once) return MeasureMany(words[1], *count, *at_once);
  }
  if (words.size() == 3 && words[0] == "leak") {
    if (const auto count = rune::ParseInt(words[2])) return MeasureLeak(words[1], *count);
  }
  if (words.size() >= 4 && words[0] == "run") {
    const auto count = rune::ParseInt(words[1]);
    if (count) return MeasureRun(*count, words[2], {words.begin() + 3, words.end()});
  }
  std::fprintf(stderr,
               "usage: probe launch HELPER COUNT RESIDENT_MB | many HELPER COUNT AT_ONCE | leak HELPER COUNT |"
               " probe run COUNT STDIN_TEXT COMMAND...\n");
  return 2;
}
