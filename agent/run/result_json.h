#pragma once
/// A run as one JSON object.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/json/json.h"
#include "agent/run/run.h"

namespace rune::agent {

/// {"outcome":...,"answer":...,...}: the result object of --json, one line.
std::string ResultJson(const RunResult& result);
/// An array of objects: what, target, message, count, allow, way_out. Not redacted.
void WriteDenials(json::Writer& writer, const std::vector<Refusal>& denials);
/// {"input":...,"cached":...,"output":...,"reasoning":...,"cost_usd":...}, wherever tokens are told. `cost` in
/// picodollars; without one there is no such member.
void WriteUsage(json::Writer& writer, const Usage& usage, const std::optional<std::uint64_t>& cost);

}  // namespace rune::agent
