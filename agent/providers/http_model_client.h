#pragma once
/// A model behind an HTTP API: normalise, encode, ask, decode, and ask again when that makes sense.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/config/config.h"
#include "agent/conversation/model.h"
#include "agent/http/client.h"
#include "agent/providers/access.h"
#include "agent/providers/failure.h"
#include "agent/providers/retry.h"
#include "agent/wires/codec.h"
#include "sandbox/base/secret.h"

namespace rune::agent {

struct HttpModelOptions {
  Endpoint endpoint;
  Caps caps;
  Secret api_key;                  ///< Empty: no key is sent.
  std::shared_ptr<Access> access;  ///< In place of `api_key`, where a key has to be turned into a token first.
  Deadlines deadlines;
  RetryConfig retry;
  std::function<double()> random;  ///< Uniform in [0, 1); empty: a generator of its own.
};

/// How to get in: as `options` says, else with its key.
std::shared_ptr<Access> AccessOf(const HttpModelOptions& options);

class HttpModelClient : public ModelClient {
 public:
  HttpModelClient(EventLoop& loop, HttpModelOptions options);

  ModelOutcome Complete(const ModelRequest& request, const TextSink& on_text) override;
  std::string provider() const override { return options_.endpoint.provider; }
  std::string model() const override { return options_.endpoint.model; }
  std::uint64_t context_window() const override { return caps_.context_window; }
  std::string PictureProblem(const std::vector<Part>& prompt) const override;

 private:
  /// One attempt's end: an answer, or what went wrong.
  struct Attempt {
    Decoded decoded;  ///< Valid without a failure; with one, its usage.
    std::optional<Failure> failure;
    bool delivered = false;  ///< Some of its text has reached the caller.
    std::size_t sent_bytes = 0;
  };
  /// A request on its way.
  struct Exchange {
    std::unique_ptr<Decoder> decoder;  ///< Once the response has begun.
    std::optional<HttpOutcome> outcome;
    std::size_t content = 0;
    TimePoint progress = Clock::now();  ///< When `content` last grew.
  };
  Attempt Ask(const ModelRequest& request, const TextSink& on_text);
  HttpRequest MakeRequest(const Grant& grant, std::string body) const;
  EventLoop::Wake Await(const Exchange& exchange, TimePoint deadline);
  std::optional<Failure> Judge(Exchange& exchange, EventLoop::Wake wake, const TextSink& sink, Decoded& decoded) const;
  std::optional<Failure> Unshowable(const std::vector<Message>& messages) const;
  /// Reports what a failed attempt has used; false: no other one may be made.
  bool MayGoOn(const Attempt& attempt, const ModelRequest& request) const;
  /// Does what comes before the next attempt; the error when there is none.
  std::optional<ModelError> Remedied(const Failure& failure, RetryState& state, const ModelRequest& request);
  std::optional<ModelError> Wait(Milliseconds delay, TimePoint deadline);
  ModelReply MakeReply(Attempt attempt, const ModelRequest& request) const;
  std::string Origin() const { return options_.endpoint.provider + "/" + options_.endpoint.model; }

  EventLoop& loop_;
  HttpModelOptions options_;
  Caps caps_;  ///< As given, and as learnt since.
  Endpoint asked_;
  HttpClient http_;
};

}  // namespace rune::agent
