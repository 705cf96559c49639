#pragma once
/// What a watched run has shown: the smallest policy under which it would have passed, as a configuration file and as a
/// pipeline say it. Pure.

#include <string>

#include "sandbox/report.h"

namespace rune::sandbox {

/// `program` is the path of the command itself, which ran first.
std::string AuditText(const Report& report, const std::string& program);

}  // namespace rune::sandbox
