#pragma once
/// What a server understands: the switches that the codecs obey. Resolved from one table (caps.json in this
/// folder, compiled in), from `caps` of the configuration, and from what a refused request has taught.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/json/json.h"
#include "agent/wires/wire.h"
#include "sandbox/base/result.h"

namespace rune::agent {

struct Caps {
  Wire wire = Wire::kOpenAiChat;
  std::string max_tokens_field = "max_tokens";  ///< openai-chat; OpenAI itself: "max_completion_tokens".
  std::uint64_t default_max_tokens = 0;         ///< Sent when nothing else is asked; 0: nothing. Anthropic needs one.
  std::uint64_t max_output = 0;                 ///< Tokens that it gives out, for thinking budgets; 0: not known.
  std::uint64_t context_window = 0;             ///< Tokens; 0: not known.
  bool stream_usage = true;                     ///< Ask for the token counts of a stream.
  bool null_content = true;                     ///< null and not "" beside tool calls.
  bool developer_role = false;                  ///< "developer" instead of "system".
  bool temperature = true;                      ///< Takes `temperature` and `seed` at all.
  bool json_schema = true;                      ///< Takes a schema for the answer.
  bool images = true;
  bool tool_images = true;     ///< Pictures in tool results, where the wire has a place for them.
  bool thinking = false;       ///< Takes an effort setting.
  std::string thinking_style;  ///< "effort" (reasoning_effort), "openrouter", "budget", "adaptive", "level"; by wire.
  bool echo_reasoning = true;  ///< Wants its own opaque state back.
  bool cache_marks = false;    ///< Anthropic cache_control.
  bool cache_key = false;      ///< prompt_cache_key.
  std::uint64_t max_image_bytes = 0;  ///< Of one picture, before base64; 0: what the wire is known to take.
  std::string id_rule;                ///< Of call ids: "alnum9" are nine letters and digits (Mistral); empty: any.
  std::vector<std::string> headers;   ///< "Name: value", sent with every request.
  std::string refused_field;          ///< Learnt: the name of the cap that this server does not take.

  bool operator==(const Caps&) const = default;
};

/// Of one picture, in bytes before base64.
std::uint64_t MaxImageBytes(const Caps& caps);

/// The table's word on a model; later rows win over earlier ones. Never fails: what is not known gets the defaults of
/// its provider.
Caps LookUpCaps(std::string_view provider, std::string_view base_url, std::string_view model);
/// Changes `caps` by the members of one JSON object (the table's own form). kInvalidInput names the member.
Result<void> OverrideCaps(Caps& caps, const json::View& object);
/// The members that such an object may have.
std::vector<std::string> CapsMembers();
/// Learns from the refusal of a request (400, 422): switches off what the message names, if that is on. False: nothing
/// to switch off. Each switch goes off at most once, so a caller may try again after every true. `asked_tokens` is the
/// cap of the answer that the request itself has named, in place of the table's; 0: none.
bool Degrade(Caps& caps, std::string_view message, std::uint64_t asked_tokens = 0);

}  // namespace rune::agent
