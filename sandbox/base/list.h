#pragma once
/// Short lists that are asked for their elements. Pure.

#include <algorithm>
#include <iterator>
#include <utility>

namespace rune {

/// Whether an element of `list` (a container, an array, a span) equals `item`.
template <typename List, typename Item>
constexpr bool Contains(const List& list, const Item& item) {
  return std::find(std::begin(list), std::end(list), item) != std::end(list);
}

/// Appends `item` unless it is there already.
template <typename List, typename Item>
void AddOnce(List& list, Item item) {
  if (!Contains(list, item)) list.emplace_back(std::move(item));
}

}  // namespace rune
