#pragma once
/// Trees in which nothing can be executed, nor mapped for execution: mounts of their own in the mount namespace that
/// the run has entered (mount(8), noexec).

#include <string>
#include <vector>

namespace rune::sandbox {

/// Mounts each existing directory over itself, with everything mounted below it, and closes it for execution. `paths`
/// are real ones (realpath(3)); those below another one, "/", what is in /dev or /proc, and /tmp itself, which
/// EnterMounts() closes, are left alone. Only for a process in a mount namespace of its own. Returns the trees that
/// are closed; needs Linux 5.12, else none.
std::vector<std::string> MountNoExec(std::vector<std::string> paths);

}  // namespace rune::sandbox
