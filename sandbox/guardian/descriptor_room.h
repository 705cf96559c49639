#pragma once
/// Room for descriptors (RLIMIT_NOFILE, getrlimit(2)): as much as there is, of which a part is kept for what must never
/// fail. Commands can use up a guardian's descriptors, and finding and killing their trees takes some.

#include <cstdint>

namespace rune::sandbox {

/// Raises this process's limit as far as it may, less the reserve. Returns how many descriptors it may have in all.
std::uint64_t TakeDescriptorRoom();

/// What a guardian cannot work without.
inline constexpr std::uint64_t kLeastDescriptors = 32;

/// The reserve can be used while one of these lives.
class DescriptorReserve {
 public:
  DescriptorReserve();
  ~DescriptorReserve();
  DescriptorReserve(const DescriptorReserve&) = delete;
  DescriptorReserve& operator=(const DescriptorReserve&) = delete;
};

}  // namespace rune::sandbox
