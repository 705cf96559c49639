#include "resource/request/protocol.h"

#include "agent/json/json.h"
#include "resource/request/request.h"
#include "resource/request/tables.h"

namespace rune::resource {
namespace {

constexpr int kDeepestRequest = 64;
/// A check container may vanish five minutes after it was made, so a check, and a get that has to ask, ends well
/// before.
constexpr std::chrono::seconds kCheckWall{120};

agent::Config DefaultsOf(Verb verb) {
  agent::Config config;
  config.skills_dir.clear();
  config.policy.place = "source.policy";
  // The machine's /tmp holds the inputs of steps, and all checks of a source share it: only by name.
  config.policy.allowed_paths_rw.clear();
  if (verb != Verb::kOut) config.budgets.wall = kCheckWall;
  return config;
}

Result<Params> ReadParams(Verb verb, const json::View& view) {
  switch (verb) {
    case Verb::kCheck:
      return Params();
    case Verb::kIn:
      return ReadGetParams(view);
    case Verb::kOut:
      return ReadPutParams(view);
  }
  return Params();
}

}  // namespace

std::string_view VerbName(Verb verb) {
  switch (verb) {
    case Verb::kCheck:
      return "check";
    case Verb::kIn:
      return "in";
    case Verb::kOut:
      return "out";
  }
  return "";
}

Result<Request> ParseRequest(Verb verb, std::string_view text) {
  json::ParseOptions options;
  options.max_depth = kDeepestRequest;
  options.unique_keys = true;
  auto document = json::Document::Parse(text, "", options);
  if (!document.ok()) return std::move(document).error().Wrap("the request on stdin is not JSON");
  const json::View root = document->root();
  if (root.type() != json::Type::kObject) {
    return Error::Invalid("the request on stdin: expected object, found " + std::string(json::TypeName(root.type())));
  }
  Request request;
  RUNE_ASSIGN_OR_RETURN(request.source, ReadSource(root["source"], DefaultsOf(verb)));
  RUNE_ASSIGN_OR_RETURN(request.params, ReadParams(verb, root["params"]));
  if (verb != Verb::kOut) {
    RUNE_ASSIGN_OR_RETURN(request.version, ParseVersion(root["version"]));
  }
  return request;
}

std::vector<KnownKey> KnownKeys() {
  std::vector<KnownKey> known;
  const auto add = [&known](const std::string& object, const std::vector<std::string>& keys) {
    for (const std::string& key : keys) known.push_back({object, key});
  };
  add("source", SourceKeys());
  add("put params", PutParamKeys());
  add("put params.fail_if", FailIfKeys());
  add("get params", GetParamKeys());
  return known;
}

}  // namespace rune::resource
