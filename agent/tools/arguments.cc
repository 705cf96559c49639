#include "agent/tools/arguments.h"

#include <algorithm>
#include <vector>

#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::int64_t kMaxInteger = 1'000'000'000;

std::vector<std::string> NamesOf(std::span<const Parameter> parameters) {
  std::vector<std::string> names;
  for (const Parameter& parameter : parameters) names.emplace_back(parameter.name);
  return names;
}

std::string Quoted(std::string_view name) { return "'" + OneLine(name, 60) + "'"; }

std::optional<std::string> CheckValue(const json::View& value, const Parameter& parameter) {
  const std::string subject = "argument " + Quoted(parameter.name);
  if (parameter.type == Parameter::Type::kInteger) {
    const auto number = value.integer();
    if (!number) return subject + " must be an integer, not " + std::string(json::TypeName(value.type()));
    if (*number < 1 || *number > kMaxInteger) return subject + " must be between 1 and 1000000000";
    return std::nullopt;
  }
  const auto text = value.string();
  if (!text) return subject + " must be a string, not " + std::string(json::TypeName(value.type()));
  if (parameter.type == Parameter::Type::kText) return std::nullopt;
  if (text->empty()) return subject + " is empty";
  if (text->find('\0') != std::string_view::npos) return subject + " contains a NUL character";
  return std::nullopt;
}

}  // namespace

std::string SchemaOf(std::span<const Parameter> parameters) {
  json::Writer writer;
  writer.BeginObject().Member("additionalProperties", false).Key("properties").BeginObject();
  for (const Parameter& parameter : parameters) {
    writer.Key(parameter.name).BeginObject();
    if (!parameter.description.empty()) writer.Member("description", parameter.description);
    writer.Member("type", parameter.type == Parameter::Type::kInteger ? "integer" : "string").EndObject();
  }
  writer.EndObject().Key("required").BeginArray();
  for (const Parameter& parameter : parameters) {
    if (parameter.need == Parameter::Need::kRequired) writer.String(parameter.name);
  }
  writer.EndArray().Member("type", "object").EndObject();
  return writer.Take();
}

std::optional<BadArguments> CheckArguments(const json::View& args, std::span<const Parameter> parameters) {
  const std::vector<std::string> names = NamesOf(parameters);
  const auto takes = [&] { return "; the arguments are: " + Join(names, ", "); };
  if (args.type() != json::Type::kObject) return BadArguments{"the arguments must be a JSON object" + takes()};
  for (const std::string& key : args.keys()) {
    if (std::find(names.begin(), names.end(), key) != names.end()) continue;
    const std::optional<std::string> near = Nearest(key, names);
    return BadArguments{"unknown argument " + Quoted(key) + (near ? " (did you mean '" + *near + "'?)" : "") + takes()};
  }
  for (const Parameter& parameter : parameters) {
    const json::View value = args[parameter.name];
    const bool required = parameter.need == Parameter::Need::kRequired;
    if (required && !value.exists())
      return BadArguments{"missing required argument " + Quoted(parameter.name) + takes()};
    if (!required && value.is_null()) continue;
    if (auto problem = CheckValue(value, parameter)) return BadArguments{*problem};
  }
  return std::nullopt;
}

std::string TextArgument(const json::View& args, std::string_view name, std::string_view fallback) {
  return std::string(args[name].string().value_or(fallback));
}

std::int64_t IntegerArgument(const json::View& args, std::string_view name, std::int64_t fallback) {
  return args[name].integer().value_or(fallback);
}

}  // namespace rune::agent
