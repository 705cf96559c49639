#pragma once
/// Every setting there is, in one table: files, variables, flags, narrowing and docs/configuration.md all follow it.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rune::agent {

enum class ValueType : std::uint8_t {
  kString,  ///< One line.
  kProse,   ///< Any text.
  kWord,    ///< One of `choices`.
  kPath,    ///< "~/" is the home directory; relative to the working directory.
  kBool,
  kInteger,
  kNumber,
  kStrings,
  kPaths,
  kEnforcement,  ///< "best-effort", "require" or the names of layers.
  kTable,        ///< A table of whatever members, held as JSON text.
  kProviders,    ///< A list of tables, each a FallbackProvider, held as JSON texts.
};

/// What a file found in the working directory may do to a setting, unless the user trusts the directory.
enum class ProjectRule : std::uint8_t {
  kIgnored,    ///< Nothing.
  kMinimum,    ///< Lower it; 0 is unlimited.
  kIntersect,  ///< Keep only what is allowed already.
  kUnite,      ///< Add to what is denied.
  kStricter,   ///< Choose a stricter word.
  kInside,     ///< Point to a place inside the working directory.
};
/// "ignored", "minimum", "intersection", "union", "stricter only", "inside only".
std::string_view ProjectRuleName(ProjectRule rule);

struct Setting {
  std::string_view key;  ///< Path in rune.toml.
  ValueType type;
  std::string_view variable;
  std::string_view flag;      ///< Empty: none.
  std::string_view fallback;  ///< The default, as a variable would hold it. Empty: none, or an empty text or list.
  ProjectRule project;
  std::string_view doc;
  double least = 0;  ///< Range of a number, both ends included.
  double most = 0;
  std::string_view choices = {};  ///< Words, separated by "|", the strictest first.
};

using enum ValueType;
using enum ProjectRule;

inline constexpr std::array kSettings{
    // The model.
    Setting{"model", kString, "RUNE_MODEL", "--model", "", kIgnored, "Model name. Empty: the provider's default."},
    Setting{"provider", kString, "RUNE_PROVIDER", "--provider", "", kIgnored,
            "github-copilot, gemini, openai, openrouter, ollama, anthropic or cassette. Empty: told from the key."},
    Setting{"api_key", kString, "RUNE_API_KEY", "--api-key", "", kIgnored,
            "Key of the provider. A command line is visible to others: better the variable or the file."},
    Setting{"base_url", kString, "RUNE_BASE_URL", "--base-url", "", kIgnored,
            "Endpoint, where it is not the provider's own."},
    Setting{"wire", kWord, "RUNE_WIRE", "--wire", "", kIgnored, "Protocol of the endpoint. Unset: the provider's.", 0,
            0, "openai-chat|openai-responses|anthropic-messages|gemini-native"},
    Setting{"caps", kTable, "RUNE_CAPS", "", "", kIgnored,
            "What the endpoint understands, where the built-in table is wrong about it."},
    Setting{
        "fallback", kProviders, "RUNE_FALLBACK", "", "", kIgnored,
        "Providers to ask in turn when the one before fails: tables with `provider`, `model`, `base_url`, `api_key` or "
        "`api_key_env`, `wire`."},
    Setting{"temperature", kNumber, "RUNE_TEMPERATURE", "--temperature", "", kIgnored,
            "Sampling temperature. Unset: the provider's.", 0, 2},
    Setting{"seed", kInteger, "RUNE_SEED", "--seed", "", kIgnored, "Sampling seed, where the provider has one.", -9e18,
            9e18},
    Setting{"thinking", kWord, "RUNE_THINKING", "--thinking", "", kIgnored,
            "How much the model thinks before it answers, where it can. Unset: the provider's.", 0, 0,
            "off|low|medium|high|xhigh"},
    Setting{"max_images", kInteger, "RUNE_MAX_IMAGES", "--max-images", "10", kMinimum,
            "Pictures of one prompt, of 5 MiB each, or of 3.75 MiB where Anthropic answers.", 1, 100},
    Setting{"max_output_tokens", kInteger, "RUNE_MAX_OUTPUT_TOKENS", "--max-output-tokens", "0", kMinimum,
            "Cap of one answer. 0: the provider's.", 0, 1e9},
    Setting{"context_window", kInteger, "RUNE_CONTEXT_WINDOW", "--context-window", "0", kIgnored,
            "What the model takes in, in tokens. 0: what is known of the model, else 128000.", 0, 1e9},
    Setting{"compact_threshold", kNumber, "RUNE_COMPACT_THRESHOLD", "", "0.85", kIgnored,
            "Part of the context window at which the conversation is compacted.", 0.01, 1},
    Setting{"compact_keep_last", kInteger, "RUNE_COMPACT_KEEP_LAST", "", "6", kIgnored,
            "Messages that compaction leaves as they are.", 1, 10'000},
    Setting{"system_prompt", kProse, "RUNE_SYSTEM_PROMPT", "--system-prompt", "", kIgnored,
            "Replaces the built-in system prompt."},
    Setting{"append_system_prompt", kProse, "RUNE_APPEND_SYSTEM_PROMPT", "--append-system-prompt", "", kIgnored,
            "Is added after the system prompt."},
    Setting{"skills_dir", kPath, "RUNE_SKILLS_DIR", "--skills-dir", "./skills", kInside, "Where skills are found."},
    // The run.
    Setting{"max_steps", kInteger, "RUNE_MAX_STEPS", "--max-steps", "50", kMinimum,
            "Model calls of a run. 0: unlimited.", 0, 4294967295.0},
    Setting{"token_budget", kInteger, "RUNE_TOKEN_BUDGET", "--token-budget", "0", kMinimum,
            "Tokens of a run, in and out. 0: unlimited.", 0, 1e15},
    Setting{"limits.cost_usd", kNumber, "RUNE_LIMITS_COST_USD", "--max-cost-usd", "0", kMinimum,
            "Estimated cost of a run, in USD. 0: unlimited.", 0, 1e6},
    Setting{"prices", kStrings, "RUNE_PRICES", "--price", "", kIgnored,
            "Prices besides the built-in ones: `provider/model input cached cache-write output`, in USD per million "
            "tokens. "
            "`*` stands for any text; the last match counts."},
    Setting{"timeout_secs", kInteger, "RUNE_TIMEOUT_SECS", "--timeout-secs", "600", kMinimum,
            "Wall clock of a run, in seconds. 0: unlimited.", 0, 31'536'000},
    Setting{"tool_timeout_secs", kInteger, "RUNE_TOOL_TIMEOUT_SECS", "--tool-timeout-secs", "120", kMinimum,
            "Wall clock of one tool call, in seconds.", 1, 86'400},
    Setting{"on_denial", kWord, "RUNE_ON_DENIAL", "--on-denial", "fail", kStricter,
            "What a refused tool call does to an unattended run.", 0, 0, "fail|warn"},
    Setting{"yes", kBool, "RUNE_YES", "--yes", "false", kIgnored,
            "Approves what confirm mode would ask. Never overrides a refusal."},
    Setting{"json_output", kBool, "RUNE_JSON_OUTPUT", "--json", "false", kIgnored,
            "The result is one JSON object on standard output."},
    Setting{"log_level", kWord, "RUNE_LOG_LEVEL", "--log-level", "warn", kIgnored, "What is said on standard error.", 0,
            0, "debug|info|warn|error"},
    Setting{"trace", kBool, "RUNE_TRACE", "--trace", "false", kIgnored, "Writes a trace file for each run."},
    Setting{"trace_dir", kPath, "RUNE_TRACE_DIR", "--trace-dir", "", kIgnored,
            "Where traces go. Empty: `~/.rune/traces`."},
    Setting{"cassette", kPath, "RUNE_CASSETTE", "--cassette", "", kIgnored,
            "Recording that provider cassette plays. Empty: the built-in one."},
    Setting{"record", kPath, "RUNE_RECORD", "--record", "", kIgnored,
            "Records the model's side of the run into a file."},
    // [retry]: of model calls; [deadlines]: of each try.
    Setting{"retry.attempts", kInteger, "RUNE_RETRY_ATTEMPTS", "", "4", kIgnored,
            "Tries of one model call, the first included.", 1, 20},
    Setting{"retry.base_ms", kInteger, "RUNE_RETRY_BASE_MS", "", "500", kIgnored,
            "First wait between tries, in milliseconds; doubled each time, with jitter.", 0, 60'000},
    Setting{"deadlines.connect_secs", kNumber, "RUNE_DEADLINES_CONNECT_SECS", "", "10", kIgnored,
            "Until the connection stands, in seconds.", 0.001, 3600},
    Setting{"deadlines.first_byte_secs", kNumber, "RUNE_DEADLINES_FIRST_BYTE_SECS", "", "", kIgnored,
            "Until the answer begins, in seconds. Unset: 120, or 600 where a model may have to be loaded first "
            "(ollama, this "
            "machine).",
            0.001, 3600},
    Setting{"deadlines.idle_secs", kNumber, "RUNE_DEADLINES_IDLE_SECS", "", "120", kIgnored,
            "Longest silence within an answer, in seconds.", 0.001, 3600},
    Setting{"deadlines.progress_secs", kNumber, "RUNE_DEADLINES_PROGRESS_SECS", "", "300", kIgnored,
            "Longest time without new content, though the line is kept alive, in seconds.", 0.001, 3600},
    Setting{"deadlines.total_secs", kNumber, "RUNE_DEADLINES_TOTAL_SECS", "", "1800", kIgnored,
            "Until the answer is complete, in seconds.", 0.001, 86'400},
    // [embeddings]
    Setting{"embeddings.provider", kWord, "RUNE_EMBEDDINGS_PROVIDER", "--embeddings-provider", "", kIgnored,
            "Who turns text into vectors. Unset: nobody, nothing is sent.", 0, 0, "openai|gemini|ollama"},
    Setting{"embeddings.model", kString, "RUNE_EMBEDDINGS_MODEL", "--embeddings-model", "", kIgnored,
            "Embedding model. Empty: the provider's default."},
    Setting{"embeddings.base_url", kString, "RUNE_EMBEDDINGS_BASE_URL", "--embeddings-base-url", "", kIgnored,
            "Endpoint, where it is not the provider's own."},
    Setting{"embeddings.api_key", kString, "RUNE_EMBEDDINGS_API_KEY", "--embeddings-api-key", "", kIgnored,
            "Key of that endpoint. The model's key is never sent there."},
    Setting{"embeddings.store", kPath, "RUNE_EMBEDDINGS_STORE", "--embeddings-store", "", kIgnored,
            "File that keeps the vectors. Empty: `~/.rune/embeddings`."},
    Setting{"embeddings.keep_turns", kInteger, "RUNE_EMBEDDINGS_KEEP_TURNS", "--embeddings-keep-turns", "4", kIgnored,
            "Earlier turns that compaction keeps because they matter for the current one.", 0, 100},
    // [policy]
    Setting{"policy.mode", kWord, "RUNE_POLICY_MODE", "--policy-mode", "", kStricter,
            "Who decides about a tool call. Unset: confirm on a terminal, else allowlist.", 0, 0,
            "allowlist|confirm|unrestricted"},
    Setting{"policy.allowed_commands", kStrings, "RUNE_POLICY_ALLOWED_COMMANDS", "", "", kIntersect,
            "Programs, by name or absolute path. `*`: every program."},
    Setting{"policy.allowed_domains", kStrings, "RUNE_POLICY_ALLOWED_DOMAINS", "", "", kIntersect,
            "Hosts: `name`, `*.suffix`, an address or a range, each with or without `:port`. `*`: the whole network."},
    Setting{"policy.denied_syscalls", kStrings, "RUNE_POLICY_DENIED_SYSCALLS", "", "ptrace,mount,kexec_load,bpf,setns",
            kUnite, "System calls denied besides those that are always denied."},
    Setting{"policy.allowed_paths_rw", kPaths, "RUNE_POLICY_ALLOWED_PATHS_RW", "", "/tmp", kIntersect,
            "Trees that tools may write."},
    Setting{"policy.allowed_paths_ro", kPaths, "RUNE_POLICY_ALLOWED_PATHS_RO", "", "/bin,/usr,/lib", kIntersect,
            "Trees that tools may read."},
    Setting{"policy.denied_paths", kPaths, "RUNE_POLICY_DENIED_PATHS", "", "/root,/etc/shadow", kUnite,
            "Paths that no tool may touch, whatever else is allowed."},
    Setting{"policy.max_memory_mb", kInteger, "RUNE_POLICY_MAX_MEMORY_MB", "", "512", kMinimum,
            "Memory of all running tools together, in MiB. 0: unlimited.", 0, 16'777'216},
    Setting{"policy.max_pids", kInteger, "RUNE_POLICY_MAX_PIDS", "", "64", kMinimum,
            "Processes and threads of all running tools together. 0: unlimited.", 0, 4'194'304},
    Setting{"policy.max_upload_mb", kInteger, "RUNE_POLICY_MAX_UPLOAD_MB", "", "16", kMinimum,
            "What all tools of a run may send to one name together, in MiB. 0: unlimited.", 0, 16'777'216},
    Setting{"policy.enforcement", kEnforcement, "RUNE_POLICY_ENFORCEMENT", "--enforcement", "best-effort", kStricter,
            "`best-effort`, `require` (all layers) or a list of layers without which nothing runs."},
};

/// True of settings that hold a secret.
bool IsKey(const Setting& setting);
/// Null when there is none.
const Setting* FindSetting(std::string_view key);
/// True of "policy", "retry", "limits", ...
bool IsSection(std::string_view name);
/// "unknown key 'modle' (did you mean 'model'?)"
std::string UnknownKey(std::string_view key);

}  // namespace rune::agent
