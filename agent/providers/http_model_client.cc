#include "agent/providers/http_model_client.h"

#include <algorithm>
#include <ctime>
#include <memory>
#include <optional>
#include <random>
#include <utility>

#include "agent/providers/normalise.h"
#include "sandbox/base/log.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

/// After the terminal marker: time for the response to end by itself, so that its connection can be used again.
constexpr Milliseconds kGrace{50};
constexpr std::size_t kBytesPerToken =
    4;  // of English text and JSON; good enough for an estimate that is marked as one

ModelError CancelledError() { return {ModelErrorKind::kCancelled, "the run was interrupted"}; }
ModelError DeadlineError() { return {ModelErrorKind::kDeadline, "the run's time was up while waiting for the model"}; }

/// Ended as it should, but said nothing and wanted nothing.
bool IsEmpty(const Message& message) {
  return message.stop == Stop::kEnd && TextOf(message).empty() && CallsOf(message).empty();
}

std::string Seconds(Milliseconds time) {
  const auto tenths = (time.count() + 99) / 100;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

ModelError FinalError(const Failure& failure, int attempts) {
  ModelError error{failure.kind, failure.message};
  if (attempts > 1) error.message += ", after " + std::to_string(attempts) + " attempts";
  if (failure.retryable && failure.retry_after) {
    error.message += ", and asks to wait " + Seconds(*failure.retry_after);
  }
  return error;
}

std::function<double()> Generator() {
  return [engine = std::mt19937_64(std::random_device{}()),
          uniform = std::uniform_real_distribution<double>()]() mutable { return uniform(engine); };
}

}  // namespace

HttpModelClient::HttpModelClient(EventLoop& loop, HttpModelOptions options)
    : loop_(loop), options_(std::move(options)), http_(loop) {
  if (!options_.random) options_.random = Generator();
  while (options_.endpoint.base_url.ends_with('/')) options_.endpoint.base_url.pop_back();
}

ModelOutcome HttpModelClient::Complete(const ModelRequest& request, const TextSink& on_text) {
  const std::vector<Message> history = Normalise(request.messages, {.origin = Origin()});
  const std::string body = EncodeOpenAiChat(
      model(), {.messages = history, .tools = request.tools, .options = request.options}, options_.dialect);
  bool empty_before = false;
  for (RetryState state;; ++state.attempts) {
    Attempt attempt = Ask(body, request.deadline, on_text);
    if (!attempt.failure && IsEmpty(attempt.decoded.message)) {
      attempt.failure = ClassifyFault(attempt.decoded, options_.endpoint);
      if (!std::exchange(empty_before, true)) continue;  // a hiccup, most of the time: ask again at once
      return FinalError(*attempt.failure, state.attempts);
    }
    if (!attempt.failure) return MakeReply(std::move(attempt.decoded), request, body.size());
    const Failure& failure = *attempt.failure;
    const auto delay = NextDelay(options_.retry, state, failure, options_.random());
    // Text cannot be taken back, and must not come twice.
    if (!delay || attempt.delivered) return FinalError(failure, state.attempts);
    Log(LogLevel::kWarn, failure.message + "; attempt " + std::to_string(state.attempts + 1) + " of " +
                             std::to_string(options_.retry.attempts) + " in " + Seconds(*delay));
    if (const auto ended = Wait(*delay, request.deadline)) return *ended;
    state.waited += *delay;
  }
}

HttpRequest HttpModelClient::MakeRequest(const std::string& body) const {
  HttpRequest request{.url = options_.endpoint.base_url + "/chat/completions",
                      .headers = {"Content-Type: application/json", "Accept: text/event-stream, application/json"},
                      .body = body,
                      .timeouts = {.connect = options_.deadlines.connect,
                                   .first_byte = options_.deadlines.first_byte,
                                   .idle = options_.deadlines.idle}};
  if (!options_.api_key.empty()) request.headers.push_back("Authorization: Bearer " + options_.api_key);
  return request;
}

HttpModelClient::Attempt HttpModelClient::Ask(const std::string& body, TimePoint deadline, const TextSink& on_text) {
  Attempt attempt;
  std::optional<OpenAiChatDecoder> decoder;
  std::optional<HttpOutcome> outcome;
  TextSink sink;
  if (on_text) {
    sink = [&](std::string_view text) {
      attempt.delivered = true;
      on_text(text);
    };
  }
  const auto id =
      http_.Start(MakeRequest(body), {.on_headers =
                                          [&](int, const HttpHeaders& headers) {
                                            const auto type = headers.find("content-type");
                                            decoder.emplace(type == headers.end() ? std::string() : type->second);
                                          },
                                      .on_body = [&](std::string_view bytes) { decoder->Feed(bytes, sink); },
                                      .on_done = [&](const HttpOutcome& done) { outcome = done; }});
  const auto ended = [&] { return outcome.has_value(); };
  const auto settled = [&] { return ended() || (decoder && decoder->settled()); };
  EventLoop::Wake wake = loop_.RunUntil(settled, deadline);
  if (wake == EventLoop::Wake::kDone && !ended()) {
    (void)loop_.RunUntil(ended, std::min(deadline, Clock::now() + kGrace));
  }
  http_.Cancel(id);
  if (wake == EventLoop::Wake::kInterrupted) {
    attempt.failure = Failure{.kind = ModelErrorKind::kCancelled, .message = CancelledError().message};
  } else if (wake == EventLoop::Wake::kDeadline) {
    attempt.failure = Failure{.kind = ModelErrorKind::kDeadline, .message = DeadlineError().message};
  } else if (!decoder) {
    attempt.failure = ClassifyHttp(*outcome, options_.endpoint, static_cast<std::int64_t>(std::time(nullptr)));
  } else {
    attempt.decoded = decoder->Finish(sink);
    const bool broke = outcome && outcome->failure != HttpFailure::kNone;
    if (attempt.decoded.fault == StreamFault::kTruncated && broke) {
      attempt.failure = ClassifyHttp(*outcome, options_.endpoint, 0);
    } else if (attempt.decoded.fault != StreamFault::kNone) {
      attempt.failure = ClassifyFault(attempt.decoded, options_.endpoint);
    }
  }
  return attempt;
}

std::optional<ModelError> HttpModelClient::Wait(Milliseconds delay, TimePoint deadline) {
  const TimePoint until = Clock::now() + delay;
  if (until >= deadline) return DeadlineError();  // waiting for it would not help
  const auto never = [] { return false; };
  if (loop_.RunUntil(never, until) == EventLoop::Wake::kInterrupted) return CancelledError();
  return std::nullopt;
}

ModelReply HttpModelClient::MakeReply(Decoded decoded, const ModelRequest& request, std::size_t sent_bytes) const {
  ModelReply reply{.message = std::move(decoded.message),
                   .usage = decoded.usage,
                   .usage_known = decoded.usage_known,
                   .model = decoded.model.empty() ? model() : OneLine(decoded.model)};
  reply.message.origin = Origin();
  AdoptReply(reply.message, request.messages);
  if (!reply.usage_known) {
    std::size_t received = TextOf(reply.message).size();
    for (const ToolCall& call : CallsOf(reply.message)) received += call.name.size() + call.args.size();
    reply.usage = {.input = sent_bytes / kBytesPerToken, .output = received / kBytesPerToken};
  }
  return reply;
}

}  // namespace rune::agent
