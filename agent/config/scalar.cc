#include "agent/config/scalar.h"

#include <cmath>

#include "sandbox/base/duration.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::string_view kDurationHint = "expected seconds or a duration such as \"90s\", \"10m\" or \"1h30m\"";

bool IsScalar(const json::View& view) {
  const json::Type type = view.type();
  return type == json::Type::kString || type == json::Type::kNumber || type == json::Type::kBool;
}

}  // namespace

Error ProblemAt(const json::View& view, std::string_view problem) {
  return Error::Invalid(std::string(problem)).Wrap(view.path());
}

Result<void> ReadText(const json::View& view, std::string& into) {
  if (!IsScalar(view)) {
    RUNE_ASSIGN_OR_RETURN(into, view.AsString());
    return Ok();
  }
  into = view.string() ? std::string(*view.string()) : view.Dump();
  if (into.find('\0') != std::string::npos) return ProblemAt(view, "holds a NUL character");
  return Ok();
}

Result<void> ReadTexts(const json::View& view, std::vector<std::string>& into) {
  into.clear();
  if (IsScalar(view)) {
    RUNE_RETURN_IF_ERROR(ReadText(view, into.emplace_back()));
    return Ok();
  }
  if (view.type() != json::Type::kArray) {
    RUNE_ASSIGN_OR_RETURN(into, view.AsStrings());
    return Ok();
  }
  for (std::size_t i = 0; i < view.size(); ++i) RUNE_RETURN_IF_ERROR(ReadText(view[i], into.emplace_back()));
  return Ok();
}

Result<void> ReadFlag(const json::View& view, bool& into) {
  std::string text;
  RUNE_RETURN_IF_ERROR(ReadText(view, text));
  const auto flag = ParseBool(text);
  if (!flag) return ProblemAt(view, "expected true or false");
  into = *flag;
  return Ok();
}

Result<void> ReadInteger(const json::View& view, std::int64_t& into) {
  const auto number = view.string() ? ParseInt(*view.string()) : view.integer();
  if (!number) return ProblemAt(view, "expected a whole number");
  into = *number;
  return Ok();
}

Result<void> ReadCount(const json::View& view, std::uint64_t& into) {
  const auto number = view.string() ? ParseInt(*view.string()) : view.integer();
  if (!number || *number < 0) return ProblemAt(view, "expected a whole number, not negative");
  into = static_cast<std::uint64_t>(*number);
  return Ok();
}

Result<void> ReadNumber(const json::View& view, double& into) {
  const auto number = view.string() ? ParseDouble(*view.string()) : view.number();
  if (!number || !std::isfinite(*number)) return ProblemAt(view, "expected a number");
  into = *number;
  return Ok();
}

Result<void> ReadDuration(const json::View& view, std::chrono::seconds& into) {
  std::string text;
  RUNE_RETURN_IF_ERROR(ReadText(view, text));
  const auto duration = ParseDuration(text);
  if (!duration) return ProblemAt(view, kDurationHint);
  into = *duration;
  return Ok();
}

std::optional<std::chrono::seconds> ParseDuration(std::string_view text) {
  const auto time = rune::ParseDuration(text);
  if (!time) return std::nullopt;
  return std::chrono::ceil<std::chrono::seconds>(*time);
}

Error ExpectedOneOf(const json::View& view, std::span<const std::string_view> words) {
  std::string message = "expected ";
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) message += i + 1 == words.size() ? " or " : ", ";
    message += words[i];
  }
  return ProblemAt(view, message);
}

}  // namespace rune::agent
