#pragma once
/// Which of git's settings make it run a program, or read settings from somewhere else (git-config(1), "Variables").
/// What such a setting says is run by whoever uses git in that repository next.

#include "sandbox/repositories/git_config.h"

namespace rune::sandbox {

/// Judged by name and, where only some values run something (an alias with "!", a URL of ext::), by value.
bool RunsPrograms(const GitConfigEntry& entry);

/// Values that name files with further settings: include.path, includeIf.*.path.
bool IsInclude(const GitConfigEntry& entry);

}  // namespace rune::sandbox
