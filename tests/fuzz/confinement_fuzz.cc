/// From bytes on the socket to compiled filters: whatever a client sends, the guardian compiles or refuses it.
#include <linux/seccomp.h>

#include "sandbox/confinement.h"
#include "sandbox/domain_allowlist.h"
#include "sandbox/layers/landlock.h"
#include "sandbox/layers/seccomp.h"
#include "sandbox/protocol/frames.h"
#include "tests/fuzz/fuzz.h"

using namespace rune::sandbox;  // NOLINT

namespace {

/// Reading the machine's directories is not what is tested: only a few short paths are planned.
bool IsCheap(const FileAccess& files) {
  std::size_t total = 0;
  for (const auto* list : {&files.read, &files.execute, &files.write, &files.list_only, &files.denied}) {
    total += list->size();
    for (const std::string& path : *list) {
      if (path.size() > 64 || path.starts_with("/proc") || path.starts_with("/sys")) return false;
    }
  }
  return total <= 8;
}

void CheckFilter(const Confinement& confinement) {
  for (const Network network : {Network::kClosed, Network::kGuarded, Network::kOpen}) {
    const auto program = CompileSeccomp({.network = network,
                                         .denied_syscalls = confinement.denied_syscalls,
                                         .notify = SeccompPolicy::Notify::kDenials,
                                         .silent_exec = 0x1234});
    if (!program.ok()) return;
    rune::fuzz::Expect(program->size() <= 4096, "the kernel takes at most 4096 instructions");
    const std::uint32_t foreign = EvaluateSeccomp(*program, {.nr = 1, .arch = 1});
    rune::fuzz::Expect(foreign == SECCOMP_RET_KILL_PROCESS, "another architecture is killed");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto frame = Decode<DefineFrame>(rune::fuzz::AsText(data, size));
  if (!frame.ok()) return 0;
  // A frame that was read is written as it was.
  const auto again = Decode<DefineFrame>(Encode(*frame).substr(sizeof(std::uint32_t) + 1));
  rune::fuzz::Expect(again.ok() && again->confinement == frame->confinement, "a frame survives the socket");
  const Confinement& confinement = frame->confinement;
  if (auto domains = DomainAllowlist::Parse(confinement.allowed_domains); domains.ok()) {
    rune::fuzz::Expect(!domains->AllowsName("", 443), "an empty name is never allowed");
  }
  if (confinement.denied_syscalls.size() <= 16) CheckFilter(confinement);
  if (!IsCheap(confinement.files)) return 0;
  for (const int abi : {1, 3, 7}) {
    for (const LandlockRule& rule : PlanLandlock(confinement.files, abi)) {
      rune::fuzz::Expect((rule.rights & ~HandledFileRights(abi)) == 0, "no right that the kernel does not know");
      rune::fuzz::Expect(rule.path.starts_with('/'), "only absolute paths");
    }
  }
  return 0;
}
