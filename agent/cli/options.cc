#include "agent/cli/options.h"

#include <CLI/CLI.hpp>
#include <string_view>

#include "agent/config/settings.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr const char* kFooter =
    "Environment: RUNE_API_KEY RUNE_PROVIDER RUNE_MODEL RUNE_BASE_URL RUNE_POLICY_MODE RUNE_LOG_LEVEL RUNE_TRACE\n"
    "  RUNE_CONTEXT_WINDOW RUNE_COMPACT_THRESHOLD RUNE_JSON_OUTPUT RUNE_YES, and more in docs/configuration.md.\n"
    "Exit status: 0 answer, 1 failure, 2 usage or configuration, 3 budget or step limit, 4 refused by policy,\n"
    "  5 provider unavailable, 6 confinement unavailable, 130/143 interrupted.\n"
    "Examples: rune init          first-time setup\n"
    "          echo \"What is 2+2?\" | rune --json\n"
    "          git diff | rune -p \"Review this change.\"";

/// What the table of settings does not have, and its switches, which take no value.
void AddOwnFlags(CLI::App& app, CliOptions& options) {
  const auto set = [&options](const char* key, const std::string& value) { options.settings.emplace_back(key, value); };
  app.add_option("-p,--prompt", options.prompt, "the prompt; piped standard input becomes its context");
  app.add_option("-c,--config", options.config_file, "configuration file in place of ~/.rune/rune.toml");
  app.add_option("--image", options.images,
                 "a picture for the model: a file, or a URL of an allowed domain; repeatable")
      ->option_text("TEXT")
      ->allow_extra_args(false);
  app.add_option("--schema", options.schema_file, "JSON Schema file: the answer is validated JSON");
  app.add_flag_callback("--json", [set] { set("json_output", "true"); }, "one JSON object on standard output");
  app.add_flag_callback(
      "-y,--yes", [set] { set("yes", "true"); }, "approve what confirm mode would ask; does not bypass policy");
  app.add_option_function<std::string>(
         "--trace",
         [set](const std::string& dir) {
           set("trace", "true");
           if (dir != "true" && !dir.empty()) set("trace_dir", dir);
         },
         "record the run as JSON Lines below this directory (default ~/.rune/traces)")
      ->expected(0, 1)
      ->default_str("true");
}

void AddSettings(CLI::App& app, CliOptions& options) {
  for (const Setting& setting : Settings()) {
    if (setting.flag.empty() || setting.type == ValueType::kBool) continue;
    app.add_option_function<std::vector<std::string>>(
           std::string(setting.flag),
           [&options, key = std::string(setting.key)](const std::vector<std::string>& values) {
             for (const std::string& value : values) options.settings.emplace_back(key, value);
           },
           std::string(setting.doc))
        ->option_text(setting.choices.empty() ? "TEXT" : std::string(setting.choices))
        ->allow_extra_args(false);
  }
}

void AddCommands(CLI::App& app, CliOptions& options) {
  const auto act = [&options](CliOptions::Action action) { return [&options, action] { options.action = action; }; };
  app.add_subcommand("init", "first-time setup: writes ~/.rune/rune.toml")->callback(act(CliOptions::Action::kInit));
  app.add_subcommand("doctor", "prove on this machine what the sandbox holds")
      ->fallthrough()
      ->callback(act(CliOptions::Action::kDoctor));
  app.add_subcommand("models", "list what the endpoint offers")
      ->fallthrough()
      ->callback(act(CliOptions::Action::kModels));
  CLI::App* const why = app.add_subcommand("why", "say what the policy would do with a path, a host or a command");
  why->add_option("subject", options.subject, "PATH, HOST[:PORT] or COMMAND LINE")->required();
  why->fallthrough()->callback(act(CliOptions::Action::kWhy));
  app.add_subcommand("trust", "let this directory's rune.toml count in full")
      ->callback(act(CliOptions::Action::kTrust));
}

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
  AddOwnFlags(app, options);
  AddSettings(app, options);
  AddCommands(app, options);
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
