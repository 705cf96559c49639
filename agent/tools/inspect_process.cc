#include <array>

#include "agent/tools/arguments.h"
#include "agent/tools/builtin.h"
#include "agent/tools/render.h"

namespace rune::agent {
namespace {

constexpr std::array kParameters{Parameter{.name = "pid", .type = Parameter::Type::kInteger}};

Prepared Prepare(const json::View& args, const ToolContext& context) {
  if (auto bad = CheckArguments(args, kParameters)) return *bad;
  const std::string pid = std::to_string(IntegerArgument(args, "pid", 0));
  ToolPlan plan = PlanRead(context, {"inspect", pid}, "/proc/" + pid);
  plan.summary = "inspect_process " + pid;
  return plan;
}

}  // namespace

Tool MakeInspectProcess() {
  return {.spec = {"inspect_process", "Name, state, memory and command line of a process.", SchemaOf(kParameters)},
          .prepare = Prepare,
          .render = [](const sandbox::Completed& done) { return RenderOperation(done, ""); }};
}

}  // namespace rune::agent
