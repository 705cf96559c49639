#pragma once
/// Makes any history fit to be sent. It runs before every encode, so that no interrupted run, odd model or lost result
/// can make every later request fail. Idempotent, pure, and stable: what a longer history starts with comes out alike.

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "agent/conversation/message.h"

namespace rune::agent {

struct NormaliseOptions {
  std::string origin;  ///< "<provider>/<model>" that is asked; opaque state of others is dropped.
  std::size_t max_result_bytes = 64u << 10;
  bool images = true;  ///< Whether the model sees pictures (Caps::images).
  std::uint64_t max_bytes_of_one_image = std::numeric_limits<std::uint64_t>::max();  ///< MaxImageBytes()
  std::string id_rule;                                                               ///< Caps::id_rule
  std::size_t max_bytes_of_all_images = 14u << 20;  ///< Requests end at 20 MB in places.
};

/// Afterwards: text is valid UTF-8 without NUL; there is at most one system message, the first; a user message follows
/// it; no two messages of one role are neighbours; no message is empty or blank; the arguments of every call, and the
/// opaque state of a part, are a JSON object; every call has exactly one result, in the tool message right behind it,
/// in the order of the calls; call ids are unique, of at most 40 characters from [A-Za-z0-9_-], or as `id_rule` says;
/// names are [A-Za-z_][A-Za-z0-9_-]{0,63}; pictures are of a type that models take, and the oldest make room; the last
/// message is from the user or a tool.
std::vector<Message> Normalise(const std::vector<Message>& messages, const NormaliseOptions& options);

/// Gives the calls of a new reply ids that are unique in the conversation and legal everywhere, keeping those that are.
void AdoptReply(Message& reply, const std::vector<Message>& history);

}  // namespace rune::agent
