#include "agent/providers/http_model_client.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <random>
#include <utility>

#include "agent/http/url.h"
#include "agent/providers/provider_table.h"
#include "agent/wires/normalise.h"
#include "agent/wires/pictures.h"
#include "sandbox/base/duration.h"
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
Failure FailureOf(const ModelError& error) { return {.kind = error.kind, .message = error.message}; }

/// Ended as it should, but said nothing and wanted nothing.
bool IsEmpty(const Message& message) {
  return message.stop == Stop::kEnd && TextOf(message).empty() && CallsOf(message).empty();
}

ModelError FinalError(const Failure& failure, int attempts) {
  ModelError error{failure.kind, failure.message};
  if (attempts > 1) error.message += ", after " + std::to_string(attempts) + " attempts";
  if (failure.remedy == Remedy::kRetry && failure.retry_after) {
    error.message += ", and asks to wait " + FormatDuration(*failure.retry_after);
  }
  return error;
}

Milliseconds UsualFirstByte(const Endpoint& endpoint) {
  const Provider* const known = FindProvider(endpoint.provider);
  const bool loads_models = (known != nullptr && known->loads_models) || IsLoopback(SplitUrl(endpoint.base_url));
  return loads_models ? Milliseconds(600'000) : Milliseconds(120'000);
}

std::function<double()> Generator() {
  return [engine = std::mt19937_64(std::random_device{}()),
          uniform = std::uniform_real_distribution<double>()]() mutable { return uniform(engine); };
}

}  // namespace

std::shared_ptr<Access> AccessOf(const HttpModelOptions& options) {
  return options.access ? options.access : std::make_shared<KeyAccess>(options.endpoint, options.api_key);
}

HttpModelClient::HttpModelClient(EventLoop& loop, HttpModelOptions options)
    : loop_(loop), options_(std::move(options)), caps_(options_.caps), asked_(options_.endpoint), http_(loop) {
  if (!options_.random) options_.random = Generator();
  options_.access = AccessOf(options_);
}

std::string HttpModelClient::PictureProblem(const std::vector<Part>& prompt) const {
  return agent::PictureProblem(prompt, model(), caps_);
}

ModelOutcome HttpModelClient::Complete(const ModelRequest& request, const TextSink& on_text) {
  for (RetryState state;;) {
    Attempt attempt = Ask(request, on_text);
    if (!attempt.failure) return MakeReply(std::move(attempt), request);
    if (!MayGoOn(attempt, request)) return ModelError{ModelErrorKind::kBudget, attempt.failure->message};
    state.delivered = attempt.delivered;
    if (const auto error = Remedied(*attempt.failure, state, request)) return *error;
  }
}

bool HttpModelClient::MayGoOn(const Attempt& attempt, const ModelRequest& request) const {
  if (!attempt.decoded.usage_known || !request.on_failed) return true;
  const bool may = request.on_failed(Origin(), attempt.decoded.usage);
  const ModelErrorKind kind = attempt.failure->kind;
  return may || kind == ModelErrorKind::kCancelled || kind == ModelErrorKind::kDeadline;  // goes on nowhere anyway
}

std::optional<ModelError> HttpModelClient::Remedied(const Failure& failure, RetryState& state,
                                                    const ModelRequest& request) {
  const Decision decision = Decide(options_.retry, state, failure, options_.random());
  switch (decision.next) {
    case Next::kAskAgain:
      break;
    case Next::kRenew:
      state.renewed = true;
      if (!options_.access->Renew()) return FinalError(failure, state.attempts);
      Log(LogLevel::kInfo, failure.message + "; asking for a new token");
      return std::nullopt;
    case Next::kDegrade:
      if (!Degrade(caps_, failure.words, request.options.max_output_tokens)) return FinalError(failure, state.attempts);
      Log(LogLevel::kInfo, failure.message + "; asking again without it");
      return std::nullopt;
    case Next::kGiveUp:
      return FinalError(failure, state.attempts);
  }
  if (failure.remedy == Remedy::kAtOnce) {
    state.asked_at_once = true;
    return std::nullopt;
  }
  Log(LogLevel::kWarn, failure.message + "; attempt " + std::to_string(state.attempts + 1) + " of " +
                           std::to_string(options_.retry.attempts) + " in " + FormatDuration(decision.delay));
  ++state.attempts;
  state.waited += decision.delay;
  return Wait(decision.delay, request.deadline);
}

HttpRequest HttpModelClient::MakeRequest(const Grant& grant, std::string body) const {
  const Deadlines& limits = options_.deadlines;
  HttpRequest request{.url = JoinUrl(grant.base_url, asked_.path),
                      .headers = {"Content-Type: application/json", "Accept: text/event-stream, application/json"},
                      .body = std::move(body),
                      .timeouts = {.connect = limits.connect,
                                   .first_byte = limits.first_byte.value_or(UsualFirstByte(asked_)),
                                   .idle = limits.idle,
                                   .deadline = Clock::now() + limits.total}};
  for (const std::vector<std::string>& headers : {HeadersOf(caps_), grant.headers}) {
    request.headers.insert(request.headers.end(), headers.begin(), headers.end());
  }
  return request;
}

/// What the answer would be about must not be left out in silence; what earlier prompts showed may.
std::optional<Failure> HttpModelClient::Unshowable(const std::vector<Message>& messages) const {
  const auto prompt = std::find_if(messages.rbegin(), messages.rend(),
                                   [](const Message& message) { return message.role == Role::kUser; });
  if (prompt == messages.rend()) return std::nullopt;
  std::string problem = PictureProblem(prompt->parts);
  if (problem.empty()) return std::nullopt;
  return Failure{.kind = ModelErrorKind::kBadRequest, .message = std::move(problem)};
}

HttpModelClient::Attempt HttpModelClient::Ask(const ModelRequest& request, const TextSink& on_text) {
  Attempt attempt;
  if (loop_.interrupted_by()) {
    attempt.failure = FailureOf(CancelledError());
    return attempt;
  }
  Grant grant;
  attempt.failure = options_.access->Open({request.messages, request.deadline}, caps_, grant);
  if (attempt.failure) return attempt;
  // What the service has just said of the model counts already.
  attempt.failure = Unshowable(request.messages);
  if (attempt.failure) return attempt;
  const std::vector<Message> history = Normalise(request.messages, {.origin = Origin(),
                                                                    .images = caps_.images,
                                                                    .max_bytes_of_one_image = MaxImageBytes(caps_),
                                                                    .id_rule = caps_.id_rule});
  const Codec& codec = CodecOf(caps_.wire);
  WireRequest wire = codec.encode(model(), {history, request.tools, request.options, request.deadline}, caps_);
  attempt.sent_bytes = wire.body.size();
  asked_ = {provider(), grant.base_url, model(),
            wire.path.empty() ? std::string(FormatOf(caps_.wire).path) : wire.path};

  TextSink sink;
  if (on_text) {
    sink = [&](std::string_view text) {
      attempt.delivered = true;
      on_text(text);
    };
  }
  Exchange exchange;
  const auto on_headers = [&](int, const HttpHeaders& headers) {
    const auto type = headers.find("content-type");
    exchange.decoder = codec.decoder(type == headers.end() ? std::string() : type->second, {});
    exchange.progress = Clock::now();
  };
  const auto on_body = [&](std::string_view bytes) {
    exchange.decoder->Feed(bytes, sink);
    if (exchange.decoder->content_bytes() == exchange.content) return;
    exchange.content = exchange.decoder->content_bytes();
    exchange.progress = Clock::now();
  };
  const auto id = http_.Start(MakeRequest(grant, std::move(wire.body)),
                              {.on_headers = on_headers, .on_body = on_body, .on_done = [&](const HttpOutcome& done) {
                                 exchange.outcome = done;
                               }});
  const EventLoop::Wake wake = Await(exchange, request.deadline);
  http_.Cancel(id);
  attempt.failure = Judge(exchange, wake, sink, attempt.decoded);
  return attempt;
}

/// kDone without an outcome and without a settled decoder: the stream makes no progress.
EventLoop::Wake HttpModelClient::Await(const Exchange& exchange, TimePoint deadline) {
  const auto ended = [&] { return exchange.outcome.has_value(); };
  const auto settled = [&] { return ended() || (exchange.decoder && exchange.decoder->settled()); };
  const auto stalls_at = [&] {
    return (exchange.decoder ? exchange.progress : Clock::now()) + options_.deadlines.progress;
  };
  for (;;) {
    const EventLoop::Wake wake = loop_.RunUntil(settled, std::min(deadline, stalls_at()));
    if (wake == EventLoop::Wake::kDone && !ended()) {
      (void)loop_.RunUntil(ended, std::min(deadline, Clock::now() + kGrace));
    }
    if (wake != EventLoop::Wake::kDeadline || Clock::now() >= deadline) return wake;
    if (exchange.decoder && Clock::now() >= stalls_at()) return EventLoop::Wake::kDone;
  }
}

std::optional<Failure> HttpModelClient::Judge(Exchange& exchange, EventLoop::Wake wake, const TextSink& sink,
                                              Decoded& decoded) const {
  const bool broken_off =
      wake != EventLoop::Wake::kDone || (exchange.decoder && !exchange.outcome && !exchange.decoder->settled());
  if (broken_off && exchange.decoder) decoded = exchange.decoder->Finish({});  // for what it has used until now
  if (wake == EventLoop::Wake::kInterrupted) return FailureOf(CancelledError());
  if (wake == EventLoop::Wake::kDeadline) return FailureOf(DeadlineError());
  if (!exchange.decoder) {
    return ClassifyHttp(*exchange.outcome, asked_, static_cast<std::int64_t>(std::time(nullptr)));
  }
  if (broken_off) {
    return Failure{.kind = ModelErrorKind::kDown,
                   .remedy = Remedy::kRetry,
                   .message = SplitUrl(asked_.base_url).Authority() +
                              " keeps the line open but says nothing more (deadlines.progress_secs)"};
  }
  decoded = exchange.decoder->Finish(sink);
  const bool broke = exchange.outcome && exchange.outcome->failure != HttpFailure::kNone;
  if (decoded.fault == StreamFault::kTruncated && broke) return ClassifyHttp(*exchange.outcome, asked_, 0);
  if (decoded.fault != StreamFault::kNone || IsEmpty(decoded.message)) return ClassifyFault(decoded, asked_);
  return std::nullopt;
}

std::optional<ModelError> HttpModelClient::Wait(Milliseconds delay, TimePoint deadline) {
  const TimePoint until = Clock::now() + delay;
  if (until >= deadline) return DeadlineError();  // waiting for it would not help
  const auto never = [] { return false; };
  if (loop_.RunUntil(never, until) == EventLoop::Wake::kInterrupted) return CancelledError();
  return std::nullopt;
}

ModelReply HttpModelClient::MakeReply(Attempt attempt, const ModelRequest& request) const {
  Decoded& decoded = attempt.decoded;
  ModelReply reply{.message = std::move(decoded.message),
                   .usage = decoded.usage,
                   .usage_known = decoded.usage_known,
                   .model = decoded.model.empty() ? model() : OneLine(decoded.model)};
  reply.message.origin = Origin();
  AdoptReply(reply.message, request.messages);
  if (!reply.usage_known) {
    std::size_t received = TextOf(reply.message).size();
    for (const ToolCall& call : CallsOf(reply.message)) received += call.name.size() + call.args.size();
    reply.usage = {.input = attempt.sent_bytes / kBytesPerToken, .output = received / kBytesPerToken};
  }
  return reply;
}

}  // namespace rune::agent
