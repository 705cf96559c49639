/// rune: the terminal front of the agent.

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <map>

#include "agent/cli/doctor.h"
#include "agent/cli/init.h"
#include "agent/cli/models.h"
#include "agent/cli/one_shot.h"
#include "agent/cli/options.h"
#include "agent/cli/repl.h"
#include "agent/cli/why.h"
#include "agent/config/load.h"
#include "agent/config/trust.h"
#include "agent/process.h"
#include "sandbox/base/files.h"
#include "sandbox/base/log.h"
#include "sandbox/base/paths.h"

extern char** environ;

namespace rune::agent {
namespace {

constexpr std::array kKeyVariables{"RUNE_API_KEY", "RUNE_EMBEDDINGS_API_KEY", "RUNE_FALLBACK"};

/// Out of the environment block, too: /proc/PID/environ would show it for as long as the process lives.
void TakeOut(const std::string& variable) {
  const std::string begin = variable + "=";
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with(begin)) continue;
    for (char* c = *entry + begin.size(); *c != '\0'; ++c) *c = '*';
  }
  ::unsetenv(variable.c_str());
}

/// The environment, which no longer holds the keys.
std::map<std::string, std::string> TakeEnvironment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) continue;
    variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  for (const char* const name : kKeyVariables) TakeOut(name);
  return variables;
}

/// A key given as an argument can be seen in /proc/PID/cmdline until it is overwritten.
void HideKeyArgument(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const std::size_t equals = argument.find('=');
    const std::string_view flag = argument.substr(0, equals);
    if (flag != "--api-key" && flag != "--embeddings-api-key") continue;
    char* value = equals != std::string_view::npos ? argv[i] + equals + 1 : i + 1 < argc ? argv[i + 1] : nullptr;
    for (; value != nullptr && *value != '\0'; ++value) *value = '*';
  }
}

int Fail(int argc, char** argv, const Error& error) {
  Config config;
  config.json_output = WantsJson(argc, argv);
  return PrintResult(config, FailedResult(OutcomeOf(error), error));
}

int Trust(const std::string& cwd, const std::string& home) {
  auto trusted = TrustDirectory(cwd, home);
  if (trusted.ok()) return 0;
  Log(LogLevel::kError, trusted.error().message);
  return 1;
}

int Main(int argc, char** argv) {
  FillStandardFds();
  auto options = ParseCli(argc, argv);
  HideKeyArgument(argc, argv);
  if (!options.ok()) return Fail(argc, argv, options.error());
  if (!options->text.empty()) return WriteAll(STDOUT_FILENO, options->text).ok() ? 0 : 1;

  HardenProcess();
  const auto environment = TakeEnvironment();
  const auto home_entry = environment.find("HOME");
  const std::string home = home_entry == environment.end() ? "" : home_entry->second;
  const std::string cwd = CurrentDirectory();
  EventLoop loop;
  const SignalWatch signals(loop);
  if (options->action == CliOptions::Action::kInit) return RunInit(loop, home);
  if (options->action == CliOptions::Action::kTrust) return Trust(cwd, home);

  const bool interactive = !options->prompt && ::isatty(STDIN_FILENO) == 1;
  LoadRequest request;
  request.flags = options->settings;
  request.environment = environment;
  request.cwd = cwd;
  request.home = home;
  request.config_path = options->config_file;
  request.attended = interactive;
  auto loaded = LoadConfig(request);
  if (!loaded.ok()) return Fail(argc, argv, loaded.error());
  for (const FallbackProvider& provider : loaded->config.fallback) {
    if (!provider.api_key_env.empty()) TakeOut(provider.api_key_env);
  }
  LogLevel level = LogLevel::kWarn;
  if (ParseLogLevel(loaded->config.log_level, level)) SetLogLevel(level);
  for (const std::string& notice : loaded->notices) Log(LogLevel::kWarn, notice);
  if (options->action == CliOptions::Action::kDoctor) return RunDoctor(loop, loaded->config, {cwd, home});
  if (options->action == CliOptions::Action::kModels) return RunModels(loop, loaded->config);
  if (options->action == CliOptions::Action::kWhy) return RunWhy(loaded->config, {options->subject, cwd, home});
  if (interactive) return RunRepl(loop, loaded->config, {cwd, home, options->images});
  return RunOneShot(loop, loaded->config, {options->prompt, options->images, options->schema_file, cwd, home});
}

}  // namespace
}  // namespace rune::agent

int main(int argc, char** argv) { return rune::agent::Main(argc, argv); }
