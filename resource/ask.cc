#include "resource/ask.h"

#include <functional>
#include <string>

#include "agent/run/denials.h"
#include "agent/run/proof.h"
#include "resource/say.h"
#include "sandbox/base/text.h"

namespace rune::resource {
namespace {

constexpr std::chrono::seconds kHeartbeat{15};

class Progress : public agent::RunObserver {
 public:
  void OnToolStart(const agent::ToolRecord& tool) override { Say("> " + tool.summary); }
  void OnToolEnd(const agent::ToolRecord& tool, const std::string&) override {
    if (!tool.ran) Say("> " + tool.summary);
    std::string line = tool.refused ? "  refused" : tool.succeeded ? "  ok" : "  failed";
    if (!tool.detail.empty()) line += ": " + tool.detail;
    Say(line + " (" + std::to_string(tool.wall_us / 1000) + " ms, " + std::to_string(tool.output_bytes) + " bytes)");
    for (const std::string& note : tool.notes) Say("  " + note);
    if (!tool.ran) return;  // the refusal is the detail
    for (const std::string& refusal : agent::RefusalLines(tool.refusals)) Say("  " + refusal);
  }
  void OnNotice(const std::string& notice) override { Say(notice); }
};

/// A line now and then, so that a long wait does not look like a hang.
class Heartbeat {
 public:
  explicit Heartbeat(EventLoop& loop) : loop_(loop), start_(Clock::now()) { Arm(); }
  ~Heartbeat() { loop_.CancelTimer(timer_); }
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

 private:
  void Arm() {
    timer_ = loop_.At(Clock::now() + kHeartbeat, [this] {
      const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - start_);
      Say("still working (" + std::to_string(seconds.count()) + " s)");
      Arm();
    });
  }
  EventLoop& loop_;
  TimePoint start_;
  EventLoop::TimerId timer_ = 0;
};

}  // namespace

Result<agent::RunResult> AgentAsker::Ask(const Question& question) {
  Progress progress;
  RUNE_ASSIGN_OR_RETURN(const auto runtime, agent::Runtime::Create(loop_, question.config, question.options, progress));
  const Heartbeat heartbeat(loop_);
  RUNE_ASSIGN_OR_RETURN(
      const std::string prompt,
      PromptWithOutputs(loop_, *runtime, question.prompt, question.pre_commands, question.config.budgets.tool_wall));
  agent::RunResult result = runtime->Run(prompt, question.images);
  if (!result.proof.empty()) Say("sandbox: " + agent::SandboxLine(result.proof));
  for (const std::string& line : agent::EgressText(result.egress)) Say("egress: " + line);
  return result;
}

}  // namespace rune::resource
