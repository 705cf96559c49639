#include "resource/pre_commands.h"

#include <algorithm>
#include <optional>

#include "resource/say.h"
#include "sandbox/base/text.h"

namespace rune::resource {
namespace {

constexpr std::size_t kOutputLimit = 32u << 10;
constexpr Milliseconds kKillGrace{500};
constexpr std::chrono::seconds kDrain{3};

std::string TextOf(const sandbox::Stream& stream) {
  return stream.tail.empty() ? stream.head : stream.head + "\n[...]\n" + stream.tail;
}

Result<sandbox::Completed> RunOne(EventLoop& loop, agent::Runtime& runtime, const std::string& line,
                                  std::chrono::milliseconds wall) {
  const agent::CommandPlan plan = agent::Policy::PlanCommand(line);
  if (plan.argv.empty()) return Error::Invalid("empty command");
  sandbox::Command command;
  command.argv = plan.argv;
  command.cwd = runtime.policy().places().cwd;
  command.limits.wall = wall;
  // Approved: the author of the pipeline wrote it, so its programs need not be in allowed_commands.
  const sandbox::Confinement confinement = runtime.policy().ForCommand(plan, agent::Approved::kYes);
  std::optional<sandbox::Completed> result;
  RUNE_ASSIGN_OR_RETURN(const sandbox::CommandId id,
                        runtime.sandbox().Launch(std::move(command), confinement,
                                                 [&result](sandbox::Completed done) { result = std::move(done); }));
  const auto finished = [&result] { return result.has_value(); };
  if (loop.RunUntil(finished) != EventLoop::Wake::kDone) {
    runtime.sandbox().Kill(id, kKillGrace);
    loop.Drain(finished, Clock::now() + kDrain);
    return Error{ErrorKind::kCancelled, "stopped"};
  }
  return std::move(*result);
}

}  // namespace

std::string LabelledBlock(const std::string& label, std::string_view text) {
  const std::string safe = MakeSafe(text).text;
  const std::string_view kept = Utf8Prefix(safe, kOutputLimit);
  std::string block = "\n\n" + label + ":\n" + std::string(kept);
  if (!block.ends_with('\n')) block += '\n';
  if (kept.size() < safe.size()) block += "[cut: " + std::to_string(safe.size() - kept.size()) + " bytes more]\n";
  return block;
}

std::string FailureOf(const sandbox::Completed& done) {
  const sandbox::Report& report = done.report;
  if (report.guardian_lost) return "the sandbox was lost";
  if (!report.setup_error.empty()) return report.setup_error;
  if (report.limit != sandbox::LimitHit::kNone) {
    return "stopped at its limit: " + std::string(sandbox::LimitHitName(report.limit));
  }
  if (report.signal != 0) return "ended by signal " + std::to_string(report.signal);
  if (report.exit_code.value_or(1) == 0) return "";
  std::string failure = "ended with exit code " + std::to_string(report.exit_code.value_or(1));
  const std::string errors = TextOf(done.err);
  const std::string_view last = Trim(errors);
  if (!last.empty()) failure += ": " + OneLine(last.substr(last.rfind('\n') + 1), 200);
  return failure;
}

Result<std::string> PromptWithOutputs(EventLoop& loop, agent::Runtime& runtime, const std::string& prompt,
                                      const PreCommands& commands, std::chrono::milliseconds wall) {
  std::string whole = prompt;
  for (std::size_t i = 0; i < commands.lines.size(); ++i) {
    const std::string& line = commands.lines[i];
    const std::string place = commands.key + "[" + std::to_string(i) + "]";
    Say("$ " + line);
    auto done = RunOne(loop, runtime, line, wall);
    if (!done.ok()) return std::move(done).error().Wrap(place);
    if (const std::string failure = FailureOf(*done); !failure.empty()) {
      return Error::Invalid(place + ": `" + OneLine(line, 120) + "` " + failure);
    }
    // A silent command, one that copies or unpacks, leaves the prompt as it is.
    const std::string output = TextOf(done->out);
    if (!Trim(output).empty()) whole += LabelledBlock("Output of `" + line + "`", output);
    const std::string errors = TextOf(done->err);
    if (!Trim(errors).empty()) whole += LabelledBlock("Errors of `" + line + "`", errors);
  }
  return whole;
}

}  // namespace rune::resource
