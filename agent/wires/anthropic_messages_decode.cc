/// Decodes the Anthropic Messages wire format (https://docs.anthropic.com/en/api/messages-streaming).

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "agent/wires/call_assembler.h"
#include "agent/wires/codec.h"
#include "agent/wires/stream_decoder.h"

namespace rune::agent {
namespace {

struct Block {
  enum class Kind : std::uint8_t { kText, kThinking, kRedacted, kCall, kOther };
  Kind kind = Kind::kOther;
  std::int64_t index = 0;
  std::string text;       ///< Of kText and kThinking; the arguments as streamed of kCall; the data of kRedacted.
  std::string signature;  ///< Of kThinking.
  std::string id;
  std::string name;
  std::string input;  ///< Of kCall: what the block began with.
};

Block::Kind KindOf(std::string_view type) {
  constexpr std::array<std::pair<std::string_view, Block::Kind>, 4> kKinds{{
      {"text", Block::Kind::kText},
      {"thinking", Block::Kind::kThinking},
      {"redacted_thinking", Block::Kind::kRedacted},
      {"tool_use", Block::Kind::kCall},
  }};
  const auto* const found =
      std::find_if(kKinds.begin(), kKinds.end(), [&](const auto& kind) { return kind.first == type; });
  return found == kKinds.end() ? Block::Kind::kOther : found->second;
}

/// The counts as they come; a field that is absent or null keeps what was known.
struct Counts {
  std::optional<std::uint64_t> input, cache_write, cache_read, output, thinking;

  void Take(const json::View& usage) {
    const auto take = [](std::optional<std::uint64_t>& field, const json::View& view) {
      if (const auto count = TokenCount(view)) field = count;
    };
    take(input, usage["input_tokens"]);
    take(cache_write, usage["cache_creation_input_tokens"]);
    take(cache_read, usage["cache_read_input_tokens"]);
    take(output, usage["output_tokens"]);
    take(thinking, usage["output_tokens_details"]["thinking_tokens"]);
  }
  /// The wire's input leaves out what went through the cache; ours is all of it.
  void Store(Decoded& decoded) const {
    decoded.usage_known = input.has_value() || output.has_value();
    decoded.usage = {.input = input.value_or(0) + cache_write.value_or(0) + cache_read.value_or(0),
                     .cached = cache_read.value_or(0),
                     .output = output.value_or(0),
                     .reasoning = std::min(thinking.value_or(0), output.value_or(0)),
                     .cache_write = cache_write.value_or(0)};
  }
};

class AnthropicDecoder : public StreamDecoder {
 public:
  AnthropicDecoder(const std::string& content_type, const DecoderLimits& limits)
      : StreamDecoder(content_type, limits) {}

 private:
  void Take(const json::View& root, const TextSink& on_text) override {
    const std::string type = root["type"].Text();
    if (type == "message_start") {
      StartMessage(root["message"], on_text);
    } else if (type == "content_block_start") {
      StartBlock(root["index"].integer(), root["content_block"], on_text);
    } else if (type == "content_block_delta") {
      TakeDelta(root["index"].integer(), root["delta"], on_text);
    } else if (type == "message_delta") {
      TakeStop(root["delta"]);
      counts_.Take(root["usage"]);
    } else if (type == "message_stop") {
      Settle();
    } else if (type == "message") {
      StartMessage(root, on_text);
      Settle();
    }  // "ping", "content_block_stop", and what is yet to be invented
  }
  bool ended() const override { return false; }  // nothing but message_stop ends it, and that settles it

  /// Also a whole message, which has its content already. A gateway that fails over in the middle begins once more
  /// with another id: nothing of what it sent before belongs to the new answer.
  void StartMessage(const json::View& message, const TextSink& on_text) {
    const std::string id = message["id"].Text();
    if (started_ && id == id_) return;
    if (started_ && delivered() && on_text) on_text("\n\n");
    started_ = true;
    id_ = id;
    blocks_.clear();
    calls_ = 0;
    counts_ = {};
    stop_reason_.clear();
    model_ = message["model"].Text();
    counts_.Take(message["usage"]);
    const json::View content = message["content"];
    for (std::size_t i = 0; i < content.size() && !settled(); ++i) StartBlock(std::nullopt, content[i], on_text);
    TakeStop(message);
  }

  void StartBlock(std::optional<std::int64_t> index, const json::View& content, const TextSink& on_text) {
    Block& block = blocks_.emplace_back();
    block.kind = KindOf(content["type"].Text());
    if (block.kind == Block::Kind::kCall) ++calls_;
    if (!CheckParts(blocks_.size()) || !CheckCalls(calls_)) return;
    block.index = index.value_or(static_cast<std::int64_t>(blocks_.size()) - 1);
    switch (block.kind) {
      case Block::Kind::kText:
        Deliver(block.text, content["text"].string().value_or(""), on_text);
        break;
      case Block::Kind::kThinking:
        block.text = content["thinking"].Text();
        block.signature = content["signature"].Text();
        break;
      case Block::Kind::kRedacted:
        block.text = content["data"].Text();
        break;
      case Block::Kind::kCall:
        block.id = content["id"].Text();
        block.name = content["name"].Text();
        if (const json::View input = content["input"]; input.size() > 0) block.input = input.Dump();
        break;
      case Block::Kind::kOther:
        break;
    }
    if (block.kind != Block::Kind::kText)
      Count(block.text.size() + block.signature.size() + block.id.size() + block.name.size() + block.input.size());
  }

  void TakeDelta(std::optional<std::int64_t> index, const json::View& delta, const TextSink& on_text) {
    const auto found = std::find_if(blocks_.rbegin(), blocks_.rend(),
                                    [&](const Block& block) { return !index || block.index == *index; });
    if (found == blocks_.rend()) return Fail(StreamFault::kMalformed, "a content_block_delta of no block");
    Block& block = *found;
    const std::string type = delta["type"].Text();
    if (type == "text_delta" && block.kind == Block::Kind::kText) {
      Deliver(block.text, delta["text"].string().value_or(""), on_text);
    } else if (type == "thinking_delta" && block.kind == Block::Kind::kThinking) {
      Append(block.text, delta["thinking"]);
    } else if (type == "input_json_delta" && block.kind == Block::Kind::kCall) {
      Append(block.text, delta["partial_json"]);
    } else if (type == "signature_delta" && block.kind == Block::Kind::kThinking) {
      block.signature.clear();  // it comes whole; what comes again replaces it
      Append(block.signature, delta["signature"]);
    }
  }

  void Append(std::string& to, const json::View& piece) {
    const std::string_view text = piece.string().value_or("");
    if (Count(text.size())) to += text;
  }

  void TakeStop(const json::View& delta) {
    if (stop_reason_.empty()) stop_reason_ = delta["stop_reason"].Text();
    if (const auto why = delta["stop_details"]["explanation"].string()) refusal_ = *why;
  }

  Stop StopOf() const {
    if (stop_reason_ == "refusal" || stop_reason_ == "sensitive") return Stop::kFiltered;
    if (stop_reason_ == "max_tokens") return Stop::kLength;
    if (calls_ > 0) return Stop::kToolCalls;
    if (stop_reason_ == "pause_turn") return Stop::kPaused;
    constexpr std::array<std::string_view, 4> kEnds{"end_turn", "stop_sequence", "tool_use", ""};
    return std::find(kEnds.begin(), kEnds.end(), stop_reason_) == kEnds.end() ? Stop::kUnknown : Stop::kEnd;
  }

  static void AddPart(Message& message, const Block& block) {
    switch (block.kind) {
      case Block::Kind::kText:
        if (!block.text.empty()) message.parts.emplace_back(Text{block.text});
        break;
      case Block::Kind::kThinking: {
        json::Writer out;  // unsigned, it is of no use to the server
        out.BeginObject().Member("type", "thinking").Member("thinking", block.text);
        out.Member("signature", block.signature).EndObject();
        message.parts.emplace_back(Reasoning{block.text, block.signature.empty() ? std::string() : out.Take()});
        break;
      }
      case Block::Kind::kRedacted: {
        json::Writer out;
        out.BeginObject().Member("type", "redacted_thinking").Member("data", block.text).EndObject();
        message.parts.emplace_back(Reasoning{"", out.Take()});
        break;
      }
      case Block::Kind::kCall:
        message.parts.emplace_back(
            ToolCall{block.id, block.name, TidyArguments(block.text.empty() ? block.input : block.text)});
        break;
      case Block::Kind::kOther:
        break;
    }
  }

  void Report(Decoded& decoded) const override {
    counts_.Store(decoded);
    decoded.model = model_;
  }

  void Conclude(Decoded& decoded, const TextSink& on_text) override {
    Message& message = decoded.message;
    message.stop = StopOf();
    if (stop_reason_ == "model_context_window_exceeded") return FailTooLong();
    for (const Block& block : blocks_) AddPart(message, block);
    if (!TextOf(message).empty()) return;
    if (message.stop == Stop::kUnknown)
      return FailWith({.message = "the answer ended with stop_reason \"" + stop_reason_ + "\""});
    if (message.stop == Stop::kFiltered && !refusal_.empty()) {
      std::string text;
      Deliver(text, refusal_, on_text);
      message.parts.emplace_back(Text{std::move(text)});
    }
  }

  bool started_ = false;
  std::string id_;
  std::string model_;
  std::string stop_reason_;  // the first that says anything
  std::string refusal_;
  std::vector<Block> blocks_;  // in the order of their beginnings
  std::size_t calls_ = 0;      // among them
  Counts counts_;
};

}  // namespace

std::unique_ptr<Decoder> MakeAnthropicMessagesDecoder(const std::string& content_type, const DecoderLimits& limits) {
  return std::make_unique<AnthropicDecoder>(content_type, limits);
}

}  // namespace rune::agent
