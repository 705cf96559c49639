#pragma once
/// The conversation, independent of any provider's wire format. Plain data.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace rune::agent {

struct Text {
  std::string text;
};
struct Reasoning {
  std::string text;
  std::string opaque;  ///< Provider's own state, raw JSON; echoed to the same origin only.
};
/// A picture, typed by its first bytes, never by its name.
struct Image {
  std::string media_type;  ///< "image/png", "image/jpeg", "image/gif" or "image/webp".
  std::string data;        ///< The file's bytes.
};
struct ToolCall {
  std::string id;  ///< Unique in the conversation.
  std::string name;
  std::string args;    ///< JSON object text, verbatim as the model wrote it (normalised to "{}" when empty).
  std::string opaque;  ///< Provider's own state of this one call (Gemini's thoughtSignature), raw JSON; as Reasoning's.
};
struct ToolResult {
  std::string call_id;
  std::string name;
  std::string text;
  bool is_error = false;
  std::vector<Image> images;
};
using Part = std::variant<Text, Image, Reasoning, ToolCall, ToolResult>;

enum class Role : std::uint8_t { kSystem, kUser, kAssistant, kTool };

/// Why a model stopped.
enum class Stop : std::uint8_t {
  kUnknown,
  kEnd,
  kToolCalls,
  kLength,
  kFiltered,
  kPaused,  ///< Goes on when it is sent back.
};

struct Usage {
  std::uint64_t input = 0;  ///< Tokens, cached ones included.
  std::uint64_t cached = 0;
  std::uint64_t output = 0;  ///< Reasoning included.
  std::uint64_t reasoning = 0;
  std::uint64_t cache_write = 0;  ///< Written to the provider's cache; part of `input`, none of it in `cached`.
  std::uint64_t total() const { return input + output; }
  Usage& operator+=(const Usage& other) {
    input += other.input;
    cached += other.cached;
    output += other.output;
    reasoning += other.reasoning;
    cache_write += other.cache_write;
    return *this;
  }
};

struct Message {
  Role role = Role::kUser;
  std::vector<Part> parts;
  std::string origin;  ///< "<provider>/<model>" of an assistant message.
  Stop stop = Stop::kUnknown;
};

struct ToolSpec {
  std::string name;  ///< [a-z_]{1,64}
  std::string description;
  std::string schema;  ///< JSON Schema of the arguments, canonical JSON text.
};

Message MakeText(Role role, std::string text);
/// The text parts of a message, concatenated.
std::string TextOf(const Message& message);
std::vector<ToolCall> CallsOf(const Message& message);
/// Pictures of its own, or in the results of tools.
bool HasImages(const Message& message);

}  // namespace rune::agent
