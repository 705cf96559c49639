#include "agent/cli/one_shot.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/cli/terminal.h"
#include "agent/json/schema.h"
#include "agent/run/denials.h"
#include "agent/run/result_json.h"
#include "agent/runtime.h"
#include "sandbox/base/files.h"
#include "sandbox/base/log.h"
#include "sandbox/base/named_file.h"
#include "sandbox/base/redaction.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::size_t kMaxPrompt = 16u << 20;
constexpr std::size_t kMaxSchema = 1u << 20;
/// Beside -p: how long standard input may be silent before it counts as no context.
constexpr Milliseconds kFirstByte{500};
constexpr Milliseconds kSilence{10'000};

struct Input {
  std::string text;
  bool complete = false;  ///< End of file was seen.
};

/// Reads standard input to its end, or until it is silent for too long.
Result<Input> ReadInput(EventLoop& loop, Milliseconds first, Milliseconds silence) {
  Input input;
  bool failed = false;
  bool progress = false;
  loop.Watch(STDIN_FILENO, POLLIN, [&](short) {
    char buffer[64 << 10];
    const ssize_t n = RetryOnEintr([&] { return ::read(STDIN_FILENO, buffer, sizeof buffer); });
    progress = true;
    if (n > 0)
      input.text.append(buffer, static_cast<std::size_t>(n));
    else
      input.complete = n == 0, failed = n < 0;
  });
  auto wake = EventLoop::Wake::kDone;
  for (Milliseconds wait = first;
       wake == EventLoop::Wake::kDone && !input.complete && !failed && input.text.size() <= kMaxPrompt;
       wait = silence) {
    progress = false;
    wake = loop.RunUntil([&] { return progress; }, wait.count() > 0 ? Clock::now() + wait : kNever);
  }
  loop.Unwatch(STDIN_FILENO);
  if (wake == EventLoop::Wake::kInterrupted) return Error{ErrorKind::kCancelled, "interrupted"};
  if (failed) return Error::FromErrno("standard input");
  if (input.text.size() > kMaxPrompt) return Error::Invalid("standard input: more than 16 MiB");
  if (!IsValidUtf8(input.text)) return Error::Invalid("standard input: not UTF-8 text");
  return input;
}

/// Only a pipe, a socket or a file can hold context; a terminal and /dev/null cannot.
bool StdinHoldsData() {
  struct stat info{};
  if (::fstat(STDIN_FILENO, &info) != 0) return false;
  return S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode) || S_ISREG(info.st_mode);
}

Result<std::string> LoadSchema(EventLoop& loop, const std::string& path) {
  if (path.empty()) return std::string();
  RUNE_ASSIGN_OR_RETURN(const std::string text, ReadNamed(loop, path, kMaxSchema));
  RUNE_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(text, path));
  auto checked = json::CheckSchema(document.root());
  if (!checked.ok()) return std::move(checked).error();
  return document.root().DumpCanonical();
}

/// The prompt with its pictures: those of --image, then those that its text names.
Result<IllustratedPrompt> Illustrate(const ImageLoader& loader, const GatheredPrompt& prompt,
                                     const std::vector<std::string>& references) {
  std::vector<Image> images;
  for (const std::string& reference : references) {
    RUNE_ASSIGN_OR_RETURN(Image image, loader.Load(reference));
    images.push_back(std::move(image));
  }
  RUNE_ASSIGN_OR_RETURN(IllustratedPrompt question, loader.Illustrate(prompt.text, std::move(images), prompt.author));
  question.text.insert(0, prompt.context);
  return question;
}

}  // namespace

Outcome OutcomeOf(const Error& error) {
  switch (error.kind) {
    case ErrorKind::kInvalidInput:
      return Outcome::kBadInput;
    case ErrorKind::kDenied:
      return Outcome::kRefusedPolicy;
    case ErrorKind::kUnavailable:
      return Outcome::kSandboxUnavailable;
    case ErrorKind::kSystem:
      return Outcome::kInternal;
    case ErrorKind::kProtocol:
      return Outcome::kProviderProtocol;
    case ErrorKind::kCancelled:
      return Outcome::kCancelled;
  }
  return Outcome::kInternal;
}

RunResult FailedResult(Outcome outcome, const Error& error) {
  RunResult result;
  result.outcome = outcome;
  result.detail = OneLine(Redact(error.message), 600);
  return result;
}

Result<GatheredPrompt> GatherPrompt(EventLoop& loop, const std::optional<std::string>& prompt) {
  if (!prompt || *prompt == "-") {
    RUNE_ASSIGN_OR_RETURN(const Input input, ReadInput(loop, Milliseconds(0), Milliseconds(0)));
    const std::string text(Trim(input.text));
    if (text.empty()) return Error::Invalid("No piped input received on stdin.");
    return GatheredPrompt{"", text, Author::kPiped};
  }
  if (Trim(*prompt).empty()) return Error::Invalid("--prompt: empty");
  if (!IsValidUtf8(*prompt)) return Error::Invalid("--prompt: not UTF-8 text");
  GatheredPrompt gathered{"", *prompt, Author::kUser};
  if (!StdinHoldsData()) return gathered;
  RUNE_ASSIGN_OR_RETURN(const Input input, ReadInput(loop, kFirstByte, kSilence));
  if (!input.complete)
    Log(LogLevel::kWarn,
        "standard input is still open; going on with what it gave: " + std::to_string(input.text.size()) + " bytes");
  if (Trim(input.text).empty()) return gathered;
  gathered.context = input.text + (input.text.ends_with('\n') ? "\n" : "\n\n");
  return gathered;
}

int PrintResult(const Config& config, const RunResult& result) {
  int code = ExitCode(result.outcome, result.signal_number);
  const bool excused = result.outcome == Outcome::kAnsweredWithDenials && !FailsByDenial(config.on_denial, result);
  if (excused) code = 0;
  std::string out;
  if (config.json_output) {
    out = ResultJson(result) + "\n";
  } else if (result.answered()) {
    out = result.answer;
    if (!out.ends_with('\n')) out += '\n';
  }
  if (!result.detail.empty() && !(config.json_output && result.answered())) {
    Log(excused ? LogLevel::kWarn : LogLevel::kError, std::string(InfoOf(result.outcome).name) + ": " + result.detail);
  }
  if (auto written = WriteAll(STDOUT_FILENO, out); !written.ok()) {
    Log(LogLevel::kError, "standard output: " + written.error().message);
    return code == 0 ? 1 : code;
  }
  return code;
}

int RunOneShot(EventLoop& loop, const Config& config, const OneShotOptions& options) {
  const auto fail = [&](const Error& error) {
    RunResult result = FailedResult(OutcomeOf(error), error);
    result.signal_number = loop.interrupted_by().value_or(0);
    return PrintResult(config, result);
  };
  auto schema = LoadSchema(loop, options.schema_file);
  if (!schema.ok()) {
    const Error& error = schema.error();
    const bool stopped = error.kind == ErrorKind::kCancelled;
    return fail({stopped ? error.kind : ErrorKind::kInvalidInput, "--schema: " + error.message});
  }
  auto prompt = GatherPrompt(loop, options.prompt);
  if (!prompt.ok()) return fail(prompt.error());

  const bool chatty = !config.json_output || CurrentLogLevel() <= LogLevel::kInfo;
  TerminalObserver observer(loop, chatty ? TerminalObserver::Verbosity::kProgress : TerminalObserver::Verbosity::kQuiet,
                            TerminalObserver::Questions::kRefuse);
  RuntimeOptions runtime_options;
  runtime_options.cwd = options.cwd;
  runtime_options.home = options.home;
  runtime_options.schema = *schema;
  auto runtime = Runtime::Create(loop, config, runtime_options, observer);
  if (!runtime.ok()) return fail(runtime.error());
  auto question =
      Illustrate({loop, (*runtime)->policy(), {options.cwd, options.home, config.max_images}}, *prompt, options.images);
  if (!question.ok()) return fail(question.error());
  RunResult result = (*runtime)->Run(question->text, std::move(question->images));
  if (result.outcome == Outcome::kRefusedPolicy) result.detail += "; --yes approves what would be asked";
  return PrintResult(config, result);
}

}  // namespace rune::agent
