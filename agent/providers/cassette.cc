#include "agent/providers/cassette.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "agent/json/json.h"
#include "agent/wires/call_assembler.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::array<std::pair<std::string_view, Stop>, 5> kStops{{{"end", Stop::kEnd},
                                                                   {"tool_calls", Stop::kToolCalls},
                                                                   {"length", Stop::kLength},
                                                                   {"filtered", Stop::kFiltered},
                                                                   {"unknown", Stop::kUnknown}}};

Result<std::uint64_t> Count(const json::View& view) {
  if (view.is_null()) return std::uint64_t{0};
  RUNE_ASSIGN_OR_RETURN(const std::int64_t count, view.AsInt());
  if (count < 0) return Error::Invalid(view.path() + ": negative");
  return static_cast<std::uint64_t>(count);
}

Result<CassetteAsk> ReadAsk(const json::View& view) {
  RUNE_RETURN_IF_ERROR(json::CheckKeys(view, {"user", "results"}));
  CassetteAsk ask;
  if (!view["user"].is_null()) {
    RUNE_ASSIGN_OR_RETURN(ask.user, view["user"].AsStrings());
  }
  const json::View results = view["results"];
  for (std::size_t i = 0; i < results.size(); ++i) {
    RUNE_RETURN_IF_ERROR(json::CheckKeys(results[i], {"id", "name", "is_error"}));
    CassetteAsk::Result result;
    RUNE_ASSIGN_OR_RETURN(result.id, results[i]["id"].AsString());
    RUNE_ASSIGN_OR_RETURN(result.name, results[i]["name"].AsString());
    result.is_error = results[i]["is_error"].boolean().value_or(false);
    ask.results.push_back(std::move(result));
  }
  if (ask.user.empty() && ask.results.empty()) return Error::Invalid(view.path() + ": asks nothing");
  return ask;
}

Result<ToolCall> ReadCall(const json::View& view) {
  RUNE_RETURN_IF_ERROR(json::CheckKeys(view, {"id", "name", "arguments"}));
  ToolCall call;
  RUNE_ASSIGN_OR_RETURN(call.id, view["id"].AsString());
  RUNE_ASSIGN_OR_RETURN(call.name, view["name"].AsString());
  // Written by hand an object, recorded verbatim a string.
  const json::View arguments = view["arguments"];
  call.args = TidyArguments(arguments.string() ? std::string(*arguments.string()) : arguments.Dump());
  return call;
}

Result<Usage> ReadUsage(const json::View& view) {
  RUNE_RETURN_IF_ERROR(json::CheckKeys(view, {"input", "cached", "output", "reasoning"}));
  Usage usage;
  RUNE_ASSIGN_OR_RETURN(usage.input, Count(view["input"]));
  RUNE_ASSIGN_OR_RETURN(usage.cached, Count(view["cached"]));
  RUNE_ASSIGN_OR_RETURN(usage.output, Count(view["output"]));
  RUNE_ASSIGN_OR_RETURN(usage.reasoning, Count(view["reasoning"]));
  return usage;
}

Result<ModelReply> ReadReply(const json::View& view) {
  RUNE_RETURN_IF_ERROR(json::CheckKeys(view, {"text", "tool_calls", "usage", "stop"}));
  ModelReply reply;
  reply.message.role = Role::kAssistant;
  if (!view["text"].is_null()) {
    RUNE_ASSIGN_OR_RETURN(std::string text, view["text"].AsString());
    if (!text.empty()) reply.message.parts.emplace_back(Text{std::move(text)});
  }
  const json::View calls = view["tool_calls"];
  for (std::size_t i = 0; i < calls.size(); ++i) {
    RUNE_ASSIGN_OR_RETURN(ToolCall call, ReadCall(calls[i]));
    reply.message.parts.emplace_back(std::move(call));
  }
  reply.message.stop = calls.size() == 0 ? Stop::kEnd : Stop::kToolCalls;
  if (!view["stop"].is_null()) {
    RUNE_ASSIGN_OR_RETURN(const std::string word, view["stop"].AsString());
    const auto* const known =
        std::find_if(kStops.begin(), kStops.end(), [&](const auto& stop) { return stop.first == word; });
    if (known == kStops.end()) return Error::Invalid(view.path() + ".stop: unknown word '" + OneLine(word, 40) + "'");
    reply.message.stop = known->second;
  }
  reply.usage_known = !view["usage"].is_null();
  if (reply.usage_known) {
    RUNE_ASSIGN_OR_RETURN(reply.usage, ReadUsage(view["usage"]));
  }
  return reply;
}

Result<CassetteExchange> ReadExchange(const json::View& view) {
  RUNE_RETURN_IF_ERROR(json::CheckKeys(view, {"ask", "reply", "template"}));
  CassetteExchange exchange;
  RUNE_ASSIGN_OR_RETURN(exchange.ask, ReadAsk(view["ask"]));
  RUNE_ASSIGN_OR_RETURN(exchange.reply, ReadReply(view["reply"]));
  exchange.is_template = view["template"].boolean().value_or(false);
  return exchange;
}

Result<void> ReadHead(const json::View& view, Cassette& cassette) {
  if (view["cassette"].integer() != 1) return Error::Invalid("not a cassette: the first line is {\"cassette\":1,...}");
  cassette.model = view["model"].string().value_or("cassette");
  return Ok();
}

}  // namespace

std::string_view StopName(Stop stop) {
  for (const auto& [name, value] : kStops) {
    if (value == stop) return name;
  }
  return "unknown";
}

Result<Cassette> Cassette::Parse(std::string_view text, const std::string& name) {
  Cassette cassette;
  bool head_seen = false;
  std::size_t number = 0;
  for (const std::string_view line : Split(text, '\n')) {
    ++number;
    if (Trim(line).empty()) continue;
    const std::string place = name + ": line " + std::to_string(number);
    auto document = json::Document::Parse(line);
    if (!document.ok()) return std::move(document).error().Wrap(place);
    const json::View root = document->root();
    // Recordings of several runs may follow each other in one file, each with its head.
    if (!head_seen || root["cassette"].exists()) {
      if (auto head = ReadHead(root, cassette); !head.ok()) return std::move(head).error().Wrap(place);
      head_seen = true;
      continue;
    }
    auto exchange = ReadExchange(root);
    if (!exchange.ok()) return std::move(exchange).error().Wrap(place);
    exchange->reply.model = cassette.model;
    cassette.exchanges.push_back(std::move(exchange).value());
  }
  if (cassette.exchanges.empty()) return Error::Invalid(name + ": holds no exchange");
  return cassette;
}

CassetteAsk AskOf(const std::vector<Message>& messages) {
  CassetteAsk ask;
  for (const Message& message : messages) {
    if (message.role == Role::kAssistant) ask = {};
    if (message.role == Role::kUser) ask.user.push_back(TextOf(message));
    if (message.role != Role::kTool) continue;
    for (const Part& part : message.parts) {
      const auto* const result = std::get_if<ToolResult>(&part);
      if (result != nullptr) ask.results.push_back({result->call_id, result->name, result->is_error});
    }
  }
  return ask;
}

}  // namespace rune::agent
