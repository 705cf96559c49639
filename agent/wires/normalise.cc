#include "agent/wires/normalise.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <utility>

#include "agent/json/json.h"
#include "agent/wires/call_assembler.h"
#include "agent/wires/encoding.h"
#include "sandbox/base/characters.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::size_t kMaxId = 40;  // OpenAI's limit
constexpr std::size_t kMaxName = 64;
constexpr std::string_view kNoResult = "no result: the call was cancelled";
constexpr std::string_view kGoOn = "Continue.";

bool IsWordChar(char c) { return IsAlphanumeric(c) || c == '_' || c == '-'; }

std::string Scrub(const std::string& text) {
  std::string out = IsValidUtf8(text) ? text : ScrubUtf8(text);
  for (std::size_t at = out.find('\0'); at != std::string::npos; at = out.find('\0', at + 3)) {
    out.replace(at, 1, "\xEF\xBF\xBD");  // databases behind gateways refuse NUL
  }
  return out;
}

/// The strictest want a letter or an underscore first.
std::string LegalName(const std::string& name) {
  std::string out = name;
  for (char& c : out) c = IsWordChar(c) ? c : '_';
  if (out.empty()) return "unnamed";
  if (out.front() == '-' || IsDigit(out.front())) out.insert(0, "_");
  return out.substr(0, kMaxName);
}

/// Head and tail of an over-long text.
std::string Cap(const std::string& text, std::size_t limit) {
  constexpr std::string_view kMarker = "\n[... cut ...]\n";
  if (text.size() <= limit || limit < 2 * kMarker.size()) return text;
  const std::size_t half = (limit - kMarker.size()) / 2;
  return std::string(Utf8Prefix(text, half)).append(kMarker).append(Utf8Suffix(text, half));
}

std::string ObjectArguments(const std::string& args) {
  // They are written as they are, where a server may be stricter than our reader.
  const std::string tidy = json::ReplaceLoneSurrogates(TidyArguments(Scrub(args)));
  const bool object = Trim(tidy).starts_with('{');  // with no byte order mark, which our reader passes over
  if (object && json::Document::Parse(tidy, "", {.unique_keys = true}).ok()) return tidy;
  return json::Writer().BeginObject().Member("invalid_json", tidy).EndObject().Take();
}

bool IsAlnum9(const std::string& id) {
  return id.size() == 9 &&
         std::all_of(id.begin(), id.end(), [](char c) { return IsWordChar(c) && c != '_' && c != '-'; });
}

/// Nine letters and digits that follow from `id` alone (FNV-1a, 64 bits).
std::string Alnum9Of(std::string_view id) {
  constexpr std::string_view kDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  std::string out;
  for (; out.size() < 9; hash /= kDigits.size()) out += kDigits[hash % kDigits.size()];
  return out;
}

/// Hands out ids that are unique and legal. Depends on nothing but what came before.
class Ids {
 public:
  explicit Ids(std::string_view rule = {}) : nine_(rule == "alnum9") {}
  void BeginTurn() {
    ++turn_;
    call_ = 0;
  }
  std::string Claim(const std::string& id) {
    ++call_;
    const bool legal = !id.empty() && id.size() <= kMaxId && std::all_of(id.begin(), id.end(), IsWordChar);
    std::string made = id;
    if (!legal || !used_.insert(id).second) {
      made = "call_" + std::to_string(turn_) + "_" + std::to_string(call_);
      while (!used_.insert(made).second) made += "x";
    }
    return nine_ ? ClaimNine(made) : made;
  }

 private:
  std::string ClaimNine(const std::string& id) {
    if (IsAlnum9(id) && used_nines_.insert(id).second) return id;
    std::string seed = id;
    std::string made = Alnum9Of(seed);
    while (!used_nines_.insert(made).second) made = Alnum9Of(seed += "x");
    return made;
  }

  bool nine_;
  std::set<std::string> used_nines_;
  std::set<std::string> used_;
  std::size_t turn_ = 0;
  std::size_t call_ = 0;
};

bool IsShowable(const Image& image) {
  constexpr std::array<std::string_view, 4> kTypes{"image/png", "image/jpeg", "image/gif", "image/webp"};
  return !image.data.empty() && std::find(kTypes.begin(), kTypes.end(), image.media_type) != kTypes.end();
}

/// The pictures that may be sent: the newest, as far as the room goes.
std::set<const Image*> ChooseImages(const std::vector<Message>& messages, const NormaliseOptions& options) {
  std::set<const Image*> chosen;
  std::size_t room = options.images ? options.max_bytes_of_all_images : 0;
  const auto choose = [&](const Image& image) {
    if (!IsShowable(image) || image.data.size() > std::min<std::uint64_t>(room, options.max_bytes_of_one_image)) return;
    room -= image.data.size();
    chosen.insert(&image);
  };
  for (auto message = messages.rbegin(); message != messages.rend(); ++message) {
    for (auto part = message->parts.rbegin(); part != message->parts.rend(); ++part) {
      if (const auto* const image = std::get_if<Image>(&*part)) choose(*image);
      if (const auto* const result = std::get_if<ToolResult>(&*part))
        std::for_each(result->images.rbegin(), result->images.rend(), choose);
    }
  }
  return chosen;
}

class Normaliser {
 public:
  Normaliser(const std::vector<Message>& messages, const NormaliseOptions& options)
      : messages_(messages), options_(options), images_(ChooseImages(messages, options)), ids_(options.id_rule) {}

  std::vector<Message> Run() {
    TakeSystem();
    for (std::size_t i = 0; i < messages_.size(); ++i) {
      switch (messages_[i].role) {
        case Role::kSystem:
          break;
        case Role::kUser:
          AddUser(SpeechOf(messages_[i]));
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
    if (open) AddGoOn();
    return std::move(out_);
  }

 private:
  void TakeSystem() {
    std::string text;
    for (const Message& message : messages_) {
      if (message.role != Role::kSystem) continue;
      const std::string piece = Scrub(TextOf(message));
      if (!IsBlank(piece)) text += (text.empty() ? "" : "\n\n") + piece;
    }
    if (!text.empty()) out_.push_back(MakeText(Role::kSystem, text));
  }

  /// Texts and pictures in their order; what cannot be sent is named in its place.
  std::vector<Part> SpeechOf(const Message& message) const {
    std::vector<Part> speech;
    const auto say = [&speech](const std::string& text) {
      if (!speech.empty() && std::holds_alternative<Text>(speech.back())) {
        std::get<Text>(speech.back()).text += text;
      } else {
        speech.emplace_back(Text{text});
      }
    };
    for (const Part& part : message.parts) {
      if (const auto* const text = std::get_if<Text>(&part)) say(Scrub(text->text));
      if (const auto* const image = std::get_if<Image>(&part)) {
        if (images_.contains(image)) {
          speech.emplace_back(*image);
        } else {
          say("[a picture that is not shown]");
        }
      }
    }
    std::erase_if(speech, [](const Part& part) {
      const auto* const text = std::get_if<Text>(&part);
      return text != nullptr && IsBlank(text->text);
    });
    return speech;
  }

  void AddUser(std::vector<Part> speech) {
    if (speech.empty()) return;
    if (out_.empty() || out_.back().role != Role::kUser) {
      out_.push_back({.role = Role::kUser, .parts = std::move(speech)});
      return;
    }
    std::vector<Part>& parts = out_.back().parts;
    auto* const last = std::get_if<Text>(&parts.back());
    const auto* const first = std::get_if<Text>(&speech.front());
    const bool join = last != nullptr && first != nullptr;
    if (join) last->text += "\n\n" + first->text;
    std::move(speech.begin() + (join ? 1 : 0), speech.end(), std::back_inserter(parts));
  }
  void AddGoOn() { AddUser({Text{std::string(kGoOn)}}); }

  /// What a tool said, without what cannot be sent.
  ToolResult Cleaned(const ToolResult& result) const {
    ToolResult clean{.call_id = result.call_id,
                     .name = LegalName(result.name),
                     .text = Scrub(result.text),
                     .is_error = result.is_error,
                     .images = {}};
    for (const Image& image : result.images) {
      if (images_.contains(&image)) {
        clean.images.push_back(image);
      } else {
        clean.text += "\n[a picture that is not shown]";
      }
    }
    clean.text = Cap(clean.text, options_.max_result_bytes);
    return clean;
  }

  /// A result that belongs to no call: what it says is kept, as the user's words.
  void AddOrphan(const ToolResult& orphan) {
    ToolResult clean = Cleaned(orphan);
    std::vector<Part> speech{Text{"[result of an earlier call of " + clean.name + "] " + clean.text}};
    std::move(clean.images.begin(), clean.images.end(), std::back_inserter(speech));
    AddUser(std::move(speech));
  }
  void AddOrphans(const Message& message) {
    for (const ToolResult* const result : ResultsOf(message)) AddOrphan(*result);
  }

  void TakeAssistant(std::size_t at) {
    const Message& message = messages_[at];
    Message clean{.role = Role::kAssistant, .origin = message.origin, .stop = message.stop};
    // State goes back to where it came from. It must be whole: it is written as it is.
    const auto may_go = [&](const std::string& opaque) {
      return message.origin == options_.origin && !opaque.empty() && IsJsonObject(opaque);
    };
    std::vector<std::string> original_ids;
    ids_.BeginTurn();
    bool says_anything = false;
    for (const Part& part : message.parts) {
      if (const auto* const text = std::get_if<Text>(&part)) {
        if (text->text.empty()) continue;
        says_anything = says_anything || !IsBlank(text->text);
        clean.parts.emplace_back(Text{Scrub(text->text)});
      } else if (const auto* const call = std::get_if<ToolCall>(&part)) {
        original_ids.push_back(call->id);
        says_anything = true;
        clean.parts.emplace_back(ToolCall{.id = ids_.Claim(call->id),
                                          .name = LegalName(call->name),
                                          .args = ObjectArguments(call->args),
                                          .opaque = may_go(call->opaque) ? call->opaque : ""});
      } else if (const auto* const reasoning = std::get_if<Reasoning>(&part)) {
        // A thought without its provider's seal is of no use to any model, and tempts it to write tags.
        if (may_go(reasoning->opaque)) clean.parts.emplace_back(*reasoning);
      }
    }
    if (!says_anything) return;
    // The roles alternate: between two answers stands what the first one was sent back with.
    if (out_.empty() || out_.back().role == Role::kSystem || out_.back().role == Role::kAssistant) AddGoOn();
    out_.push_back(std::move(clean));
    if (!original_ids.empty()) TakeResults(at, CallsOf(out_.back()), original_ids);
  }

  /// Gathers the results of the turn at `at` from everything up to the next assistant message.
  void TakeResults(std::size_t at, const std::vector<ToolCall>& calls, const std::vector<std::string>& original_ids) {
    std::vector<const ToolResult*> pool;
    for (std::size_t i = at + 1; i < messages_.size() && messages_[i].role != Role::kAssistant; ++i) {
      if (messages_[i].role != Role::kTool) continue;
      taken_.insert(i);
      for (const ToolResult* const result : ResultsOf(messages_[i])) pool.push_back(result);
    }
    Message results{.role = Role::kTool};
    for (std::size_t i = 0; i < calls.size(); ++i) {
      const auto found = std::find_if(pool.begin(), pool.end(), [&](const ToolResult* result) {
        return result != nullptr && result->call_id == original_ids[i];
      });
      ToolResult result{.text = std::string(kNoResult), .is_error = true};
      if (found != pool.end()) result = Cleaned(*std::exchange(*found, nullptr));
      result.call_id = calls[i].id;
      result.name = calls[i].name;
      results.parts.emplace_back(std::move(result));
    }
    out_.push_back(std::move(results));
    for (const ToolResult* const orphan : pool) {
      if (orphan != nullptr) AddOrphan(*orphan);
    }
  }

  const std::vector<Message>& messages_;
  const NormaliseOptions& options_;
  std::set<const Image*> images_;  // that are sent
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
