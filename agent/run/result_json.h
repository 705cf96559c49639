#pragma once
/// A run as one JSON object.

#include <string>
#include <vector>

#include "agent/json/json.h"
#include "agent/run/run.h"

namespace rune::agent {

/// {"outcome":...,"answer":...,...}: the result object of --json, one line.
std::string ResultJson(const RunResult& result);
/// An array of objects: what, target, message, allow. Not redacted.
void WriteDenials(json::Writer& writer, const std::vector<Refusal>& denials);

}  // namespace rune::agent
