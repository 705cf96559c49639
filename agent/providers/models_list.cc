#include "agent/providers/models_list.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <iterator>
#include <utility>

#include "agent/http/fetch.h"
#include "agent/http/url.h"
#include "agent/json/json.h"
#include "agent/wires/codec.h"
#include "sandbox/base/encoding.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::chrono::seconds kPatience{60};
constexpr int kMostPages = 20;
constexpr std::size_t kPageBytes = 4096;  // of a web page: enough for its title

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
    case ModelErrorKind::kBudget:
    case ModelErrorKind::kRate:
    case ModelErrorKind::kDown:
    case ModelErrorKind::kDeadline:
      break;
  }
  return Error{ErrorKind::kUnavailable, failure.message};
}

/// What is added to the URL for the next page; empty: there is none.
std::string NextPage(const Paging& paging, const std::string& body) {
  if (paging.parameter.empty()) return {};
  const auto document = json::Document::Parse(body);
  if (!document.ok()) return {};
  const json::View root = document->root();
  if (!paging.more.empty() && !root[paging.more].boolean().value_or(false)) return {};
  const std::string_view token = root[paging.token].string().value_or("");
  // Nothing in a server's token may end its part of our URL.
  return token.empty() ? "" : "&" + std::string(paging.parameter) + "=" + PercentEncode(token);
}

/// Why `body`, which came with status 200, is no list.
Failure NoList(const std::string& body, const Endpoint& endpoint) {
  Decoded decoded{.fault = StreamFault::kMalformed, .detail = body.substr(0, 200)};
  if (Trim(body).starts_with('<')) decoded = {.fault = StreamFault::kHtml, .detail = body.substr(0, kPageBytes)};
  if (ServerError error = ReadServerError(body); error.found) {
    decoded = {.fault = StreamFault::kServerError, .error = std::move(error)};
  }
  return ClassifyFault(decoded, endpoint);
}

void Sort(std::vector<ListedModel>& models) {
  std::sort(models.begin(), models.end(), [](const ListedModel& a, const ListedModel& b) { return a.id < b.id; });
}

struct Page {
  const HttpRequest& request;
  const Endpoint& endpoint;
  TimePoint deadline;
};
Result<std::string> FetchList(EventLoop& loop, HttpClient& http, const Page& page) {
  const Fetched fetched = Fetch(loop, http, page.request, page.deadline);
  if (fetched.wake == EventLoop::Wake::kInterrupted) return Error{ErrorKind::kCancelled, "interrupted"};
  if (fetched.wake == EventLoop::Wake::kDeadline) {
    return Error{ErrorKind::kUnavailable,
                 SplitUrl(page.endpoint.base_url).Authority() + " sends no list of models in time"};
  }
  if (!fetched.ok()) {
    return ErrorOf(ClassifyHttp(fetched.outcome, page.endpoint, static_cast<std::int64_t>(std::time(nullptr))));
  }
  return fetched.body;
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
  Sort(models);
  return models;
}

Result<std::vector<ListedModel>> ListModels(EventLoop& loop, const HttpModelOptions& options) {
  Caps caps = options.caps;
  Grant grant;
  const TimePoint deadline = Clock::now() + kPatience;
  const GrantRequest way_in{.history = {}, .deadline = deadline, .learn_model = false};
  if (const auto failure = AccessOf(options)->Open(way_in, caps, grant)) return ErrorOf(*failure);

  HttpRequest request{.url = grant.models_url,
                      .headers = grant.headers,
                      .body = std::nullopt,
                      .timeouts = TimeoutsOf(options.deadlines)};
  const std::vector<std::string> headers = HeadersOf(caps);
  request.headers.insert(request.headers.end(), headers.begin(), headers.end());
  const std::string path = SplitUrl(grant.models_url).path;
  const Endpoint endpoint{options.endpoint.provider, SplitUrl(grant.models_url).Origin(), options.endpoint.model, path};
  HttpClient http(loop);
  std::vector<ListedModel> models;
  std::string next;
  for (int page = 0; page < kMostPages; ++page) {
    request.url = grant.models_url + next;
    RUNE_ASSIGN_OR_RETURN(const std::string body, FetchList(loop, http, {request, endpoint, deadline}));
    auto listed = ReadModelList(body);
    if (!listed.ok()) return ErrorOf(NoList(body, endpoint));
    std::move(listed->begin(), listed->end(), std::back_inserter(models));
    // A server that names the same page again has no other.
    const std::string here = std::exchange(next, NextPage(FormatOf(caps.wire).paging, body));
    if (next.empty() || next == here) break;
  }
  Sort(models);
  models.erase(std::unique(models.begin(), models.end(),
                           [](const ListedModel& a, const ListedModel& b) { return a.id == b.id; }),
               models.end());
  for (ListedModel& model : models) {
    if (model.context > 0) continue;
    model.context = LookUpCaps(options.endpoint.provider, options.endpoint.base_url, model.id).context_window;
  }
  return models;
}

}  // namespace rune::agent
