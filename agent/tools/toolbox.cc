#include "agent/tools/toolbox.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "agent/tools/builtin.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::array kMakers{MakeEditFile, MakeExecuteCmd, MakeFetchUrl,    MakeFindFiles, MakeInspectProcess,
                             MakeListDir,  MakeReadFile,   MakeSearchFiles, MakeWriteFile};

}  // namespace

Result<void> Toolbox::Add(Tool tool) {
  const auto at = std::lower_bound(tools_.begin(), tools_.end(), tool.spec.name,
                                   [](const Tool& one, const std::string& name) { return one.spec.name < name; });
  if (at != tools_.end() && at->spec.name == tool.spec.name) {
    return Error::Invalid("there are two tools called '" + OneLine(tool.spec.name, 64) + "'");
  }
  tools_.insert(at, std::move(tool));
  return Ok();
}

const Tool* Toolbox::Find(std::string_view name) const {
  const auto found =
      std::find_if(tools_.begin(), tools_.end(), [name](const Tool& tool) { return tool.spec.name == name; });
  return found == tools_.end() ? nullptr : &*found;
}

std::vector<ToolSpec> Toolbox::Specs() const {
  std::vector<ToolSpec> specs;
  for (const Tool& tool : tools_) specs.push_back(tool.spec);
  return specs;
}

std::string Toolbox::Names() const {
  std::vector<std::string> names;
  for (const Tool& tool : tools_) names.push_back(tool.spec.name);
  return Join(names, ", ");
}

Toolbox BuiltinToolbox() {
  Toolbox toolbox;
  for (const auto make : kMakers) {
    if (!toolbox.Add(make()).ok()) std::abort();  // two of our own with one name
  }
  return toolbox;
}

}  // namespace rune::agent
