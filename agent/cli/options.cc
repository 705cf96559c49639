#include "agent/cli/options.h"

#include <CLI/CLI.hpp>
#include <array>
#include <string_view>

#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

struct Setting {
  const char* flag;
  const char* key;  ///< In the configuration.
  const char* help;
};

constexpr std::array kSettings{
    Setting{"--provider", "provider",
            "openai, openrouter, ollama, gemini, anthropic, cassette (default: by key and URL)"},
    Setting{"--model", "model", "model name"},
    Setting{"--api-key", "api_key", "API key; better RUNE_API_KEY: arguments can be seen by other users"},
    Setting{"--base-url", "base_url", "OpenAI-compatible endpoint"},
    Setting{"--policy-mode", "policy.mode", "confirm, allowlist or unrestricted"},
    Setting{"--max-steps", "max_steps", "model calls at most (0: no limit)"},
    Setting{"--token-budget", "token_budget", "tokens of the whole run at most"},
    Setting{"--timeout-secs", "timeout_secs", "wall clock of the whole run"},
    Setting{"--system-prompt", "system_prompt", "replaces the built-in system prompt"},
    Setting{"--append-system-prompt", "append_system_prompt", "added to the system prompt"},
    Setting{"--skills-dir", "skills_dir", "where skills are"},
    Setting{"--record", "record", "write the model's side of the run to this cassette file"},
    Setting{"--cassette", "cassette", "cassette file for provider cassette"},
    Setting{"--on-denial", "on_denial", "fail or warn: what a refused tool call means for the exit code"},
    Setting{"--log-level", "log_level", "debug, info, warn or error"},
};

constexpr const char* kFooter =
    "Environment: RUNE_API_KEY RUNE_PROVIDER RUNE_MODEL RUNE_BASE_URL RUNE_POLICY_MODE RUNE_LOG_LEVEL RUNE_TRACE\n"
    "  RUNE_CONTEXT_WINDOW RUNE_COMPACT_THRESHOLD RUNE_JSON_OUTPUT RUNE_YES, and more in docs/configuration.md.\n"
    "Exit status: 0 answer, 1 failure, 2 usage or configuration, 3 budget or step limit, 4 refused by policy,\n"
    "  5 provider unavailable, 6 confinement unavailable, 130/143 interrupted.\n"
    "Examples: rune init          first-time setup\n"
    "          echo \"What is 2+2?\" | rune --json\n"
    "          git diff | rune -p \"Review this change.\"";

}  // namespace

bool WantsJson(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--json") return true;
  }
  const char* variable = ::getenv("RUNE_JSON_OUTPUT");
  return variable != nullptr && ParseBool(variable).value_or(false);
}

Result<CliOptions> ParseCli(int argc, char** argv) {
  CliOptions options;
  CLI::App app{"Rune, a zero-trust AI agent: every tool execution is confined by the kernel", "rune"};
  app.set_version_flag("-V,--version", "rune " RUNE_VERSION);
  app.footer(kFooter);
  app.add_option("-p,--prompt", options.prompt, "the prompt; piped standard input becomes its context");
  app.add_option("-c,--config", options.config_file, "configuration file in place of ~/.rune/rune.toml");
  app.add_option("--schema", options.schema_file, "JSON Schema file: the answer is validated JSON");
  app.add_flag_callback(
      "--json", [&] { options.settings.emplace_back("json_output", "true"); }, "one JSON object on standard output");
  app.add_flag_callback(
      "-y,--yes", [&] { options.settings.emplace_back("yes", "true"); },
      "approve what confirm mode would ask; does not bypass policy");
  app.add_option_function<std::string>(
         "--trace",
         [&](const std::string& dir) {
           options.settings.emplace_back("trace", "true");
           if (dir != "true" && !dir.empty()) options.settings.emplace_back("trace_dir", dir);
         },
         "record the run as JSON Lines below this directory (default ~/.rune/traces)")
      ->expected(0, 1)
      ->default_str("true");
  for (const Setting& setting : kSettings) {
    app.add_option_function<std::string>(
        setting.flag,
        [&options, key = setting.key](const std::string& value) { options.settings.emplace_back(key, value); },
        setting.help);
  }
  app.add_subcommand("init", "first-time setup: writes ~/.rune/rune.toml")->callback([&] {
    options.action = CliOptions::Action::kInit;
  });
  app.add_subcommand("trust", "let this directory's rune.toml count in full")->callback([&] {
    options.action = CliOptions::Action::kTrust;
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForVersion& version) {
    options.action = CliOptions::Action::kVersion;
    options.text = std::string(version.what()) + "\n";
  } catch (const CLI::CallForHelp&) {
    options.action = CliOptions::Action::kHelp;
    options.text = app.help();
  } catch (const CLI::ParseError& error) {
    return Error::Invalid(OneLine(error.what(), 400) + "; see rune --help");
  }
  return options;
}

}  // namespace rune::agent
