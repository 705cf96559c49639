#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>

#include "agent/json/pattern.h"
#include "agent/json/schema.h"
#include "agent/json/schema_reference.h"
#include "sandbox/base/text.h"

namespace rune::json {
namespace {

/// What the value of a keyword must be.
enum class Shape : std::uint8_t {
  kAny,
  kTypes,    ///< A type name or an array of them.
  kValues,   ///< A non-empty array.
  kStrings,  ///< An array of strings.
  kCount,    ///< An integer of 0 or more.
  kNumber,
  kPositive,
  kBool,
  kPattern,
  kReference,
  kSchema,
  kSchemas,       ///< A non-empty array of schemas.
  kSchemaMap,     ///< An object of schemas.
  kItems,         ///< A schema, or by draft 7 an array of them.
  kPatternMap,    ///< An object of schemas whose keys are patterns.
  kStringsMap,    ///< An object of arrays of strings.
  kDependencies,  ///< An object of schemas or arrays of strings.
  kDialect,       ///< The rules of the schema: a draft of json-schema.org.
  kIdentity,      ///< A string, at the root: below it, it would change where references lead.
};

struct Keyword {
  std::string_view name;
  Shape shape;
};

constexpr std::array<Keyword, 54> kKeywords{{{"$comment", Shape::kAny},
                                             {"$defs", Shape::kSchemaMap},
                                             {"$id", Shape::kIdentity},
                                             {"$ref", Shape::kReference},
                                             {"$schema", Shape::kDialect},
                                             {"additionalItems", Shape::kSchema},
                                             {"additionalProperties", Shape::kSchema},
                                             {"allOf", Shape::kSchemas},
                                             {"anyOf", Shape::kSchemas},
                                             {"const", Shape::kAny},
                                             {"contains", Shape::kSchema},
                                             {"contentEncoding", Shape::kAny},
                                             {"contentMediaType", Shape::kAny},
                                             {"contentSchema", Shape::kAny},
                                             {"default", Shape::kAny},
                                             {"definitions", Shape::kSchemaMap},
                                             {"dependencies", Shape::kDependencies},
                                             {"dependentRequired", Shape::kStringsMap},
                                             {"dependentSchemas", Shape::kSchemaMap},
                                             {"deprecated", Shape::kAny},
                                             {"description", Shape::kAny},
                                             {"else", Shape::kSchema},
                                             {"enum", Shape::kValues},
                                             {"examples", Shape::kAny},
                                             {"exclusiveMaximum", Shape::kNumber},
                                             {"exclusiveMinimum", Shape::kNumber},
                                             {"format", Shape::kAny},
                                             {"if", Shape::kSchema},
                                             {"items", Shape::kItems},
                                             {"maxContains", Shape::kCount},
                                             {"maxItems", Shape::kCount},
                                             {"maxLength", Shape::kCount},
                                             {"maxProperties", Shape::kCount},
                                             {"maximum", Shape::kNumber},
                                             {"minContains", Shape::kCount},
                                             {"minItems", Shape::kCount},
                                             {"minLength", Shape::kCount},
                                             {"minProperties", Shape::kCount},
                                             {"minimum", Shape::kNumber},
                                             {"multipleOf", Shape::kPositive},
                                             {"not", Shape::kSchema},
                                             {"oneOf", Shape::kSchemas},
                                             {"pattern", Shape::kPattern},
                                             {"patternProperties", Shape::kPatternMap},
                                             {"prefixItems", Shape::kSchemas},
                                             {"properties", Shape::kSchemaMap},
                                             {"propertyNames", Shape::kSchema},
                                             {"readOnly", Shape::kAny},
                                             {"required", Shape::kStrings},
                                             {"then", Shape::kSchema},
                                             {"title", Shape::kAny},
                                             {"type", Shape::kTypes},
                                             {"uniqueItems", Shape::kBool},
                                             {"writeOnly", Shape::kAny}}};

constexpr std::array<std::string_view, 7> kTypes{"null", "boolean", "integer", "number", "string", "array", "object"};

class Checker {
 public:
  explicit Checker(const View& root) : root_(root), draft_(DraftOf(root)) {}

  Result<void> Root() {
    RUNE_RETURN_IF_ERROR(Schema(root_));
    for (const View& reference : references_) {
      const View target = FindReference(root_, *reference.string());
      if (!target.exists() || !schemas_.contains(target.path())) {
        return Bad(reference,
                   "'" + OneLine(*reference.string(), 64) + "' is not a definition of this schema (#/$defs/<name>)");
      }
    }
    return Ok();
  }

 private:
  static Error Bad(const View& place, const std::string& what) {
    return Error::Invalid(what).Wrap(place.path().empty() ? "schema" : place.path());
  }

  /// Recursion is bounded by the depth of the parsed document.
  Result<void> Schema(const View& schema) {
    schemas_.insert(schema.path());
    if (schema.boolean()) return Ok();
    if (schema.type() != Type::kObject) return Bad(schema, "expected a schema (object or boolean)");
    if (draft_ == Draft::k7 && schema["$ref"].exists()) return ReferenceOnly(schema);
    for (const std::string& name : schema.keys()) {
      const auto* keyword =
          std::find_if(kKeywords.begin(), kKeywords.end(), [&](const Keyword& k) { return k.name == name; });
      if (keyword == kKeywords.end()) return Bad(schema, "keyword '" + OneLine(name, 64) + "' is not supported");
      RUNE_RETURN_IF_ERROR(Value(schema[name], keyword->shape));
    }
    return Ok();
  }

  /// What stands beside a `$ref` of draft 7 says nothing, but for definitions.
  Result<void> ReferenceOnly(const View& schema) {
    for (const char* definitions : {"definitions", "$defs"}) {
      if (const View map = schema[definitions]; map.exists()) RUNE_RETURN_IF_ERROR(SchemaMap(map));
    }
    return Reference(schema["$ref"]);
  }

  Result<void> Value(const View& value, Shape shape) {
    switch (shape) {
      case Shape::kAny:
        return Ok();
      case Shape::kTypes:
        return Types(value);
      case Shape::kValues:
        if (value.type() != Type::kArray || value.size() == 0) return Bad(value, "expected a non-empty array");
        return Ok();
      case Shape::kStrings:
        if (auto strings = value.AsStrings(); !strings.ok()) return std::move(strings).error();
        return Ok();
      case Shape::kCount:
        if (value.integer().value_or(-1) < 0) return Bad(value, "expected an integer of 0 or more");
        return Ok();
      case Shape::kNumber:
        if (!value.number()) return Bad(value, "expected a number");
        return Ok();
      case Shape::kPositive:
        if (value.number().value_or(0) <= 0) return Bad(value, "expected a number above 0");
        return Ok();
      case Shape::kBool:
        if (!value.boolean()) return Bad(value, "expected a boolean");
        return Ok();
      case Shape::kPattern:
        if (!value.string()) return Bad(value, "expected a string");
        return Expression(value, *value.string());
      case Shape::kReference:
        return Reference(value);
      case Shape::kSchema:
        return Schema(value);
      case Shape::kSchemas:
        return Schemas(value);
      case Shape::kSchemaMap:
        return SchemaMap(value);
      case Shape::kItems:
        return draft_ == Draft::k7 && value.type() == Type::kArray ? Schemas(value) : Schema(value);
      case Shape::kPatternMap:
        for (const std::string& name : value.keys()) RUNE_RETURN_IF_ERROR(Expression(value, name));
        return SchemaMap(value);
      case Shape::kStringsMap:
      case Shape::kDependencies:
        return Dependencies(value, shape);
      case Shape::kDialect:
        return Dialect(value);
      case Shape::kIdentity:
        if (value.path() == root_["$id"].path()) return Ok();
        return Bad(value, "an $id below the root is not supported");
    }
    std::abort();
  }

  static Result<void> Types(const View& value) {
    const auto known = [](const View& name) {
      return name.string() && std::find(kTypes.begin(), kTypes.end(), *name.string()) != kTypes.end();
    };
    if (value.type() != Type::kArray) return known(value) ? Ok() : Result<void>(Bad(value, "unknown type"));
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (!known(value[i])) return Bad(value[i], "unknown type");
    }
    return value.size() > 0 ? Ok() : Result<void>(Bad(value, "expected at least one type"));
  }

  static Result<void> Expression(const View& place, std::string_view expression) {
    auto pattern = Pattern::Ecma(expression);
    if (!pattern.ok()) return Bad(place, pattern.error().message);
    return Ok();
  }

  static Result<void> Dialect(const View& value) {
    const std::string name = value.Text();
    for (const char* known : {"http://json-schema.org/", "https://json-schema.org/"}) {
      if (name.starts_with(known)) return Ok();
    }
    return Bad(value, "'" + OneLine(name, 64) + "' is no draft of json-schema.org");
  }

  Result<void> Dependencies(const View& value, Shape shape) {
    if (value.type() != Type::kObject) return Bad(value, "expected an object");
    for (const std::string& name : value.keys()) {
      const View wanted = value[name];
      if (shape == Shape::kDependencies && wanted.type() != Type::kArray) {
        RUNE_RETURN_IF_ERROR(Schema(wanted));
      } else if (auto strings = wanted.AsStrings(); !strings.ok()) {
        return std::move(strings).error();
      }
    }
    return Ok();
  }

  /// Looked up when the whole has been seen.
  Result<void> Reference(const View& value) {
    if (!value.string()) return Bad(value, "expected a string");
    references_.push_back(value);
    return Ok();
  }

  Result<void> Schemas(const View& value) {
    if (value.type() != Type::kArray || value.size() == 0) return Bad(value, "expected a non-empty array of schemas");
    for (std::size_t i = 0; i < value.size(); ++i) RUNE_RETURN_IF_ERROR(Schema(value[i]));
    return Ok();
  }

  Result<void> SchemaMap(const View& value) {
    if (value.type() != Type::kObject) return Bad(value, "expected an object of schemas");
    for (const std::string& name : value.keys()) RUNE_RETURN_IF_ERROR(Schema(value[name]));
    return Ok();
  }

  const View& root_;
  Draft draft_;
  std::set<std::string> schemas_;  ///< The paths of all that is a schema.
  std::vector<View> references_;
};

}  // namespace

Result<void> CheckSchema(const View& schema) { return Checker(schema).Root(); }

}  // namespace rune::json
