#include "agent/wires/server_error.h"

#include <algorithm>

namespace rune::agent {
namespace {

void TakeCode(const json::View& code, ServerError& error) {
  if (const auto number = code.integer(); number && *number >= 400 && *number < 600) {
    error.status = static_cast<int>(*number);
  } else if (const auto word = code.string()) {
    error.code = *word;
  }
}

/// google.rpc: ErrorInfo.reason, QuotaFailure.violations[].quotaId and RetryInfo.retryDelay.
void TakeDetails(const json::View& details, ServerError& error) {
  for (std::size_t i = 0; i < details.size(); ++i) {
    if (error.code.empty()) error.code = details[i]["reason"].Text();
    const std::string quota = details[i]["violations"][std::size_t{0}]["quotaId"].Text();
    if (!quota.empty()) error.code = quota;
    if (error.retry_delay.empty()) error.retry_delay = details[i]["retryDelay"].Text();
  }
}

ServerError FromObject(const json::View& object) {
  ServerError error;
  error.found = true;
  error.message = object["message"].Text();
  error.type = object["type"].Text();
  TakeCode(object["code"], error);
  if (error.type.empty()) error.type = object["status"].Text();                  // Google: "RESOURCE_EXHAUSTED"
  if (error.type.empty()) error.type = object["metadata"]["error_type"].Text();  // OpenRouter
  TakeDetails(object["details"], error);
  // OpenRouter passes the upstream's own words on in metadata.raw, and says only "Provider returned error" itself.
  const std::string raw = object["metadata"]["raw"].Text();
  if (!raw.empty()) error.message += (error.message.empty() ? "" : ": ") + raw;
  if (error.message.empty()) error.message = object.Dump();
  return error;
}

}  // namespace

ServerError ReadServerError(const json::View& body) {
  if (body.type() == json::Type::kArray)
    return body.size() == 0 ? ServerError{} : ReadServerError(body[std::size_t{0}]);
  const json::View inner = body["error"];
  if (inner.type() == json::Type::kObject) return FromObject(inner);
  ServerError error;
  if (!inner.is_null()) {
    error.found = true;
    error.message = inner.string() ? inner.Text() : inner.Dump();
    return error;
  }
  if (body["object"].Text() == "error" || body["type"].Text() == "error") return FromObject(body);
  if (body["choices"].exists()) return error;
  if (body["message"].string()) return FromObject(body);
  const json::View detail = body["detail"];
  if (!detail.is_null()) {
    error.found = true;
    error.message = detail.string() ? detail.Text() : detail.Dump();
  }
  return error;
}

ServerError ReadServerError(const std::string& body) {
  const auto document = json::Document::Parse(body);
  return document.ok() ? ReadServerError(document->root()) : ServerError{};
}

bool ContainsAny(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [text](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

}  // namespace rune::agent
