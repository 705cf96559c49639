#include "agent/json/schema.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "agent/json/pattern.h"
#include "agent/json/schema_reference.h"
#include "agent/json/schema_values.h"
#include "sandbox/base/text.h"

namespace rune::json {
namespace {

/// A schema may refer to itself: nesting and work are bounded so that no schema and no value hangs a run.
constexpr int kMaxNesting = 400;
constexpr std::size_t kMaxSteps = 200'000;
constexpr std::size_t kBytesPerStep = 64;  ///< Of a text that a pattern looks at.

class Validator {
 public:
  explicit Validator(const View& root) : root_(root), draft_(DraftOf(root)) {}

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
      if (draft_ == Draft::k7) return Ok();  // there a $ref stands for the whole schema
    }
    RUNE_RETURN_IF_ERROR(CheckType(value, schema["type"]));
    RUNE_RETURN_IF_ERROR(CheckEqual(value, schema));
    RUNE_RETURN_IF_ERROR(CheckNumber(value, schema));
    RUNE_RETURN_IF_ERROR(CheckString(value, schema));
    RUNE_RETURN_IF_ERROR(CheckArray(value, schema));
    RUNE_RETURN_IF_ERROR(CheckObject(value, schema));
    return CheckCombined(value, schema);
  }

  bool Match(std::string_view expression, std::string_view text) {
    steps_ += text.size() / kBytesPerStep;
    auto found = patterns_.find(expression);
    if (found == patterns_.end()) {
      auto pattern = Pattern::Ecma(expression);
      if (!pattern.ok()) return false;  // CheckSchema() has compiled it
      found = patterns_.emplace(expression, std::move(pattern).value()).first;
    }
    return found->second.Matches(text);
  }

  Result<void> CheckString(const View& value, const View& schema) {
    const auto text = value.string();
    if (!text) return Ok();
    RUNE_RETURN_IF_ERROR(CheckCount(value, schema, CodePoints(*text), {"minLength", "maxLength", "characters"}));
    const auto expression = schema["pattern"].string();
    if (!expression || Match(*expression, *text)) return Ok();
    return Bad(value, "does not match the pattern " + Quoted(*expression));
  }

  Result<void> CheckArray(const View& value, const View& schema) {
    if (value.type() != Type::kArray) return Ok();
    RUNE_RETURN_IF_ERROR(CheckCount(value, schema, value.size(), {"minItems", "maxItems", "items"}));
    const View items = schema["items"];
    const bool by_place = items.type() == Type::kArray;  // the older form of prefixItems
    const View prefix = by_place ? items : schema["prefixItems"];
    const View rest = by_place ? schema["additionalItems"] : items;
    for (std::size_t i = 0; i < value.size(); ++i) {
      const View item_schema = i < prefix.size() ? prefix[i] : rest;
      if (item_schema.exists()) RUNE_RETURN_IF_ERROR(Check(value[i], item_schema));
    }
    RUNE_RETURN_IF_ERROR(CheckContains(value, schema));
    if (!schema["uniqueItems"].boolean().value_or(false)) return Ok();
    std::set<std::string> seen;
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (!seen.insert(value[i].DumpCanonical()).second) return Bad(value[i], "is there twice");
    }
    return Ok();
  }

  Result<void> CheckContains(const View& value, const View& schema) {
    const View contains = schema["contains"];
    if (!contains.exists()) return Ok();
    std::size_t count = 0;
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (Check(value[i], contains).ok()) ++count;
    }
    if (count == 0 && schema["minContains"].integer() != 0) return Bad(value, "has no item that 'contains' asks for");
    return CheckCount(value, schema, count, {"minContains", "maxContains", "items that 'contains' asks for"});
  }

  Result<void> CheckObject(const View& value, const View& schema) {
    if (value.type() != Type::kObject) return Ok();
    RUNE_RETURN_IF_ERROR(CheckRequired(value, schema["required"]));
    RUNE_RETURN_IF_ERROR(CheckCount(value, schema, value.size(), {"minProperties", "maxProperties", "members"}));
    const View names = schema["propertyNames"];
    for (const std::string& name : value.keys()) {
      RUNE_RETURN_IF_ERROR(CheckMember(value, schema, name));
      if (names.exists()) RUNE_RETURN_IF_ERROR(CheckName(value, name, names));
    }
    for (const char* keyword : {"dependentRequired", "dependentSchemas", "dependencies"}) {
      RUNE_RETURN_IF_ERROR(CheckDependencies(value, schema[keyword]));
    }
    return Ok();
  }

  static Result<void> CheckRequired(const View& value, const View& required) {
    for (std::size_t i = 0; i < required.size(); ++i) {
      const std::string_view name = required[i].string().value_or("");
      if (!value[name].exists()) return Bad(value, "member " + Quoted(name) + " is missing");
    }
    return Ok();
  }

  Result<void> CheckMember(const View& value, const View& schema, const std::string& name) {
    const View member = value[name];
    const View own = schema["properties"][name];
    bool known = own.exists();
    if (known) RUNE_RETURN_IF_ERROR(Check(member, own));
    const View by_pattern = schema["patternProperties"];
    for (const std::string& expression : by_pattern.keys()) {
      if (!Match(expression, name)) continue;
      known = true;
      RUNE_RETURN_IF_ERROR(Check(member, by_pattern[expression]));
    }
    const View additional = schema["additionalProperties"];
    if (known || !additional.exists()) return Ok();
    if (additional.boolean() == false) return Bad(value, "member " + Quoted(name) + " is not allowed");
    return Check(member, additional);
  }

  Result<void> CheckName(const View& value, const std::string& name, const View& schema) {
    Writer writer;
    writer.String(name);
    RUNE_ASSIGN_OR_RETURN(const Document text, Document::Parse(writer.Take(), "the name"));
    if (const auto result = Check(text.root(), schema); !result.ok()) {
      return Bad(value, "member " + Quoted(name) + ": " + result.error().message);
    }
    return Ok();
  }

  Result<void> CheckDependencies(const View& value, const View& dependencies) {
    for (const std::string& name : dependencies.keys()) {
      if (!value[name].exists()) continue;
      const View wanted = dependencies[name];
      RUNE_RETURN_IF_ERROR(wanted.type() == Type::kArray ? CheckRequired(value, wanted) : Check(value, wanted));
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
    const View condition = schema["if"];
    if (!condition.exists()) return Ok();
    const View then = schema[Check(value, condition).ok() ? "then" : "else"];
    return then.exists() ? Check(value, then) : Ok();
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
  Draft draft_;
  int nesting_ = 0;
  std::size_t steps_ = 0;
  std::map<std::string, Pattern, std::less<>> patterns_;
  std::optional<Error> given_up_;
};

}  // namespace

Result<void> Validate(const View& value, const View& schema) {
  Validator validator(schema);
  RUNE_RETURN_IF_ERROR(validator.Check(value, schema));
  return validator.given_up();
}

}  // namespace rune::json
