#pragma once
/// A model behind an HTTP API: normalise, encode, ask, decode, and ask again when that makes sense.

#include <functional>
#include <string>

#include "agent/config/config.h"
#include "agent/http/client.h"
#include "agent/providers/model_client.h"
#include "agent/providers/openai_chat.h"
#include "agent/providers/retry.h"

namespace rune::agent {

struct HttpModelOptions {
  Endpoint endpoint;
  std::string api_key;  ///< Empty: no Authorization header.
  ChatDialect dialect;
  Deadlines deadlines;
  RetryConfig retry;
  std::function<double()> random;  ///< Uniform in [0, 1); empty: a generator of its own.
};

class HttpModelClient : public ModelClient {
 public:
  HttpModelClient(EventLoop& loop, HttpModelOptions options);

  ModelOutcome Complete(const ModelRequest& request, const TextSink& on_text) override;
  std::string provider() const override { return options_.endpoint.provider; }
  std::string model() const override { return options_.endpoint.model; }

 private:
  /// One attempt's end: an answer, or what went wrong.
  struct Attempt {
    Decoded decoded;  ///< Valid without a failure.
    std::optional<Failure> failure;
    bool delivered = false;  ///< Some of its text has reached the caller.
  };
  Attempt Ask(const std::string& body, TimePoint deadline, const TextSink& on_text);
  HttpRequest MakeRequest(const std::string& body) const;
  std::optional<ModelError> Wait(Milliseconds delay, TimePoint deadline);
  ModelReply MakeReply(Decoded decoded, const ModelRequest& request, std::size_t sent_bytes) const;
  std::string Origin() const { return options_.endpoint.provider + "/" + options_.endpoint.model; }

  EventLoop& loop_;
  HttpModelOptions options_;
  HttpClient http_;
};

}  // namespace rune::agent
