#include "agent/cli/repl.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "agent/cli/terminal.h"
#include "agent/run/layers.h"
#include "agent/runtime.h"
#include "agent/vision/image_loader.h"
#include "sandbox/base/files.h"
#include "sandbox/base/log.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::string_view kImage = "/image ";
constexpr const char* kPrompt = "ᚱ› ";
constexpr const char* kBanner =
    "ᛟ ᚺ ᛊ ᛏ ᛒ ᛖ ᚹ ᛗ ᛚ ᛝ ᛟ\n"
    "  Rune " RUNE_VERSION
    ", zero-trust AI agent\n"
    "Ready. Type /help for commands.\n";

void Print(const std::string& text) { const auto ignored = WriteAll(STDOUT_FILENO, text); }

class Repl {
 public:
  Repl(EventLoop& loop, const Config& config, const ReplOptions& options)
      : loop_(loop),
        config_(config),
        options_(options),
        observer_(loop, TerminalObserver::Verbosity::kProgress, TerminalObserver::Questions::kAsk) {}

  int Run() {
    RuntimeOptions runtime_options;
    runtime_options.cwd = options_.cwd;
    runtime_options.home = options_.home;
    runtime_options.default_mode = PolicyMode::kConfirm;
    runtime_options.attended = true;
    auto runtime = Runtime::Create(loop_, config_, runtime_options, observer_);
    if (!runtime.ok()) {
      Log(LogLevel::kError, runtime.error().message);
      return runtime.error().kind == ErrorKind::kUnavailable ? 6 : 2;
    }
    runtime_ = std::move(runtime).value();
    Print(kBanner);
    for (const std::string& reference : options_.images) Attach(reference);
    while (!done_) {
      const auto line = NextLine();
      if (!line) break;
      Handle(std::string(Trim(*line)));
    }
    return loop_.interrupted_by() ? 128 + *loop_.interrupted_by() : 0;
  }

 private:
  struct Entry {
    std::string_view name;
    std::string_view help;
    void (Repl::*run)();
  };
  static const std::array<Entry, 13> kCommands;

  /// Ctrl-C at the prompt gives a new line; other signals and end of file end the session.
  std::optional<std::string> NextLine() {
    while (true) {
      pending_ += observer_.TakeTypedAhead();
      // What was typed before stands there again, where it now goes.
      Print(kPrompt + MakeSafe(pending_.substr(0, pending_.find('\n'))).text);
      if (pending_.find('\n') != std::string::npos) Print("\n");
      auto line = ReadLine(loop_, STDIN_FILENO, pending_);
      if (line) return line;
      Print("\n");
      if (loop_.interrupted_by() != SIGINT) return std::nullopt;
      loop_.ClearInterrupt();
      pending_.clear();
    }
  }

  void Handle(const std::string& line) {
    if (line.empty()) return;
    if (!line.starts_with('/')) return Ask(line);
    if (line.starts_with(kImage) && line.size() > kImage.size())
      return Attach(std::string(Trim(line.substr(kImage.size()))));
    std::vector<std::string> names;
    for (const Entry& entry : kCommands) {
      if (entry.name == line) return (this->*entry.run)();
      names.emplace_back(entry.name);
    }
    const auto near = Nearest(line, names);
    Print("no command " + OneLine(line, 60) + (near ? "; did you mean " + *near + "?" : "; see /help") + "\n");
  }

  ImageLoader Images() { return {loop_, runtime_->policy(), {options_.cwd, options_.home, config_.max_images}}; }

  /// For the next prompt.
  void Attach(const std::string& reference) {
    auto image = Images().Load(reference);
    if (loop_.interrupted_by() == SIGINT) loop_.ClearInterrupt();
    if (!image.ok()) return Print("  " + image.error().message + "\n");
    Print("  " + image->media_type + ", " + std::to_string(image->data.size()) + " bytes: goes with the next prompt\n");
    attached_.push_back(std::move(*image));
  }

  void Ask(const std::string& text) {
    auto prompt = Images().Illustrate(text, std::exchange(attached_, {}));
    if (!prompt.ok()) {
      if (loop_.interrupted_by() == SIGINT) loop_.ClearInterrupt();
      return Print("  " + prompt.error().message + "\n");
    }
    const RunResult result = runtime_->Run(prompt->text, std::move(prompt->images));
    if (loop_.interrupted_by() == SIGINT) loop_.ClearInterrupt();
    if (result.answered() && !observer_.streamed()) Print(result.answer);
    Print("\n");
    if (!result.answered()) Log(LogLevel::kError, std::string(InfoOf(result.outcome).name) + ": " + result.detail);
  }

  void Help() {
    std::string text = "  <text>            send a prompt to the agent\n";
    for (const Entry& entry : kCommands) {
      text += "  " + std::string(entry.name) + std::string(entry.name.size() < 18 ? 18 - entry.name.size() : 1, ' ') +
              std::string(entry.help) + "\n";
    }
    Print(text);
  }
  void Info() {
    Print("  provider " + runtime_->model().provider() + ", model " + runtime_->model().model() + ", messages " +
          std::to_string(runtime_->agent().history().size()) + "\n");
  }
  void PolicySummary() {
    const PolicyConfig& policy = runtime_->policy().config();
    const auto list = [](const std::vector<std::string>& values) {
      return values.empty() ? std::string("none") : OneLine(Join(values, " "), 400);
    };
    Print("  mode     " + std::string(PolicyModeName(runtime_->policy().mode())) + "\n  commands " +
          list(policy.allowed_commands) + "\n  domains  " + list(policy.allowed_domains) + "\n  write    " +
          list(policy.allowed_paths_rw) + "\n  read     " + list(policy.allowed_paths_ro) + "\n  denied   " +
          list(policy.denied_paths) + "\n  limits   " + std::to_string(policy.max_memory_mb) + " MB, " +
          std::to_string(policy.max_pids) + " processes, " + std::to_string(policy.max_disk_mb) + " MB of disk\n");
  }
  void PolicyFull() {
    PolicySummary();
    auto layers = runtime_->sandbox().Layers(runtime_->policy().ForFiles());
    if (!layers.ok()) return Print("  " + OneLine(layers.error().message) + "\n");
    for (const std::string& row : LayerRows(*layers)) Print("  " + row + "\n");
  }
  void ImageUsage() { Print("  usage: /image PATH, or /image https://... of an allowed domain\n"); }
  void Tools() {
    for (const Tool& tool : runtime_->tools().tools())
      Print("  " + tool.spec.name + std::string(18 - std::min<std::size_t>(17, tool.spec.name.size()), ' ') +
            tool.spec.description + "\n");
  }
  void Compact() { Print(runtime_->agent().Compact() ? "  context compacted\n" : "  nothing to compact\n"); }
  void Reset() {
    runtime_->agent().Reset();
    attached_.clear();
    Print("  conversation cleared\n");
  }
  void Multi() {
    std::string text;
    while (true) {
      const auto line = NextLine();
      if (!line) return;
      if (Trim(*line) == ";;") break;
      text += *line + "\n";
    }
    if (!Trim(text).empty()) Ask(text);
  }
  void Version() { Print("rune " RUNE_VERSION "\n"); }
  void Clear() { Print("\033[H\033[2J"); }
  void Exit() { done_ = true; }

  EventLoop& loop_;
  const Config& config_;
  const ReplOptions& options_;
  TerminalObserver observer_;
  std::unique_ptr<Runtime> runtime_;
  std::string pending_;
  std::vector<Image> attached_;
  bool done_ = false;
};

const std::array<Repl::Entry, 13> Repl::kCommands{{
    {"/help", "this list", &Repl::Help},
    {"/info", "provider, model, length of the conversation", &Repl::Info},
    {"/policy", "policy summary", &Repl::PolicySummary},
    {"/policy full", "policy and the layers in force", &Repl::PolicyFull},
    {"/tools", "available tools", &Repl::Tools},
    {"/image", "PATH: shows a picture with the next prompt; or write @PATH in it", &Repl::ImageUsage},
    {"/compact", "shorten the conversation", &Repl::Compact},
    {"/reset", "clear the conversation", &Repl::Reset},
    {"/multi", "several lines, ended by ;;", &Repl::Multi},
    {"/version", "version", &Repl::Version},
    {"/clear", "clear the screen", &Repl::Clear},
    {"/exit", "quit", &Repl::Exit},
    {"/quit", "quit", &Repl::Exit},
}};

}  // namespace

int RunRepl(EventLoop& loop, const Config& config, const ReplOptions& options) {
  return Repl(loop, config, options).Run();
}

}  // namespace rune::agent
