#include "resource/pre_commands.h"

#include "agent/run/denials.h"
#include "resource/say.h"
#include "sandbox/base/text.h"
#include "sandbox/foreground.h"

namespace rune::resource {
namespace {

constexpr std::size_t kOutputLimit = 32u << 10;

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
  command.env = runtime.policy().Environment();
  command.limits.wall = wall;
  // Approved: the author of the pipeline wrote it, so its programs need not be in allowed_commands.
  const sandbox::Confinement confinement = runtime.policy().ForCommand(plan, agent::Approved::kYes);
  return sandbox::RunInForeground(loop, runtime.sandbox(), std::move(command), confinement);
}

void SayRefusals(const agent::Policy& policy, const sandbox::Report& report) {
  std::vector<agent::Refusal> refusals;
  for (const sandbox::Denial& denial : report.denials) refusals.push_back(policy.Explain(denial, {}));
  for (const std::string& line : agent::RefusalLines(refusals)) Say("  " + line);
}

/// What the command said when it failed, as the end of a sentence about it; empty when it did not.
std::string FailureOf(const sandbox::Completed& done) {
  const std::string end = EndText(done.report);
  if (end.empty()) return "";
  if (!Exited(done.report)) return ": " + end;
  const std::string errors = TextOf(done.err);
  const std::string_view last = Trim(errors);
  return " ended with " + end + (last.empty() ? "" : ": " + OneLine(last.substr(last.rfind('\n') + 1), 200));
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

Result<std::string> PromptWithOutputs(EventLoop& loop, agent::Runtime& runtime, const std::string& prompt,
                                      const PreCommands& commands, std::chrono::milliseconds wall) {
  std::string whole = prompt;
  for (std::size_t i = 0; i < commands.lines.size(); ++i) {
    const std::string& line = commands.lines[i];
    const std::string place = commands.key + "[" + std::to_string(i) + "]";
    Say("$ " + line);
    auto done = RunOne(loop, runtime, line, wall);
    if (!done.ok()) return std::move(done).error().Wrap(place);
    SayRefusals(runtime.policy(), done->report);
    if (const std::string failure = FailureOf(*done); !failure.empty()) {
      return Error::Invalid(place + ": `" + OneLine(line, 120) + "`" + failure);
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
