#pragma once
/// A key, a token, a password: text that is used and never shown. The log knows it from the moment it is made, nothing
/// prints it by accident (no stream operator, no conversion), and no byte of it stays in memory that it has left. (The
/// log's own copies stay as long as the process: it must recognise the text wherever it turns up.)

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace rune {

/// Overwrites `size` bytes in a way that no optimiser takes out (explicit_bzero(3)).
void WipeMemory(void* memory, std::size_t size);

/// Overwrites what it frees, at whatever moment a container lets go of its memory.
template <typename T>
struct WipingAllocator {
  using value_type = T;
  WipingAllocator() = default;
  template <typename U>
  explicit WipingAllocator(const WipingAllocator<U>& /*other*/) {}

  T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T))); }
  void deallocate(T* memory, std::size_t count) {
    WipeMemory(memory, count * sizeof(T));
    ::operator delete(memory);
  }
  friend bool operator==(const WipingAllocator& /*a*/, const WipingAllocator& /*b*/) { return true; }
};

class Secret {
 public:
  Secret() = default;
  /// Copies `text` and tells it to AddSecret(). Whoever owns `text` still has it: see Take().
  explicit Secret(std::string_view text);
  /// The same, and `text` is wiped and empty afterwards.
  static Secret Take(std::string& text);

  /// The text itself, for the one place that sends or compares it; valid as long as this object is neither changed nor
  /// gone. A copy of it is a copy that nobody wipes.
  std::string_view Reveal() const { return {bytes_.data(), bytes_.size()}; }
  bool empty() const { return bytes_.empty(); }

  friend bool operator==(const Secret&, const Secret&) = default;

 private:
  // A vector, for it has no place for short texts inside of itself: a move hands the only copy on and leaves none.
  std::vector<char, WipingAllocator<char>> bytes_;
};

}  // namespace rune
