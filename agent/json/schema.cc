#include "agent/json/schema.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <set>

#include "agent/json/pattern.h"
#include "sandbox/base/text.h"

namespace rune::json {
namespace {

/// A schema may refer to itself: nesting and work are bounded so that no schema and no value hangs a run.
constexpr int kMaxNesting = 400;
constexpr int kMaxSteps = 200'000;

std::size_t CodePoints(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

bool HasType(const View& value, std::string_view type) {
  if (type == "integer") return value.number() && *value.number() == std::floor(*value.number());
  return value.exists() && TypeName(value.type()) == type;
}

Error Bad(const View& value, const std::string& what) {
  return Error::Invalid(what).Wrap(value.path().empty() ? "answer" : value.path());
}

std::string Quoted(std::string_view name) { return "'" + OneLine(name, 64) + "'"; }

class Validator {
 public:
  explicit Validator(const View& root) : root_(root) {}

  Result<void> Check(const View& value, const View& schema) {
    if (const auto verdict = schema.boolean()) {
      return *verdict ? Ok() : Result<void>(Bad(value, "is not allowed here"));
    }
    if (nesting_ == kMaxNesting || ++steps_ > kMaxSteps) return GiveUp(value, "the schema is too complex to check");
    ++nesting_;
    Result<void> result = CheckOne(value, schema);
    --nesting_;
    return result;
  }

  /// Why the verdict cannot be trusted: under `not` or `anyOf` a check that was given up must not count as "no match".
  Result<void> given_up() const { return given_up_ ? Result<void>(*given_up_) : Ok(); }

 private:
  Error GiveUp(const View& value, const std::string& why) {
    if (!given_up_) given_up_ = Bad(value, why);
    return *given_up_;
  }

  Result<void> CheckOne(const View& value, const View& schema) {
    if (const View reference = schema["$ref"]; reference.exists()) {
      RUNE_RETURN_IF_ERROR(Check(value, FindReference(root_, reference.string().value_or(""))));
    }
    RUNE_RETURN_IF_ERROR(CheckType(value, schema["type"]));
    RUNE_RETURN_IF_ERROR(CheckEqual(value, schema));
    RUNE_RETURN_IF_ERROR(CheckNumber(value, schema));
    RUNE_RETURN_IF_ERROR(CheckString(value, schema));
    RUNE_RETURN_IF_ERROR(CheckArray(value, schema));
    RUNE_RETURN_IF_ERROR(CheckObject(value, schema));
    return CheckCombined(value, schema);
  }

  static Result<void> CheckType(const View& value, const View& type) {
    if (!type.exists()) return Ok();
    if (const auto name = type.string()) {
      if (HasType(value, *name)) return Ok();
      return Bad(value, "expected " + std::string(*name) + ", found " + std::string(TypeName(value.type())));
    }
    std::string wanted;
    for (std::size_t i = 0; i < type.size(); ++i) {
      const std::string_view name = type[i].string().value_or("");
      if (HasType(value, name)) return Ok();
      wanted.append(i == 0 ? "" : " or ").append(name);
    }
    return Bad(value, "expected " + wanted + ", found " + std::string(TypeName(value.type())));
  }

  /// `enum` and `const`: equal values have equal canonical texts.
  static Result<void> CheckEqual(const View& value, const View& schema) {
    const View constant = schema["const"];
    const View choices = schema["enum"];
    if (!constant.exists() && !choices.exists()) return Ok();
    const std::string text = value.DumpCanonical();
    if (constant.exists() && constant.DumpCanonical() != text) {
      return Bad(value, "is not " + OneLine(constant.Dump(), 100));
    }
    if (!choices.exists()) return Ok();
    for (std::size_t i = 0; i < choices.size(); ++i) {
      if (choices[i].DumpCanonical() == text) return Ok();
    }
    return Bad(value, OneLine(text, 64) + " is not one of " + OneLine(choices.Dump(), 200));
  }

  static Result<void> CheckNumber(const View& value, const View& schema) {
    const auto number = value.number();
    if (!number) return Ok();
    const auto fails = [&](const char* keyword, auto holds) {
      const auto bound = schema[keyword].number();
      return bound && !holds(*number, *bound);
    };
    const auto bad = [&](const char* keyword) {
      return Bad(value, value.Dump() + " breaks " + keyword + " " + schema[keyword].Dump());
    };
    if (fails("minimum", std::greater_equal<>())) return bad("minimum");
    if (fails("maximum", std::less_equal<>())) return bad("maximum");
    if (fails("exclusiveMinimum", std::greater<>())) return bad("exclusiveMinimum");
    if (fails("exclusiveMaximum", std::less<>())) return bad("exclusiveMaximum");
    const auto is_multiple = [](double n, double step) {
      // 0.3 is a multiple of 0.1, although their quotient is 2.9999999999999996.
      const double quotient = n / step;
      return std::abs(quotient - std::floor(quotient + 0.5)) <= 1e-9;
    };
    const auto exact = value.integer();
    const auto exact_step = schema["multipleOf"].integer();
    if (exact && exact_step) {
      if (*exact_step > 0 && *exact % *exact_step != 0) return bad("multipleOf");
    } else if (fails("multipleOf", is_multiple)) {
      return bad("multipleOf");
    }
    return Ok();
  }

  /// The pair of keywords that bound a length or a count.
  struct Bounds {
    const char* least;
    const char* most;
    const char* unit;
  };
  static Result<void> CheckCount(const View& value, const View& schema, std::size_t count, const Bounds& bounds) {
    const auto size = static_cast<std::int64_t>(count);
    const auto say = [&](const char* relation, std::int64_t limit) {
      return Bad(value,
                 "has " + std::to_string(size) + " " + bounds.unit + ", " + relation + " " + std::to_string(limit));
    };
    if (const auto least = schema[bounds.least].integer(); least && size < *least) return say("fewer than", *least);
    if (const auto most = schema[bounds.most].integer(); most && size > *most) return say("more than", *most);
    return Ok();
  }

  Result<void> CheckString(const View& value, const View& schema) {
    const auto text = value.string();
    if (!text) return Ok();
    RUNE_RETURN_IF_ERROR(CheckCount(value, schema, CodePoints(*text), {"minLength", "maxLength", "characters"}));
    const auto expression = schema["pattern"].string();
    if (!expression) return Ok();
    steps_ += static_cast<int>(std::min(text->size(), Pattern::kMaxText));
    RUNE_ASSIGN_OR_RETURN(const Pattern pattern, Pattern::Compile(*expression));
    auto matches = pattern.Matches(*text);
    if (!matches.ok()) return GiveUp(value, matches.error().message);
    return *matches ? Ok() : Result<void>(Bad(value, "does not match the pattern " + Quoted(*expression)));
  }

  Result<void> CheckArray(const View& value, const View& schema) {
    if (value.type() != Type::kArray) return Ok();
    RUNE_RETURN_IF_ERROR(CheckCount(value, schema, value.size(), {"minItems", "maxItems", "items"}));
    const View prefix = schema["prefixItems"];
    const View items = schema["items"];
    for (std::size_t i = 0; i < value.size(); ++i) {
      const View item_schema = i < prefix.size() ? prefix[i] : items;
      if (item_schema.exists()) RUNE_RETURN_IF_ERROR(Check(value[i], item_schema));
    }
    if (!schema["uniqueItems"].boolean().value_or(false)) return Ok();
    std::set<std::string> seen;
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (!seen.insert(value[i].DumpCanonical()).second) return Bad(value[i], "is there twice");
    }
    return Ok();
  }

  Result<void> CheckObject(const View& value, const View& schema) {
    if (value.type() != Type::kObject) return Ok();
    const View required = schema["required"];
    for (std::size_t i = 0; i < required.size(); ++i) {
      const std::string_view name = required[i].string().value_or("");
      if (!value[name].exists()) return Bad(value, "member " + Quoted(name) + " is missing");
    }
    RUNE_RETURN_IF_ERROR(CheckCount(value, schema, value.size(), {"minProperties", "maxProperties", "members"}));
    const View properties = schema["properties"];
    const View additional = schema["additionalProperties"];
    for (const std::string& name : value.keys()) {
      if (const View member_schema = properties[name]; member_schema.exists()) {
        RUNE_RETURN_IF_ERROR(Check(value[name], member_schema));
      } else if (additional.boolean() == false) {
        return Bad(value, "member " + Quoted(name) + " is not allowed");
      } else if (additional.exists()) {
        RUNE_RETURN_IF_ERROR(Check(value[name], additional));
      }
    }
    return Ok();
  }

  Result<void> CheckCombined(const View& value, const View& schema) {
    const View all = schema["allOf"];
    for (std::size_t i = 0; i < all.size(); ++i) RUNE_RETURN_IF_ERROR(Check(value, all[i]));
    RUNE_RETURN_IF_ERROR(CheckAlternatives(value, schema["anyOf"], Alternatives::kAny));
    RUNE_RETURN_IF_ERROR(CheckAlternatives(value, schema["oneOf"], Alternatives::kOne));
    const View forbidden = schema["not"];
    if (forbidden.exists() && Check(value, forbidden).ok()) return Bad(value, "matches what 'not' forbids");
    return Ok();
  }

  enum class Alternatives : std::uint8_t { kAny, kOne };
  Result<void> CheckAlternatives(const View& value, const View& schemas, Alternatives wanted) {
    if (!schemas.exists()) return Ok();
    int matched = 0;
    std::string first_problem;
    for (std::size_t i = 0; i < schemas.size(); ++i) {
      const auto result = Check(value, schemas[i]);
      if (result.ok()) {
        ++matched;
        if (wanted == Alternatives::kAny) return Ok();
      } else if (first_problem.empty()) {
        first_problem = result.error().message;
      }
    }
    if (matched == 1) return Ok();
    if (matched > 1) return Bad(value, "matches " + std::to_string(matched) + " schemas of 'oneOf', not one");
    const char* keyword = wanted == Alternatives::kAny ? "anyOf" : "oneOf";
    return Bad(value,
               std::string("matches no schema of '") + keyword + "' (the first: " + OneLine(first_problem) + ")");
  }

  const View& root_;
  int nesting_ = 0;
  int steps_ = 0;
  std::optional<Error> given_up_;
};

/// The contents of the fenced code blocks (CommonMark 0.31, section 4.5, with backquotes) of a text.
std::vector<std::string> FencedBlocks(std::string_view text) {
  std::vector<std::string> blocks;
  bool inside = false;
  for (const std::string_view line : Split(text, '\n')) {
    const std::string_view trimmed = Trim(line);
    const bool fence = trimmed.starts_with("```");
    if (!inside && fence) {
      blocks.emplace_back();
    } else if (inside && !(fence && Trim(trimmed.substr(3)).empty())) {
      blocks.back().append(line).append("\n");
      continue;
    } else if (!inside) {
      continue;
    }
    inside = !inside;
  }
  return blocks;
}

}  // namespace

Result<void> Validate(const View& value, const View& schema) {
  Validator validator(schema);
  RUNE_RETURN_IF_ERROR(validator.Check(value, schema));
  return validator.given_up();
}

Result<Document> ParseAnswer(std::string_view answer) {
  constexpr ParseOptions kOptions{.unique_keys = true};
  auto whole = Document::Parse(Trim(answer), "answer", kOptions);
  if (whole.ok()) return whole;
  const std::vector<std::string> blocks = FencedBlocks(answer);
  if (blocks.empty()) return whole;
  if (blocks.size() > 1) return Error::Invalid("answer: more than one code block; only one JSON value is wanted");
  return Document::Parse(blocks.front(), "answer", kOptions);
}

}  // namespace rune::json
