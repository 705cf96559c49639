#pragma once
/// One answer with everything that is needed to hand it on again without the model, packed into a short text of
/// [A-Za-z0-9_-]: a letter for the codec, then base64url. Reading verifies: an answer that does not hash to its ref is
/// never returned.
///
/// Codecs: p plain, d raw deflate (RFC 1951), s sealed plain, t sealed deflate. Content: RFC 8785 JSON with the members
/// v version of this format, c canonical rule, f its pointers, q digest of the prompt, p prompt, a answer, m model, t
/// UTC seconds, u [input, cached, output tokens, steps, reasoning tokens, cost], s sandbox layers, k tool calls, b
/// [probes closed, tried], g egress, n refusals, o outcome. Unknown members are ignored.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/record/canonical.h"
#include "sandbox/base/result.h"

namespace rune::agent {

struct RecordedTool {
  std::string summary;  ///< One safe line: "execute_cmd df -h /".
  bool refused = false;

  bool operator==(const RecordedTool&) const = default;
};

struct RecordedEgress {
  std::string target;  ///< Safe text.
  std::uint16_t port = 0;
  std::uint32_t connections = 0;
  std::uint32_t refused = 0;
  std::uint64_t sent = 0;
  std::uint64_t received = 0;

  bool operator==(const RecordedEgress&) const = default;
};

struct RecordedDenial {
  std::string what;    ///< "exec", "read", ...: sandbox::DeniedActName().
  std::string target;  ///< Safe text, as is the message.
  std::string message;
  std::uint32_t count = 1;

  bool operator==(const RecordedDenial&) const = default;
};

struct Record {
  CanonicalForm form;
  std::string prompt_digest;          ///< PromptDigest().
  std::optional<std::string> prompt;  ///< When the reader of the record cannot know it.
  std::string answer;                 ///< As it was given, before canonicalisation.
  std::string model;                  ///< As the provider named it.
  std::int64_t time = 0;              ///< UTC seconds of the answer; 0: not recorded.
  std::uint64_t input_tokens = 0;
  std::uint64_t cached_tokens = 0;
  std::uint64_t output_tokens = 0;
  std::uint64_t reasoning_tokens = 0;  ///< Part of the output.
  std::optional<std::uint64_t> cost;   ///< Picodollars (1e-12 USD), estimated; unset: not known.
  std::uint32_t steps = 0;
  std::string layers;  ///< One letter per layer, outermost first; opaque here.
  std::uint32_t probes_closed = 0;
  std::uint32_t probes_tried = 0;   ///< 0: nothing was proved.
  std::vector<RecordedTool> tools;  ///< In call order.
  std::vector<RecordedEgress> egress;
  std::vector<RecordedDenial> denials;
  std::string outcome;  ///< Empty: "answered".

  bool operator==(const Record&) const = default;
};

/// Largest content of a record, before compression; also the cap on reading.
inline constexpr std::size_t kMaxRecordBytes = 1u << 20;

/// `secret` empty: not sealed. kInvalidInput when the content is larger than kMaxRecordBytes.
Result<std::string> EncodeRecord(const Record& record, std::string_view ref, std::string_view secret);

/// The record in at most `limit` bytes, with tool calls, egress and refusals and then the prompt left out when that is
/// what it takes; `record` is changed to what was kept, so that writer and reader see the same. nullopt: does not fit.
Result<std::optional<std::string>> FitRecord(Record& record, std::string_view ref, std::string_view secret,
                                             std::size_t limit);

/// nullopt: written by a later release in a codec that is unknown here. kDenied: sealed with another key, or sealed and
/// `secret` is empty. kProtocol: not a record, altered, or its answer does not hash to `ref`.
Result<std::optional<Record>> DecodeRecord(std::string_view text, std::string_view ref, std::string_view secret);

}  // namespace rune::agent
