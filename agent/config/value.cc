#include "agent/config/value.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "agent/config/fallback.h"
#include "agent/json/json.h"
#include "agent/json/number.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

std::string Show(const Value& value) {
  struct Visitor {
    std::string operator()(bool b) const { return b ? "true" : "false"; }
    std::string operator()(std::int64_t n) const { return std::to_string(n); }
    std::string operator()(double n) const { return std::isfinite(n) ? json::FormatNumber(n) : "no number"; }
    std::string operator()(const std::string& text) const { return "'" + OneLine(text, 64) + "'"; }
    std::string operator()(const std::vector<std::string>&) const { return "a list"; }
  };
  return std::visit(Visitor{}, value);
}

bool IsOneLine(const std::string& text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

bool IsObject(const std::string& text) {
  const auto document = json::Document::Parse(text);
  return document.ok() && document->root().type() == json::Type::kObject;
}

/// What is wrong with the first entry of `fallback` that is none.
std::optional<std::string> ProblemIn(const std::vector<std::string>& providers) {
  for (const std::string& text : providers) {
    if (const auto provider = ParseFallback(text); !provider.ok()) return provider.error().message;
  }
  return std::nullopt;
}

/// A JSON array as the texts of its elements.
std::optional<std::vector<std::string>> ParseElements(std::string_view text) {
  if (text.empty()) return std::vector<std::string>();
  const auto document = json::Document::Parse(text);
  if (!document.ok() || document->root().type() != json::Type::kArray) return std::nullopt;
  std::vector<std::string> elements;
  for (std::size_t i = 0; i < document->root().size(); ++i) elements.push_back(document->root()[i].Dump());
  return elements;
}

bool InRange(const Setting& setting, double number) { return number >= setting.least && number <= setting.most; }

bool IsEnforcement(const std::vector<std::string>& words) {
  if (words.size() == 1 && (words[0] == "best-effort" || words[0] == "require")) return true;
  return !words.empty() && std::all_of(words.begin(), words.end(),
                                       [](const std::string& word) { return sandbox::ParseLayer(word).has_value(); });
}

/// Turns what is meant into the type that is wanted: 10 for a number, "require" for a list with one word.
Value Convert(ValueType type, Value value) {
  if (type == ValueType::kNumber) {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  }
  if (type == ValueType::kEnforcement) {
    if (auto* word = std::get_if<std::string>(&value)) return std::vector<std::string>{std::move(*word)};
  }
  return value;
}

bool Fits(const Setting& setting, const Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  const auto* list = std::get_if<std::vector<std::string>>(&value);
  switch (setting.type) {
    case ValueType::kString:
    case ValueType::kPath:
      return text != nullptr && IsOneLine(*text);
    case ValueType::kProse:
      return text != nullptr;
    case ValueType::kWord: {
      const auto words = Split(setting.choices, '|');
      return text != nullptr && std::find(words.begin(), words.end(), *text) != words.end();
    }
    case ValueType::kBool:
      return std::holds_alternative<bool>(value);
    case ValueType::kInteger: {
      const auto* integer = std::get_if<std::int64_t>(&value);
      return integer != nullptr && InRange(setting, static_cast<double>(*integer));
    }
    case ValueType::kNumber: {
      const auto* number = std::get_if<double>(&value);
      return number != nullptr && InRange(setting, *number);
    }
    case ValueType::kStrings:
    case ValueType::kPaths:
      return list != nullptr && std::all_of(list->begin(), list->end(), [](const std::string& entry) {
               return !entry.empty() && IsOneLine(entry);
             });
    case ValueType::kEnforcement:
      return list != nullptr && IsEnforcement(*list);
    case ValueType::kTable:
      return text != nullptr && IsObject(*text);
    case ValueType::kProviders:
      return list != nullptr && !ProblemIn(*list);
  }
  std::abort();
}

std::vector<std::string> ParseList(std::string_view text) {
  std::vector<std::string> list;
  for (const std::string_view part : Split(text, ',')) {
    if (const std::string_view entry = Trim(part); !entry.empty()) list.emplace_back(entry);
  }
  return list;
}

}  // namespace

std::string ExpectedText(const Setting& setting) {
  switch (setting.type) {
    case ValueType::kString:
    case ValueType::kPath:
      return "one line of text";
    case ValueType::kProse:
      return "text";
    case ValueType::kWord: {
      std::string words;
      for (const std::string_view word : Split(setting.choices, '|')) {
        words.append(words.empty() ? "one of " : ", ").append(word);
      }
      return words;
    }
    case ValueType::kBool:
      return "true or false";
    case ValueType::kInteger:
      if (setting.most > 1e17) return "an integer";
      return "an integer from " + json::FormatNumber(setting.least) + " to " + json::FormatNumber(setting.most);
    case ValueType::kNumber:
      return "a number from " + json::FormatNumber(setting.least) + " to " + json::FormatNumber(setting.most);
    case ValueType::kStrings:
    case ValueType::kPaths:
      return "a list of texts of one line";
    case ValueType::kEnforcement:
      return "best-effort, require or a list of layers (limits, network, seccomp, landlock, names)";
    case ValueType::kTable:
      return "a table (as JSON: an object)";
    case ValueType::kProviders:
      return "a list of tables with provider, model, base_url, api_key or api_key_env, wire (as JSON: an array)";
  }
  std::abort();
}

Result<Value> CheckValue(const Setting& setting, Value value) {
  value = Convert(setting.type, std::move(value));
  if (Fits(setting, value)) return value;
  if (const auto* list = std::get_if<std::vector<std::string>>(&value);
      list != nullptr && setting.type == ValueType::kProviders) {
    return Error::Invalid(*ProblemIn(*list));
  }
  // A key that was put into the wrong place must not end up in a message.
  const std::string found = IsKey(setting) ? "something else" : Show(value);
  return Error::Invalid("expected " + ExpectedText(setting) + ", found " + found);
}

Result<Value> ParseValue(const Setting& setting, std::string_view text) {
  const std::string_view trimmed = Trim(text);
  Value value = std::string(setting.type == ValueType::kProse ? text : trimmed);
  switch (setting.type) {
    case ValueType::kString:
    case ValueType::kProse:
    case ValueType::kWord:
    case ValueType::kPath:
    case ValueType::kTable:
      break;
    case ValueType::kBool:
      if (const auto parsed = ParseBool(trimmed)) value = *parsed;
      break;
    case ValueType::kInteger:
      if (const auto parsed = ParseInt(trimmed)) value = *parsed;
      break;
    case ValueType::kNumber:
      if (const auto parsed = ParseDouble(trimmed)) value = *parsed;
      break;
    case ValueType::kStrings:
    case ValueType::kPaths:
    case ValueType::kEnforcement:
      value = ParseList(trimmed);
      break;
    case ValueType::kProviders:
      if (auto elements = ParseElements(trimmed)) value = std::move(*elements);
      break;
  }
  return CheckValue(setting, std::move(value));
}

std::optional<Value> DefaultValue(const Setting& setting) {
  auto value = ParseValue(setting, setting.fallback);
  if (!value.ok()) return std::nullopt;
  return std::move(value).value();
}

}  // namespace rune::agent
