#pragma once
/// A run as one JSON object, and its layers as one line.

#include <string>
#include <vector>

#include "agent/run/run.h"
#include "sandbox/confinement.h"

namespace rune::agent {

/// {"outcome":...,"answer":...,...}: the result object of --json, one line.
std::string ResultJson(const RunResult& result);
/// "limits: cgroup v1; network: closed; ..." for a log line.
std::string LayersLine(const std::vector<sandbox::LayerReport>& layers);

}  // namespace rune::agent
