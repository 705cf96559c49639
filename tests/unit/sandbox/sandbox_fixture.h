#pragma once
/// A sandbox with the real helper, on a loop of its own.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "sandbox/base/files.h"
#include "sandbox/process_list.h"
#include "sandbox/sandbox.h"
#include "tests/support/sandbox_helper.h"

namespace rune::sandbox {

inline Confinement SystemConfinement() {
  Confinement confinement;
  confinement.files = SystemRead();
  confinement.files.list_only.clear();
  confinement.files.execute = {"/usr", "/bin", "/lib", "/lib64"};
  return confinement;
}

class SandboxTest : public testing::Test {
 protected:
  void SetUp() override { Start({}); }
  void Start(RunLimits limits) {
    auto sandbox = Sandbox::Create(loop_, {.helper = SandboxHelper(), .limits = limits});
    ASSERT_TRUE(sandbox.ok()) << sandbox.error().message;
    sandbox_ = std::move(sandbox).value();
  }
  Completed Run(Command command, const Confinement& confinement = SystemConfinement()) {
    std::optional<Completed> done;
    if (command.cwd == "/") command.cwd = sandbox_->tmp_dir();
    const auto id = sandbox_->Launch(std::move(command), confinement, [&](Completed c) { done = std::move(c); });
    EXPECT_TRUE(id.ok()) << (id.ok() ? "" : id.error().message);
    loop_.RunUntil([&] { return done.has_value(); }, Clock::now() + std::chrono::seconds(60));
    EXPECT_TRUE(done.has_value());
    return done ? std::move(*done) : Completed{};
  }
  Completed Shell(const std::string& text, CommandLimits limits = {}) {
    return Run({.argv = {"/bin/sh", "-c", text}, .limits = limits});
  }
  /// Processes anywhere whose command line holds `mark`.
  static int Alive(const std::string& mark) {
    int count = 0;
    for (const ProcessInfo& info : ListProcesses()) {
      const auto text = ReadFile("/proc/" + std::to_string(info.pid) + "/cmdline", 1 << 20);
      if (info.state != 'Z' && text.ok() && text->find(mark) != std::string::npos) ++count;
    }
    return count;
  }
  /// Runs the loop in slices, for conditions that no event announces.
  bool WaitFor(const std::function<bool()>& condition) {
    const TimePoint deadline = Clock::now() + std::chrono::seconds(20);
    while (!condition() && Clock::now() < deadline)
      loop_.RunUntil([] { return false; }, Clock::now() + std::chrono::milliseconds(5));
    return condition();
  }
  EventLoop loop_;
  std::unique_ptr<Sandbox> sandbox_;
};

}  // namespace rune::sandbox
