#include "agent/cli/init.h"

#include <termios.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "agent/cli/terminal.h"
#include "agent/providers/copilot.h"
#include "agent/providers/copilot_login.h"
#include "agent/providers/provider_table.h"
#include "sandbox/base/files.h"
#include "sandbox/base/log.h"
#include "sandbox/base/quoted.h"
#include "sandbox/base/secret.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr const char* kGithub = "https://github.com";

void Say(const std::string& text) { const auto ignored = WriteAll(STDERR_FILENO, text); }

/// Typing is not shown while alive.
class EchoOff {
 public:
  EchoOff() {
    valid_ = ::tcgetattr(STDIN_FILENO, &saved_) == 0;
    termios quiet = saved_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    if (valid_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  ~EchoOff() {
    if (valid_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved_);
  }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;

 private:
  termios saved_{};
  bool valid_ = false;
};

std::string Quote(std::string_view text) { return QuoteToml(MakeSafe(text).text); }

/// "openai, openrouter, ..."
std::string Names() {
  std::vector<std::string> names;
  for (const Provider& provider : Providers()) {
    if (provider.entry != Entry::kRecording) names.emplace_back(provider.name);
  }
  return Join(names, ", ");
}

class Wizard {
 public:
  explicit Wizard(EventLoop& loop) : loop_(loop) {}

  std::optional<std::string> Ask(const std::string& question, const std::string& fallback) {
    Say(question + (fallback.empty() ? ": " : " [" + fallback + "]: "));
    const auto line = ReadLine(loop_, STDIN_FILENO, pending_);
    if (!line) return std::nullopt;
    const std::string answer(Trim(*line));
    return answer.empty() ? fallback : answer;
  }

  /// The file's text; nullopt when the person gave up.
  std::optional<std::string> Run() {
    Say("Provider: " + Names() + ", or the https:// URL of a compatible endpoint\n");
    const auto provider = Ask("Provider", std::string(Providers().front().name));
    if (!provider) return std::nullopt;
    const Provider* const choice = FindProvider(*provider);
    const bool is_url = provider->starts_with("http://") || provider->starts_with("https://");
    if (!is_url && (choice == nullptr || choice->entry == Entry::kRecording)) {
      Say("No such provider.\n");
      return std::nullopt;
    }
    Secret key;
    if (is_url || choice->entry == Entry::kKey) {
      const EchoOff quiet;
      auto typed = Ask("API key (not shown; empty: set RUNE_API_KEY later)", "");
      Say("\n");
      if (!typed) return std::nullopt;
      key = Secret::Take(*typed);
    }
    std::string base_url = is_url ? *provider : "";
    if (!is_url && choice->entry == Entry::kLogin) {
      auto token = LogIn(base_url);
      if (!token) return std::nullopt;
      key = *std::move(token);
    }
    const auto model = Ask("Model", is_url ? "" : std::string(choice->model));
    if (!model) return std::nullopt;
    std::string text = is_url ? "" : "provider = " + Quote(*provider) + "\n";
    if (!base_url.empty()) text += "base_url = " + Quote(base_url) + "\n";
    if (!model->empty()) text += "model = " + Quote(*model) + "\n";
    if (!key.empty()) text += "api_key = " + Quote(key.Reveal()) + "\n";
    return text +
           "\n[policy]\nmode = \"confirm\"  # confirm | allowlist | unrestricted\n"
           "allowed_commands = [\"ls\", \"cat\", \"head\", \"ps\", \"echo\", \"uname\", \"free\", \"df\", \"date\", "
           "\"hostname\"]\n"
           "allowed_domains = []\n";
  }

 private:
  /// The token; `base_url` is set where GitHub is not the public one.
  std::optional<Secret> LogIn(std::string& base_url) {
    const auto github = Ask("GitHub", kGithub);
    if (!github) return std::nullopt;
    if (*github != kGithub) base_url = *github;
    DeviceLogin login;
    login.host = CopilotHostsOf(base_url).login;
    login.show = [](const std::string& page, const std::string& code) {
      Say("Open " + page + " in a browser and enter the code " + code + "\n");
    };
    auto token = LogInToCopilot(loop_, login);
    if (!token.ok()) {
      Say(token.error().message + "\n");
      return std::nullopt;
    }
    Say("Logged in. GitHub does not document this use of its service; what it allows is between you and GitHub.\n");
    return std::move(token).value();
  }

  EventLoop& loop_;
  std::string pending_;
};

}  // namespace

int RunInit(EventLoop& loop, const std::string& home) {
  if (home.empty()) {
    Log(LogLevel::kError, "HOME is not set: there is no place for the configuration");
    return 2;
  }
  const std::string path = home + "/.rune/rune.toml";
  Wizard wizard(loop);
  if (Exists(path)) {
    const auto answer = wizard.Ask(path + " exists. Replace it? (yes/no)", "no");
    if (!answer || ParseBool(*answer) != true) return 1;
  }
  const auto text = wizard.Run();
  if (!text) {
    Say("\nNothing was written.\n");
    return 1;
  }
  auto written = MakeDirs(home + "/.rune", 0700);
  if (written.ok()) written = WriteFileAtomic(path, *text, {.mode = 0600});
  if (!written.ok()) {
    Log(LogLevel::kError, written.error().message);
    return 1;
  }
  Say("Written: " + path + "\n");
  return 0;
}

}  // namespace rune::agent
