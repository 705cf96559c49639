#include "agent/config/settings_json.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "agent/config/fallback.h"
#include "agent/config/scalar.h"
#include "agent/json/number.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

using List = std::vector<std::string>;
/// Nullopt: as good as not written.
using Written = Result<std::optional<Value>>;

constexpr std::string_view kPolicy = "policy.";

std::string_view LastPart(std::string_view path) { return path.substr(path.rfind('.') + 1); }

/// The document and its members: which keys there may be, and what was meant by another.
class KeyCheck {
 public:
  KeyCheck(const json::View& object, Column column, const OtherKeys& others)
      : root_(object.path()), column_(column), others_(others) {}

  /// `section` is the place of `object` in the document, with a dot at its end; empty at the top.
  Result<void> Check(const json::View& object, const std::string& section) const {
    if (object.is_null()) return Ok();
    if (object.type() != json::Type::kObject) {
      return ProblemAt(object, "expected object, found " + std::string(json::TypeName(object.type())));
    }
    const List known = Members(section);
    for (const std::string& key : object.keys()) {
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        std::string problem = "unknown key '" + OneLine(key, 64) + "'";
        if (const std::string meant = Meant(section, key, known); !meant.empty()) {
          problem += " (did you mean '" + meant + "'?)";
        }
        return ProblemAt(object, problem);
      }
      if (IsSection(section + key, column_)) RUNE_RETURN_IF_ERROR(Check(object[key], section + key + "."));
    }
    return Ok();
  }

 private:
  List Members(const std::string& section) const {
    List members;
    if (section.empty()) members = others_.here;
    for (const Setting& setting : Settings()) {
      for (const std::string_view name : NamesIn(setting, column_)) {
        if (!name.starts_with(section)) continue;
        const std::string_view rest = name.substr(section.size());
        std::string member(rest.substr(0, rest.find('.')));
        if (std::find(members.begin(), members.end(), member) == members.end()) members.push_back(std::move(member));
      }
    }
    return members;
  }

  /// Seen from the object itself; from a deeper one with the name of the document in front.
  std::string Meant(const std::string& section, const std::string& key, const List& known) const {
    const std::string document = section.empty() ? "" : root_ + ".";
    if (const std::string_view name = MeantBy(section + key, column_); !name.empty()) {
      return document + std::string(name);
    }
    if (std::find(others_.here.begin(), others_.here.end(), key) != others_.here.end()) return document + key;
    for (const std::string& path : others_.elsewhere) {
      if (LastPart(path) == key) return path;
    }
    if (const std::string_view name = MeantBy(section + key, Column::kSource); !name.empty()) {
      return "source." + std::string(name);
    }
    return Nearest(key, known).value_or("");
  }

  std::string root_;
  Column column_;
  const OtherKeys& others_;
};

json::View At(json::View view, std::string_view path) {
  for (const std::string_view step : Split(path, '.')) view = view[step];
  return view;
}

/// As rune.toml is read.
Written ReadStrictly(const Setting& setting, const json::View& view) {
  Value value;
  if (const auto text = view.string()) {
    value = std::string(*text);
  } else if (const auto boolean = view.boolean()) {
    value = *boolean;
  } else if (const auto integer = view.integer()) {
    value = *integer;
  } else if (const auto number = view.number()) {
    value = *number;
  } else if (view.type() == json::Type::kArray) {
    RUNE_ASSIGN_OR_RETURN(value, view.AsStrings());
  } else {
    return ProblemAt(view, "expected " + ExpectedText(setting) + ", found " + std::string(json::TypeName(view.type())));
  }
  auto checked = CheckValue(setting, std::move(value));
  if (!checked.ok()) return std::move(checked).error().Wrap(view.path());
  return std::optional<Value>(std::move(checked).value());
}

Written InRange(const Setting& setting, const json::View& view, Value value) {
  const auto* integer = std::get_if<std::int64_t>(&value);
  const double number = integer != nullptr ? static_cast<double>(*integer) : Held<double>(value);
  if (number >= setting.least && number <= setting.most) return std::optional<Value>(std::move(value));
  return ProblemAt(view, "from " + json::FormatNumber(setting.least) + " to " + json::FormatNumber(setting.most));
}

Written IntegerOf(const Setting& setting, const json::View& view) {
  std::int64_t number = 0;
  if (setting.least < 0) {
    RUNE_RETURN_IF_ERROR(ReadInteger(view, number));
  } else {
    std::uint64_t count = 0;
    RUNE_RETURN_IF_ERROR(ReadCount(view, count));
    number = static_cast<std::int64_t>(count);
  }
  return InRange(setting, view, number);
}

Written SecondsOf(const Setting& setting, const json::View& view) {
  std::chrono::seconds seconds{0};
  RUNE_RETURN_IF_ERROR(ReadDuration(view, seconds));
  if (setting.type == ValueType::kSeconds) return InRange(setting, view, std::int64_t{seconds.count()});
  return InRange(setting, view, static_cast<double>(seconds.count()));
}

Written WordOf(const Setting& setting, const json::View& view) {
  const auto words = Split(setting.choices, '|');
  std::string word;
  RUNE_RETURN_IF_ERROR(ReadText(view, word));
  // YAML 1.1 reads a bare off as a boolean.
  if (view.boolean() == false && std::find(words.begin(), words.end(), "off") != words.end()) word = "off";
  if (word.empty()) return std::optional<Value>();
  if (std::find(words.begin(), words.end(), word) == words.end()) return ExpectedOneOf(view, words);
  return std::optional<Value>(std::move(word));
}

Written ListOf(const json::View& view) {
  List list;
  RUNE_RETURN_IF_ERROR(ReadTexts(view, list));
  return std::optional<Value>(std::move(list));
}

/// `sandbox.mode` says in one word what `sandbox.require` says with the names of the layers.
Written EnforcementOf(const json::View& view) {
  List words;
  RUNE_RETURN_IF_ERROR(ReadTexts(view, words));
  if (view.type() != json::Type::kArray) {
    constexpr std::array<std::string_view, 3> kWords{"best-effort", "strict", "require"};
    if (words[0] == "strict") words[0] = "require";
    const bool known = std::find(kWords.begin(), kWords.end(), words[0]) != kWords.end();
    if (!known && !sandbox::ParseLayer(words[0])) return ExpectedOneOf(view, kWords);
    return std::optional<Value>(std::move(words));
  }
  constexpr std::array<std::string_view, 5> kLayers{"limits", "network", "seccomp", "landlock", "names"};
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!sandbox::ParseLayer(words[i])) return ExpectedOneOf(view[i], kLayers);
  }
  if (words.empty()) return std::optional<Value>();
  return std::optional<Value>(std::move(words));
}

Written ProvidersOf(const json::View& view) {
  if (view.type() != json::Type::kArray) return ProblemAt(view, "expected a list of objects");
  RUNE_ASSIGN_OR_RETURN(auto providers, ReadFallbacks(view));
  for (std::size_t i = 0; i < providers.size(); ++i) {
    if (providers[i].api_key_env.empty()) continue;
    return ProblemAt(view[i]["api_key_env"], "a step has no such variable; use api_key");
  }
  return std::optional<Value>(std::move(providers));
}

Written TableOf(const Setting& setting, const json::View& view) {
  if (view.type() != json::Type::kObject) return ProblemAt(view, "expected an object");
  RUNE_ASSIGN_OR_RETURN(auto table, JsonTable::Parse(view.Dump(), setting.key));
  return std::optional<Value>(std::move(table));
}

Written ReadLiberally(const Setting& setting, const json::View& view) {
  switch (setting.type) {
    case ValueType::kString:
    case ValueType::kProse:
    case ValueType::kPath:
    case ValueType::kKey: {
      std::string text;
      RUNE_RETURN_IF_ERROR(ReadText(view, text));
      if (setting.type == ValueType::kKey) return std::optional<Value>(Secret::Take(text));
      return std::optional<Value>(std::move(text));
    }
    case ValueType::kWord:
      return WordOf(setting, view);
    case ValueType::kBool: {
      bool flag = false;
      RUNE_RETURN_IF_ERROR(ReadFlag(view, flag));
      return std::optional<Value>(flag);
    }
    case ValueType::kInteger:
      return IntegerOf(setting, view);
    case ValueType::kSeconds:
    case ValueType::kFractionalSeconds:
      return SecondsOf(setting, view);
    case ValueType::kNumber: {
      double number = 0;
      RUNE_RETURN_IF_ERROR(ReadNumber(view, number));
      return InRange(setting, view, number);
    }
    case ValueType::kStrings:
    case ValueType::kPaths:
    case ValueType::kDomains:
      return ListOf(view);
    case ValueType::kEnforcement:
      return EnforcementOf(view);
    case ValueType::kTable:
      return TableOf(setting, view);
    case ValueType::kProviders:
      return ProvidersOf(view);
  }
  std::abort();
}

/// What both say together; nullopt when they disagree.
std::optional<Value> Together(const Setting& setting, const Value& a, const Value& b) {
  if (a == b) return a;
  if (setting.type == ValueType::kEnforcement) {
    // The list of layers says what "require" leaves open.
    const Value all = List{"require"};
    const Value none = List{"best-effort"};
    if (a == all && b != none) return b;
    if (b == all && a != none) return a;
  }
  // Of other settings the longer spelling gives way.
  if (!setting.key.starts_with(kPolicy)) return a;
  return std::nullopt;
}

}  // namespace

Result<Values> ReadSettings(const json::View& object, Column column, const OtherKeys& others) {
  RUNE_RETURN_IF_ERROR(KeyCheck(object, column, others).Check(object, ""));
  Values values;
  for (const Setting& setting : Settings()) {
    std::optional<Value> said;
    std::string place;
    for (const std::string_view name : NamesIn(setting, column)) {
      const json::View view = At(object, name);
      if (view.is_null()) continue;
      RUNE_ASSIGN_OR_RETURN(auto value,
                            name.starts_with(kPolicy) ? ReadStrictly(setting, view) : ReadLiberally(setting, view));
      if (!value) continue;
      if (said && !(value = Together(setting, *said, *value))) {
        return Error::Invalid(place + " and " + view.path() + " disagree: they say different things, keep one of them");
      }
      said = std::move(value);
      place = view.path();
    }
    if (said) values.emplace_back(&setting, std::move(*said));
  }
  return values;
}

}  // namespace rune::agent
