/// Encodes the Anthropic Messages wire format (https://docs.anthropic.com/en/api/messages). `messages` is the last
/// member. With Caps::cache_marks, cache_control stands in at most three places: behind the system prompt (behind the
/// tools when there is none), and behind the last two user turns. The newest mark stores what this request adds, the
/// one before it is where the previous request stored, so that it is found however many blocks lie between. Servers
/// leave the marks out of the comparison; apart from them request k, less its closing brackets, is a byte prefix of
/// request k+1.

#include <algorithm>
#include <string_view>
#include <variant>

#include "agent/wires/base64.h"
#include "agent/wires/codec.h"
#include "agent/wires/effort.h"
#include "agent/wires/encoding.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::uint64_t kDefaultMaxTokens = 8192;  // the field is required; every model allows this much
constexpr std::uint64_t kLeastBudget = 1024;       // of thinking, by the protocol
constexpr std::size_t kMarkedTurns = 2;

std::uint64_t BudgetOf(Thinking thinking) {
  switch (thinking) {
    case Thinking::kDefault:
    case Thinking::kOff:
      return 0;
    case Thinking::kLow:
      return 4096;
    case Thinking::kMedium:
      return 8192;
    case Thinking::kHigh:
      return 16384;
    case Thinking::kXHigh:
      return 32000;  // half of what the models give out
  }
  std::abort();
}

/// Its own words for the two ends.
std::string_view EffortOf(Thinking thinking) {
  if (thinking == Thinking::kOff) return "";
  return thinking == Thinking::kXHigh ? "max" : EffortName(thinking);
}

/// Only what our decoder wrote down: another wire's state may stand under the same model's name.
bool IsThought(const Part& part) {
  const auto* const reasoning = std::get_if<Reasoning>(&part);
  return reasoning != nullptr && (reasoning->opaque.starts_with(R"({"type":"thinking",)") ||
                                  reasoning->opaque.starts_with(R"({"type":"redacted_thinking",)"));
}

bool IsUserTurn(const Message& message) { return message.role == Role::kUser || message.role == Role::kTool; }

bool HasCalls(const Message& message) {
  return std::any_of(message.parts.begin(), message.parts.end(),
                     [](const Part& part) { return std::holds_alternative<ToolCall>(part); });
}

/// Of the answer, when nobody has set one.
std::uint64_t UsualCap(const Caps& caps) {
  return caps.default_max_tokens > 0 ? caps.default_max_tokens : kDefaultMaxTokens;
}

/// The tokens to think with, at most half of all; 0: no budget is sent. A turn of calls that did not begin with a
/// thought (another model's) cannot go on with thinking: the server refuses it.
std::uint64_t ThinkingBudget(const ModelRequest& request, const Caps& caps) {
  if (!caps.thinking || caps.thinking_style != "budget") return 0;
  const std::uint64_t asked = request.options.max_output_tokens;
  const std::uint64_t room = asked > 0 ? asked : std::max(UsualCap(caps), caps.max_output);
  const std::uint64_t budget = std::min(BudgetOf(request.options.thinking), room / 2);
  if (budget < kLeastBudget) return 0;
  const auto& messages = request.messages;
  const auto last = std::find_if(messages.rbegin(), messages.rend(),
                                 [](const Message& message) { return message.role == Role::kAssistant; });
  const bool open = last != messages.rend() && HasCalls(*last);
  return open && !(caps.echo_reasoning && IsThought(last->parts.front())) ? 0 : budget;
}

class Encoder {
 public:
  Encoder(const ModelRequest& request, const Caps& caps) : request_(request), caps_(caps) {}

  std::string Run(const std::string& model) {
    out_.BeginObject().Member("model", model);
    WriteOptions();
    WriteSystem();
    WriteTools();
    WriteMessages();
    out_.EndObject();
    return out_.Take();
  }

 private:
  void WriteOptions() {
    const GenerationOptions& options = request_.options;
    const std::uint64_t budget = ThinkingBudget(request_, caps_);
    const std::uint64_t fallback = std::max(UsualCap(caps_), 2 * budget);
    out_.Member("max_tokens", options.max_output_tokens > 0 ? options.max_output_tokens : fallback);
    const bool adaptive = caps_.thinking && caps_.thinking_style == "adaptive";
    const std::string_view effort = adaptive ? EffortOf(options.thinking) : "";
    if (budget > 0) {
      out_.Key("thinking").BeginObject().Member("type", "enabled").Member("budget_tokens", budget).EndObject();
    } else if (!effort.empty()) {
      out_.Key("thinking").BeginObject().Member("type", "adaptive").EndObject();
    } else if (adaptive && options.thinking == Thinking::kOff) {
      out_.Key("thinking").BeginObject().Member("type", "disabled").EndObject();
    }
    // Refused beside thinking.
    if (options.temperature && caps_.temperature && budget == 0 && effort.empty())
      out_.Key("temperature").Double(std::clamp(*options.temperature, 0.0, 1.0));
    const bool schema = !options.schema.empty() && caps_.json_schema;
    if (schema || !effort.empty()) {
      out_.Key("output_config").BeginObject();
      if (!effort.empty()) out_.Member("effort", effort);
      if (schema) {
        out_.Key("format").BeginObject().Member("type", "json_schema").Key("schema").Raw(options.schema).EndObject();
      }
      out_.EndObject();
    }
    out_.Member("stream", options.stream);
  }

  void WriteMark() {
    if (caps_.cache_marks) out_.Key("cache_control").BeginObject().Member("type", "ephemeral").EndObject();
  }

  bool HasSystem() const { return !request_.messages.empty() && request_.messages.front().role == Role::kSystem; }

  void WriteSystem() {
    if (!HasSystem()) return;
    out_.Key("system").BeginArray().BeginObject();
    out_.Member("type", "text").Member("text", TextOf(request_.messages.front()));
    WriteMark();
    out_.EndObject().EndArray();
  }

  void WriteTools() {
    const std::vector<ToolSpec>& tools = request_.tools;
    const bool called = std::any_of(request_.messages.begin(), request_.messages.end(), HasCalls);
    if (tools.empty() && !called) return;  // an empty list is an error to some servers
    out_.Key("tools").BeginArray();
    for (const ToolSpec& tool : tools) {
      out_.BeginObject().Member("name", tool.name).Member("description", tool.description);
      out_.Key("input_schema").Raw(tool.schema);
      if (!HasSystem() && &tool == &tools.back()) WriteMark();
      out_.EndObject();
    }
    if (tools.empty()) {
      // Calls in a conversation without tools are refused.
      out_.BeginObject().Member("name", "unavailable").Member("description", "Cannot be called.");
      out_.Key("input_schema").Raw(R"({"type":"object","properties":{}})").EndObject();
    }
    out_.EndArray();
    if (tools.empty()) out_.Key("tool_choice").BeginObject().Member("type", "none").EndObject();
  }

  /// Results and the user's words behind them are one turn: the roles alternate.
  void WriteMessages() {
    const std::vector<Message>& messages = request_.messages;
    std::vector<std::size_t> ends;  // of user turns
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const bool last = i + 1 == messages.size() || !IsUserTurn(messages[i + 1]);
      if (IsUserTurn(messages[i]) && last) ends.push_back(i);
    }
    const std::size_t first_marked = ends.empty() ? 0 : ends[ends.size() - std::min(ends.size(), kMarkedTurns)];
    out_.Key("messages").BeginArray();
    bool in_user_turn = false;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const Message& message = messages[i];
      if (message.role == Role::kSystem) continue;
      if (!in_user_turn) {
        out_.BeginObject().Member("role", IsUserTurn(message) ? "user" : "assistant").Key("content").BeginArray();
      }
      WriteParts(message);
      in_user_turn = IsUserTurn(message) && !std::binary_search(ends.begin(), ends.end(), i);
      if (in_user_turn) continue;
      if (IsUserTurn(message) && i >= first_marked) WriteMark();
      EndBlock();
      out_.EndArray().EndObject();
    }
    out_.EndArray();
  }

  /// A block stays open until the next one begins or the turn ends, for the mark belongs into the last one.
  void BeginBlock(std::string_view type) {
    EndBlock();
    out_.BeginObject().Member("type", type);
    block_open_ = true;
  }
  void EndBlock() {
    if (block_open_) out_.EndObject();
    block_open_ = false;
  }

  void WriteText(std::string_view text) {
    if (IsBlank(text)) return;  // refused
    BeginBlock("text");
    out_.Member("text", text);
  }

  void WriteImage(const Image& image) {
    BeginBlock("image");
    out_.Key("source").BeginObject();
    out_.Member("type", "base64").Member("media_type", image.media_type).Key("data");
    WriteBase64(out_, image.data);
    out_.EndObject();
  }

  void WriteParts(const Message& message) {
    for (const Part& part : message.parts) {
      if (const auto* const text = std::get_if<Text>(&part)) {
        WriteText(text->text);
      } else if (const auto* const image = std::get_if<Image>(&part)) {
        WriteImage(*image);
      } else if (const auto* const reasoning = std::get_if<Reasoning>(&part)) {
        if (!caps_.echo_reasoning || !IsThought(part)) continue;
        EndBlock();
        out_.Raw(reasoning->opaque);
      } else if (const auto* const call = std::get_if<ToolCall>(&part)) {
        BeginBlock("tool_use");
        out_.Member("id", call->id).Member("name", call->name).Key("input").Raw(call->args);
      } else if (const auto* const result = std::get_if<ToolResult>(&part)) {
        WriteResult(*result);
      }
    }
    if (message.role == Role::kTool && !caps_.tool_images) WriteImagesBehindResults(message);
  }

  void WriteResult(const ToolResult& result) {
    BeginBlock("tool_result");
    out_.Member("tool_use_id", result.call_id).Key("content");
    // An error must not be empty.
    const std::string_view text = result.is_error && IsBlank(result.text) ? "error" : std::string_view(result.text);
    if (result.images.empty() || !caps_.tool_images) {
      out_.String(text);
    } else {
      block_open_ = false;  // the blocks inside have the same form
      out_.BeginArray();
      WriteText(text);
      for (const Image& image : result.images) WriteImage(image);
      EndBlock();
      out_.EndArray();
      block_open_ = true;
    }
    if (result.is_error) out_.Member("is_error", true);
  }

  /// Never between results: the server wants those first.
  void WriteImagesBehindResults(const Message& message) {
    for (const ToolResult* const result : ResultsWithImages(message)) {
      WriteText(PicturesCaption(*result));
      for (const Image& image : result->images) WriteImage(image);
    }
  }

  const ModelRequest& request_;
  const Caps& caps_;
  json::Writer out_;
  bool block_open_ = false;
};

}  // namespace

WireRequest EncodeAnthropicMessages(const std::string& model, const ModelRequest& request, const Caps& caps) {
  return {.body = Encoder(request, caps).Run(model)};
}

}  // namespace rune::agent
