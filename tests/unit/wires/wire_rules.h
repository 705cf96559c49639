#pragma once
/// The rules of the wires that no schema says: what servers refuse a request for. Each returns the first rule that is
/// broken, or nothing.

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/json/json.h"
#include "sandbox/base/text.h"

namespace rune::test {

using json::View;

inline bool Matches(std::string_view text, std::string_view more, std::size_t longest) {
  return !text.empty() && text.size() <= longest && std::all_of(text.begin(), text.end(), [more](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
  });
}

class WireRules {
 public:
  virtual ~WireRules() = default;
  std::string Broken(const std::string& body) {
    const auto document = json::Document::Parse(body, "", {.unique_keys = true});
    if (!document.ok()) return document.error().message;
    Rule(IsValidUtf8(body), "UTF-8");
    Rule(body.find("\\u0000") == std::string::npos, "no NUL");
    Check(document->root());
    return broken_;
  }

 protected:
  virtual void Check(const View& root) = 0;
  void Rule(bool holds, const std::string& rule) {
    if (!holds && broken_.empty()) broken_ = rule;
  }
  void Keys(const View& object, const std::vector<std::string>& known) {
    const auto checked = json::CheckKeys(object, known);
    Rule(checked.ok(), checked.ok() ? "" : checked.error().message);
  }

 private:
  std::string broken_;
};

class AnthropicRules : public WireRules {
 private:
  void Check(const View& root) override {
    Keys(root, {"model", "max_tokens", "temperature", "thinking", "output_config", "stream", "system", "tools",
                "tool_choice", "messages"});
    const auto max_tokens = root["max_tokens"].integer();
    Rule(max_tokens && *max_tokens > 0, "max_tokens is required");
    thinking_ = root["thinking"]["type"].string() == "enabled";
    const auto budget = root["thinking"]["budget_tokens"].integer();
    Rule(!thinking_ || (budget && *budget >= 1024 && *budget < *max_tokens), "budget in its bounds");
    Rule(root["thinking"].is_null() || root["temperature"].is_null(), "no temperature beside thinking");
    for (std::size_t i = 0; i < root["system"].size(); ++i) Block(root["system"][i], "user");
    for (std::size_t i = 0; i < root["tools"].size(); ++i) Marked(root["tools"][i]);
    Rule(!root["tools"].exists() || root["tools"].size() > 0, "no empty tools");
    const View messages = root["messages"];
    Rule(messages.size() > 0, "a message");
    for (std::size_t i = 0; i < messages.size(); ++i) Message(messages[i], i);
    Rule(pending_.empty(), "every call is answered");
    Rule(messages[messages.size() - 1]["role"].string() == "user", "the user is last");
    Rule(calls_.empty() || root["tools"].exists(), "tools where there are calls");
    Rule(marks_ <= 4, "four marks at most");
    Rule(!thinking_ || !bare_calls_, "thinking goes on only from a thought");
  }

  void Message(const View& message, std::size_t at) {
    Keys(message, {"role", "content"});
    const std::string role(message["role"].string().value_or(""));
    Rule(role == (at % 2 == 0 ? "user" : "assistant"), "the roles alternate");
    const View content = message["content"];
    Rule(content.size() > 0, "no empty content");
    const std::vector<std::string> owed = std::exchange(pending_, {});
    for (std::size_t i = 0; i < owed.size(); ++i)
      Rule(content[i]["tool_use_id"].string() == owed[i], "all results first, in the order of the calls");
    for (std::size_t i = 0; i < content.size(); ++i) {
      const std::string_view type = content[i]["type"].string().value_or("");
      Rule(type != "tool_result" || i < owed.size(), "a result of no call");
      Rule(type != "tool_result" || role == "user", "results are the user's");
      Rule((type != "tool_use" && !type.ends_with("thinking")) || role == "assistant", "calls are the assistant's");
      if (type == "tool_use") pending_.emplace_back(content[i]["id"].string().value_or(""));
      Block(content[i], role);
    }
    const std::string_view first = content[std::size_t{0}]["type"].string().value_or("");
    if (role == "assistant") bare_calls_ = !pending_.empty() && !first.ends_with("thinking");
  }

  void Block(const View& block, const std::string& role) {
    const std::string_view type = block["type"].string().value_or("");
    if (type == "text") {
      Keys(block, {"type", "text", "cache_control"});
      Rule(!Trim(block["text"].string().value_or("")).empty(), "no blank text");
    } else if (type == "image") {
      Image(block);
    } else if (type == "tool_use") {
      Keys(block, {"type", "id", "name", "input"});
      const std::string id(block["id"].string().value_or(""));
      Rule(Matches(id, "_-", 64), "legal ids");
      Rule(calls_.insert(id).second, "unique ids");
      Rule(Matches(block["name"].string().value_or(""), "_-", 64), "legal names");
      Rule(block["input"].type() == json::Type::kObject, "the input is an object");
    } else if (type == "tool_result") {
      Keys(block, {"type", "tool_use_id", "content", "is_error", "cache_control"});
      const View content = block["content"];
      Rule(block["is_error"].is_null() || content.size() > 0 || content.string() != "", "no empty error");
      for (std::size_t i = 0; i < content.size(); ++i) Block(content[i], role);
    } else if (type == "thinking") {
      Keys(block, {"type", "thinking", "signature"});
      Rule(block["signature"].string().value_or("") != "", "thoughts are signed");
    } else {
      Keys(block, {"type", "data"});
      Rule(type == "redacted_thinking", "known blocks");
    }
    Marked(block);
  }

  void Image(const View& block) {
    Keys(block, {"type", "source", "cache_control"});
    const View source = block["source"];
    const std::string_view media = source["media_type"].string().value_or("");
    const bool bytes = source["type"].string() == "base64" && source["data"].string().value_or("") != "" &&
                       (media == "image/png" || media == "image/jpeg" || media == "image/gif" || media == "image/webp");
    Rule(bytes || (source["type"].string() == "url" && source["url"].string()), "a picture has bytes or a URL");
  }

  void Marked(const View& place) {
    if (place["cache_control"].exists()) ++marks_;
  }

  bool thinking_ = false;
  bool bare_calls_ = false;  // the last answer has calls and no thought before them
  int marks_ = 0;
  std::vector<std::string> pending_;
  std::set<std::string> calls_;
};

class GeminiRules : public WireRules {
 public:
  explicit GeminiRules(int generation) : generation_(generation) {}

 private:
  void Check(const View& root) override {
    Keys(root, {"generationConfig", "systemInstruction", "tools", "contents"});
    const View contents = root["contents"];
    Rule(contents.size() > 0, "a content");
    Rule(contents[std::size_t{0}]["role"].string() == "user", "the user is first");
    Rule(contents[contents.size() - 1]["role"].string() == "user", "the user is last");
    for (std::size_t i = 0; i < contents.size(); ++i) {
      Keys(contents[i], {"role", "parts"});
      const bool model = contents[i]["role"].string() == "model";
      Rule(model || contents[i]["role"].string() == "user", "known roles");
      Rule(contents[i]["parts"].size() > 0, "no empty content");
      model ? Model(contents[i]["parts"], contents[i - 1]["role"]) : User(contents[i]["parts"]);
    }
    Rule(pending_.empty(), "every call is answered");
  }

  void Model(const View& parts, const View& before) {
    Rule(pending_.empty(), "results right behind their calls");
    Rule(before.string() == "user", "a model's content follows a user's");
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const View call = parts[i]["functionCall"];
      if (!call.exists()) {
        Keys(parts[i], {"text", "thought", "thoughtSignature"});
        Rule(parts[i]["text"].string().has_value(), "a part says something");
        continue;
      }
      Keys(parts[i], {"functionCall", "thoughtSignature"});
      Keys(call, {"id", "name", "args"});
      const bool first = pending_.empty();
      Rule(!first || generation_ < 3 || parts[i]["thoughtSignature"].string(), "the first call is signed");
      Rule(call["args"].type() == json::Type::kObject, "args are an object");
      const std::string name(call["name"].string().value_or(""));
      Rule(Matches(name, "_.:-", 64) && Matches(name.substr(0, 1), "_", 1) && !ParseInt(name.substr(0, 1)),
           "legal names: " + name);
      pending_.push_back(name + " " + std::string(call["id"].string().value_or("")));
    }
  }

  void User(const View& parts) {
    const std::vector<std::string> owed = std::exchange(pending_, {});
    Rule(owed.empty() || parts.size() == owed.size(), "as many results as calls");
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const View result = parts[i]["functionResponse"];
      Rule(result.exists() == !owed.empty(), "results where calls were");
      if (!result.exists()) {
        Spoken(parts[i]);
        continue;
      }
      Keys(parts[i], {"functionResponse"});
      Keys(result, {"id", "name", "response", "parts"});
      Keys(result["response"], {"output", "error"});
      Rule(result["response"].size() == 1, "output or error");
      const std::string key =
          std::string(result["name"].string().value_or("")) + " " + std::string(result["id"].string().value_or(""));
      Rule(i < owed.size() && key == owed[i], "results in the order of their calls");
      Rule(!result["parts"].exists() || generation_ >= 3, "pictures in results since 3");
      for (std::size_t k = 0; k < result["parts"].size(); ++k) {
        Rule(result["parts"][k]["inlineData"].exists(), "only bytes in results");
        Spoken(result["parts"][k]);
      }
    }
  }

  void Spoken(const View& part) {
    Keys(part, {"text", "inlineData"});
    const View data = part["inlineData"];
    if (!data.exists()) return Rule(part["text"].string().value_or("") != "", "no empty text");
    Keys(data, {"mimeType", "data"});
    Rule(data["mimeType"].string() != "image/gif" && data["data"].string().value_or("") != "", "pictures it takes");
  }

  int generation_;
  std::vector<std::string> pending_;
};

}  // namespace rune::test
