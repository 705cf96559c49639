#include "sandbox/guardian/descriptor_room.h"

#include <sys/resource.h>

#include <algorithm>

namespace rune::sandbox {
namespace {

constexpr rlim_t kReserve = 16;

void SetSoft(rlim_t reserve) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max < 2 * kReserve) return;
  limit.rlim_cur = limit.rlim_max - reserve;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

std::uint64_t TakeDescriptorRoom() {
  SetSoft(kReserve);
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? std::uint64_t{limit.rlim_max} : kLeastDescriptors;
}

DescriptorReserve::DescriptorReserve() { SetSoft(0); }
DescriptorReserve::~DescriptorReserve() { SetSoft(kReserve); }

}  // namespace rune::sandbox
