#include <array>

#include "agent/config/fallback.h"
#include "resource/common_fields.h"
#include "resource/fields.h"
#include "resource/protocol.h"
#include "resource/sandbox_block.h"
#include "resource/tables.h"
#include "sandbox/base/text.h"

namespace rune::resource {
namespace {

constexpr std::uint64_t kLargestInlineLimit = 16'384;
constexpr std::size_t kShortestRecordKey = 16;
constexpr std::size_t kShortestRedaction = 8;
constexpr std::uint64_t kMostImages = 100;
constexpr std::uint64_t kMostTurns = 100;

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
  return ReadNumber(view, source.temperature.emplace());
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
Result<void> ReadContextWindow(const json::View& view, Source& source) {
  return ReadCount(view, source.context_window);
}
Result<void> ReadMaxImages(const json::View& view, Source& source) {
  std::uint64_t count = 0;
  RUNE_RETURN_IF_ERROR(ReadCount(view, count));
  if (count < 1 || count > kMostImages) return ProblemAt(view, "from 1 to " + std::to_string(kMostImages));
  source.max_images = static_cast<std::uint32_t>(count);
  return Ok();
}
Result<void> ReadKeepTurns(const json::View& view, agent::EmbeddingsConfig& embeddings) {
  std::uint64_t count = 0;
  RUNE_RETURN_IF_ERROR(ReadCount(view, count));
  if (count > kMostTurns) return ProblemAt(view, "at most " + std::to_string(kMostTurns));
  embeddings.keep_turns = static_cast<std::uint32_t>(count);
  return Ok();
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

constexpr std::array<Field<Source>, 36> kSource{{
    {"api_key", Text<Source, &Source::api_key>},
    {"model", Text<Source, &Source::model>},
    {"provider", Text<Source, &Source::provider>},
    {"base_url", Text<Source, &Source::base_url>},
    {"wire", Text<Source, &Source::wire>},
    {"caps", ReadCaps},
    {"fallback", ReadFallbacks},
    {"context_window", ReadContextWindow},
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

Result<Source> ReadSource(const json::View& view) {
  Source source;
  RUNE_RETURN_IF_ERROR(ReadFields<Source>(view, kSource, source));
  RUNE_RETURN_IF_ERROR(ReadPolicyAndSandbox(view["policy"], view["sandbox"], source));
  RUNE_RETURN_IF_ERROR(CheckShape(source.shape, "source"));
  return source;
}

}  // namespace rune::resource
