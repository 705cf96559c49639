#pragma once
/// The built-in tools: one maker each, listed in toolbox.cc, and what the file tools among them share.

#include "agent/tools/tool.h"

namespace rune::agent {

Tool MakeEditFile();
Tool MakeExecuteCmd();
Tool MakeFetchUrl();
Tool MakeFindFiles();
Tool MakeInspectProcess();
Tool MakeListDir();
Tool MakeReadFile();
Tool MakeSearchFiles();
Tool MakeWriteFile();

/// A file operation that reads `path`, or writes it: verdict and confinements by the policy.
ToolPlan PlanRead(const ToolContext& context, std::vector<std::string> argv, const std::string& path);
ToolPlan PlanWrite(const ToolContext& context, std::vector<std::string> argv, const std::string& path);

}  // namespace rune::agent
