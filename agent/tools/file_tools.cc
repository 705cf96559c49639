// read_file, write_file, edit_file, list_dir: one file or directory each.

#include <array>

#include "agent/tools/arguments.h"
#include "agent/tools/builtin.h"
#include "agent/tools/render.h"

namespace rune::agent {
namespace {

using enum Parameter::Type;
using enum Parameter::Need;

constexpr std::array kReadParameters{
    Parameter{.name = "limit", .type = kInteger, .need = kOptional, .description = "lines"},
    Parameter{.name = "offset", .type = kInteger, .need = kOptional, .description = "first line, from 1"},
    Parameter{.name = "path"}};
constexpr std::array kWriteParameters{Parameter{.name = "content", .type = kText}, Parameter{.name = "path"}};
constexpr std::array kEditParameters{Parameter{.name = "new", .type = kText}, Parameter{.name = "old"},
                                     Parameter{.name = "path"}};
constexpr std::array kListParameters{Parameter{.name = "path"}};

Prepared PrepareRead(const json::View& args, const ToolContext& context) {
  if (auto bad = CheckArguments(args, kReadParameters)) return *bad;
  const std::string path = context.policy.ResolvePath(TextArgument(args, "path"));
  const std::string first = std::to_string(IntegerArgument(args, "offset", 1));
  const std::string count = std::to_string(IntegerArgument(args, "limit", 0));
  ToolPlan plan = PlanRead(context, {"read", path, first, count}, path);
  plan.summary = "read_file " + path;
  return plan;
}

Prepared PrepareWrite(const json::View& args, const ToolContext& context) {
  if (auto bad = CheckArguments(args, kWriteParameters)) return *bad;
  const std::string path = context.policy.ResolvePath(TextArgument(args, "path"));
  ToolPlan plan = PlanWrite(context, {"write", path}, path);
  plan.command.stdin_data = TextArgument(args, "content");
  plan.summary = "write_file " + path + " (" + std::to_string(plan.command.stdin_data.size()) + " bytes)";
  return plan;
}

Prepared PrepareEdit(const json::View& args, const ToolContext& context) {
  if (auto bad = CheckArguments(args, kEditParameters)) return *bad;
  const std::string path = context.policy.ResolvePath(TextArgument(args, "path"));
  const std::string old_text = TextArgument(args, "old");
  const std::string new_text = TextArgument(args, "new");
  if (old_text == new_text) return BadArguments{"'old' and 'new' are the same text"};
  ToolPlan plan = PlanWrite(context, {"edit", path}, path);
  plan.command.stdin_data = std::to_string(old_text.size()) + "\n" + old_text + new_text;
  plan.summary = "edit_file " + path;
  return plan;
}

Prepared PrepareList(const json::View& args, const ToolContext& context) {
  if (auto bad = CheckArguments(args, kListParameters)) return *bad;
  const std::string path = context.policy.ResolvePath(TextArgument(args, "path"));
  ToolPlan plan = PlanRead(context, {"list", path}, path);
  plan.summary = "list_dir " + path;
  return plan;
}

}  // namespace

Tool MakeReadFile() {
  return {.spec = {"read_file", "Read a text file.", SchemaOf(kReadParameters)},
          .prepare = PrepareRead,
          .render = [](const sandbox::Completed& done) {
            return RenderOperation(done, "read on with offset increased by that number of lines");
          }};
}

Tool MakeWriteFile() {
  return {.spec = {"write_file", "Create or replace a file.", SchemaOf(kWriteParameters)},
          .prepare = PrepareWrite,
          .render = [](const sandbox::Completed& done) { return RenderOperation(done, ""); }};
}

Tool MakeEditFile() {
  return {.spec = {"edit_file", "Replace text in a file. 'old' must occur exactly once.", SchemaOf(kEditParameters)},
          .prepare = PrepareEdit,
          .render = [](const sandbox::Completed& done) { return RenderOperation(done, ""); }};
}

Tool MakeListDir() {
  return {.spec = {"list_dir", "List a directory, hidden entries included.", SchemaOf(kListParameters)},
          .prepare = PrepareList,
          .render = [](const sandbox::Completed& done) {
            return RenderOperation(done, "list a subdirectory or use find_files");
          }};
}

}  // namespace rune::agent
