#pragma once
/// The names of the wire formats that are spoken. A wire is one row of wires.inc and three files of its own: what
/// encodes a request, what decodes a response, and their test. What a row says is in codec.h.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/base/result.h"

namespace rune::agent {

enum class Wire : std::uint8_t {
#define RUNE_WIRE(id, ...) k##id,
#include "agent/wires/wires.inc"
};
inline constexpr std::array kWires{
#define RUNE_WIRE(id, ...) Wire::k##id,
#include "agent/wires/wires.inc"
};

/// "openai-chat"
std::string_view WireName(Wire wire);
std::optional<Wire> ParseWire(std::string_view name);
/// The same for the value of `setting`: kInvalidInput "<setting>: expected openai-chat, ...".
Result<Wire> ReadWire(std::string_view name, const std::string& setting);

}  // namespace rune::agent
