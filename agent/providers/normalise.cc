#include "agent/providers/normalise.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "agent/json/json.h"
#include "agent/providers/call_assembler.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::size_t kMaxId = 40;  // OpenAI's limit
constexpr std::size_t kMaxName = 64;
constexpr std::string_view kNoResult = "no result: the call was cancelled";

bool IsWordChar(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

std::string Scrub(const std::string& text) {
  std::string out = IsValidUtf8(text) ? text : ScrubUtf8(text);
  for (std::size_t at = out.find('\0'); at != std::string::npos; at = out.find('\0', at + 3)) {
    out.replace(at, 1, "\xEF\xBF\xBD");  // databases behind gateways refuse NUL
  }
  return out;
}

std::string LegalName(const std::string& name) {
  std::string out = name.substr(0, kMaxName);
  for (char& c : out) c = IsWordChar(c) ? c : '_';
  return out.empty() ? "unnamed" : out;
}

/// Head and tail of an over-long text.
std::string Cap(const std::string& text, std::size_t limit) {
  constexpr std::string_view kMarker = "\n[... cut ...]\n";
  if (text.size() <= limit || limit < 2 * kMarker.size()) return text;
  const std::size_t half = (limit - kMarker.size()) / 2;
  return std::string(Utf8Prefix(text, half)).append(kMarker).append(Utf8Suffix(text, half));
}

std::string ObjectArguments(const std::string& args) {
  const std::string tidy = TidyArguments(Scrub(args));
  if (IsJsonObject(tidy)) return tidy;
  return json::Writer().BeginObject().Member("invalid_json", tidy).EndObject().Take();
}

/// Hands out ids that are unique and legal. Depends on nothing but what came before.
class Ids {
 public:
  void BeginTurn() {
    ++turn_;
    call_ = 0;
  }
  std::string Claim(const std::string& id) {
    ++call_;
    const bool legal = !id.empty() && id.size() <= kMaxId && std::all_of(id.begin(), id.end(), IsWordChar);
    if (legal && used_.insert(id).second) return id;
    std::string made = "call_" + std::to_string(turn_) + "_" + std::to_string(call_);
    while (!used_.insert(made).second) made += "x";
    return made;
  }

 private:
  std::set<std::string> used_;
  std::size_t turn_ = 0;
  std::size_t call_ = 0;
};

void AppendText(Message& message, const std::string& text) {
  for (Part& part : message.parts) {
    if (auto* const existing = std::get_if<Text>(&part)) {
      existing->text += "\n\n" + text;
      return;
    }
  }
  message.parts.emplace_back(Text{text});
}

class Normaliser {
 public:
  Normaliser(const std::vector<Message>& messages, const NormaliseOptions& options)
      : messages_(messages), options_(options) {}

  std::vector<Message> Run() {
    TakeSystem();
    for (std::size_t i = 0; i < messages_.size(); ++i) {
      switch (messages_[i].role) {
        case Role::kSystem:
          break;
        case Role::kUser:
          AddUser(Scrub(TextOf(messages_[i])));
          break;
        case Role::kAssistant:
          TakeAssistant(i);
          break;
        case Role::kTool:
          if (!taken_.contains(i)) AddOrphans(messages_[i]);
          break;
      }
    }
    const bool open = out_.empty() || out_.back().role == Role::kSystem || out_.back().role == Role::kAssistant;
    if (open) AddUser("Continue.");
    return std::move(out_);
  }

 private:
  void TakeSystem() {
    std::string text;
    for (const Message& message : messages_) {
      if (message.role != Role::kSystem) continue;
      const std::string piece = Scrub(TextOf(message));
      if (!piece.empty()) text += (text.empty() ? "" : "\n\n") + piece;
    }
    if (!text.empty()) out_.push_back(MakeText(Role::kSystem, text));
  }

  void AddUser(const std::string& text) {
    if (text.empty()) return;
    if (!out_.empty() && out_.back().role == Role::kUser) return AppendText(out_.back(), text);
    out_.push_back(MakeText(Role::kUser, text));
  }

  /// Results that belong to no call: what they say is kept, as text.
  void AddOrphans(const Message& message) {
    for (const Part& part : message.parts) {
      const auto* const result = std::get_if<ToolResult>(&part);
      if (result != nullptr) AddUser(OrphanText(*result));
    }
  }
  std::string OrphanText(const ToolResult& result) const {
    return "[result of an earlier call of " + LegalName(result.name) + "] " +
           Cap(Scrub(result.text), options_.max_result_bytes);
  }

  void TakeAssistant(std::size_t at) {
    const Message& message = messages_[at];
    const bool ours = message.origin == options_.origin;
    Message clean{.role = Role::kAssistant, .origin = message.origin, .stop = message.stop};
    std::vector<std::string> original_ids;
    ids_.BeginTurn();
    bool says_anything = false;
    for (const Part& part : message.parts) {
      if (const auto* const text = std::get_if<Text>(&part)) {
        if (text->text.empty()) continue;
        says_anything = true;
        clean.parts.emplace_back(Text{Scrub(text->text)});
      } else if (const auto* const call = std::get_if<ToolCall>(&part)) {
        original_ids.push_back(call->id);
        says_anything = true;
        clean.parts.emplace_back(ToolCall{ids_.Claim(call->id), LegalName(call->name), ObjectArguments(call->args)});
      } else if (const auto* const reasoning = std::get_if<Reasoning>(&part)) {
        // A thought without its provider's seal is of no use to any model, and tempts it to write tags.
        if (ours && !reasoning->opaque.empty()) clean.parts.emplace_back(*reasoning);
      }
    }
    if (!says_anything) return;
    if (out_.empty() || out_.back().role == Role::kSystem) AddUser("Continue.");
    if (out_.back().role == Role::kAssistant) {
      // It has no calls, else its results would stand between; so its state, which goes with calls, can go.
      Message& joined = out_.back();
      std::erase_if(joined.parts, [](const Part& part) { return std::holds_alternative<Reasoning>(part); });
      std::move(clean.parts.begin(), clean.parts.end(), std::back_inserter(joined.parts));
      joined.origin = clean.origin;
      joined.stop = clean.stop;
    } else {
      out_.push_back(std::move(clean));
    }
    if (!original_ids.empty()) TakeResults(at, CallsOf(out_.back()), original_ids);
  }

  /// Gathers the results of the turn at `at` from everything up to the next assistant message.
  void TakeResults(std::size_t at, const std::vector<ToolCall>& calls, const std::vector<std::string>& original_ids) {
    std::vector<const ToolResult*> pool;
    for (std::size_t i = at + 1; i < messages_.size() && messages_[i].role != Role::kAssistant; ++i) {
      if (messages_[i].role != Role::kTool) continue;
      taken_.insert(i);
      for (const Part& part : messages_[i].parts) {
        if (const auto* const result = std::get_if<ToolResult>(&part)) pool.push_back(result);
      }
    }
    Message results{.role = Role::kTool};
    for (std::size_t i = 0; i < calls.size(); ++i) {
      const auto found = std::find_if(pool.begin(), pool.end(), [&](const ToolResult* result) {
        return result != nullptr && result->call_id == original_ids[i];
      });
      ToolResult result{calls[i].id, calls[i].name, std::string(kNoResult), true};
      if (found != pool.end()) {
        result.text = Cap(Scrub((*found)->text), options_.max_result_bytes);
        result.is_error = (*found)->is_error;
        *found = nullptr;
      }
      results.parts.emplace_back(std::move(result));
    }
    out_.push_back(std::move(results));
    for (const ToolResult* const orphan : pool) {
      if (orphan != nullptr) AddUser(OrphanText(*orphan));
    }
  }

  const std::vector<Message>& messages_;
  const NormaliseOptions& options_;
  std::vector<Message> out_;
  std::set<std::size_t> taken_;  // tool messages whose results have found their place
  Ids ids_;
};

}  // namespace

std::vector<Message> Normalise(const std::vector<Message>& messages, const NormaliseOptions& options) {
  return Normaliser(messages, options).Run();
}

void AdoptReply(Message& reply, const std::vector<Message>& history) {
  Ids ids;
  for (const Message& message : history) {
    if (message.role != Role::kAssistant) continue;
    ids.BeginTurn();
    for (const ToolCall& call : CallsOf(message)) ids.Claim(call.id);
  }
  ids.BeginTurn();
  for (Part& part : reply.parts) {
    if (auto* const call = std::get_if<ToolCall>(&part)) call->id = ids.Claim(call->id);
  }
}

}  // namespace rune::agent
