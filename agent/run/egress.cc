#include "agent/run/egress.h"

#include <algorithm>

#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

std::string Bytes(std::uint64_t bytes) {
  constexpr std::uint64_t kKilo = 1000;
  if (bytes < kKilo) return std::to_string(bytes) + " B";
  const std::uint64_t unit = bytes < kKilo * kKilo ? kKilo : kKilo * kKilo;
  const std::uint64_t tenths = bytes * 10 / unit;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + (unit == kKilo ? " kB" : " MB");
}

std::string Counted(std::uint32_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string Steps(const std::vector<std::uint32_t>& steps) {
  std::string text;
  for (const std::uint32_t step : steps) text += (text.empty() ? "" : ", ") + std::to_string(step);
  return (steps.size() == 1 ? "step " : "steps ") + text;
}

}  // namespace

void AddEgress(std::vector<EgressLine>& lines, const std::vector<sandbox::Egress>& reported, std::uint32_t step) {
  for (const sandbox::Egress& egress : reported) {
    auto line = std::find_if(lines.begin(), lines.end(), [&](const EgressLine& known) {
      return known.egress.target == egress.target && known.egress.port == egress.port;
    });
    if (line == lines.end()) {
      lines.push_back({egress, {step}});
      continue;
    }
    line->egress.lookups += egress.lookups;
    line->egress.connections += egress.connections;
    line->egress.refused += egress.refused;
    line->egress.sent += egress.sent;
    line->egress.received += egress.received;
    if (line->steps.back() != step) line->steps.push_back(step);
  }
}

void WriteEgress(json::Writer& writer, const std::vector<EgressLine>& lines) {
  writer.BeginArray();
  for (const EgressLine& line : lines) {
    const sandbox::Egress& egress = line.egress;
    writer.BeginObject().Member("target", OneLine(egress.target, 300)).Member("port", std::uint64_t{egress.port});
    writer.Member("lookups", std::uint64_t{egress.lookups});
    writer.Member("connections", std::uint64_t{egress.connections}).Member("refused", std::uint64_t{egress.refused});
    writer.Member("sent", egress.sent).Member("received", egress.received).Key("steps").BeginArray();
    for (const std::uint32_t step : line.steps) writer.Uint(step);
    writer.EndArray().EndObject();
  }
  writer.EndArray();
}

std::vector<std::string> EgressText(const std::vector<EgressLine>& lines) {
  std::vector<std::string> text;
  for (const EgressLine& line : lines) {
    const sandbox::Egress& egress = line.egress;
    std::string said = OneLine(egress.target, 100);
    if (egress.port != 0) said += ":" + std::to_string(egress.port);
    std::vector<std::string> parts;
    if (egress.lookups > 0) parts.push_back(Counted(egress.lookups, "lookup"));
    if (egress.connections > 0) {
      parts.push_back(Counted(egress.connections, "connection"));
      parts.push_back(Bytes(egress.sent) + " up");
      parts.push_back(Bytes(egress.received) + " down");
    }
    if (egress.refused > 0) parts.push_back(std::to_string(egress.refused) + " refused");
    parts.push_back(Steps(line.steps));
    text.push_back(said + "  " + Join(parts, ", "));
  }
  return text;
}

}  // namespace rune::agent
