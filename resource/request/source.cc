#include <array>

#include "agent/config/fallback.h"
#include "resource/request/common_fields.h"
#include "resource/request/fields.h"
#include "resource/request/request.h"
#include "resource/request/sandbox_block.h"
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
  RUNE_RETURN_IF_ERROR(ReadText(view, source.record_key));
  if (source.record_key.size() >= kShortestRecordKey) return Ok();
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
Result<void> ReadOnDenial(const json::View& view, Source& source) {
  constexpr std::array<std::pair<std::string_view, agent::OnDenial>, 2> kWords{
      {{"fail", agent::OnDenial::kFail}, {"warn", agent::OnDenial::kWarn}}};
  return ReadWord(view, kWords, source.on_denial);
}
Result<void> ReadOnProviderError(const json::View& view, Source& source) {
  constexpr std::array<std::pair<std::string_view, OnProviderError>, 2> kWords{
      {{"fail", OnProviderError::kFail}, {"keep", OnProviderError::kKeep}}};
  return ReadWord(view, kWords, source.on_provider_error);
}
Result<void> ReadTemperature(const json::View& view, Source& source) {
  RUNE_RETURN_IF_ERROR(ReadNumber(view, source.temperature.emplace()));
  return CheckRange(view, "temperature", *source.temperature);
}
Result<void> ReadSeed(const json::View& view, Source& source) {
  const auto number = view.string() ? ParseInt(*view.string()) : view.integer();
  if (!number) return ProblemAt(view, "expected a whole number");
  source.seed = *number;
  return Ok();
}
Result<void> ReadThinking(const json::View& view, Source& source) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kWords{
      {{"off", "off"}, {"low", "low"}, {"medium", "medium"}, {"high", "high"}, {"xhigh", "xhigh"}}};
  std::string_view word;
  // YAML 1.1 reads a bare off as a boolean.
  if (view.boolean() == false) word = "off";
  if (word.empty()) RUNE_RETURN_IF_ERROR(ReadWord(view, kWords, word));
  source.thinking = word;
  return Ok();
}
Result<void> ReadCaps(const json::View& view, Source& source) {
  if (view.type() != json::Type::kObject) return ProblemAt(view, "expected an object");
  source.caps = view.Dump();
  return Ok();
}
Result<void> ReadFallbacks(const json::View& view, Source& source) {
  if (view.type() != json::Type::kArray) return ProblemAt(view, "expected a list of objects");
  for (std::size_t i = 0; i < view.size(); ++i) {
    RUNE_ASSIGN_OR_RETURN(agent::FallbackProvider provider, agent::ReadFallback(view[i]));
    if (!provider.api_key_env.empty())
      return ProblemAt(view[i]["api_key_env"], "a step has no such variable; use api_key");
    source.fallback.push_back(std::move(provider));
  }
  return Ok();
}
/// A count that fits 32 bits because the setting of this name has such a range.
Result<void> ReadSmallCount(const json::View& view, std::string_view setting, std::uint32_t& into) {
  std::uint64_t count = 0;
  RUNE_RETURN_IF_ERROR(ReadCount(view, count));
  RUNE_RETURN_IF_ERROR(CheckRange(view, setting, static_cast<double>(count)));
  into = static_cast<std::uint32_t>(count);
  return Ok();
}
Result<void> ReadContextWindow(const json::View& view, Source& source) {
  RUNE_RETURN_IF_ERROR(ReadCount(view, source.context_window));
  return CheckRange(view, "context_window", static_cast<double>(source.context_window));
}
Result<void> ReadCompactThreshold(const json::View& view, Source& source) {
  RUNE_RETURN_IF_ERROR(ReadNumber(view, source.compact_threshold.emplace()));
  return CheckRange(view, "compact_threshold", *source.compact_threshold);
}
Result<void> ReadCompactKeepLast(const json::View& view, Source& source) {
  return ReadSmallCount(view, "compact_keep_last", source.compact_keep_last.emplace());
}
Result<void> ReadMaxImages(const json::View& view, Source& source) {
  return ReadSmallCount(view, "max_images", source.max_images.emplace());
}

using agent::Deadlines;
using std::chrono::milliseconds;
Result<void> ReadDeadline(const json::View& view, std::string_view setting, milliseconds& into) {
  std::chrono::seconds time{0};
  RUNE_RETURN_IF_ERROR(ReadDuration(view, time));
  into = time;
  return CheckRange(view, setting, static_cast<double>(time.count()));
}
constexpr std::array<Field<Deadlines>, 5> kDeadlines{{
    {"connect", [](const json::View& view,
                   Deadlines& into) { return ReadDeadline(view, "deadlines.connect_secs", into.connect); }},
    {"first_byte",
     [](const json::View& view, Deadlines& into) {
       return ReadDeadline(view, "deadlines.first_byte_secs", into.first_byte.emplace());
     }},
    {"idle",
     [](const json::View& view, Deadlines& into) { return ReadDeadline(view, "deadlines.idle_secs", into.idle); }},
    {"progress", [](const json::View& view,
                    Deadlines& into) { return ReadDeadline(view, "deadlines.progress_secs", into.progress); }},
    {"total",
     [](const json::View& view, Deadlines& into) { return ReadDeadline(view, "deadlines.total_secs", into.total); }},
}};
Result<void> ReadDeadlines(const json::View& view, Source& source) {
  return ReadFields<Deadlines>(view, kDeadlines, source.deadlines);
}

using agent::RetryConfig;
Result<void> ReadAttempts(const json::View& view, RetryConfig& retry) {
  std::uint32_t attempts = 0;
  RUNE_RETURN_IF_ERROR(ReadSmallCount(view, "retry.attempts", attempts));
  retry.attempts = static_cast<int>(attempts);
  return Ok();
}
Result<void> ReadBase(const json::View& view, RetryConfig& retry) {
  std::uint32_t base = 0;
  RUNE_RETURN_IF_ERROR(ReadSmallCount(view, "retry.base_ms", base));
  retry.base = milliseconds(base);
  return Ok();
}
constexpr std::array<Field<RetryConfig>, 2> kRetry{{{"attempts", ReadAttempts}, {"base_ms", ReadBase}}};
Result<void> ReadRetry(const json::View& view, Source& source) {
  return ReadFields<RetryConfig>(view, kRetry, source.retry);
}

Result<void> ReadKeepTurns(const json::View& view, agent::EmbeddingsConfig& embeddings) {
  return ReadSmallCount(view, "embeddings.keep_turns", embeddings.keep_turns);
}
using Embeddings = agent::EmbeddingsConfig;
/// Without `store`: a step's container keeps nothing.
constexpr std::array<Field<Embeddings>, 5> kEmbeddings{{{"provider", Text<Embeddings, &Embeddings::provider>},
                                                        {"model", Text<Embeddings, &Embeddings::model>},
                                                        {"base_url", Text<Embeddings, &Embeddings::base_url>},
                                                        {"api_key", Text<Embeddings, &Embeddings::api_key>},
                                                        {"keep_turns", ReadKeepTurns}}};
Result<void> ReadEmbeddings(const json::View& view, Source& source) {
  return ReadFields<Embeddings>(view, kEmbeddings, source.embeddings);
}
Result<void> ReadRedact(const json::View& view, Source& source) {
  RUNE_RETURN_IF_ERROR(ReadTexts(view, source.redact));
  for (const std::string& secret : source.redact) {
    if (secret.size() < kShortestRedaction) {
      return ProblemAt(view, "every entry needs " + std::to_string(kShortestRedaction) +
                                 " characters or more: a shorter one would blank out ordinary text");
    }
  }
  return Ok();
}
/// `policy` and `sandbox` are read together, after the table.
Result<void> ReadLater(const json::View&, Source&) { return Ok(); }

constexpr std::array<Field<Source>, 40> kSource{{
    {"api_key", Text<Source, &Source::api_key>},
    {"model", Text<Source, &Source::model>},
    {"provider", Text<Source, &Source::provider>},
    {"base_url", Text<Source, &Source::base_url>},
    {"wire", Text<Source, &Source::wire>},
    {"caps", ReadCaps},
    {"fallback", ReadFallbacks},
    {"context_window", ReadContextWindow},
    {"compact_threshold", ReadCompactThreshold},
    {"compact_keep_last", ReadCompactKeepLast},
    {"deadlines", ReadDeadlines},
    {"retry", ReadRetry},
    {"cassette", Text<Source, &Source::cassette>},
    {"prompt", Text<Source, &Source::prompt>},
    {"system_prompt", Text<Source, &Source::system_prompt>},
    {"append_system_prompt", Text<Source, &Source::append_system_prompt>},
    {"pre_commands", Texts<Source, &Source::pre_commands>},
    {"policy", ReadLater},
    {"sandbox", ReadLater},
    {"schema", ReadSchema<Source>},
    {"version_from", ReadVersionFrom<Source>},
    {"canonical", ReadCanonical},
    {"record", ReadRecordMode},
    {"record_key", ReadRecordKey},
    {"inline_limit", ReadInlineLimit},
    {"track_reversion", Flag<Source, &Source::track_reversion>},
    {"min_interval", ReadMinInterval},
    {"limits", ReadLimits<Source>},
    {"on_mismatch", ReadOnMismatch},
    {"on_denial", ReadOnDenial},
    {"on_provider_error", ReadOnProviderError},
    {"temperature", ReadTemperature},
    {"seed", ReadSeed},
    {"thinking", ReadThinking},
    {"max_images", ReadMaxImages},
    {"prices", Texts<Source, &Source::prices>},
    {"embeddings", ReadEmbeddings},
    {"history_identifier", Text<Source, &Source::history_identifier>},
    {"debug", Flag<Source, &Source::debug>},
    {"redact", ReadRedact},
}};
}  // namespace

std::vector<std::string> SourceKeys() { return KeysOf<Source>(kSource); }
std::vector<std::string> EmbeddingKeys() { return KeysOf<Embeddings>(kEmbeddings); }
std::vector<std::string> DeadlineKeys() { return KeysOf<Deadlines>(kDeadlines); }
std::vector<std::string> RetryKeys() { return KeysOf<RetryConfig>(kRetry); }

Result<Source> ReadSource(const json::View& view) {
  Source source;
  RUNE_RETURN_IF_ERROR(ReadFields<Source>(view, kSource, source));
  RUNE_RETURN_IF_ERROR(ReadPolicyAndSandbox(view["policy"], view["sandbox"], source));
  RUNE_RETURN_IF_ERROR(CheckShape(source.shape, "source"));
  return source;
}

}  // namespace rune::resource
