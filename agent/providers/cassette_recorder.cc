#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "agent/json/json.h"
#include "agent/providers/cassette.h"
#include "sandbox/base/log.h"
#include "sandbox/base/named_file.h"
#include "sandbox/base/redaction.h"

namespace rune::agent {
namespace {

void WriteAsk(json::Writer& out, const CassetteAsk& ask) {
  out.Key("ask").BeginObject();
  if (!ask.user.empty()) {
    out.Key("user").BeginArray();
    for (const std::string& text : ask.user) out.String(Redact(text));
    out.EndArray();
  }
  if (!ask.results.empty()) {
    out.Key("results").BeginArray();
    for (const CassetteAsk::Result& result : ask.results) {
      out.BeginObject().Member("id", result.id).Member("name", result.name);
      out.Member("is_error", result.is_error).EndObject();
    }
    out.EndArray();
  }
  out.EndObject();
}

void WriteReply(json::Writer& out, const ModelReply& reply) {
  out.Key("reply").BeginObject();
  out.Member("text", Redact(TextOf(reply.message)));
  const std::vector<ToolCall> calls = CallsOf(reply.message);
  if (!calls.empty()) {
    out.Key("tool_calls").BeginArray();
    for (const ToolCall& call : calls) {
      out.BeginObject().Member("id", call.id).Member("name", call.name);
      out.Member("arguments", Redact(call.args)).EndObject();
    }
    out.EndArray();
  }
  if (reply.usage_known) {
    out.Key("usage").BeginObject().Member("input", reply.usage.input).Member("cached", reply.usage.cached);
    out.Member("output", reply.usage.output).Member("reasoning", reply.usage.reasoning).EndObject();
  }
  out.Member("stop", StopName(reply.message.stop)).EndObject();
}

}  // namespace

Result<std::unique_ptr<ModelClient>> CassetteRecorder::Create(std::unique_ptr<ModelClient> inner,
                                                              const std::string& path) {
  RUNE_ASSIGN_OR_RETURN(UniqueFd file, OpenNamed(path, O_WRONLY | O_CREAT | O_APPEND, 0600));
  json::Writer head;
  head.BeginObject().Member("cassette", 1).Member("model", inner->model()).EndObject();
  if (auto written = WritePatiently(file.get(), head.Take() + "\n"); !written.ok())
    return std::move(written).error().Wrap(path);
  // NOLINTNEXTLINE(modernize-make-unique): the constructor is private
  return std::unique_ptr<ModelClient>(new CassetteRecorder(std::move(inner), std::move(file)));
}

ModelOutcome CassetteRecorder::Complete(const ModelRequest& request, const TextSink& on_text) {
  ModelOutcome outcome = inner_->Complete(request, on_text);
  if (const auto* const reply = std::get_if<ModelReply>(&outcome)) {
    json::Writer out;
    out.BeginObject();
    WriteAsk(out, AskOf(request.messages));
    WriteReply(out, *reply);
    Append(out.EndObject().Take());
  }
  return outcome;
}

void CassetteRecorder::Append(const std::string& line) {
  if (broken_) return;
  // At once and to the disk: a recording is most wanted of the run that ended badly.
  const auto written = WritePatiently(file_.get(), line + "\n");
  // EINVAL: what the caller gave is a pipe or a terminal.
  broken_ = !written.ok() || (::fsync(file_.get()) != 0 && errno != EINVAL);
  if (broken_)
    Log(LogLevel::kError,
        "the recording is not complete: " + (written.ok() ? std::string("fsync failed") : written.error().message));
}

}  // namespace rune::agent
