#include "agent/providers/models_list.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "agent/http/fetch.h"
#include "agent/http/url.h"
#include "agent/json/json.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::chrono::seconds kPatience{60};

std::uint64_t FirstCount(const json::View& view, const std::vector<std::string_view>& names) {
  for (const std::string_view name : names) {
    const auto count = view[name].integer();
    if (count && *count > 0) return static_cast<std::uint64_t>(*count);
  }
  return 0;
}

/// Gemini lists models for pictures and vectors, too.
bool GeneratesText(const json::View& entry) {
  const json::View methods = entry["supportedGenerationMethods"];
  if (!methods.exists()) return true;
  for (std::size_t i = 0; i < methods.size(); ++i) {
    if (methods[i].string() == "generateContent") return true;
  }
  return false;
}

ListedModel ReadModel(const json::View& entry) {
  ListedModel model;
  std::string_view id = entry["id"].string().value_or(entry["name"].string().value_or(""));
  constexpr std::string_view kGooglePrefix = "models/";
  if (id.starts_with(kGooglePrefix)) id.remove_prefix(kGooglePrefix.size());
  model.id = OneLine(id, 120);
  const json::View limits = entry["capabilities"]["limits"];
  model.context = FirstCount(entry, {"context_length", "max_model_len", "context_window", "max_context_length",
                                     "inputTokenLimit", "max_input_tokens"});
  if (model.context == 0) model.context = FirstCount(limits, {"max_prompt_tokens", "max_context_window_tokens"});
  if (model.context == 0) model.context = FirstCount(entry["meta"], {"n_ctx", "n_ctx_train"});
  model.output =
      FirstCount(entry, {"outputTokenLimit", "max_completion_tokens", "max_output_tokens", "max_output_length"});
  if (model.output == 0) model.output = FirstCount(entry["top_provider"], {"max_completion_tokens"});
  if (model.output == 0) model.output = FirstCount(limits, {"max_output_tokens"});
  return model;
}

Error ErrorOf(const Failure& failure) {
  switch (failure.kind) {
    case ModelErrorKind::kAuth:
      return Error{ErrorKind::kInvalidInput, failure.message};
    case ModelErrorKind::kProtocol:
    case ModelErrorKind::kBadRequest:
    case ModelErrorKind::kTooLong:
    case ModelErrorKind::kDiverged:
      return Error{ErrorKind::kProtocol, failure.message};
    case ModelErrorKind::kCancelled:
      return Error{ErrorKind::kCancelled, failure.message};
    case ModelErrorKind::kRate:
    case ModelErrorKind::kDown:
    case ModelErrorKind::kDeadline:
      break;
  }
  return Error{ErrorKind::kUnavailable, failure.message};
}

/// Why `body`, which came with status 200, is no list.
Failure NoList(const std::string& body, const Endpoint& endpoint) {
  Decoded decoded{.fault = StreamFault::kMalformed, .detail = body.substr(0, 200)};
  if (Trim(body).starts_with('<')) decoded.fault = StreamFault::kHtml;
  if (ServerError error = ReadServerError(body); error.found) {
    decoded = {.fault = StreamFault::kServerError, .error = std::move(error)};
  }
  return ClassifyFault(decoded, endpoint);
}

}  // namespace

Result<std::vector<ListedModel>> ReadModelList(const std::string& body) {
  RUNE_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(body, "list of models"));
  const json::View root = document.root();
  json::View list = root;
  if (root["data"].type() == json::Type::kArray) list = root["data"];
  if (root["models"].type() == json::Type::kArray) list = root["models"];
  if (list.type() != json::Type::kArray) return Error{ErrorKind::kProtocol, "no list of models"};
  std::vector<ListedModel> models;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!GeneratesText(list[i])) continue;
    ListedModel model = ReadModel(list[i]);
    if (!model.id.empty()) models.push_back(std::move(model));
  }
  std::sort(models.begin(), models.end(), [](const ListedModel& a, const ListedModel& b) { return a.id < b.id; });
  return models;
}

Result<std::vector<ListedModel>> ListModels(EventLoop& loop, const HttpModelOptions& options) {
  Caps caps = options.caps;
  Grant grant;
  const TimePoint deadline = Clock::now() + kPatience;
  std::shared_ptr<Access> access = options.access;
  if (!access) access = std::make_shared<KeyAccess>(options.endpoint, options.api_key);
  if (const auto failure = access->Open({{}, deadline}, caps, grant)) return ErrorOf(*failure);

  HttpRequest request{.url = grant.models_url,
                      .headers = grant.headers,
                      .body = std::nullopt,
                      .timeouts = {.connect = options.deadlines.connect}};
  request.headers.insert(request.headers.end(), caps.headers.begin(), caps.headers.end());
  if (caps.wire == Wire::kAnthropicMessages) request.headers.emplace_back("anthropic-version: 2023-06-01");
  const std::string path = SplitUrl(grant.models_url).path;
  const Endpoint endpoint{options.endpoint.provider, SplitUrl(grant.models_url).Origin(), options.endpoint.model, path};
  HttpClient http(loop);
  const Fetched fetched = Fetch(loop, http, std::move(request), deadline);
  if (fetched.wake == EventLoop::Wake::kInterrupted) return Error{ErrorKind::kCancelled, "interrupted"};
  if (fetched.wake == EventLoop::Wake::kDeadline) {
    return Error{ErrorKind::kUnavailable, SplitUrl(grant.models_url).Authority() + " sends no list of models in time"};
  }
  if (!fetched.ok()) {
    return ErrorOf(ClassifyHttp(fetched.outcome, endpoint, static_cast<std::int64_t>(std::time(nullptr))));
  }
  auto models = ReadModelList(fetched.body);
  if (!models.ok()) return ErrorOf(NoList(fetched.body, endpoint));
  for (ListedModel& model : *models) {
    if (model.context > 0) continue;
    model.context = LookUpCaps(options.endpoint.provider, options.endpoint.base_url, model.id).context_window;
  }
  return models;
}

}  // namespace rune::agent
