#include "agent/cli/models.h"

#include <unistd.h>

#include <algorithm>
#include <string>

#include "agent/cli/one_shot.h"
#include "agent/json/json.h"
#include "agent/providers/models_list.h"
#include "agent/providers/registry.h"
#include "agent/run/outcome.h"
#include "sandbox/base/files.h"
#include "sandbox/base/log.h"
#include "sandbox/base/redaction.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

std::string Cell(std::uint64_t tokens) {
  std::string text = tokens == 0 ? "-" : std::to_string(tokens);
  return text.insert(0, text.size() < 10 ? 10 - text.size() : 0, ' ');
}

std::string Table(const std::vector<ListedModel>& models) {
  std::size_t width = 5;
  for (const ListedModel& model : models) width = std::max(width, model.id.size());
  const auto padded = [width](std::string text) { return text.append(width - text.size(), ' '); };
  std::string out = padded("model") + "   context    output\n";
  for (const ListedModel& model : models) out += padded(model.id) + Cell(model.context) + Cell(model.output) + "\n";
  return out;
}

std::string Json(const HttpModelOptions& options, const std::vector<ListedModel>& models) {
  json::Writer out;
  out.BeginObject().Member("provider", options.endpoint.provider).Key("models").BeginArray();
  for (const ListedModel& model : models) {
    out.BeginObject().Member("id", model.id);
    if (model.context > 0) out.Member("context", model.context);
    if (model.output > 0) out.Member("output", model.output);
    out.EndObject();
  }
  return out.EndArray().EndObject().Take() + "\n";
}

int ExitCode(ErrorKind kind) {
  return InfoOf(kind == ErrorKind::kCancelled ? Outcome::kCancelled : Outcome::kProviderDown).exit_code;
}

}  // namespace

int RunModels(EventLoop& loop, const Config& config) {
  auto options = ChooseEndpoint(loop, config);
  if (!options.ok()) {
    Log(LogLevel::kError, "rune models: " + options.error().message);
    return InfoOf(OutcomeOf(options.error())).exit_code;
  }
  const auto models = ListModels(loop, *options);
  if (!models.ok()) {
    Log(LogLevel::kError, "rune models: " + models.error().message);
    return ExitCode(models.error().kind);
  }
  const std::string text = config.json_output ? Json(*options, *models) : Table(*models);
  return WriteAll(STDOUT_FILENO, Redact(text)).ok() ? 0 : 1;
}

}  // namespace rune::agent
