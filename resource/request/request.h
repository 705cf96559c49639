#pragma once
/// What Concourse asks for: the values that the standard input of check, in and out is read into.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/config.h"
#include "resource/request/version.h"

namespace rune::resource {

enum class Verb : std::uint8_t { kCheck, kIn, kOut };
std::string_view VerbName(Verb verb);

enum class RecordMode : std::uint8_t {
  kInline,  ///< In the version.
  kNone,    ///< Nowhere: a get asks again.
};
enum class OnMismatch : std::uint8_t { kWarn, kFail, kRetry };
enum class OnProviderError : std::uint8_t {
  kFail,
  kKeep,  ///< A check says: nothing new.
};

/// Unset members leave the defaults of the step.
struct Limits {
  std::optional<std::uint32_t> steps;
  std::optional<std::uint64_t> tokens;
  std::optional<std::uint64_t> output_tokens;
  std::optional<std::chrono::seconds> seconds;
  std::optional<std::chrono::seconds> tool_seconds;
  std::optional<double> cost_usd;
};

/// A structured answer.
struct AnswerShape {
  std::string schema;                     ///< JSON Schema text; empty: free text.
  std::vector<std::string> version_from;  ///< RFC 6901 pointers whose values make the ref; empty: the whole answer.
};

struct Source {
  std::string api_key;
  std::string model;
  std::string provider;
  std::string base_url;
  std::string wire;
  std::string caps;  ///< JSON object; empty: nothing to correct.
  std::vector<agent::FallbackProvider> fallback;
  std::uint64_t context_window = 0;
  std::optional<double> compact_threshold;
  std::optional<std::uint32_t> compact_keep_last;
  agent::Deadlines deadlines;
  agent::RetryConfig retry;
  std::string cassette;
  std::string prompt;
  std::string system_prompt;
  std::string append_system_prompt;
  std::vector<std::string> pre_commands;  ///< Command lines, run before the model is asked.
  agent::PolicyConfig policy;             ///< `policy` and `sandbox` together.
  RecordMode record = RecordMode::kInline;
  std::string record_key;
  std::uint64_t inline_limit = 4096;  ///< Bytes of `rec`.
  bool canonical = true;              ///< False: the ref of a free text is the hash of its very bytes.
  AnswerShape shape;
  bool track_reversion = false;
  std::chrono::seconds min_interval{0};
  Limits limits;
  OnMismatch on_mismatch = OnMismatch::kWarn;
  agent::OnDenial on_denial = agent::OnDenial::kFail;
  OnProviderError on_provider_error = OnProviderError::kFail;
  std::optional<double> temperature;
  std::optional<std::int64_t> seed;
  std::string thinking;
  std::optional<std::uint32_t> max_images;
  std::vector<std::string> prices;
  agent::EmbeddingsConfig embeddings;
  std::string history_identifier;  ///< No meaning: tells apart resources that are equal otherwise.
  bool debug = false;
  std::vector<std::string> redact;
};

/// Turns a verdict of the model into a failed step. One of the two.
struct FailIf {
  std::string pointer;  ///< RFC 6901, into the structured answer ...
  std::string equals;   ///< ... and the value there, canonical JSON, that fails.
  std::string matches;  ///< POSIX extended regular expression on the answer.
};

struct Params {
  // put
  std::optional<std::string> prompt;
  std::string prompt_file;           ///< Relative to the build's inputs.
  std::vector<std::string> context;  ///< Files of the inputs whose text goes into the prompt.
  std::vector<std::string> images;   ///< Pictures of the inputs: paths, or patterns (glob(7)).
  std::optional<std::string> system_prompt;
  std::optional<std::string> append_system_prompt;
  std::vector<std::string> pre_commands;
  AnswerShape shape;
  Limits limits;
  std::optional<FailIf> fail_if;
  std::string policy;  ///< JSON text; may only narrow the source's policy. Empty: none.
  bool skip_record = false;
  // get
  bool skip = false;
  bool strict = false;  ///< on_mismatch: fail.
};

struct Request {
  Source source;
  Params params;
  Version version;
};

}  // namespace rune::resource
