#include "agent/json/schema_values.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "sandbox/base/text.h"

namespace rune::json {
namespace {

bool HasType(const View& value, std::string_view type) {
  if (type == "integer") return value.number() && *value.number() == std::floor(*value.number());
  return value.exists() && TypeName(value.type()) == type;
}

}  // namespace

Error Bad(const View& value, const std::string& what) {
  return Error::Invalid(what).Wrap(value.path().empty() ? "answer" : value.path());
}

std::string Quoted(std::string_view name) { return "'" + OneLine(name, 64) + "'"; }

std::size_t CodePoints(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

Result<void> CheckType(const View& value, const View& type) {
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

Result<void> CheckEqual(const View& value, const View& schema) {
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

Result<void> CheckNumber(const View& value, const View& schema) {
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
    if (std::fmod(n, step) == 0) return true;
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

Result<void> CheckCount(const View& value, const View& schema, std::size_t count, const Bounds& bounds) {
  const auto size = static_cast<std::int64_t>(count);
  const auto say = [&](const char* relation, std::int64_t limit) {
    return Bad(value,
               "has " + std::to_string(size) + " " + bounds.unit + ", " + relation + " " + std::to_string(limit));
  };
  if (const auto least = schema[bounds.least].integer(); least && size < *least) return say("fewer than", *least);
  if (const auto most = schema[bounds.most].integer(); most && size > *most) return say("more than", *most);
  return Ok();
}

}  // namespace rune::json
