#pragma once
/// The report as JSON (RFC 8259), for `rune-sandbox --report`.

#include <string>
#include <vector>

#include "sandbox/confinement.h"
#include "sandbox/report.h"

namespace rune::sandbox {

std::string ReportJson(const Report& report, const std::vector<LayerReport>& layers);

}  // namespace rune::sandbox
