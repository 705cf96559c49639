#include "agent/tools/builtin.h"

#include <algorithm>

#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::chrono::milliseconds kOperationWall{30'000};

ToolPlan PlanOperation(const ToolContext& context, std::vector<std::string> argv, Verdict verdict,
                       sandbox::Confinement confinement) {
  ToolPlan plan;
  plan.summary = Join(argv, " ");
  plan.command.kind = sandbox::Command::Kind::kBuiltin;
  plan.command.argv = std::move(argv);
  plan.command.limits.wall = std::min(kOperationWall, context.wall_limit);
  plan.command.keep_head = 64 << 10;
  plan.command.keep_tail = 0;
  plan.confinement = std::move(confinement);
  plan.approved_confinement = verdict.question ? context.policy.ForApprovedFile(*verdict.question) : plan.confinement;
  plan.verdict = std::move(verdict);
  return plan;
}

}  // namespace

ToolPlan PlanRead(const ToolContext& context, std::vector<std::string> argv, const std::string& path) {
  return PlanOperation(context, std::move(argv), context.policy.CheckRead(path), context.policy.ForFiles());
}

ToolPlan PlanWrite(const ToolContext& context, std::vector<std::string> argv, const std::string& path) {
  return PlanOperation(context, std::move(argv), context.policy.CheckWrite(path), context.policy.ForWriting(path));
}

}  // namespace rune::agent
