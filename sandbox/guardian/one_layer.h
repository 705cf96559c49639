#pragma once
/// The names rune-seccomp, rune-landlock and rune-net-guard: apply one layer to this process, then exec the command, so
/// that a person can try every layer by hand.

#include <string>
#include <vector>

namespace rune::sandbox {

/// True when `name` is one of the three.
bool IsOneLayerName(const std::string& name);
/// Returns the exit code: of a failure, or of the command that rune-net-guard stays behind to guard.
int RunOneLayer(const std::string& name, const std::vector<std::string>& arguments);

}  // namespace rune::sandbox
