#include "sandbox/probe.h"

#include <algorithm>
#include <array>

#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

constexpr std::array<std::string_view, 4> kStates{"closed", "closed here anyway", "OPEN", "not tried"};

}  // namespace

std::string_view ProbeStateName(ProbeState state) { return kStates[static_cast<std::size_t>(state)]; }

std::uint32_t ProbeReport::tried() const {
  return static_cast<std::uint32_t>(std::count_if(
      results.begin(), results.end(), [](const ProbeResult& result) { return result.state != ProbeState::kNotTried; }));
}

std::uint32_t ProbeReport::closed() const {
  return static_cast<std::uint32_t>(std::count_if(results.begin(), results.end(), [](const ProbeResult& result) {
    return result.state == ProbeState::kClosed || result.state == ProbeState::kClosedHere;
  }));
}

std::string WriteProbeLines(const std::vector<ProbeResult>& results) {
  std::string text;
  for (const ProbeResult& result : results) {
    text += std::string(LayerName(result.layer)) + "\t" + result.act + "\t" +
            std::string(ProbeStateName(result.state)) + "\t" + result.inside + "\t" + result.outside + "\n";
  }
  return text;
}

Result<std::vector<ProbeResult>> ReadProbeLines(std::string_view text) {
  std::vector<ProbeResult> results;
  for (const std::string_view line : Split(text, '\n')) {
    if (line.empty()) continue;
    const std::vector<std::string_view> fields = Split(line, '\t');
    const auto layer = fields.size() == 5 ? ParseLayer(fields[0]) : std::nullopt;
    const auto* const state = fields.size() == 5 ? std::find(kStates.begin(), kStates.end(), fields[2]) : kStates.end();
    if (!layer || state == kStates.end()) return Error{ErrorKind::kProtocol, "malformed probe line"};
    results.push_back({*layer, std::string(fields[1]), static_cast<ProbeState>(state - kStates.begin()),
                       std::string(fields[3]), std::string(fields[4])});
  }
  return results;
}

}  // namespace rune::sandbox
