/// Decodes the OpenAI Responses wire format (https://platform.openai.com/docs/api-reference/responses). Every reasoning
/// item is one Reasoning part, whose opaque text is {"type":"reasoning", ...}, in its place before what came of it. One
/// whose opaque text is {"phase": ...} belongs to the text behind it.

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "agent/wires/call_assembler.h"
#include "agent/wires/codec.h"
#include "agent/wires/stream_decoder.h"

namespace rune::agent {
namespace {

/// One element of "output", as far as it has come.
struct Item {
  enum class Kind : std::uint8_t { kOther, kMessage, kCall, kReasoning };
  Kind kind = Kind::kOther;
  std::int64_t index = 0;
  std::map<std::int64_t, std::string> texts;  ///< Of kMessage, by content_index.
  std::string phase;
  std::string call_id;
  std::string name;
  std::string args;
  std::string thought;
  std::string sealed;  ///< Of kReasoning: the item to send back, or empty.
};

Item::Kind KindOf(std::string_view type) {
  if (type == "message") return Item::Kind::kMessage;
  if (type == "function_call") return Item::Kind::kCall;
  return type == "reasoning" ? Item::Kind::kReasoning : Item::Kind::kOther;
}

/// What may go back: a server that stores nothing knows an item only by its sealed content.
std::string SealedOf(const json::View& item) {
  const std::string sealed = item["encrypted_content"].Text();
  if (sealed.empty()) return {};
  json::Writer out;
  out.BeginObject().Member("type", "reasoning");
  if (const auto id = item["id"].string()) out.Member("id", *id);
  out.Key("summary").Raw(item["summary"].type() == json::Type::kArray ? item["summary"].Dump() : "[]");
  return out.Member("encrypted_content", sealed).EndObject().Take();
}

std::string SummaryOf(const json::View& summary) {
  std::string text;
  for (std::size_t i = 0; i < summary.size(); ++i) text += (i > 0 ? "\n\n" : "") + summary[i]["text"].Text();
  return text;
}

class ResponsesDecoder : public StreamDecoder {
 public:
  ResponsesDecoder(const std::string& content_type, const DecoderLimits& limits)
      : StreamDecoder(content_type, limits) {}

 private:
  void Take(const json::View& root, const TextSink& on_text) override;
  bool ended() const override { return ended_; }
  void Report(Decoded& decoded) const override {
    decoded.usage = usage_;
    decoded.usage_known = usage_known_;
    decoded.model = model_;
  }
  void Conclude(Decoded& decoded, const TextSink& on_text) override;

  void TakeItemEvent(std::string_view what, const json::View& event, const TextSink& on_text);
  void TakeItem(Item& item, const json::View& view, const TextSink& on_text);
  void TakeText(Item& item, std::int64_t content, std::string_view whole, const TextSink& on_text);
  void TakeEnd(const json::View& response, const TextSink& on_text);
  void TakeUsage(const json::View& usage);
  void Replace(std::string& text, std::string_view whole);
  Item& ItemAt(const json::View& index, Item::Kind kind);
  Item& MakeItem(std::int64_t index, Item::Kind kind);
  void Become(Item& item, Item::Kind kind);
  Stop StopOf() const;

  std::vector<Item> items_;
  std::size_t calls_ = 0;  // among them
  std::string refusal_;
  std::string incomplete_;  // why, or empty
  bool ended_ = false;
  Usage usage_;
  bool usage_known_ = false;
  std::string model_;
};

void ResponsesDecoder::Take(const json::View& root, const TextSink& on_text) {
  const std::string type = root["type"].Text();
  const json::View response = root["response"];
  if (model_.empty()) model_ = response["model"].Text();
  if (type.empty() && root["output"].type() == json::Type::kArray) {
    TakeEnd(root, on_text);  // the whole answer in one piece
  } else if (type == "response.completed" || type == "response.incomplete" || type == "response.failed") {
    TakeEnd(response, on_text);
  } else if (type.starts_with("response.")) {
    TakeItemEvent(std::string_view(type).substr(9), root, on_text);
  }
}

/// The place in the output says what belongs together. Ids do not: there are servers that change them with every event.
Item& ResponsesDecoder::ItemAt(const json::View& index, Item::Kind kind) {
  const auto number = index.integer();
  const auto found = std::find_if(items_.rbegin(), items_.rend(), [&](const Item& item) {
    return number ? item.index == *number : kind == Item::Kind::kOther || item.kind == kind;
  });
  if (found != items_.rend()) return *found;
  return MakeItem(number.value_or(static_cast<std::int64_t>(items_.size())), kind);
}

Item& ResponsesDecoder::MakeItem(std::int64_t index, Item::Kind kind) {
  Item& made = items_.emplace_back();
  made.index = index;
  Become(made, kind);
  CheckParts(items_.size());
  return made;
}

void ResponsesDecoder::Become(Item& item, Item::Kind kind) {
  if (item.kind == Item::Kind::kCall) --calls_;
  item.kind = kind;
  if (item.kind == Item::Kind::kCall) CheckCalls(++calls_);
}

void ResponsesDecoder::TakeItemEvent(std::string_view what, const json::View& event, const TextSink& on_text) {
  const json::View index = event["output_index"];
  const std::string_view delta = event["delta"].string().value_or("");
  const auto content = event["content_index"].integer().value_or(0);
  if (what == "output_item.added" || what == "output_item.done") {
    const Item::Kind kind = KindOf(event["item"]["type"].string().value_or(""));
    // Without an index an item that begins is a new one.
    if (!index.integer() && what == "output_item.added") {
      MakeItem(static_cast<std::int64_t>(items_.size()), kind);
    }
    Item& item = ItemAt(index, kind);
    if (kind != Item::Kind::kReasoning || what == "output_item.done") TakeItem(item, event["item"], on_text);
  } else if (what == "output_text.delta") {
    Deliver(ItemAt(index, Item::Kind::kMessage).texts[content], delta, on_text);
  } else if (what == "output_text.done") {
    TakeText(ItemAt(index, Item::Kind::kMessage), content, event["text"].string().value_or(""), on_text);
  } else if (what == "refusal.delta") {
    if (Count(delta.size())) refusal_ += delta;
  } else if (what == "refusal.done") {
    Replace(refusal_, event["refusal"].string().value_or(""));
  } else if (what == "function_call_arguments.delta") {
    if (Count(delta.size())) ItemAt(index, Item::Kind::kCall).args += delta;
  } else if (what == "function_call_arguments.done") {
    Item& item = ItemAt(index, Item::Kind::kCall);
    Replace(item.args, event["arguments"].string().value_or(""));
    if (item.name.empty()) item.name = event["name"].Text();
  } else if (what == "reasoning_summary_text.delta" || what == "reasoning_text.delta") {
    if (Count(delta.size())) ItemAt(index, Item::Kind::kReasoning).thought += delta;
  }
}

/// The complete value, which some servers send without any deltas before it.
void ResponsesDecoder::Replace(std::string& text, std::string_view whole) {
  if (whole.empty() || whole == text || !Count(whole.size() - std::min(whole.size(), text.size()))) return;
  text = whole;
}

/// What was delivered cannot be taken back, so only what is missing is added.
void ResponsesDecoder::TakeText(Item& item, std::int64_t content, std::string_view whole, const TextSink& on_text) {
  std::string& text = item.texts[content];
  if (whole.starts_with(text)) Deliver(text, whole.substr(text.size()), on_text);
}

/// An item as it begins, or as it has ended.
void ResponsesDecoder::TakeItem(Item& item, const json::View& view, const TextSink& on_text) {
  if (const Item::Kind kind = KindOf(view["type"].string().value_or("")); kind != Item::Kind::kOther)
    Become(item, kind);
  switch (item.kind) {
    case Item::Kind::kMessage: {
      if (const auto phase = view["phase"].string()) item.phase = *phase;
      const json::View content = view["content"];
      for (std::size_t i = 0; i < content.size(); ++i) {
        const auto at = static_cast<std::int64_t>(i);
        if (const auto text = content[i]["text"].string()) TakeText(item, at, *text, on_text);
        Replace(refusal_, content[i]["refusal"].string().value_or(""));
      }
      return;
    }
    case Item::Kind::kCall:
      if (item.call_id.empty()) item.call_id = view["call_id"].Text();
      if (item.call_id.empty()) item.call_id = view["id"].Text();
      Replace(item.name, view["name"].string().value_or(""));
      Replace(item.args, view["arguments"].string().value_or(""));
      return;
    case Item::Kind::kReasoning:
      item.sealed = SealedOf(view);
      Count(item.sealed.size());
      Replace(item.thought, SummaryOf(view["summary"]));
      return;
    case Item::Kind::kOther:
      return;
  }
}

void ResponsesDecoder::TakeEnd(const json::View& response, const TextSink& on_text) {
  TakeUsage(response["usage"]);
  const std::string status = response["status"].Text();
  if (status == "failed" || !response["error"].is_null()) {
    ServerError error = ReadServerError(response);
    if (!error.found) error.message = "the response failed, and the server does not say why";
    return FailWith(std::move(error));
  }
  if (status == "incomplete") {
    incomplete_ = response["incomplete_details"]["reason"].Text();
    if (incomplete_.empty()) incomplete_ = "unknown";
  }
  if (model_.empty()) model_ = response["model"].Text();
  const json::View output = response["output"];
  const bool nothing_yet = items_.empty();
  for (std::size_t i = 0; nothing_yet && i < output.size() && !settled(); ++i) {
    TakeItem(MakeItem(static_cast<std::int64_t>(i), Item::Kind::kOther), output[i], on_text);
  }
  ended_ = true;
  Settle();
}

void ResponsesDecoder::TakeUsage(const json::View& usage) {
  const auto input = TokenCount(usage["input_tokens"]);
  const auto output = TokenCount(usage["output_tokens"]);
  if (!input && !output) return;
  usage_known_ = true;
  usage_ = {.input = input.value_or(0), .output = output.value_or(0)};
  const json::View details = usage["input_tokens_details"];
  usage_.cached = std::min(TokenCount(details["cached_tokens"]).value_or(0), usage_.input);
  usage_.cache_write = std::min(TokenCount(details["cache_write_tokens"]).value_or(0), usage_.input);
  usage_.reasoning =
      std::min(TokenCount(usage["output_tokens_details"]["reasoning_tokens"]).value_or(0), usage_.output);
}

Stop ResponsesDecoder::StopOf() const {
  if (incomplete_ == "content_filter" || !refusal_.empty()) return Stop::kFiltered;
  if (!incomplete_.empty()) return Stop::kLength;
  return calls_ > 0 ? Stop::kToolCalls : Stop::kEnd;
}

void ResponsesDecoder::Conclude(Decoded& decoded, const TextSink& on_text) {
  std::sort(items_.begin(), items_.end(), [](const Item& a, const Item& b) { return a.index < b.index; });
  Message& message = decoded.message;
  message.stop = StopOf();
  for (Item& item : items_) {
    if (item.kind == Item::Kind::kReasoning && (!item.thought.empty() || !item.sealed.empty())) {
      message.parts.emplace_back(Reasoning{std::move(item.thought), std::move(item.sealed)});
    }
    if (item.kind == Item::Kind::kMessage) {
      std::string text;
      for (const auto& [at, piece] : item.texts) text += piece;
      if (text.empty()) continue;
      if (!item.phase.empty()) {
        message.parts.emplace_back(
            Reasoning{"", json::Writer().BeginObject().Member("phase", item.phase).EndObject().Take()});
      }
      message.parts.emplace_back(Text{std::move(text)});
    }
    if (item.kind == Item::Kind::kCall) {
      message.parts.emplace_back(ToolCall{item.call_id, item.name, TidyArguments(item.args)});
    }
  }
  if (TextOf(message).empty() && !refusal_.empty()) {
    Deliver(message.parts.emplace_back(Text{}).emplace<Text>().text, refusal_, on_text);
  }
}

}  // namespace

std::unique_ptr<Decoder> MakeOpenAiResponsesDecoder(const std::string& content_type, const DecoderLimits& limits) {
  return std::make_unique<ResponsesDecoder>(content_type, limits);
}

}  // namespace rune::agent
