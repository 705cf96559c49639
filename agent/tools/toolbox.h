#pragma once
/// The tools of one run: what the model is shown, and where its calls are looked up. A plain value, filled where the
/// run is built; whoever adds tools adds them before the first request, so that what the model is shown stays the same
/// (and cached) through a conversation.

#include <string>
#include <string_view>
#include <vector>

#include "agent/conversation/message.h"
#include "agent/tools/tool.h"
#include "sandbox/base/result.h"

namespace rune::agent {

class Toolbox {
 public:
  /// kInvalidInput when the name is taken: no tool may stand in for another.
  Result<void> Add(Tool tool);
  /// nullptr: there is none. Valid until the next Add().
  const Tool* Find(std::string_view name) const;
  /// By name, so that the order does not depend on who added what.
  const std::vector<Tool>& tools() const { return tools_; }
  /// What the model is shown.
  std::vector<ToolSpec> Specs() const;
  /// "edit_file, execute_cmd, ...": for messages.
  std::string Names() const;

 private:
  std::vector<Tool> tools_;
};

/// Holds the tools of agent/tools/builtin.h.
Toolbox BuiltinToolbox();

}  // namespace rune::agent
