#include "sandbox/protocol/frames.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstring>
#include <map>
#include <optional>
#include <type_traits>

#include "sandbox/base/event_loop.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kMaxFrame = 64u << 20;
constexpr std::size_t kFdsPerLaunch = 3;

/// A number from the other side is one of the closed set or an error. What has a name is in it.
bool IsKnown(DeniedBy by) { return !DeniedByName(by).empty(); }
bool IsKnown(DeniedAct act) { return !DeniedActName(act).empty(); }
bool IsKnown(Grant grant) {
  switch (grant) {
    case Grant::kNothing:
    case Grant::kExecute:
    case Grant::kExecuteWritten:
    case Grant::kRead:
    case Grant::kWrite:
    case Grant::kDomain:
    case Grant::kGitConfig:
    case Grant::kUpload:
      return true;
  }
  return false;
}

/// One visitor describes each type once; Put writes it, Take reads it.
class Put {
 public:
  template <typename T>
    requires(std::is_integral_v<T> || std::is_enum_v<T>)
  void operator()(const T& value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void operator()(const std::string& value) {
    (*this)(static_cast<std::uint32_t>(value.size()));
    out += value;
  }
  void operator()(const Milliseconds& value) { (*this)(static_cast<std::int64_t>(value.count())); }
  template <typename T>
  void operator()(const std::optional<T>& value) {
    (*this)(value.has_value());
    if (value) (*this)(*value);
  }
  template <typename T>
  void operator()(const std::vector<T>& values) {
    (*this)(static_cast<std::uint32_t>(values.size()));
    for (const T& value : values) (*this)(value);
  }
  template <typename K, typename T>
  void operator()(const std::map<K, T>& values) {
    (*this)(static_cast<std::uint32_t>(values.size()));
    for (const auto& [key, value] : values) (*this)(key), (*this)(value);
  }
  template <typename T>
    requires(std::is_class_v<T>)
  void operator()(const T& value) {
    Fields(*this, const_cast<T&>(value));  // Fields only reads through a Put
  }
  std::string out;
};

class Take {
 public:
  explicit Take(std::string_view body) : in_(body) {}
  template <typename T>
    requires(std::is_integral_v<T> || std::is_enum_v<T>)
  void operator()(T& value) {
    if (in_.size() < sizeof value) return Fail();
    std::memcpy(&value, in_.data(), sizeof value);
    in_.remove_prefix(sizeof value);
    if constexpr (requires { IsKnown(value); }) {
      if (!IsKnown(value)) Fail();
    }
  }
  void operator()(bool& value) {
    std::uint8_t number = 0;  // a bool that is neither would be no value at all
    (*this)(number);
    value = number != 0;
  }
  void operator()(std::string& value) {
    std::uint32_t size = 0;
    (*this)(size);
    if (in_.size() < size) return Fail();
    value.assign(in_.substr(0, size));
    in_.remove_prefix(size);
  }
  void operator()(Milliseconds& value) {
    std::int64_t count = 0;
    (*this)(count);
    value = Milliseconds(count);
  }
  template <typename T>
  void operator()(std::optional<T>& value) {
    std::uint8_t present = 0;
    (*this)(present);
    if (present != 0) (*this)(value.emplace());
  }
  template <typename T>
  void operator()(std::vector<T>& values) {
    std::uint32_t size = 0;
    (*this)(size);
    for (std::uint32_t i = 0; i < size && ok_; ++i) (*this)(values.emplace_back());
  }
  template <typename K, typename T>
  void operator()(std::map<K, T>& values) {
    std::uint32_t size = 0;
    (*this)(size);
    for (std::uint32_t i = 0; i < size && ok_; ++i) {
      K key{};
      (*this)(key);
      (*this)(values[key]);
    }
  }
  template <typename T>
    requires(std::is_class_v<T>)
  void operator()(T& value) {
    Fields(*this, value);
  }
  bool complete() const { return ok_ && in_.empty(); }

 private:
  void Fail() {
    ok_ = false;
    in_ = {};
  }
  std::string_view in_;
  bool ok_ = true;
};

template <typename V>
void Fields(V& v, RunLimits& x) {
  v(x.memory_bytes), v(x.pids), v(x.disk_bytes);
}
template <typename V>
void Fields(V& v, CommandLimits& x) {
  v(x.wall), v(x.cpu_seconds), v(x.file_bytes), v(x.open_files), v(x.output_bytes);
}
template <typename V>
void Fields(V& v, FileAccess& x) {
  v(x.read), v(x.execute), v(x.write), v(x.list_only), v(x.denied), v(x.execute_later);
}
template <typename V>
void Fields(V& v, Confinement& x) {
  v(x.files), v(x.network), v(x.allowed_domains), v(x.max_upload_bytes), v(x.upload_limits);
  v(x.denied_syscalls), v(x.enforcement), v(x.required), v(x.watch_only);
  v(x.git_config), v(x.ci_files_protected), v(x.home);
}
template <typename V>
void Fields(V& v, Command& x) {
  v(x.kind), v(x.argv), v(x.cwd), v(x.env), v(x.as_opened), v(x.limits);
}
template <typename V>
void Fields(V& v, LayerReport& x) {
  v(x.layer), v(x.state), v(x.mechanism), v(x.why);
}
template <typename V>
void Fields(V& v, Remedy& x) {
  v(x.grant), v(x.entries);
}
template <typename V>
void Fields(V& v, Denial& x) {
  v(x.by), v(x.what), v(x.target), v(x.remedy), v(x.count);
}
template <typename V>
void Fields(V& v, Egress& x) {
  v(x.target), v(x.port), v(x.lookups), v(x.connections), v(x.refused), v(x.sent), v(x.received);
}
template <typename V>
void Fields(V& v, Report& x) {
  v(x.exit_code), v(x.signal), v(x.limit), v(x.cancelled), v(x.guardian_lost), v(x.setup_error), v(x.setup_errno);
  v(x.wall_us), v(x.cpu_us), v(x.max_rss_kb), v(x.leftovers), v(x.denials);
  v(x.egress), v(x.programs), v(x.troubles), v(x.oom_kills), v(x.forks_refused);
}
template <typename V>
void Fields(V& v, SetupFrame& x) {
  v(x.limits), v(x.tmp_dir), v(x.proxy), v(x.no_proxy), v(x.first);
}
template <typename V>
void Fields(V& v, DefineFrame& x) {
  v(x.policy), v(x.confinement);
}
template <typename V>
void Fields(V& v, LaunchFrame& x) {
  v(x.id), v(x.policy), v(x.command);
}
template <typename V>
void Fields(V& v, KillFrame& x) {
  v(x.id), v(x.reason), v(x.grace_ms);
}
template <typename V>
void Fields(V& v, DefinedFrame& x) {
  v(x.policy), v(x.error), v(x.layers), v(x.cgroups);
}
template <typename V>
void Fields(V& v, DoneFrame& x) {
  v(x.id), v(x.report);
}

template <typename V, typename T>
  requires(std::is_empty_v<T>)
void Fields(V&, T&) {}

template <typename T>
std::string EncodeAs(FrameType type, const T& frame) {
  Put put;
  put(std::uint32_t{0});
  put(type);
  put(frame);
  const auto size = static_cast<std::uint32_t>(put.out.size() - sizeof(std::uint32_t));
  std::memcpy(put.out.data(), &size, sizeof size);
  return std::move(put.out);
}

}  // namespace

std::string Encode(const SetupFrame& frame) { return EncodeAs(FrameType::kSetup, frame); }
std::string Encode(const DefineFrame& frame) { return EncodeAs(FrameType::kDefine, frame); }
std::string Encode(const LaunchFrame& frame) { return EncodeAs(FrameType::kLaunch, frame); }
std::string Encode(const KillFrame& frame) { return EncodeAs(FrameType::kKill, frame); }
std::string EncodeBye() {
  struct Nothing {};
  return EncodeAs(FrameType::kBye, Nothing());
}
std::string Encode(const DefinedFrame& frame) { return EncodeAs(FrameType::kDefined, frame); }
std::string Encode(const DoneFrame& frame) { return EncodeAs(FrameType::kDone, frame); }

template <typename Frame>
Result<Frame> Decode(std::string_view body) {
  Frame frame;
  Take take(body);
  take(frame);
  if (!take.complete()) return Error{ErrorKind::kProtocol, "malformed frame"};
  return frame;
}
template Result<SetupFrame> Decode(std::string_view);
template Result<DefineFrame> Decode(std::string_view);
template Result<LaunchFrame> Decode(std::string_view);
template Result<KillFrame> Decode(std::string_view);
template Result<DefinedFrame> Decode(std::string_view);
template Result<DoneFrame> Decode(std::string_view);

Result<void> SendFrame(int socket, std::string_view encoded, const std::vector<int>& fds) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kFdsPerLaunch)] = {};
  iovec part{const_cast<char*>(encoded.data()), encoded.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    auto* header = reinterpret_cast<cmsghdr*>(control);  // CMSG_FIRSTHDR, of which the compiler fears a null
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    std::memcpy(CMSG_DATA(header), fds.data(), sizeof(int) * fds.size());
  }
  const ssize_t sent = RetryOnEintr([&] { return ::sendmsg(socket, &message, MSG_NOSIGNAL); });
  if (sent < 0) return Error::FromErrno("sendmsg");
  encoded.remove_prefix(static_cast<std::size_t>(sent));
  while (!encoded.empty()) {
    const ssize_t n = RetryOnEintr([&] { return ::send(socket, encoded.data(), encoded.size(), MSG_NOSIGNAL); });
    if (n < 0) return Error::FromErrno("send");
    encoded.remove_prefix(static_cast<std::size_t>(n));
  }
  return Ok();
}

bool FrameReader::Receive(int socket) {
  char data[16 << 10];
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 64)];
  iovec part{data, sizeof data};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t n = RetryOnEintr([&] { return ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC); });
  if (n < 0) return errno == EAGAIN;
  const std::size_t had = fds_.size();
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      fds_.emplace_back(fd);
    }
  }
  // There was no room for some or all of them; the places of the others must not shift.
  if ((message.msg_flags & MSG_CTRUNC) != 0) {
    while (fds_.size() % kFdsPerLaunch != 0 || fds_.size() == had) fds_.emplace_back();
  }
  buffer_.append(data, static_cast<std::size_t>(n));
  return n > 0;
}

Result<bool> FrameReader::Next(Frame& frame) {
  std::uint32_t size = 0;
  if (buffer_.size() < sizeof size) return false;
  std::memcpy(&size, buffer_.data(), sizeof size);
  if (size < 1 || size > kMaxFrame) return Error{ErrorKind::kProtocol, "frame of " + std::to_string(size) + " bytes"};
  if (buffer_.size() < sizeof size + size) return false;
  frame.type = static_cast<FrameType>(buffer_[sizeof size]);
  frame.body = buffer_.substr(sizeof size + 1, size - 1);
  buffer_.erase(0, sizeof size + size);
  frame.fds.clear();
  if (frame.type == FrameType::kLaunch) {
    // Descriptors arrive with the first byte of their frame, so those of a whole launch frame are here, in order.
    const std::size_t count = std::min(fds_.size(), kFdsPerLaunch);
    for (std::size_t i = 0; i < count; ++i) frame.fds.push_back(std::move(fds_[i]));
    fds_.erase(fds_.begin(), fds_.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return true;
}

}  // namespace rune::sandbox
