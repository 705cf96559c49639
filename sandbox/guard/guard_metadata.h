#pragma once
/// Mode, owner, times and extended attributes of files, which no right of Landlock covers, and their size, which none
/// covers before ABI 3: the guard changes them itself, on a hold of the very file that it looked at, and only where the
/// command may write. All but the size only of the command's own files; nothing of a device, which everybody shares.
/// Part of guard.h.

#include <cstdint>
#include <optional>
#include <string>

#include "sandbox/guard/found_file.h"
#include "sandbox/guard/guard_state.h"

namespace rune::sandbox {

class GuardMetadata {
 public:
  explicit GuardMetadata(GuardState& state) : state_(state) {}

  /// False when the call is none of these.
  bool Handle(const SystemCall& call);

 private:
  /// What a call wants, read once.
  struct Change {
    enum class Kind : std::uint8_t { kMode, kOwner, kTimes, kSetAttribute, kRemoveAttribute, kSize } kind = Kind::kMode;
    FileSubject subject;
    int value = 0;    ///< Argument: mode, owner (the group is the next one), times (0: now), name of the attribute,
                      ///< size.
    int seconds = 0;  ///< Of kTimes: 0 timespec[2], 1 timeval[2], 2 utimbuf.
  };
  static std::optional<Change> ChangeOf(const SystemCall& call);
  int Check(const Change& change, const FoundFile& file) const;
  Remedy WayOpen(const FoundFile& file) const;
  int Perform(Tracee& tracee, const SystemCall& call, const Change& change, const FoundFile& file) const;
  int SetMode(mode_t mode, const FoundFile& file) const;
  int SetOwner(uid_t owner, gid_t group, const FoundFile& file) const;
  int SetTimes(Tracee& tracee, const SystemCall& call, const Change& change, const FoundFile& file) const;
  int SetAttribute(Tracee& tracee, const SystemCall& call, const Change& change, const FoundFile& file) const;
  int SetSize(const SystemCall& call, std::int64_t size, const FoundFile& file) const;

  GuardState& state_;
};

}  // namespace rune::sandbox
