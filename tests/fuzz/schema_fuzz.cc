/// The first line is a JSON Schema, the rest an answer: a schema that passes the check is applied without a crash, and
/// a value is judged the same twice.

#include "agent/json/json.h"
#include "agent/json/schema.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = rune::fuzz::AsText(data, size);
  const std::size_t line = text.find('\n');
  const auto schema = rune::json::Document::Parse(text.substr(0, line), "schema");
  const auto answer = rune::json::ParseAnswer(line == std::string_view::npos ? text : text.substr(line + 1));
  if (!schema.ok() || !answer.ok() || !rune::json::CheckSchema(schema->root()).ok()) return 0;
  const bool first = rune::json::Validate(answer->root(), schema->root()).ok();
  const bool second = rune::json::Validate(answer->root(), schema->root()).ok();
  rune::fuzz::Expect(first == second, "a verdict is a function of its input");
  return 0;
}
