#include <algorithm>
#include <array>
#include <cmath>

#include "agent/json/pattern.h"
#include "agent/json/schema.h"
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
  kSchemas,    ///< A non-empty array of schemas.
  kSchemaMap,  ///< An object of schemas.
};

struct Keyword {
  std::string_view name;
  Shape shape;
};

constexpr std::array<Keyword, 39> kKeywords{{{"$comment", Shape::kAny},
                                             {"$defs", Shape::kSchemaMap},
                                             {"$id", Shape::kAny},
                                             {"$ref", Shape::kReference},
                                             {"$schema", Shape::kAny},
                                             {"additionalProperties", Shape::kSchema},
                                             {"allOf", Shape::kSchemas},
                                             {"anyOf", Shape::kSchemas},
                                             {"const", Shape::kAny},
                                             {"default", Shape::kAny},
                                             {"definitions", Shape::kSchemaMap},
                                             {"deprecated", Shape::kAny},
                                             {"description", Shape::kAny},
                                             {"enum", Shape::kValues},
                                             {"examples", Shape::kAny},
                                             {"exclusiveMaximum", Shape::kNumber},
                                             {"exclusiveMinimum", Shape::kNumber},
                                             {"format", Shape::kAny},
                                             {"items", Shape::kSchema},
                                             {"maxItems", Shape::kCount},
                                             {"maxLength", Shape::kCount},
                                             {"maxProperties", Shape::kCount},
                                             {"maximum", Shape::kNumber},
                                             {"minItems", Shape::kCount},
                                             {"minLength", Shape::kCount},
                                             {"minProperties", Shape::kCount},
                                             {"minimum", Shape::kNumber},
                                             {"multipleOf", Shape::kPositive},
                                             {"not", Shape::kSchema},
                                             {"oneOf", Shape::kSchemas},
                                             {"pattern", Shape::kPattern},
                                             {"prefixItems", Shape::kSchemas},
                                             {"properties", Shape::kSchemaMap},
                                             {"readOnly", Shape::kAny},
                                             {"required", Shape::kStrings},
                                             {"title", Shape::kAny},
                                             {"type", Shape::kTypes},
                                             {"uniqueItems", Shape::kBool},
                                             {"writeOnly", Shape::kAny}}};

constexpr std::array<std::string_view, 7> kTypes{"null", "boolean", "integer", "number", "string", "array", "object"};

class Checker {
 public:
  explicit Checker(const View& root) : root_(root) {}

  /// Recursion is bounded by the depth of the parsed document.
  Result<void> Schema(const View& schema) const {
    if (schema.boolean()) return Ok();
    if (schema.type() != Type::kObject) return Bad(schema, "expected a schema (object or boolean)");
    for (const std::string& name : schema.keys()) {
      const auto* keyword =
          std::find_if(kKeywords.begin(), kKeywords.end(), [&](const Keyword& k) { return k.name == name; });
      if (keyword == kKeywords.end()) return Bad(schema, "keyword '" + OneLine(name, 64) + "' is not supported");
      RUNE_RETURN_IF_ERROR(Value(schema[name], keyword->shape));
    }
    return Ok();
  }

 private:
  static Error Bad(const View& place, const std::string& what) {
    return Error::Invalid(what).Wrap(place.path().empty() ? "schema" : place.path());
  }

  Result<void> Value(const View& value, Shape shape) const {
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
        return Expression(value);
      case Shape::kReference:
        return Reference(value);
      case Shape::kSchema:
        return Schema(value);
      case Shape::kSchemas:
        return Schemas(value);
      case Shape::kSchemaMap:
        return SchemaMap(value);
    }
    std::abort();
  }

  Result<void> Types(const View& value) const {
    const auto known = [](const View& name) {
      return name.string() && std::find(kTypes.begin(), kTypes.end(), *name.string()) != kTypes.end();
    };
    if (value.type() != Type::kArray) return known(value) ? Ok() : Result<void>(Bad(value, "unknown type"));
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (!known(value[i])) return Bad(value[i], "unknown type");
    }
    return value.size() > 0 ? Ok() : Result<void>(Bad(value, "expected at least one type"));
  }

  Result<void> Expression(const View& value) const {
    if (!value.string()) return Bad(value, "expected a string");
    auto pattern = Pattern::Compile(*value.string());
    if (!pattern.ok()) return Bad(value, pattern.error().message);
    return Ok();
  }

  Result<void> Reference(const View& value) const {
    if (!value.string()) return Bad(value, "expected a string");
    if (!FindReference(root_, *value.string()).exists()) {
      return Bad(value, "'" + OneLine(*value.string(), 64) + "' is not a definition of this schema (#/$defs/<name>)");
    }
    return Ok();
  }

  Result<void> Schemas(const View& value) const {
    if (value.type() != Type::kArray || value.size() == 0) return Bad(value, "expected a non-empty array of schemas");
    for (std::size_t i = 0; i < value.size(); ++i) RUNE_RETURN_IF_ERROR(Schema(value[i]));
    return Ok();
  }

  Result<void> SchemaMap(const View& value) const {
    if (value.type() != Type::kObject) return Bad(value, "expected an object of schemas");
    for (const std::string& name : value.keys()) RUNE_RETURN_IF_ERROR(Schema(value[name]));
    return Ok();
  }

  const View& root_;
};

}  // namespace

View FindReference(const View& root, std::string_view reference) {
  if (reference == "#") return root;
  for (const std::string_view table : {"$defs", "definitions"}) {
    const std::string prefix = "#/" + std::string(table) + "/";
    if (reference.starts_with(prefix)) return root[table][reference.substr(prefix.size())];
  }
  return {};
}

Result<void> CheckSchema(const View& schema) { return Checker(schema).Schema(schema); }

}  // namespace rune::json
