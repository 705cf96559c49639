#include <algorithm>
#include <array>
#include <optional>

#include "agent/tools/arguments.h"
#include "agent/tools/builtin.h"
#include "agent/tools/render.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

using enum Parameter::Type;
using enum Parameter::Need;

constexpr std::array kParameters{Parameter{.name = "cmd"}, Parameter{.name = "cwd", .need = kOptional},
                                 Parameter{.name = "timeout_secs", .type = kInteger, .need = kOptional}};

/// Shell conventions (XCU 2.8.2): found but not executable, not found.
constexpr int kNotExecutable = 126;
constexpr int kNotFound = 127;

/// Relative names in the plan mean the call's directory, not the run's.
void Anchor(CommandPlan& plan, const std::string& cwd) {
  for (std::string& path : plan.writes) path = NormalizePath(path, cwd);
  for (std::string& program : plan.programs) {
    if (program.find('/') != std::string::npos) program = NormalizePath(program, cwd);
  }
}

/// The program of an approved command lies where tools may write: it runs as the file that is there now. A script is
/// text to its interpreter, which is what runs.
void RunAsOpened(sandbox::Command& command) {
  const std::string path = NormalizePath(command.argv[0], command.cwd);
  std::vector<std::string> words = Policy::InterpreterOf(path);
  command.as_opened = words.empty();
  if (words.empty()) return;
  words.push_back(command.argv[0]);
  words.insert(words.end(), command.argv.begin() + 1, command.argv.end());
  command.argv = std::move(words);
}

Prepared Prepare(const json::View& args, const ToolContext& context) {
  if (auto bad = CheckArguments(args, kParameters)) return *bad;
  const Policy& policy = context.policy;
  const std::string cmd = TextArgument(args, "cmd");
  const std::string home = policy.ResolvePath(".");
  const std::string cwd = policy.ResolvePath(TextArgument(args, "cwd", "."));
  CommandPlan command = Policy::PlanCommand(cmd);
  if (cwd != home) Anchor(command, cwd);

  ToolPlan plan;
  plan.summary = "execute_cmd " + cmd;
  plan.program = command.programs.empty() ? cmd.substr(0, cmd.find_first_of(" \t\n")) : command.programs.front();
  plan.hosts = Policy::NamedHosts(command);
  plan.named_secret = policy.NamedSecret(command, cwd);
  plan.command.argv = command.argv;
  plan.command.cwd = cwd;
  plan.command.env = policy.Environment();
  plan.command.keep_head = kStreamBudget * 3 / 5;
  plan.command.keep_tail = kStreamBudget - plan.command.keep_head;
  const std::chrono::milliseconds wanted = std::chrono::seconds(IntegerArgument(args, "timeout_secs", 1'000'000'000));
  plan.command.limits.wall = std::min(wanted, context.wall_limit);
  plan.verdict = policy.CheckCommand(cmd, command);
  if (cwd != home && !plan.verdict.refusal) {
    // A directory outside the lists is not asked about: the command could not read it anyway.
    Verdict place = policy.CheckRead(cwd);
    if (!place.allowed()) plan.verdict.refusal = place.refusal ? std::move(place.refusal) : std::move(place.question);
  }
  const bool written = policy.IsWritten(NormalizePath(command.argv[0], cwd));
  if (plan.verdict.question && !command.needs_shell() && written) RunAsOpened(plan.command);
  plan.confinement = policy.ForCommand(command, Approved::kNo);
  plan.approved_confinement = plan.verdict.question ? policy.ForCommand(command, Approved::kYes) : plan.confinement;
  return plan;
}

ToolOutput Render(const sandbox::Completed& done) {
  ToolOutput output;
  const std::optional<int> code = done.report.exit_code;
  output.is_error = !Exited(done.report) || code == kNotExecutable || code == kNotFound;
  if (const std::string end = EndText(done.report); !end.empty()) output.text = end + "\n";

  const std::size_t out_size = static_cast<std::size_t>(std::min<std::uint64_t>(done.out.total, kStreamBudget));
  const std::size_t err_size = static_cast<std::size_t>(std::min<std::uint64_t>(done.err.total, kStreamBudget));
  const std::size_t err_budget = std::max(std::min(err_size, kStreamBudget / 4), kStreamBudget - out_size);
  const std::size_t out_budget = kStreamBudget - std::min(err_size, err_budget);
  if (out_size > 0) output.text += ShowStream(done.out, out_budget);
  if (err_size > 0) {
    if (!output.text.empty() && output.text.back() != '\n') output.text += '\n';
    output.text += "[stderr]\n" + ShowStream(done.err, err_budget);
  }
  while (!output.text.empty() && output.text.back() == '\n') output.text.pop_back();
  if (done.report.leftovers > 0) {
    output.text += "\n[" + std::to_string(done.report.leftovers) + " background processes were ended with the command]";
  }
  if (output.text.empty()) output.text = "(no output)";
  output.text.resize(Utf8Prefix(output.text, kToolTextLimit).size());
  return output;
}

}  // namespace

Tool MakeExecuteCmd() {
  return {.spec = {"execute_cmd", "Run a shell command line. Returns stdout, stderr and the exit code.",
                   SchemaOf(kParameters)},
          .prepare = Prepare,
          .render = Render};
}

}  // namespace rune::agent
