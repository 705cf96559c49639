/// /opt/resource/check, in and out: one program under three names.

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <ctime>
#include <string>

#include "agent/json/json.h"
#include "agent/process.h"
#include "agent/record/ref.h"
#include "resource/check.h"
#include "resource/in.h"
#include "resource/lock.h"
#include "resource/out.h"
#include "resource/request/protocol.h"
#include "resource/request/request.h"
#include "resource/say.h"
#include "sandbox/base/files.h"
#include "sandbox/base/log.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/secret.h"
#include "sandbox/base/text.h"

namespace rune::resource {
namespace {

constexpr std::size_t kLargestRequest = 16u << 20;
constexpr std::chrono::seconds kLockPatience{5};
constexpr int kSignalExit = 128;
constexpr int kUsage = 2;

struct Invocation {
  Verb verb;
  std::string directory;  // of in and out
  std::string request;
};

std::string ResultText(const StepResult& result) {
  json::Writer writer;
  writer.BeginObject().Key("version");
  WriteVersion(writer, result.version);
  writer.Key("metadata");
  WriteMetadata(writer, result.metadata);
  return writer.EndObject().Take();
}

std::optional<std::string> Environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

Result<std::string> RunCheck(const Request& request, const StepContext& context) {
  RUNE_ASSIGN_OR_RETURN(const std::vector<Version> versions, Check(request, context));
  json::Writer writer;
  writer.BeginArray();
  for (const Version& version : versions) WriteVersion(writer, version);
  return writer.EndArray().Take();
}

Result<std::string> RunIn(const Request& request, const StepContext& context, const std::string& directory) {
  RUNE_ASSIGN_OR_RETURN(const StepResult result, In(request, context));
  RUNE_RETURN_IF_ERROR(WriteArtifacts(directory, result.artifacts));
  return ResultText(result);
}

Result<std::string> RunOut(const Request& request, const StepContext& context, const std::string& directory) {
  RUNE_ASSIGN_OR_RETURN(const StepResult result, Out(request, context, directory));
  return ResultText(result);
}

/// The one JSON document for standard output.
Result<std::string> Run(EventLoop& loop, Invocation invocation) {
  RUNE_ASSIGN_OR_RETURN(const Request request, ParseRequest(invocation.verb, invocation.request));
  WipeMemory(invocation.request.data(), invocation.request.size());
  if (request.source.debug) SetLogLevel(LogLevel::kDebug);
  AgentAsker asker(loop);
  CheckLock lock;
  const auto acquire = [&] {
    const std::string identity = request.source.prompt + '\0' + request.source.history_identifier;
    return lock.Acquire(loop, agent::PromptDigest(identity), kLockPatience);
  };
  const StepContext context{asker, std::time(nullptr), acquire, Environment};
  switch (invocation.verb) {
    case Verb::kCheck:
      return RunCheck(request, context);
    case Verb::kIn:
      return RunIn(request, context, invocation.directory);
    case Verb::kOut:
      return RunOut(request, context, invocation.directory);
  }
  return Error{ErrorKind::kSystem, "no such step"};
}

/// Standard output belongs to the result: a private copy is kept for it, and descriptor 1 becomes standard error, so
/// that nothing else can get between.
Result<UniqueFd> KeepStdout() {
  FillStandardFds();
  UniqueFd kept(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
  if (!kept.valid() || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return Error::FromErrno("stdout");
  return kept;
}

int Fail(Verb verb, const Error& error) {
  Say("rune " + std::string(VerbName(verb)) + ": " + error.message);
  return EXIT_FAILURE;
}

int RunVerb(Verb verb, const std::string& directory) {
  auto output = KeepStdout();
  if (!output.ok()) return Fail(verb, output.error());
  // Before the signals are taken over: a SIGTERM while waiting for the request simply ends the process.
  auto request = ReadAll(STDIN_FILENO, kLargestRequest);
  if (!request.ok()) return Fail(verb, std::move(request).error().Wrap("the request on stdin"));
  EventLoop loop;
  const SignalWatch watch(loop);
  const auto result = Run(loop, {verb, directory, *std::move(request)});
  if (loop.interrupted_by()) {
    Say("rune " + std::string(VerbName(verb)) + ": stopped by signal " + std::to_string(*loop.interrupted_by()));
    return kSignalExit + *loop.interrupted_by();
  }
  if (!result.ok()) return Fail(verb, result.error());
  const auto written = WriteAll(output->get(), *result + "\n");
  return written.ok() ? EXIT_SUCCESS : Fail(verb, written.error());
}

struct Name {
  std::string_view name;
  Verb verb;
  int arguments;
};
constexpr std::array<Name, 3> kNames{{{"check", Verb::kCheck, 0}, {"in", Verb::kIn, 1}, {"out", Verb::kOut, 1}}};

int Main(int argc, char** argv) {
  agent::HardenProcess();
  const std::string program = argc > 0 ? argv[0] : "";
  const std::string_view base = FileName(program);
  for (const Name& known : kNames) {
    if (base != known.name) continue;
    if (argc - 1 < known.arguments)
      return Fail(known.verb, Error::Invalid("the directory is missing: usage: in|out DIR"));
    // Concourse gives an absolute path; a person trying a step by hand may not.
    return RunVerb(known.verb, known.arguments > 0 ? NormalizePath(argv[1], CurrentDirectory()) : "");
  }
  Say("rune-resource " RUNE_VERSION ": run as check, in DIR or out DIR, with the request of Concourse on stdin");
  return kUsage;
}

}  // namespace
}  // namespace rune::resource

int main(int argc, char** argv) { return rune::resource::Main(argc, argv); }
