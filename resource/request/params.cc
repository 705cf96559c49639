#include <array>

#include "agent/config/settings_json.h"
#include "agent/json/pattern.h"
#include "agent/json/pointer.h"
#include "resource/request/common_fields.h"
#include "resource/request/fields.h"
#include "resource/request/tables.h"

namespace rune::resource {
namespace {

Result<void> ReadPointer(const json::View& view, FailIf& into) {
  RUNE_RETURN_IF_ERROR(ReadText(view, into.pointer));
  if (auto checked = json::CheckPointer(into.pointer); !checked.ok()) {
    return std::move(checked).error().Wrap(view.path());
  }
  return Ok();
}

Result<void> ReadEquals(const json::View& view, FailIf& into) {
  into.equals = view.DumpCanonical();
  return Ok();
}

Result<void> ReadMatches(const json::View& view, FailIf& into) {
  RUNE_RETURN_IF_ERROR(ReadText(view, into.matches));
  auto pattern = json::Pattern::Posix(into.matches);
  if (!pattern.ok()) return ProblemAt(view, pattern.error().message);
  return Ok();
}

constexpr std::array<Field<FailIf>, 3> kFailIf{
    {{"pointer", ReadPointer}, {"equals", ReadEquals}, {"matches", ReadMatches}}};

Result<void> ReadFailIf(const json::View& view, Params& params) {
  FailIf& fail_if = params.fail_if.emplace();
  RUNE_RETURN_IF_ERROR(ReadFields<FailIf>(view, kFailIf, fail_if));
  const bool by_value = !view["pointer"].is_null() && !view["equals"].is_null();
  if (by_value == !fail_if.matches.empty()) {
    return ProblemAt(view, "expected either `pointer` and `equals`, or `matches`");
  }
  return Ok();
}

constexpr std::array<Field<Params>, 9> kPut{{{"prompt", MaybeText<Params, &Params::prompt>},
                                             {"prompt_file", Text<Params, &Params::prompt_file>},
                                             {"context", Texts<Params, &Params::context>},
                                             {"images", Texts<Params, &Params::images>},
                                             {"pre_commands", Texts<Params, &Params::pre_commands>},
                                             {"schema", ReadSchema<Params>},
                                             {"version_from", ReadVersionFrom<Params>},
                                             {"fail_if", ReadFailIf},
                                             {"skip_record", Flag<Params, &Params::skip_record>}}};

constexpr std::array<Field<Params>, 2> kGet{
    {{"skip", Flag<Params, &Params::skip>}, {"strict", Flag<Params, &Params::strict>}}};

}  // namespace

std::vector<std::string> PutParamKeys() { return KeysOf<Params>(kPut); }
std::vector<std::string> GetParamKeys() { return KeysOf<Params>(kGet); }
std::vector<std::string> FailIfKeys() { return KeysOf<FailIf>(kFailIf); }

std::vector<std::string> Below(const std::string& document, std::vector<std::string> keys) {
  for (std::string& key : keys) key.insert(0, document + ".");
  return keys;
}

Result<Params> ReadPutParams(const json::View& view) {
  Params params;
  const agent::OtherKeys others{.here = PutParamKeys(), .elsewhere = Below("source", SourceKeys())};
  RUNE_ASSIGN_OR_RETURN(params.settings, agent::ReadSettings(view, agent::Column::kParams, others));
  RUNE_RETURN_IF_ERROR(ReadMembers<Params>(view, kPut, params));
  if (params.prompt && !params.prompt_file.empty()) {
    return Error::Invalid("params.prompt and params.prompt_file: give one of them");
  }
  if (params.fail_if && !view["fail_if"]["pointer"].is_null() && params.shape.schema.empty()) {
    return Error::Invalid("params.fail_if.pointer: needs params.schema, for it names a member of a JSON answer");
  }
  RUNE_RETURN_IF_ERROR(CheckShape(params.shape, "params"));
  return params;
}

Result<Params> ReadGetParams(const json::View& view) {
  Params params;
  RUNE_RETURN_IF_ERROR(ReadFields<Params>(view, kGet, params));
  return params;
}

}  // namespace rune::resource
