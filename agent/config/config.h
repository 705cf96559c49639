#pragma once
/// The settings of a run, gathered from flags > RUNE_* variables > ./rune.toml (narrowing only, unless trusted) >
/// ~/.rune/rune.toml > defaults. Plain data: what a member starts with is its default. The loader is in load.h; a new
/// member needs a row in the table of settings (settings.h), and nothing else.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/config/json_table.h"
#include "sandbox/base/secret.h"
#include "sandbox/confinement.h"

namespace rune::agent {

enum class PolicyMode : std::uint8_t {
  kConfirm,       ///< Ask before a tool call that no list allows. Without a terminal: refuse.
  kAllowlist,     ///< Run what the lists allow, refuse the rest.
  kUnrestricted,  ///< No list is consulted; the kernel layers stay.
};
std::string_view PolicyModeName(PolicyMode mode);
std::optional<PolicyMode> ParsePolicyMode(std::string_view word);

/// Where a key of [policy] stands, for whoever is told to change it.
struct PolicyOrigin {
  std::string place;  ///< "~/.rune/rune.toml:7", "RUNE_POLICY_ALLOWED_COMMANDS", "source.policy.allowed_commands".
  std::vector<std::string> entries;  ///< What a list has there.
};

/// The `[policy]` table. A missing list keeps its default below; an empty list allows nothing.
struct PolicyConfig {
  std::optional<PolicyMode> mode;             ///< Unset: confirm on a terminal, allowlist otherwise.
  std::vector<std::string> allowed_commands;  ///< Program names or absolute paths; "*" is every program.
  std::vector<std::string> allowed_domains;   ///< Names, "*.suffix", optional ":port"; "*" opens the network.
  std::vector<std::string> denied_syscalls{"ptrace", "mount", "kexec_load", "bpf", "setns"};
  std::vector<std::string> allowed_paths_rw{"/tmp"};
  std::vector<std::string> allowed_paths_ro{"/bin", "/usr", "/lib"};
  std::vector<std::string>
      allowed_paths_exec;  ///< Executed whoever wrote them; `allowed_commands` bounds nothing there.
  std::vector<std::string> denied_paths{"/root", "/etc/shadow"};
  bool denied_by_default = true;  ///< Nobody wrote `denied_paths` down, though somebody may have added to it.
  std::vector<std::string> env;   ///< Of commands: "NAME" passes a variable on, "NAME=value" sets one.
  std::vector<std::string> path;  ///< Directories of programs, searched before the system's.
  std::uint64_t max_memory_mb = 2048;
  std::uint32_t max_pids = 512;
  std::uint64_t max_disk_mb = 10'240;
  std::uint64_t max_upload_mb = 16;                                      ///< Under each entry, by one run. 0: no limit.
  sandbox::GitConfig git_config = sandbox::GitConfig::kGuarded;
  bool ci_files_protected = false;                                       ///< From the file tools.
  sandbox::Enforcement enforcement = sandbox::Enforcement::kBestEffort;  ///< "best-effort" | "require" | [layers]
  std::vector<sandbox::Layer> required_layers;
  /// By key, "allowed_commands": where it was written, then where it was narrowed. A key that is not here has its
  /// default, and belongs to `place` when somebody writes it.
  std::map<std::string, std::vector<PolicyOrigin>, std::less<>> origins;
  std::string place = "~/.rune/rune.toml";  ///< "source.policy" in a pipeline.
};

/// Deadlines of one try of a model call.
struct Deadlines {
  std::chrono::milliseconds connect{10'000};
  std::optional<std::chrono::milliseconds> first_byte;  ///< Unset: what suits the endpoint.
  std::chrono::milliseconds idle{120'000};              ///< Without a byte.
  std::chrono::milliseconds progress{300'000};          ///< Without content, whatever keeps the line open.
  std::chrono::milliseconds total{1'800'000};
};

struct RetryConfig {
  int attempts = 4;                              ///< Calls in all, the first included.
  std::chrono::milliseconds base{500};           ///< Doubled per attempt, with full jitter.
  std::chrono::milliseconds total_wait{60'000};  ///< Of all waits together.
};

/// Zero means no limit, except where said.
struct Budgets {
  std::uint32_t steps = 50;         ///< Model calls.
  std::uint64_t tokens = 0;         ///< Input and output of all calls.
  std::uint64_t output_tokens = 0;  ///< Cap of one answer, sent to the provider. 0: the provider's.
  double cost_usd = 0;              ///< Of all calls, by the price table.
  std::chrono::seconds wall{600};
  std::chrono::seconds tool_wall{120};  ///< Default and ceiling of one tool call.
};

/// The `[embeddings]` table. Without a provider nothing is ever sent anywhere.
struct EmbeddingsConfig {
  std::string provider;          ///< "openai" (and compatible), "gemini", "ollama"; empty: off.
  std::string model;             ///< Empty: the provider's default.
  std::string base_url;          ///< Empty: the provider's own.
  Secret api_key;                ///< Its own: the model's key is not sent to another endpoint.
  std::string store;             ///< File of known vectors; empty: in the user's directory.
  std::uint32_t keep_turns = 4;  ///< Earlier turns that compaction keeps for their relevance.
};

/// A provider that is asked when those before it have failed.
struct FallbackProvider {
  std::string provider;
  std::string model;
  std::string base_url;
  Secret api_key;
  std::string api_key_env;  ///< Variable that holds the key.
  std::string wire;

  friend bool operator==(const FallbackProvider&, const FallbackProvider&) = default;
};

enum class OnDenial : std::uint8_t {
  kFail,         ///< Any refusal fails an unattended run.
  kUnrecovered,  ///< One that left something undone does.
  kWarn,         ///< None does.
};
std::string_view OnDenialName(OnDenial on_denial);
std::optional<OnDenial> ParseOnDenial(std::string_view word);

struct Config {
  std::string provider;  ///< Empty: detected from the key and the base URL.
  std::string model;     ///< Empty: the provider's default.
  Secret api_key;
  std::string base_url;
  std::string wire;  ///< Protocol; empty: the provider's.
  JsonTable caps;    ///< Corrects the table of what servers understand.
  std::vector<FallbackProvider> fallback;
  std::string system_prompt;         ///< Replaces the built-in one.
  std::string append_system_prompt;  ///< Added after it.
  std::string skills_dir = "./skills";
  std::string log_level = "warn";
  std::string cassette;   ///< File that provider "cassette" plays; empty: the embedded one.
  std::string record;     ///< File to record the model's side of the run into.
  std::string trace_dir;  ///< Where trace files go; empty: ~/.rune/traces.
  bool trace = false;
  bool json_output = false;
  bool yes = false;  ///< Approve what confirm mode would ask. Never bypasses a policy refusal.
  OnDenial on_denial = OnDenial::kUnrecovered;
  std::uint64_t context_window = 0;  ///< Tokens; 0: the model's own.
  double compact_threshold = 0.85;
  std::uint32_t compact_keep_last = 6;
  std::optional<double> temperature;
  std::optional<std::int64_t> seed;
  std::string thinking;             ///< "off", "low", "medium", "high", "xhigh"; empty: the provider's.
  std::uint32_t max_images = 10;    ///< Of one prompt.
  std::vector<std::string> prices;  ///< "<provider>/<model> <input> <cached> <cache write> <output>", USD per million.
  Budgets budgets;
  Deadlines deadlines;
  RetryConfig retry;
  EmbeddingsConfig embeddings;
  PolicyConfig policy;
};

}  // namespace rune::agent
