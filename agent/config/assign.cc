
#include "agent/config/fallback.h"
#include "agent/config/value.h"

namespace rune::agent {
namespace {

using List = std::vector<std::string>;
using Setter = void (*)(Config&, const Value&);

const std::string& Text(const Value& value) { return Held<std::string>(value); }
const List& Strings(const Value& value) { return Held<List>(value); }
std::int64_t Integer(const Value& value) { return Held<std::int64_t>(value); }
std::uint64_t U64(const Value& value) { return static_cast<std::uint64_t>(Integer(value)); }
std::uint32_t U32(const Value& value) { return static_cast<std::uint32_t>(Integer(value)); }
double Number(const Value& value) { return Held<double>(value); }
bool Flag(const Value& value) { return Held<bool>(value); }
std::chrono::seconds Seconds(const Value& value) { return std::chrono::seconds(Integer(value)); }
std::chrono::milliseconds FractionalSeconds(const Value& value) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(Number(value) * 1000 + 0.5));
}

void SetEnforcement(PolicyConfig& policy, const List& words) {
  policy.required_layers.clear();
  policy.enforcement =
      words.front() == "best-effort" ? sandbox::Enforcement::kBestEffort : sandbox::Enforcement::kRequire;
  for (const std::string& word : words) {
    if (const auto layer = sandbox::ParseLayer(word)) policy.required_layers.push_back(*layer);
  }
}

void SetFallback(Config& config, const List& providers) {
  config.fallback.clear();
  for (const std::string& text : providers) {
    if (auto provider = ParseFallback(text); provider.ok()) config.fallback.push_back(std::move(provider).value());
  }
}

struct Place {
  std::string_view key;
  Setter set;
};

constexpr std::array kPlaces{
    Place{"model", [](Config& c, const Value& v) { c.model = Text(v); }},
    Place{"provider", [](Config& c, const Value& v) { c.provider = Text(v); }},
    Place{"api_key", [](Config& c, const Value& v) { c.api_key = Text(v); }},
    Place{"base_url", [](Config& c, const Value& v) { c.base_url = Text(v); }},
    Place{"wire", [](Config& c, const Value& v) { c.wire = Text(v); }},
    Place{"caps", [](Config& c, const Value& v) { c.caps = Text(v); }},
    Place{"fallback", [](Config& c, const Value& v) { SetFallback(c, Strings(v)); }},
    Place{"temperature", [](Config& c, const Value& v) { c.temperature = Number(v); }},
    Place{"seed", [](Config& c, const Value& v) { c.seed = Integer(v); }},
    Place{"thinking", [](Config& c, const Value& v) { c.thinking = Text(v); }},
    Place{"max_images", [](Config& c, const Value& v) { c.max_images = U32(v); }},
    Place{"max_output_tokens", [](Config& c, const Value& v) { c.budgets.output_tokens = U64(v); }},
    Place{"context_window", [](Config& c, const Value& v) { c.context_window = U64(v); }},
    Place{"compact_threshold", [](Config& c, const Value& v) { c.compact_threshold = Number(v); }},
    Place{"compact_keep_last", [](Config& c, const Value& v) { c.compact_keep_last = U32(v); }},
    Place{"system_prompt", [](Config& c, const Value& v) { c.system_prompt = Text(v); }},
    Place{"append_system_prompt", [](Config& c, const Value& v) { c.append_system_prompt = Text(v); }},
    Place{"skills_dir", [](Config& c, const Value& v) { c.skills_dir = Text(v); }},
    Place{"max_steps", [](Config& c, const Value& v) { c.budgets.steps = U32(v); }},
    Place{"token_budget", [](Config& c, const Value& v) { c.budgets.tokens = U64(v); }},
    Place{"limits.cost_usd", [](Config& c, const Value& v) { c.budgets.cost_usd = Number(v); }},
    Place{"prices", [](Config& c, const Value& v) { c.prices = Strings(v); }},
    Place{"timeout_secs", [](Config& c, const Value& v) { c.budgets.wall = Seconds(v); }},
    Place{"tool_timeout_secs", [](Config& c, const Value& v) { c.budgets.tool_wall = Seconds(v); }},
    Place{"on_denial",
          [](Config& c, const Value& v) { c.on_denial = Text(v) == "warn" ? OnDenial::kWarn : OnDenial::kFail; }},
    Place{"yes", [](Config& c, const Value& v) { c.yes = Flag(v); }},
    Place{"json_output", [](Config& c, const Value& v) { c.json_output = Flag(v); }},
    Place{"log_level", [](Config& c, const Value& v) { c.log_level = Text(v); }},
    Place{"trace", [](Config& c, const Value& v) { c.trace = Flag(v); }},
    Place{"trace_dir", [](Config& c, const Value& v) { c.trace_dir = Text(v); }},
    Place{"cassette", [](Config& c, const Value& v) { c.cassette = Text(v); }},
    Place{"record", [](Config& c, const Value& v) { c.record = Text(v); }},
    Place{"retry.attempts", [](Config& c, const Value& v) { c.retry.attempts = static_cast<int>(Integer(v)); }},
    Place{"retry.base_ms", [](Config& c, const Value& v) { c.retry.base = std::chrono::milliseconds(Integer(v)); }},
    Place{"deadlines.connect_secs", [](Config& c, const Value& v) { c.deadlines.connect = FractionalSeconds(v); }},
    Place{"deadlines.first_byte_secs",
          [](Config& c, const Value& v) { c.deadlines.first_byte = FractionalSeconds(v); }},
    Place{"deadlines.idle_secs", [](Config& c, const Value& v) { c.deadlines.idle = FractionalSeconds(v); }},
    Place{"deadlines.progress_secs", [](Config& c, const Value& v) { c.deadlines.progress = FractionalSeconds(v); }},
    Place{"deadlines.total_secs", [](Config& c, const Value& v) { c.deadlines.total = FractionalSeconds(v); }},
    Place{"embeddings.provider", [](Config& c, const Value& v) { c.embeddings.provider = Text(v); }},
    Place{"embeddings.model", [](Config& c, const Value& v) { c.embeddings.model = Text(v); }},
    Place{"embeddings.base_url", [](Config& c, const Value& v) { c.embeddings.base_url = Text(v); }},
    Place{"embeddings.api_key", [](Config& c, const Value& v) { c.embeddings.api_key = Text(v); }},
    Place{"embeddings.store", [](Config& c, const Value& v) { c.embeddings.store = Text(v); }},
    Place{"embeddings.keep_turns", [](Config& c, const Value& v) { c.embeddings.keep_turns = U32(v); }},
    Place{"policy.mode", [](Config& c, const Value& v) { c.policy.mode = ParsePolicyMode(Text(v)); }},
    Place{"policy.allowed_commands", [](Config& c, const Value& v) { c.policy.allowed_commands = Strings(v); }},
    Place{"policy.allowed_domains", [](Config& c, const Value& v) { c.policy.allowed_domains = Strings(v); }},
    Place{"policy.denied_syscalls", [](Config& c, const Value& v) { c.policy.denied_syscalls = Strings(v); }},
    Place{"policy.allowed_paths_rw", [](Config& c, const Value& v) { c.policy.allowed_paths_rw = Strings(v); }},
    Place{"policy.allowed_paths_ro", [](Config& c, const Value& v) { c.policy.allowed_paths_ro = Strings(v); }},
    Place{"policy.denied_paths", [](Config& c, const Value& v) { c.policy.denied_paths = Strings(v); }},
    Place{"policy.max_memory_mb", [](Config& c, const Value& v) { c.policy.max_memory_mb = U64(v); }},
    Place{"policy.max_pids", [](Config& c, const Value& v) { c.policy.max_pids = U32(v); }},
    Place{"policy.max_upload_mb", [](Config& c, const Value& v) { c.policy.max_upload_mb = U64(v); }},
    Place{"policy.enforcement", [](Config& c, const Value& v) { SetEnforcement(c.policy, Strings(v)); }},
};

constexpr bool SameKeys() {
  if (kPlaces.size() != kSettings.size()) return false;
  for (std::size_t i = 0; i < kPlaces.size(); ++i) {
    if (kPlaces[i].key != kSettings[i].key) return false;
  }
  return true;
}
static_assert(SameKeys(), "every setting has its place in the Config, in the order of kSettings");

}  // namespace

void Assign(const Setting& setting, const Value& value, Config& config) {
  for (const Place& place : kPlaces) {
    if (place.key == setting.key) place.set(config, value);
  }
}

}  // namespace rune::agent
