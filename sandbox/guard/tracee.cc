#include "sandbox/guard/tracee.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include "sandbox/base/files.h"
#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kMaxInfo = 16 << 20;  // each watch of inotify(7) is a line

std::uint64_t HexField(std::string_view line) {
  const std::string_view digits = Trim(line.substr(line.find(':') + 1));
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value;
}

}  // namespace

std::optional<ino_t> SocketInodeOf(std::string_view link) {
  constexpr std::string_view kPrefix = "socket:[";
  if (!link.starts_with(kPrefix) || !link.ends_with("]")) return std::nullopt;
  link.remove_prefix(kPrefix.size());
  link.remove_suffix(1);
  ino_t inode = 0;
  const auto parsed = std::from_chars(link.data(), link.data() + link.size(), inode);
  if (parsed.ec != std::errc{} || parsed.ptr != link.data() + link.size()) return std::nullopt;
  return inode;
}

int Tracee::Open() {
  if (memory_.valid()) return 0;
  memory_.Reset(::open(Path("mem").c_str(), O_RDWR | O_CLOEXEC));
  return memory_.valid() ? 0 : EACCES;
}

int Tracee::Read(std::uint64_t address, std::span<char> out) {
  if (const int err = Open()) return err;
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n = ::pread(memory_.get(), out.data() + done, out.size() - done, static_cast<off_t>(address + done));
    if (n <= 0) return EFAULT;
    done += static_cast<std::size_t>(n);
  }
  return 0;
}

int Tracee::ReadString(std::uint64_t address, std::size_t max, std::string& out) {
  out.clear();
  std::array<char, kPage> chunk;
  while (out.size() < max) {
    // Page by page: the string may end right before one that is not mapped.
    const std::size_t size = std::min(kPage - static_cast<std::size_t>(address % kPage), max - out.size());
    if (const int err = Read(address, std::span(chunk).first(size))) return err;
    const auto end = std::find(chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(size), '\0');
    out.append(chunk.begin(), end);
    if (end != chunk.begin() + static_cast<std::ptrdiff_t>(size)) return 0;
    address += size;
  }
  return ENAMETOOLONG;
}

int Tracee::Write(std::uint64_t address, std::span<const char> data) {
  if (!memory_.valid()) return EACCES;
  std::size_t done = 0;
  while (done < data.size()) {
    const ssize_t n =
        ::pwrite(memory_.get(), data.data() + done, data.size() - done, static_cast<off_t>(address + done));
    if (n <= 0) return EFAULT;
    done += static_cast<std::size_t>(n);
  }
  return 0;
}

bool Tracee::Pin(const Notifications& calls, std::uint64_t id) { return Open() == 0 && calls.StillWaits(id); }

std::string Tracee::Link(const std::string& name) const {
  std::array<char, PATH_MAX> target;
  const ssize_t size = ::readlink(Path(name).c_str(), target.data(), target.size());
  return size < 0 ? "" : std::string(target.data(), static_cast<std::size_t>(size));
}

int Tracee::SocketInode(int fd, ino_t& inode) const {
  std::array<char, 64> target;  // "socket:[4294967295]"; what is longer is none
  const std::string path = Path("fd/") + std::to_string(fd);
  const ssize_t size = fd < 0 ? (errno = ENOENT, -1) : ::readlink(path.c_str(), target.data(), target.size());
  if (size < 0) return errno == ENOENT ? EBADF : EACCES;
  const auto found = SocketInodeOf({target.data(), static_cast<std::size_t>(size)});
  if (!found) return ENOTSOCK;
  inode = *found;
  return 0;
}

UniqueFd Tracee::WorkingDirectory() const {
  return UniqueFd(::open(Path("cwd").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

UniqueFd Tracee::Descriptor(int fd) const {
  return UniqueFd(::open(Path("fd/" + std::to_string(fd)).c_str(), O_PATH | O_CLOEXEC));
}

/// prlimit(2) would take the caller's uid or a capability.
std::uint64_t Tracee::FileSizeLimit() const {
  constexpr std::string_view kKey = "Max file size";
  const auto limits = ReadFile(Path("limits"), 64 << 10);
  if (!limits.ok()) return 0;
  for (const std::string_view line : Split(*limits, '\n')) {
    if (!line.starts_with(kKey)) continue;
    const std::string_view soft = Trim(line.substr(kKey.size()));
    if (soft.starts_with("unlimited")) return ~std::uint64_t{0};
    return static_cast<std::uint64_t>(ParseInt(soft.substr(0, soft.find(' '))).value_or(0));
  }
  return 0;
}

std::optional<unsigned> Tracee::Octal(const std::string& file, std::string_view key) const {
  const auto text = ReadFile(Path(file), 64 << 10);
  if (!text.ok()) return std::nullopt;
  for (const std::string_view line : Split(*text, '\n')) {
    if (!line.starts_with(key)) continue;
    const std::string_view digits = Trim(line.substr(key.size()));
    unsigned value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 8);
    return error == std::errc() ? std::optional(value) : std::nullopt;
  }
  return std::nullopt;
}

std::string Tracee::DescriptorInfo(int fd) const {
  auto info = ReadFile(Path("fdinfo/" + std::to_string(fd)), kMaxInfo);
  return info.ok() ? std::move(info).value() : std::string();
}

std::optional<mode_t> Tracee::FileMask() const { return Octal("status", "Umask:"); }

bool Tracee::ClosesOnExec(int fd) const {
  return (Octal("fdinfo/" + std::to_string(fd), "flags:").value_or(0) & O_CLOEXEC) != 0;
}

bool Tracee::SignalWaits() const {
  const auto status = ReadFile(Path("status"), 64 << 10);
  if (!status.ok()) return false;
  std::uint64_t waiting = 0;
  std::uint64_t blocked = 0;
  std::uint64_t caught = 0;
  for (const std::string_view line : Split(*status, '\n')) {
    if (line.starts_with("SigPnd:") || line.starts_with("ShdPnd:")) waiting |= HexField(line);
    if (line.starts_with("SigBlk:")) blocked = HexField(line);
    if (line.starts_with("SigCgt:")) caught = HexField(line);
  }
  return (waiting & ~blocked & caught) != 0;
}

}  // namespace rune::sandbox
