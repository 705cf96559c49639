#include "resource/request/common_fields.h"

#include <array>
#include <cstdlib>
#include <limits>

#include "agent/config/keys.h"
#include "agent/json/number.h"
#include "agent/json/schema.h"
#include "agent/record/canonical.h"
#include "resource/request/fields.h"

namespace rune::resource {
namespace {

template <std::optional<std::chrono::seconds> Limits::* member>
Result<void> LimitTime(const json::View& view, Limits& into) {
  return ReadDuration(view, (into.*member).emplace());
}
template <std::optional<std::uint64_t> Limits::* member>
Result<void> LimitCount(const json::View& view, Limits& into) {
  return ReadCount(view, (into.*member).emplace());
}
Result<void> LimitSteps(const json::View& view, Limits& into) {
  std::uint64_t steps = 0;
  RUNE_RETURN_IF_ERROR(ReadCount(view, steps));
  if (steps > std::numeric_limits<std::uint32_t>::max()) return ProblemAt(view, "too large");
  into.steps = static_cast<std::uint32_t>(steps);
  return Ok();
}

Result<void> LimitCost(const json::View& view, Limits& into) {
  RUNE_RETURN_IF_ERROR(ReadNumber(view, into.cost_usd.emplace()));
  return *into.cost_usd < 0 ? ProblemAt(view, "expected an amount in USD, not negative") : Result<void>();
}

constexpr std::array<Field<Limits>, 6> kLimits{{{"steps", LimitSteps},
                                                {"tokens", LimitCount<&Limits::tokens>},
                                                {"seconds", LimitTime<&Limits::seconds>},
                                                {"tool_seconds", LimitTime<&Limits::tool_seconds>},
                                                {"output_tokens", LimitCount<&Limits::output_tokens>},
                                                {"cost_usd", LimitCost}}};

}  // namespace

Result<void> ReadLimitsObject(const json::View& view, Limits& limits) {
  return ReadFields<Limits>(view, kLimits, limits);
}

Result<void> ReadSchemaText(const json::View& view, std::string& schema) {
  const std::string text = view.string() ? std::string(*view.string()) : view.Dump();
  RUNE_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(text, view.path()));
  if (document.root().type() != json::Type::kObject) return ProblemAt(view, "expected a JSON Schema object");
  RUNE_RETURN_IF_ERROR(json::CheckSchema(document.root()));
  schema = document.root().DumpCanonical();
  return Ok();
}

Result<void> ReadPointers(const json::View& view, std::vector<std::string>& pointers) {
  RUNE_RETURN_IF_ERROR(ReadTexts(view, pointers));
  for (const std::string& pointer : pointers) {
    if (auto checked = agent::CheckPointer(pointer); !checked.ok()) return std::move(checked).error().Wrap(view.path());
  }
  return Ok();
}

Result<void> CheckRange(const json::View& view, std::string_view setting, double number) {
  const agent::Setting* const known = agent::FindSetting(setting);
  if (known == nullptr) std::abort();  // a slip of ours, which every test of the key meets
  if (number >= known->least && number <= known->most) return Ok();
  return ProblemAt(view, "from " + json::FormatNumber(known->least) + " to " + json::FormatNumber(known->most));
}

Result<void> CheckShape(const AnswerShape& shape, std::string_view owner) {
  if (shape.version_from.empty() || !shape.schema.empty()) return Ok();
  return Error::Invalid(std::string(owner) + ".version_from: needs a schema, for it names members of a JSON answer");
}

std::vector<std::string> LimitKeys() { return KeysOf<Limits>(kLimits); }

}  // namespace rune::resource
