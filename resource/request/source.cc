#include <array>

#include "agent/config/settings_json.h"
#include "resource/request/common_fields.h"
#include "resource/request/fields.h"
#include "resource/request/request.h"
#include "resource/request/tables.h"
#include "sandbox/base/text.h"

namespace rune::resource {
namespace {

constexpr std::uint64_t kLargestInlineLimit = 16'384;
constexpr std::size_t kShortestRecordKey = 16;
constexpr std::size_t kShortestRedaction = 8;

Result<void> ReadRecordMode(const json::View& view, Source& source) {
  if (view.string() == "store") return ProblemAt(view, "'store' is not available in this release; use inline or none");
  constexpr std::array<std::pair<std::string_view, RecordMode>, 2> kWords{
      {{"inline", RecordMode::kInline}, {"none", RecordMode::kNone}}};
  return ReadWord(view, kWords, source.record);
}
Result<void> ReadRecordKey(const json::View& view, Source& source) {
  std::string key;
  RUNE_RETURN_IF_ERROR(ReadText(view, key));
  const bool is_long = key.size() >= kShortestRecordKey;
  source.record_key = Secret::Take(key);
  if (is_long) return Ok();
  return ProblemAt(view, "too short: a key needs " + std::to_string(kShortestRecordKey) + " characters or more");
}
Result<void> ReadInlineLimit(const json::View& view, Source& source) {
  RUNE_RETURN_IF_ERROR(ReadCount(view, source.inline_limit));
  if (source.inline_limit <= kLargestInlineLimit) return Ok();
  return ProblemAt(view, "at most " + std::to_string(kLargestInlineLimit));
}
Result<void> ReadCanonical(const json::View& view, Source& source) {
  constexpr std::array<std::pair<std::string_view, bool>, 2> kWords{{{"text", true}, {"none", false}}};
  return ReadWord(view, kWords, source.canonical);
}
Result<void> ReadMinInterval(const json::View& view, Source& source) { return ReadDuration(view, source.min_interval); }
Result<void> ReadOnMismatch(const json::View& view, Source& source) {
  constexpr std::array<std::pair<std::string_view, OnMismatch>, 3> kWords{
      {{"warn", OnMismatch::kWarn}, {"fail", OnMismatch::kFail}, {"retry", OnMismatch::kRetry}}};
  return ReadWord(view, kWords, source.on_mismatch);
}
Result<void> ReadOnProviderError(const json::View& view, Source& source) {
  constexpr std::array<std::pair<std::string_view, OnProviderError>, 2> kWords{
      {{"fail", OnProviderError::kFail}, {"keep", OnProviderError::kKeep}}};
  return ReadWord(view, kWords, source.on_provider_error);
}
Result<void> ReadRedact(const json::View& view, Source& source) {
  std::vector<std::string> words;
  RUNE_RETURN_IF_ERROR(ReadTexts(view, words));
  for (std::string& word : words) {
    const bool is_short = word.size() < kShortestRedaction;
    source.redact.push_back(Secret::Take(word));
    if (is_short) {
      return ProblemAt(view, "every entry needs " + std::to_string(kShortestRedaction) +
                                 " characters or more: a shorter one would blank out ordinary text");
    }
  }
  return Ok();
}

/// Remembers under which of its names a key of the policy stands in `source`.
void NotePlace(const json::View& source, const agent::Setting& setting, const agent::Value& value,
               agent::PolicyConfig& policy) {
  constexpr std::string_view kPolicy = "policy.";
  if (!setting.key.starts_with(kPolicy)) return;
  for (const std::string_view name : agent::NamesIn(setting, agent::Column::kSource)) {
    json::View place = source;
    for (const std::string_view step : Split(name, '.')) place = place[step];
    if (place.is_null()) continue;
    const auto* entries = std::get_if<std::vector<std::string>>(&value);
    policy.origins[std::string(setting.key.substr(kPolicy.size()))] = {
        {"source." + std::string(name), entries == nullptr ? std::vector<std::string>() : *entries}};
    return;
  }
}

constexpr std::array<Field<Source>, 15> kSource{{
    {"prompt", Text<Source, &Source::prompt>},
    {"pre_commands", Texts<Source, &Source::pre_commands>},
    {"schema", ReadSchema<Source>},
    {"version_from", ReadVersionFrom<Source>},
    {"canonical", ReadCanonical},
    {"record", ReadRecordMode},
    {"record_key", ReadRecordKey},
    {"inline_limit", ReadInlineLimit},
    {"track_reversion", Flag<Source, &Source::track_reversion>},
    {"min_interval", ReadMinInterval},
    {"on_mismatch", ReadOnMismatch},
    {"on_provider_error", ReadOnProviderError},
    {"history_identifier", Text<Source, &Source::history_identifier>},
    {"debug", Flag<Source, &Source::debug>},
    {"redact", ReadRedact},
}};

}  // namespace

std::vector<std::string> SourceKeys() { return KeysOf<Source>(kSource); }

Result<Source> ReadSource(const json::View& view, agent::Config defaults) {
  Source source;
  source.config = std::move(defaults);
  const agent::OtherKeys others{.here = SourceKeys(), .elsewhere = Below("params", PutParamKeys())};
  RUNE_ASSIGN_OR_RETURN(const agent::Values settings, agent::ReadSettings(view, agent::Column::kSource, others));
  for (const auto& [setting, value] : settings) {
    setting->member.put(source.config, value);
    NotePlace(view, *setting, value, source.config.policy);
  }
  if (source.config.provider.empty() && !source.config.cassette.empty()) source.config.provider = "cassette";
  RUNE_RETURN_IF_ERROR(ReadMembers<Source>(view, kSource, source));
  RUNE_RETURN_IF_ERROR(CheckShape(source.shape, "source"));
  return source;
}

}  // namespace rune::resource
