#pragma once
/// The refusals of a run, and what they mean for its answer. Pure.

#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/policy/refusal.h"
#include "agent/run/run.h"

namespace rune::agent {

/// Counts a refusal that is known, of the same thing by the same layer, and adds one that is not: at most 256.
void AddDenial(std::vector<Refusal>& known, const Refusal& refusal);
/// "refused: exec /usr/bin/node (landlock), 3 times": safe, one line each, the last of `most` says how many more.
std::vector<std::string> RefusalLines(const std::vector<Refusal>& refusals, std::size_t most = 8);

/// Why a run with these calls, in their order, has left something undone that was refused, one line; empty: it has not.
/// It has when
/// - a call itself named a file of credentials or a metadata address,
/// - all calls of the step before the answer were refused, or
/// - a command failed with a refusal in its report, and nothing with the same program succeeded later.
std::string Unrecovered(const std::vector<ToolRecord>& tools);

/// Whether an unattended run with this result fails because of its denials.
bool FailsByDenial(OnDenial rule, const RunResult& result);

}  // namespace rune::agent
