#include "agent/json/tree.h"

#include <vector>

#include "sandbox/base/characters.h"
#include "sandbox/base/text.h"

namespace rune::json {

using rapidjson::SizeType;
using rapidjson::Value;

std::string MemberStep(std::string_view member) {
  const bool plain = All(member, [](char c) { return IsAlphanumeric(c) || c == '_' || c == '-' || c == '$'; });
  // A name from outside ends up in messages.
  return std::string(1, '.').append(plain ? member : OneLine(member, 64));
}

std::string ElementStep(std::size_t index) { return "[" + std::to_string(index) + "]"; }

std::string Tree::PathOf(const Value* value) const {
  if (value == &document) return root;
  std::vector<const Value*> to_visit;
  if (places_.empty()) to_visit.push_back(&document);
  const auto visit = [&](const Value& child, Place place) {
    places_.emplace(&child, place);
    if (child.IsArray() || child.IsObject()) to_visit.push_back(&child);
  };
  while (!to_visit.empty()) {
    const Value* const parent = to_visit.back();
    to_visit.pop_back();
    if (parent->IsArray()) {
      for (SizeType i = 0; i < parent->Size(); ++i) visit((*parent)[i], {parent, i});
    } else if (parent->IsObject()) {
      for (SizeType i = 0; i < parent->MemberCount(); ++i) visit((parent->MemberBegin() + i)->value, {parent, i});
    }
  }
  std::vector<std::string> steps;
  for (auto at = places_.find(value); at != places_.end(); at = places_.find(at->second.parent)) {
    const auto& [parent, index] = at->second;
    if (parent->IsArray()) {
      steps.push_back(ElementStep(index));
    } else {
      const Value& name = (parent->MemberBegin() + index)->name;
      steps.push_back(MemberStep({name.GetString(), name.GetStringLength()}));
    }
  }
  std::string path = root;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) path += *step;
  return path;
}

}  // namespace rune::json
