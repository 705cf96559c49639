#pragma once
/// One question to a model, one answer back. The agent loop sees only this.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/conversation/message.h"
#include "sandbox/base/event_loop.h"

namespace rune::agent {

enum class ModelErrorKind : std::uint8_t {
  kAuth,        ///< Key missing or refused (401, 403). Not retried.
  kRate,        ///< 429 after all retries, or quota spent.
  kDown,        ///< Unreachable, 5xx, deadline, after all retries.
  kProtocol,    ///< Not this protocol: HTML, malformed stream, no terminal marker, empty answer after a retry.
  kBadRequest,  ///< 400, 404, 413, 422: the request itself. Not retried.
  kTooLong,     ///< The conversation does not fit the model's window: compact, then ask again.
  kDiverged,    ///< A cassette was asked something that it has not recorded.
  kBudget,      ///< A try has failed and was paid for; ModelRequest::on_failed has forbidden another.
  kCancelled,
  kDeadline,  ///< The run's own wall clock ran out.
};

struct ModelError {
  ModelErrorKind kind = ModelErrorKind::kDown;
  std::string message;  ///< One line that says what to change. Safe and redacted.
};

/// How long a model may think before it answers; kDefault leaves it to the provider.
enum class Thinking : std::uint8_t { kDefault, kOff, kLow, kMedium, kHigh, kXHigh };

struct GenerationOptions {
  std::uint64_t max_output_tokens = 0;  ///< 0: the provider's default.
  std::optional<double> temperature;
  std::optional<std::int64_t> seed;
  std::string schema;  ///< JSON Schema for the answer; empty: none.
  bool stream = true;
  Thinking thinking = Thinking::kDefault;
  std::string cache_key;  ///< Stable through one conversation, tells nothing; empty: none is sent.
};

/// Told what a failed try has used: "<provider>/<model>", and its tokens as far as the provider has counted them.
/// False: nobody may be asked again.
using FailedUsage = std::function<bool(const std::string& name, const Usage& usage)>;

struct ModelRequest {
  const std::vector<Message>& messages;
  const std::vector<ToolSpec>& tools;
  GenerationOptions options;
  TimePoint deadline = kNever;  ///< Of everything: connecting, waiting, retrying.
  FailedUsage on_failed = {};   ///< May be empty.
};

struct ModelReply {
  Message message;
  Usage usage;
  bool usage_known = false;  ///< False: the provider sent none; `usage` is an estimate.
  std::string model;         ///< As the provider named it.
};

using ModelOutcome = std::variant<ModelReply, ModelError>;
/// Called with every piece of answer text as it arrives.
using TextSink = std::function<void(std::string_view)>;

class ModelClient {
 public:
  virtual ~ModelClient() = default;
  /// Runs the event loop until the answer is complete. Nothing but text reaches `on_text`; a retry after text was
  /// delivered never happens, so no text is delivered twice.
  virtual ModelOutcome Complete(const ModelRequest& request, const TextSink& on_text) = 0;
  virtual std::string provider() const = 0;  ///< "openai", "cassette", ...
  virtual std::string model() const = 0;     ///< As configured.
  /// "<provider>/<model>" of all who may be the one to answer about `messages`.
  virtual std::vector<std::string> MayAnswer(const std::vector<Message>& /*messages*/) const {
    return {provider() + "/" + model()};
  }
  /// Tokens that the model takes in, as far as is known by now; 0: not known.
  virtual std::uint64_t context_window() const { return 0; }
  /// Why the pictures of a prompt cannot be shown to it, as far as is known by now, in one safe line; empty: they can.
  virtual std::string PictureProblem(const std::vector<Part>& /*prompt*/) const { return ""; }
};

}  // namespace rune::agent
