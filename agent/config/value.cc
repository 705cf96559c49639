#include "agent/config/value.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "agent/config/fallback.h"
#include "agent/config/settings.h"
#include "agent/json/json.h"
#include "agent/json/number.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

using List = std::vector<std::string>;
using Providers = std::vector<FallbackProvider>;

/// For messages.
std::string Show(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return "'" + OneLine(*text, 64) + "'";
  return std::holds_alternative<List>(value) ? "a list" : TextOf(value);
}

bool IsOneLine(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

bool InRange(const Setting& setting, double number) { return number >= setting.least && number <= setting.most; }

bool IsEnforcement(const std::vector<std::string>& words) {
  if (words.size() == 1 && (words[0] == "best-effort" || words[0] == "require")) return true;
  return !words.empty() && std::all_of(words.begin(), words.end(),
                                       [](const std::string& word) { return sandbox::ParseLayer(word).has_value(); });
}

/// Turns what is meant into the type that is wanted: 10 for a number, "require" for a list with one word.
Value Convert(ValueType type, Value value) {
  auto* text = std::get_if<std::string>(&value);
  if (type == ValueType::kNumber || type == ValueType::kFractionalSeconds) {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  }
  if (type == ValueType::kEnforcement && text != nullptr) return List{std::move(*text)};
  if (type == ValueType::kKey && text != nullptr) return Secret::Take(*text);
  return value;
}

bool Fits(const Setting& setting, const Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  const auto* list = std::get_if<List>(&value);
  switch (setting.type) {
    case ValueType::kString:
    case ValueType::kPath:
      return text != nullptr && IsOneLine(*text);
    case ValueType::kProse:
      return text != nullptr;
    case ValueType::kKey: {
      const auto* key = std::get_if<Secret>(&value);
      return key != nullptr && IsOneLine(key->Reveal());
    }
    case ValueType::kWord: {
      const auto words = Split(setting.choices, '|');
      return text != nullptr && std::find(words.begin(), words.end(), *text) != words.end();
    }
    case ValueType::kBool:
      return std::holds_alternative<bool>(value);
    case ValueType::kInteger:
    case ValueType::kSeconds: {
      const auto* integer = std::get_if<std::int64_t>(&value);
      return integer != nullptr && InRange(setting, static_cast<double>(*integer));
    }
    case ValueType::kNumber:
    case ValueType::kFractionalSeconds: {
      const auto* number = std::get_if<double>(&value);
      return number != nullptr && InRange(setting, *number);
    }
    case ValueType::kStrings:
    case ValueType::kPaths:
    case ValueType::kDomains:
      return list != nullptr && std::all_of(list->begin(), list->end(), [](const std::string& entry) {
               return !entry.empty() && IsOneLine(entry);
             });
    case ValueType::kEnforcement:
      return list != nullptr && IsEnforcement(*list);
    case ValueType::kTable:
      return std::holds_alternative<JsonTable>(value);
    case ValueType::kProviders:
      return std::holds_alternative<Providers>(value);
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

/// The text itself for what is no JSON array.
Result<Value> ParseProviders(std::string_view text) {
  const auto document = json::Document::Parse(text, "fallback");
  if (!document.ok() || document->root().type() != json::Type::kArray) return Value(std::string(text));
  RUNE_ASSIGN_OR_RETURN(Providers providers, ReadFallbacks(document->root()));
  return Value(std::move(providers));
}

}  // namespace

std::string ExpectedText(const Setting& setting) {
  switch (setting.type) {
    case ValueType::kString:
    case ValueType::kPath:
    case ValueType::kKey:
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
    case ValueType::kSeconds:
      if (setting.most > 1e17) return "an integer";
      return "an integer from " + json::FormatNumber(setting.least) + " to " + json::FormatNumber(setting.most);
    case ValueType::kNumber:
    case ValueType::kFractionalSeconds:
      return "a number from " + json::FormatNumber(setting.least) + " to " + json::FormatNumber(setting.most);
    case ValueType::kStrings:
    case ValueType::kPaths:
    case ValueType::kDomains:
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
    case ValueType::kKey:
    case ValueType::kWord:
    case ValueType::kPath:
      break;
    case ValueType::kBool:
      if (const auto parsed = ParseBool(trimmed)) value = *parsed;
      break;
    case ValueType::kInteger:
    case ValueType::kSeconds:
      if (const auto parsed = ParseInt(trimmed)) value = *parsed;
      break;
    case ValueType::kNumber:
    case ValueType::kFractionalSeconds:
      if (const auto parsed = ParseDouble(trimmed)) value = *parsed;
      break;
    case ValueType::kStrings:
    case ValueType::kPaths:
    case ValueType::kDomains:
    case ValueType::kEnforcement:
      value = ParseList(trimmed);
      break;
    case ValueType::kTable:
      if (auto table = JsonTable::Parse(trimmed, setting.key); table.ok()) value = std::move(*table);
      break;
    case ValueType::kProviders: {
      RUNE_ASSIGN_OR_RETURN(value, ParseProviders(trimmed));
      break;
    }
  }
  return CheckValue(setting, std::move(value));
}

std::optional<Value> CurrentValue(const Setting& setting, const Config& config) {
  std::optional<Value> value = setting.member.get(config);
  if (!value) return std::nullopt;
  if (setting.type == ValueType::kWord && Held<std::string>(*value).empty()) return std::nullopt;
  if (setting.type == ValueType::kTable && Held<JsonTable>(*value).empty()) return std::nullopt;
  return value;
}

std::string TextOf(const Value& value) {
  struct Visitor {
    std::string operator()(bool b) const { return b ? "true" : "false"; }
    std::string operator()(std::int64_t n) const { return std::to_string(n); }
    std::string operator()(double n) const { return std::isfinite(n) ? json::FormatNumber(n) : "no number"; }
    std::string operator()(const std::string& text) const { return text; }
    std::string operator()(const List& list) const { return Join(list, ","); }
    std::string operator()(const Secret& key) const { return key.empty() ? "" : "***"; }
    std::string operator()(const JsonTable& table) const { return table.root().Dump(); }
    std::string operator()(const Providers& providers) const { return providers.empty() ? "" : "***"; }
  };
  return std::visit(Visitor{}, value);
}

}  // namespace rune::agent
