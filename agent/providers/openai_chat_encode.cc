#include <variant>

#include "agent/providers/openai_chat.h"

namespace rune::agent {
namespace {

void WriteOptions(json::Writer& out, const GenerationOptions& options, const ChatDialect& dialect) {
  if (options.max_output_tokens > 0) out.Member(dialect.max_tokens_field, options.max_output_tokens);
  if (options.temperature) out.Key("temperature").Double(*options.temperature);
  if (options.seed) out.Member("seed", *options.seed);
  if (!options.schema.empty()) {
    out.Key("response_format").BeginObject().Member("type", "json_schema").Key("json_schema").BeginObject();
    out.Member("name", "answer").Key("schema").Raw(options.schema).EndObject().EndObject();
  }
  out.Member("stream", options.stream);
  if (options.stream && dialect.stream_usage) {
    out.Key("stream_options").BeginObject().Member("include_usage", true).EndObject();
  }
}

void WriteTools(json::Writer& out, const std::vector<ToolSpec>& tools) {
  if (tools.empty()) return;  // an empty list is an error to some servers
  out.Key("tools").BeginArray();
  for (const ToolSpec& tool : tools) {
    out.BeginObject().Member("type", "function").Key("function").BeginObject();
    out.Member("name", tool.name).Member("description", tool.description).Key("parameters").Raw(tool.schema);
    out.EndObject().EndObject();
  }
  out.EndArray();
}

/// The provider's own state, as the decoder packed it.
json::View OpaqueOf(const Message& message, std::optional<json::Document>& document) {
  for (const Part& part : message.parts) {
    const auto* const reasoning = std::get_if<Reasoning>(&part);
    if (reasoning == nullptr || reasoning->opaque.empty()) continue;
    if (auto parsed = json::Document::Parse(reasoning->opaque); parsed.ok()) {
      document.emplace(std::move(parsed).value());
      return document->root();
    }
  }
  return {};
}

void WriteAssistant(json::Writer& out, const Message& message, const ChatDialect& dialect) {
  const std::string text = TextOf(message);
  const std::vector<ToolCall> calls = CallsOf(message);
  out.BeginObject().Member("role", "assistant");
  if (text.empty() && !calls.empty() && dialect.null_content) {
    out.Key("content").Null();
  } else {
    out.Member("content", text);
  }
  if (!calls.empty()) {
    std::optional<json::Document> document;
    const json::View opaque = OpaqueOf(message, document);
    // Thinking models want their thoughts back beside the calls that came of them, and refuse them elsewhere.
    if (const auto thoughts = opaque["reasoning_content"].string()) out.Member("reasoning_content", *thoughts);
    out.Key("tool_calls").BeginArray();
    for (std::size_t i = 0; i < calls.size(); ++i) {
      out.BeginObject().Member("id", calls[i].id).Member("type", "function").Key("function").BeginObject();
      out.Member("name", calls[i].name).Member("arguments", calls[i].args).EndObject();
      const json::View extra = opaque["extra_content"][i];
      if (!extra.is_null()) out.Key("extra_content").Raw(extra.Dump());
      out.EndObject();
    }
    out.EndArray();
  }
  out.EndObject();
}

void WriteResults(json::Writer& out, const Message& message) {
  for (const Part& part : message.parts) {
    const auto* const result = std::get_if<ToolResult>(&part);
    if (result == nullptr) continue;
    // The format has no error flag.
    const bool mark = result->is_error && !result->text.starts_with("Error");
    out.BeginObject().Member("role", "tool").Member("tool_call_id", result->call_id);
    out.Member("content", mark ? "Error: " + result->text : result->text).EndObject();
  }
}

void WriteMessage(json::Writer& out, const Message& message, const ChatDialect& dialect) {
  switch (message.role) {
    case Role::kSystem:
      out.BeginObject().Member("role", "system").Member("content", TextOf(message)).EndObject();
      return;
    case Role::kUser:
      out.BeginObject().Member("role", "user").Member("content", TextOf(message)).EndObject();
      return;
    case Role::kAssistant:
      return WriteAssistant(out, message, dialect);
    case Role::kTool:
      return WriteResults(out, message);
  }
}

}  // namespace

std::string EncodeOpenAiChat(const std::string& model, const ModelRequest& request, const ChatDialect& dialect) {
  json::Writer out;
  out.BeginObject().Member("model", model);
  WriteOptions(out, request.options, dialect);
  WriteTools(out, request.tools);
  out.Key("messages").BeginArray();
  for (const Message& message : request.messages) WriteMessage(out, message, dialect);
  out.EndArray().EndObject();
  return out.Take();
}

}  // namespace rune::agent
