#include <algorithm>
#include <optional>
#include <utility>

#include "agent/providers/cassette.h"
#include "sandbox/base/redaction.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

std::string Quote(const std::string& text) { return "\"" + OneLine(Redact(text), 80) + "\""; }

std::string Describe(const CassetteAsk::Result& result) {
  return "result " + OneLine(result.id + " of " + result.name, 80) + (result.is_error ? " (an error)" : "");
}

/// The item at `index`, in words, or what its absence means.
template <typename Items, typename InWords>
std::string ItemAt(const Items& items, std::size_t index, const std::string& noun, InWords in_words) {
  return index < items.size() ? in_words(items[index]) : "no " + noun;
}

/// The first thing in which two asks differ: `recorded ..., asked ...`. nullopt: none.
std::optional<std::string> Difference(const CassetteAsk& recorded, const CassetteAsk& asked) {
  const auto line = [](const std::string& left, const std::string& right) {
    return "recorded " + left + ", asked " + right;
  };
  for (std::size_t i = 0; i < std::max(recorded.results.size(), asked.results.size()); ++i) {
    if (i < recorded.results.size() && i < asked.results.size() && recorded.results[i] == asked.results[i]) continue;
    return line(ItemAt(recorded.results, i, "further tool result", Describe),
                ItemAt(asked.results, i, "further tool result", Describe));
  }
  const auto prompt = [](const std::string& text) { return "prompt " + Quote(text); };
  for (std::size_t i = 0; i < std::max(recorded.user.size(), asked.user.size()); ++i) {
    const bool both = i < recorded.user.size() && i < asked.user.size();
    // The recorder has taken the secrets out, so what is asked now may differ in them alone.
    if (both && (recorded.user[i] == asked.user[i] || recorded.user[i] == Redact(asked.user[i]))) continue;
    return line(ItemAt(recorded.user, i, "further prompt", prompt), ItemAt(asked.user, i, "further prompt", prompt));
  }
  return std::nullopt;
}

const ToolResult* FindResult(const std::vector<Message>& messages, const std::string& id) {
  for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
    for (const Part& part : message->parts) {
      const auto* const result = std::get_if<ToolResult>(&part);
      if (result != nullptr && result->call_id == id) return result;
    }
  }
  return nullptr;
}

std::string FillTemplate(const std::string& text, const std::vector<Message>& messages) {
  std::string out;
  std::size_t at = 0;
  while (true) {
    const std::size_t open = text.find("{{", at);
    const std::size_t close = open == std::string::npos ? open : text.find("}}", open);
    if (close == std::string::npos) return out + text.substr(at);
    out += text.substr(at, open - at);
    const ToolResult* const result = FindResult(messages, text.substr(open + 2, close - open - 2));
    if (result != nullptr) out += Trim(Split(result->text, '\n').front());
    at = close + 2;
  }
}

}  // namespace

ModelOutcome CassettePlayer::Complete(const ModelRequest& request, const TextSink& on_text) {
  if (loop_.interrupted_by()) return ModelError{ModelErrorKind::kCancelled, "the run was interrupted"};
  if (Clock::now() >= request.deadline) return ModelError{ModelErrorKind::kDeadline, "the run's time was up"};
  const std::vector<CassetteExchange>& exchanges = cassette_.exchanges;
  const CassetteAsk asked = AskOf(request.messages);
  const std::size_t tries = asked.results.empty() ? exchanges.size() : 1;
  std::optional<std::size_t> match;
  for (std::size_t i = 0; i < tries && !match; ++i) {
    const std::size_t candidate = asked.results.empty() ? (next_ + i) % exchanges.size() : next_;
    if (candidate < exchanges.size() && !Difference(exchanges[candidate].ask, asked)) match = candidate;
  }
  if (!match) {
    const std::string place = "exchange " + std::to_string(next_ + 1) + ": ";
    const CassetteAsk recorded = next_ < exchanges.size() ? exchanges[next_].ask : CassetteAsk{};
    const std::string what = Difference(recorded, asked).value_or("recorded nothing, asked nothing");
    return ModelError{ModelErrorKind::kDiverged, place + what};
  }
  const CassetteExchange& exchange = exchanges[*match];
  next_ = *match + 1;
  ModelReply reply = exchange.reply;
  reply.message.origin = provider() + "/" + model();
  for (Part& part : reply.message.parts) {
    auto* const text = std::get_if<Text>(&part);
    if (text == nullptr) continue;
    if (exchange.is_template) text->text = FillTemplate(text->text, request.messages);
    if (on_text) on_text(text->text);
  }
  return reply;
}

}  // namespace rune::agent
