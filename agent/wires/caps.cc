#include "agent/wires/caps.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>
#include <variant>

#include "agent/json/json.h"
#include "agent/wires/caps_table.h"
#include "agent/wires/codec.h"
#include "agent/wires/server_error.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

/// What an answer may be lowered to when a server finds the cap too high.
constexpr std::uint64_t kModestCap = 4096;

using Place = std::variant<bool Caps::*, std::uint64_t Caps::*, std::string Caps::*>;
struct Member {
  std::string_view name;
  Place place;
};
constexpr std::array<Member, 18> kMembers{{{"max_tokens_field", &Caps::max_tokens_field},
                                           {"default_max_tokens", &Caps::default_max_tokens},
                                           {"max_output", &Caps::max_output},
                                           {"context_window", &Caps::context_window},
                                           {"stream_usage", &Caps::stream_usage},
                                           {"null_content", &Caps::null_content},
                                           {"developer_role", &Caps::developer_role},
                                           {"temperature", &Caps::temperature},
                                           {"json_schema", &Caps::json_schema},
                                           {"images", &Caps::images},
                                           {"tool_images", &Caps::tool_images},
                                           {"thinking", &Caps::thinking},
                                           {"thinking_style", &Caps::thinking_style},
                                           {"echo_reasoning", &Caps::echo_reasoning},
                                           {"cache_marks", &Caps::cache_marks},
                                           {"cache_key", &Caps::cache_key},
                                           {"max_image_bytes", &Caps::max_image_bytes},
                                           {"id_rule", &Caps::id_rule}}};

Result<void> SetPlace(Caps& caps, const Place& place, const json::View& value) {
  if (const auto* flag = std::get_if<bool Caps::*>(&place)) {
    RUNE_ASSIGN_OR_RETURN(caps.*(*flag), value.AsBool());
  } else if (const auto* count = std::get_if<std::uint64_t Caps::*>(&place)) {
    RUNE_ASSIGN_OR_RETURN(const std::int64_t number, value.AsInt());
    if (number < 0) return Error::Invalid(value.path() + ": expected a count");
    caps.*(*count) = static_cast<std::uint64_t>(number);
  } else if (const auto* text = std::get_if<std::string Caps::*>(&place)) {
    RUNE_ASSIGN_OR_RETURN(caps.*(*text), value.AsString());
  }
  return Ok();
}

/// "Name: value", without what could end the line or begin another (RFC 9110, section 5).
bool IsHeader(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) return false;
  const auto token = [](char c) { return c > ' ' && c < '\x7f' && c != ':'; };
  const auto printable = [](char c) { return c == '\t' || (c >= ' ' && c < '\x7f'); };
  return std::all_of(line.begin(), line.begin() + static_cast<std::ptrdiff_t>(colon), token) &&
         std::all_of(line.begin(), line.end(), printable);
}

Result<void> SetHeaders(Caps& caps, const json::View& value) {
  RUNE_ASSIGN_OR_RETURN(std::vector<std::string> headers, value.AsStrings());
  for (const std::string& header : headers) {
    if (!IsHeader(header))
      return Error::Invalid(value.path() + ": '" + OneLine(header, 60) + "' is no \"Name: value\"");
  }
  caps.headers = std::move(headers);
  return Ok();
}

Result<void> Override(Caps& caps, const json::View& object) {
  if (object.type() != json::Type::kObject) return Error::Invalid(object.path() + ": expected an object");
  RUNE_RETURN_IF_ERROR(json::CheckKeys(object, CapsMembers()));
  Caps changed = caps;
  for (const Member& member : kMembers) {
    const json::View value = object[member.name];
    if (value.exists()) RUNE_RETURN_IF_ERROR(SetPlace(changed, member.place, value));
  }
  if (const json::View headers = object["headers"]; headers.exists()) {
    RUNE_RETURN_IF_ERROR(SetHeaders(changed, headers));
  }
  if (const json::View name = object["wire"]; name.exists()) {
    RUNE_ASSIGN_OR_RETURN(changed.wire, ReadWire(name.Text(), name.path()));
  }
  caps = std::move(changed);
  return Ok();
}

bool Fits(const json::View& glob, const std::string& text) {
  return ::fnmatch(glob.Text().c_str(), text.c_str(), FNM_CASEFOLD) == 0;
}

bool FitsModel(const json::View& globs, const std::string& model) {
  if (globs.is_null()) return true;
  if (globs.type() != json::Type::kArray) return Fits(globs, model);
  for (std::size_t i = 0; i < globs.size(); ++i) {
    if (Fits(globs[i], model)) return true;
  }
  return false;
}

const json::Document& Table() {
  static const json::Document table = [] {
    auto parsed = json::Document::Parse(CapsTable(), "caps.json");
    if (!parsed.ok()) std::abort();  // compiled in, and read by every test
    return std::move(parsed).value();
  }();
  return table;
}

bool SwitchOff(bool& flag) { return std::exchange(flag, false); }

/// From one name of the cap to the other, once.
bool RenameMaxTokens(Caps& caps, std::string_view refusal) {
  if (!caps.refused_field.empty() || !ContainsAny(refusal, {caps.max_tokens_field})) return false;
  const std::string other = caps.max_tokens_field == "max_tokens" ? "max_completion_tokens" : "max_tokens";
  // "max_tokens is too large" is no reason to call it by another name.
  if (!ContainsAny(refusal, {"unsupported", "unknown", "unrecognized", "not supported", "extra", "not permitted",
                             "unexpected", "invalid parameter", "use '" + other}))
    return false;
  caps.refused_field = std::exchange(caps.max_tokens_field, other);
  return true;
}

bool LowerMaxTokens(Caps& caps, std::string_view refusal) {
  if (std::max(caps.default_max_tokens, caps.max_output) <= kModestCap || !ContainsAny(refusal, {"max_tokens"}))
    return false;
  caps.default_max_tokens = kModestCap;
  caps.max_output = 0;  // a budget for thoughts raises the cap no more
  return true;
}

}  // namespace

std::uint64_t MaxImageBytes(const Caps& caps) {
  return caps.max_image_bytes > 0 ? caps.max_image_bytes : FormatOf(caps.wire).max_image_bytes;
}

Caps LookUpCaps(std::string_view provider, std::string_view base_url, std::string_view model) {
  Caps caps;
  const std::string url = ToLower(base_url);
  const std::string name(model);
  const json::View rows = Table().root()["rows"];
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const json::View row = rows[i];
    if (const auto who = row["provider"].string(); who && *who != provider) continue;
    if (const auto part = row["url"].string(); part && url.find(*part) == std::string::npos) continue;
    if (!FitsModel(row["model"], name)) continue;
    if (!Override(caps, row["caps"]).ok()) std::abort();
  }
  return caps;
}

Result<void> OverrideCaps(Caps& caps, const json::View& object) { return Override(caps, object); }

std::vector<std::string> CapsMembers() {
  std::vector<std::string> names{"wire", "headers"};
  for (const Member& member : kMembers) names.emplace_back(member.name);
  return names;
}

bool Degrade(Caps& caps, std::string_view message, std::uint64_t asked_tokens) {
  const std::string refusal = ToLower(message);
  if (RenameMaxTokens(caps, refusal)) return true;
  if (asked_tokens == 0 && LowerMaxTokens(caps, refusal)) return true;
  if (ContainsAny(refusal, {"stream_options"}) && SwitchOff(caps.stream_usage)) return true;
  if (ContainsAny(refusal, {"temperature", "'seed'", "\"seed\"", "`seed`", ": seed"}) && SwitchOff(caps.temperature))
    return true;
  if (ContainsAny(refusal, {"response_format", "json_schema", "text.format", "output_config.format", "output_format",
                            "responseschema", "responsejsonschema", "response mime type", "response_mime_type"}) &&
      SwitchOff(caps.json_schema))
    return true;
  if (ContainsAny(refusal, {"tool call id", "tool_call_id"}) && ContainsAny(refusal, {"length of 9"}) &&
      caps.id_rule.empty()) {
    caps.id_rule = "alnum9";
    return true;
  }
  if (ContainsAny(refusal, {"developer"}) && ContainsAny(refusal, {"role"}) && SwitchOff(caps.developer_role))
    return true;
  if (ContainsAny(refusal,
                  {"thought signature", "thought_signature", "encrypted content", "encrypted_content",
                   "reasoning_content", "reasoning_details", "thinking block", "`thinking`", "redacted_thinking"}) &&
      SwitchOff(caps.echo_reasoning))
    return true;
  if (ContainsAny(refusal, {"thinking", "reasoning", "effort"}) && SwitchOff(caps.thinking)) return true;
  if (ContainsAny(refusal, {"cache_control"}) && SwitchOff(caps.cache_marks)) return true;
  if (ContainsAny(refusal, {"prompt_cache_key"}) && SwitchOff(caps.cache_key)) return true;
  if (ContainsAny(refusal, {"image"}) &&
      ContainsAny(refusal, {"tool_result", "function_call_output", "functionresponse", "tool message"}) &&
      SwitchOff(caps.tool_images))
    return true;
  return ContainsAny(refusal, {"content"}) &&
         ContainsAny(refusal, {"null", "none", "nil", "valid string", "expected a string"}) &&
         SwitchOff(caps.null_content);
}

}  // namespace rune::agent
