#include "agent/policy/policy.h"
#include "agent/policy/programs.h"
#include "agent/policy/shell.h"

namespace rune::agent {

CommandPlan Policy::PlanCommand(const std::string& command_line) {
  const ShellScript script = ParseShell(command_line);
  CommandUse use = AnalyzeScript(script);
  CommandPlan plan;
  plan.programs = std::move(use.programs);
  plan.writes = std::move(use.writes);
  plan.runs_others = std::move(use.runs_others);
  plan.words = std::move(use.words);
  plan.reason = std::move(use.unknown);
  plan.understood = plan.reason.empty();
  if (plan.understood && !script.needs_shell && !use.builtins_only) {
    // One simple command of static words: no shell, so nothing can be read twice.
    for (const ShellWord& word : script.commands.front().words) plan.argv.push_back(word.text);
  }
  if (plan.argv.empty()) plan.argv = {"/bin/sh", "-c", command_line};
  return plan;
}

}  // namespace rune::agent
