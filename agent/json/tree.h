#pragma once
/// Inside of json.h: the parsed values, and where each of them stands. Only this folder includes it.

#include <cstdlib>

// Reading the wrong type is a bug here; RapidJSON's default would be undefined behaviour under NDEBUG.
#define RAPIDJSON_ASSERT(condition) ((condition) ? static_cast<void>(0) : std::abort())

#include <rapidjson/document.h>

#include <string>
#include <string_view>
#include <unordered_map>

namespace rune::json {

struct Tree {
  rapidjson::Document document;
  std::string root;  // the path of the whole

  /// "source.policy.allowed_commands[2]" of a value of `document`; below a root without a name ".policy...". The first
  /// call looks at the whole of it.
  std::string PathOf(const rapidjson::Value* value) const;

 private:
  struct Place {
    const rapidjson::Value* parent = nullptr;
    rapidjson::SizeType index = 0;
  };
  mutable std::unordered_map<const rapidjson::Value*, Place> places_;  // of all but the root
};

/// ".policy", as it may stand in a message.
std::string MemberStep(std::string_view member);
/// "[2]"
std::string ElementStep(std::size_t index);

}  // namespace rune::json
