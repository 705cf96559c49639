#pragma once
/// What Concourse asks for: the values that the standard input of check, in and out is read into.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/config.h"
#include "agent/config/value.h"
#include "resource/request/version.h"
#include "sandbox/base/secret.h"

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

/// A structured answer.
struct AnswerShape {
  std::string schema;                     ///< JSON Schema text; empty: free text.
  std::vector<std::string> version_from;  ///< RFC 6901 pointers whose values make the ref; empty: the whole answer.
};

struct Source {
  agent::Config config;  ///< What the table of settings knows (agent/config/settings.h), over the defaults of a step.
  std::string prompt;
  std::vector<std::string> pre_commands;  ///< Command lines, run before the model is asked.
  RecordMode record = RecordMode::kInline;
  Secret record_key;
  std::uint64_t inline_limit = 4096;  ///< Bytes of `rec`.
  bool canonical = true;              ///< False: the ref of a free text is the hash of its very bytes.
  AnswerShape shape;
  bool track_reversion = false;
  std::chrono::seconds min_interval{0};
  OnMismatch on_mismatch = OnMismatch::kWarn;
  OnProviderError on_provider_error = OnProviderError::kFail;
  std::string history_identifier;  ///< No meaning: tells apart resources that are equal otherwise.
  bool debug = false;
  std::vector<Secret> redact;  ///< Taken out of whatever leaves, for as long as the process runs.
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
  agent::Values settings;            ///< Instead of the source's; those of `policy` may only narrow it.
  std::vector<std::string> pre_commands;
  AnswerShape shape;
  std::optional<FailIf> fail_if;
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
