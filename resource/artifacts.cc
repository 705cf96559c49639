#include "resource/artifacts.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

#include "agent/json/json.h"
#include "agent/run/layers.h"
#include "agent/run/result_json.h"
#include "sandbox/base/files.h"

namespace rune::resource {
namespace {

void WriteSandbox(json::Writer& writer, const agent::Record& record) {
  writer.Key("sandbox").BeginObject();
  for (const auto& [layer, state] : agent::LayerStates(record.layers)) writer.Member(layer, state);
  writer.EndObject();
  if (record.probes_tried > 0) writer.Member("confinement", ConfinementLine(record));
}

void WriteEgress(json::Writer& writer, const agent::Record& record) {
  if (record.egress.empty()) return;
  writer.Key("egress").BeginArray();
  for (const agent::RecordedEgress& line : record.egress) {
    writer.BeginObject().Member("target", line.target).Member("port", std::uint64_t{line.port});
    writer.Member("connections", std::uint64_t{line.connections}).Member("refused", std::uint64_t{line.refused});
    writer.Member("sent", line.sent).Member("received", line.received).EndObject();
  }
  writer.EndArray();
}

void WriteTools(json::Writer& writer, const agent::Record& record) {
  writer.Key("tools").BeginArray();
  for (const agent::RecordedTool& tool : record.tools) {
    writer.BeginObject().Member("call", tool.summary).Member("refused", tool.refused).EndObject();
  }
  writer.EndArray();
}

void WriteDenials(json::Writer& writer, const agent::Record& record) {
  if (record.denials.empty()) return;
  writer.Key("denials").BeginArray();
  for (const agent::RecordedDenial& denial : record.denials) {
    writer.BeginObject().Member("what", denial.what).Member("target", denial.target);
    writer.Member("message", denial.message).Member("count", std::uint64_t{denial.count}).EndObject();
  }
  writer.EndArray();
}

std::string Payload(const agent::Record& record, const Provenance& provenance,
                    const std::optional<std::string>& prompt) {
  json::Writer writer(json::Writer::Style::kPretty);
  writer.BeginObject().Key("prompt");
  if (prompt) {
    writer.String(*prompt);
  } else {
    writer.Null();
  }
  writer.Member("response", record.answer).Member("ref", provenance.ref);
  if (provenance.actual_ref != provenance.ref) writer.Member("actual_ref", provenance.actual_ref);
  writer.Member("model", record.model).Member("timestamp", record.time);
  writer.Member("verified", provenance.verified).Member("replayed", provenance.replayed);
  writer.Member("steps", std::uint64_t{record.steps});
  agent::WriteUsage(writer.Key("usage"),
                    {.input = record.input_tokens,
                     .cached = record.cached_tokens,
                     .output = record.output_tokens,
                     .reasoning = record.reasoning_tokens},
                    record.cost);
  WriteSandbox(writer, record);
  WriteTools(writer, record);
  WriteEgress(writer, record);
  WriteDenials(writer, record);
  return writer.EndObject().Take() + "\n";
}

/// Files that are written but do not have their names yet; removed unless Publish() succeeds.
class Staging {
 public:
  explicit Staging(std::string directory)
      : directory_(std::move(directory)), fd_(::open(directory_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  ~Staging() {
    for (const std::string& name : to_remove_) ::unlinkat(fd_.get(), name.c_str(), 0);
  }

  Result<void> Add(const Artifact& artifact) {
    const std::string part = "." + artifact.name + ".part";
    // What an earlier run left there, or somebody put there: a pipe would keep us waiting.
    ::unlinkat(fd_.get(), part.c_str(), 0);
    const UniqueFd fd(::openat(fd_.get(), part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    if (!fd.valid()) return Error::FromErrno(directory_ + "/" + part);
    to_remove_.push_back(part);
    staged_.push_back({part, artifact.name});
    if (auto written = WriteAll(fd.get(), artifact.content); !written.ok()) {
      return std::move(written).error().Wrap(directory_ + "/" + artifact.name);
    }
    if (::fsync(fd.get()) != 0) return Error::FromErrno(directory_ + "/" + artifact.name);
    return Ok();
  }

  Result<void> Publish() {
    for (const auto& [from, to] : staged_) {
      if (::renameat(fd_.get(), from.c_str(), fd_.get(), to.c_str()) != 0)
        return Error::FromErrno(directory_ + "/" + to);
      to_remove_.push_back(to);
    }
    to_remove_.clear();
    return Ok();
  }

 private:
  std::string directory_;
  UniqueFd fd_;  ///< Whatever the path leads to meanwhile.
  std::vector<std::pair<std::string, std::string>> staged_;
  std::vector<std::string> to_remove_;
};

}  // namespace

Result<std::vector<Artifact>> ArtifactsOf(const agent::Record& record, const Provenance& provenance,
                                          const std::optional<std::string>& prompt) {
  std::vector<Artifact> artifacts{{"response.txt", record.answer}};
  if (record.form.rule == agent::CanonicalRule::kJson) {
    RUNE_ASSIGN_OR_RETURN(std::string structured, agent::Canonicalize(record.answer, {record.form.rule, {}}));
    artifacts.push_back({"answer.json", std::move(structured)});
  }
  artifacts.push_back({"payload.json", Payload(record, provenance, prompt)});
  return artifacts;
}

Result<void> WriteArtifacts(const std::string& directory, const std::vector<Artifact>& artifacts) {
  RUNE_RETURN_IF_ERROR(MakeDirs(directory));
  Staging staging(directory);
  for (const Artifact& artifact : artifacts) RUNE_RETURN_IF_ERROR(staging.Add(artifact));
  return staging.Publish();
}

}  // namespace rune::resource
