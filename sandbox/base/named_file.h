#pragma once
/// Files that a person names, in places where others may have put something else under that name: a link, a pipe, a
/// device (open(2), path_resolution(7)).

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/base/event_loop.h"
#include "sandbox/base/result.h"
#include "sandbox/base/unique_fd.h"

namespace rune {

/// Which of the caller's own descriptors a path spells: `/dev/stdin`, `/dev/stdout`, `/dev/stderr`, `/dev/fd/N`,
/// `/proc/self/fd/N`. What the shell writes for `<(command)` is one of them.
std::optional<int> GivenDescriptor(std::string_view path);

/// The regular file of that name. Links to its directory are followed; a link in its own place is an error, and so is
/// everything that is no regular file. Never waits. A given descriptor is taken as it is, whatever stands behind it.
Result<UniqueFd> OpenNamed(const std::string& path, int flags, unsigned mode = 0);

/// Everything that is in it. A given pipe is waited for on `loop`: kCancelled when that is interrupted.
Result<std::string> ReadNamed(EventLoop& loop, const std::string& path, std::size_t max_bytes);

/// As WriteAll(), in pieces that a pipe takes at once: an error when nobody takes one within a second.
Result<void> WritePatiently(int fd, std::string_view data);

}  // namespace rune
