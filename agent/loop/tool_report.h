#pragma once
/// What the report of a finished command means for the record of its call.

#include "agent/policy/policy.h"
#include "agent/run/run.h"
#include "sandbox/report.h"

namespace rune::agent {

/// Every refusal of the report, whatever its kind; limits that it met and names that lead nowhere; whether the call did
/// what it was asked for; how it ended, when not by itself. What `record` holds already stays. `hosts` are those that
/// the call named (Policy::NamedHosts()).
void NoteReport(const sandbox::Report& report, const Policy& policy, const std::vector<std::string>& hosts,
                ToolRecord& record);

}  // namespace rune::agent
