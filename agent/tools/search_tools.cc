// find_files, search_files: many files at once.

#include <array>

#include "agent/tools/arguments.h"
#include "agent/tools/builtin.h"
#include "agent/tools/render.h"

namespace rune::agent {
namespace {

using enum Parameter::Need;

constexpr const char* kMaxFound = "500";
constexpr const char* kMaxMatches = "200";
constexpr std::string_view kNarrow = "narrow the pattern or the path";

constexpr std::array kFindParameters{Parameter{.name = "path", .need = kOptional},
                                     Parameter{.name = "pattern", .description = "glob; ** crosses directories"}};
constexpr std::array kSearchParameters{Parameter{.name = "glob", .need = kOptional},
                                       Parameter{.name = "path", .need = kOptional},
                                       Parameter{.name = "pattern", .description = "POSIX extended regex"}};

Prepared PrepareFind(const json::View& args, const ToolContext& context) {
  if (auto bad = CheckArguments(args, kFindParameters)) return *bad;
  const std::string root = context.policy.ResolvePath(TextArgument(args, "path", "."));
  const std::string glob = TextArgument(args, "pattern");
  ToolPlan plan = PlanRead(context, {"find", root, glob, kMaxFound}, root);
  plan.summary = "find_files " + glob + " in " + root;
  return plan;
}

Prepared PrepareSearch(const json::View& args, const ToolContext& context) {
  if (auto bad = CheckArguments(args, kSearchParameters)) return *bad;
  const std::string root = context.policy.ResolvePath(TextArgument(args, "path", "."));
  const std::string pattern = TextArgument(args, "pattern");
  ToolPlan plan = PlanRead(context, {"search", root, pattern, TextArgument(args, "glob", "**"), kMaxMatches}, root);
  plan.summary = "search_files " + pattern + " in " + root;
  return plan;
}

}  // namespace

Tool MakeFindFiles() {
  return {.spec = {"find_files", "Find files by name.", SchemaOf(kFindParameters)},
          .prepare = PrepareFind,
          .render = [](const sandbox::Completed& done) { return RenderOperation(done, kNarrow); }};
}

Tool MakeSearchFiles() {
  return {.spec = {"search_files", "Search file contents, line by line.", SchemaOf(kSearchParameters)},
          .prepare = PrepareSearch,
          .render = [](const sandbox::Completed& done) { return RenderOperation(done, kNarrow); }};
}

}  // namespace rune::agent
