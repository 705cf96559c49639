#pragma once
/// Shows that a decoder does not care how its bytes arrive.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <variant>

#include "agent/wires/codec.h"

namespace rune::test {

/// Everything of a result but `detail`, which may quote the bytes.
inline std::string Show(const agent::Decoded& decoded) {
  const auto number = [](auto value) { return std::to_string(static_cast<std::uint64_t>(value)); };
  std::string out = "fault " + number(decoded.fault) + " stop " + number(decoded.message.stop);
  if (decoded.error.found) {
    out += " error " + decoded.error.message + "|" + decoded.error.type + "|" + decoded.error.code + "|" +
           number(decoded.error.status);
  }
  const agent::Usage& usage = decoded.usage;
  if (decoded.usage_known) {
    out += " usage " + number(usage.input) + " " + number(usage.cached) + " " + number(usage.cache_write) + " " +
           number(usage.output) + " " + number(usage.reasoning);
  }
  out += " model " + decoded.model;
  for (const agent::Part& part : decoded.message.parts) {
    if (const auto* const text = std::get_if<agent::Text>(&part)) out += "\ntext " + text->text;
    if (const auto* const thought = std::get_if<agent::Reasoning>(&part))
      out += "\nthought " + thought->text + "|" + thought->opaque;
    if (const auto* const call = std::get_if<agent::ToolCall>(&part))
      out += "\ncall " + call->id + "|" + call->name + "|" + call->args + "|" + call->opaque;
  }
  return out;
}

/// The result and the delivered text of a response that arrives in pieces of the sizes that `next_size` gives.
inline std::string ShowCut(const agent::Codec& codec, std::string_view bytes, const std::string& content_type,
                           const std::function<std::size_t()>& next_size) {
  const auto decoder = codec.decoder(content_type, {});
  std::string delivered;
  const agent::TextSink sink = [&](std::string_view text) { delivered += text; };
  while (!bytes.empty()) {
    const std::size_t size = std::min(bytes.size(), next_size());
    decoder->Feed(bytes.substr(0, size), sink);
    bytes.remove_prefix(size);
  }
  const agent::Decoded decoded = decoder->Finish(sink);
  return Show(decoded) + "\ndelivered " + delivered;
}

/// `bytes` has lines that end with LF. Whole, byte by byte and at 1,000 random places, with LF, CRLF and CR, with
/// comments between the lines: always the same result. Returns it.
inline std::string ExpectTheSameHoweverCut(const agent::Codec& codec, const std::string& bytes,
                                           const std::string& content_type = "text/event-stream") {
  const std::string expected = ShowCut(codec, bytes, content_type, [] { return std::string::npos; });
  const bool events = bytes.find("data:") != std::string::npos;
  std::mt19937 random(7);
  for (const std::string_view line_end : {"\n", "\r\n", "\r", "\n: ping\n"}) {
    if (line_end.size() > 2 && !events) continue;
    std::string variant;
    for (const char c : bytes) variant += c == '\n' ? std::string(line_end) : std::string(1, c);
    EXPECT_EQ(ShowCut(codec, variant, content_type, [] { return std::string::npos; }), expected);
    EXPECT_EQ(ShowCut(codec, variant, content_type, [] { return std::size_t{1}; }), expected);
    for (int round = 0; round < 1000 && !testing::Test::HasFailure(); ++round) {
      const std::size_t most = 1 + random() % 64;
      EXPECT_EQ(ShowCut(codec, variant, content_type, [&] { return std::size_t{1 + random() % most}; }), expected);
    }
  }
  return expected;
}

}  // namespace rune::test
