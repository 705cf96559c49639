#include "agent/wires/codec.h"

namespace rune::agent {
namespace {

constexpr std::array<WireFormat, kWires.size()> kFormats{{
#define RUNE_WIRE(id, ...) {__VA_ARGS__, .codec = {Encode##id, Make##id##Decoder}},
#include "agent/wires/wires.inc"
}};

}  // namespace

const WireFormat& FormatOf(Wire wire) { return kFormats.at(static_cast<std::size_t>(wire)); }

std::vector<std::string> HeadersOf(const Caps& caps) {
  std::vector<std::string> headers = caps.headers;
  if (const std::string_view own = FormatOf(caps.wire).header; !own.empty()) headers.emplace(headers.begin(), own);
  return headers;
}

std::string_view WireName(Wire wire) { return FormatOf(wire).name; }

std::optional<Wire> ParseWire(std::string_view name) {
  for (const Wire wire : kWires) {
    if (WireName(wire) == name) return wire;
  }
  return std::nullopt;
}

Result<Wire> ReadWire(std::string_view name, const std::string& setting) {
  if (const auto wire = ParseWire(name)) return *wire;
  std::string names;
  for (const Wire wire : kWires) {
    if (!names.empty()) names += wire == kWires.back() ? " or " : ", ";
    names += WireName(wire);
  }
  return Error::Invalid(setting + ": expected " + names);
}

}  // namespace rune::agent
