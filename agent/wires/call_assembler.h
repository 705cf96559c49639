#pragma once
/// Puts streamed tool calls together. Servers disagree about which of index, id and name says where a piece belongs;
/// the rules here give every known server's calls whole, and nothing is a call before the stream has ended.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/conversation/message.h"
#include "agent/json/json.h"

namespace rune::agent {

class CallAssembler {
 public:
  /// The pieces added from here on come from one chunk: two whole calls in it are two calls, even when equal.
  void BeginChunk() { ++chunk_; }
  /// One element of "tool_calls". Returns the bytes it has added.
  std::size_t Add(const json::View& piece);
  bool empty() const { return calls_.empty(); }
  std::size_t size() const { return calls_.size(); }

  /// Only at the end of the stream: a prefix of arguments that happens to parse is not yet the arguments.
  std::vector<ToolCall> Finish() const;

 private:
  struct Partial {
    std::string id;
    std::string name;
    std::string args;
    std::string extra;
    std::optional<std::int64_t> index;
    std::uint64_t chunk = 0;  // that touched it last
  };
  struct Piece {
    std::string_view id;
    std::string_view name;
    std::string args;
    std::optional<std::int64_t> index;
  };
  static bool Opens(const Partial& call, const Piece& piece);
  bool Repeats(const Partial& call, const Piece& piece) const;
  Partial* Find(const Piece& piece);
  Partial* FindById(const Piece& piece);
  template <class Places, class Key>
  Partial* At(const Places& places, const Key& key);
  static void AddName(Partial& call, std::string_view name);

  std::vector<Partial> calls_;
  std::map<std::string, std::size_t, std::less<>> by_id_;  // the latest of each
  std::map<std::int64_t, std::size_t> by_index_;           // the latest of each
  std::uint64_t chunk_ = 0;
};

/// The arguments as history may hold them: "{}" for nothing, unwrapped when the object was sent as a JSON string.
std::string TidyArguments(const std::string& args);
bool IsJsonObject(std::string_view text);

}  // namespace rune::agent
