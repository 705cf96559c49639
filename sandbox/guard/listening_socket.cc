#include "sandbox/guard/listening_socket.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "sandbox/base/files.h"
#include "sandbox/base/text.h"

namespace rune::sandbox {
namespace {

constexpr std::size_t kMaxTable = 16u << 20;

struct Question {
  nlmsghdr header{};
  inet_diag_req_v2 socket{};
};

Question QuestionFor(const Endpoint& at) {
  Question question;
  question.header.nlmsg_len = sizeof question;
  question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  question.header.nlmsg_flags = NLM_F_REQUEST;
  question.socket.sdiag_family = at.address.is_v4() ? AF_INET : AF_INET6;
  question.socket.sdiag_protocol = IPPROTO_TCP;
  question.socket.idiag_states = 1u << TCP_LISTEN;
  question.socket.id.idiag_sport = htons(at.port);
  std::memcpy(question.socket.id.idiag_src, at.address.bytes.data(), at.address.size);
  std::fill(std::begin(question.socket.id.idiag_cookie), std::end(question.socket.id.idiag_cookie), INET_DIAG_NOCOOKIE);
  return question;
}

/// Of a line of /proc/net/tcp (proc(5)): the inode, if it is a listener on `port`.
std::optional<ino_t> ListenerIn(std::string_view line, std::uint16_t port) {
  std::vector<std::string_view> words;
  for (const std::string_view word : Split(line, ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  constexpr std::size_t kLocal = 1;
  constexpr std::size_t kState = 3;
  constexpr std::size_t kInode = 9;
  if (words.size() <= kInode || words[kState] != "0A") return std::nullopt;
  const std::string_view digits = words[kLocal].substr(words[kLocal].rfind(':') + 1);
  unsigned local = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), local, 16);
  const auto inode = ParseInt(words[kInode]);
  return local == port && inode ? std::optional(static_cast<ino_t>(*inode)) : std::nullopt;
}

}  // namespace

std::optional<ino_t> ListenerAt(int netlink, const Endpoint& at) {
  const Question question = QuestionFor(at);
  if (::send(netlink, &question, sizeof question, 0) != static_cast<ssize_t>(sizeof question)) return std::nullopt;
  struct {
    nlmsghdr header;
    inet_diag_msg socket;
    char attributes[4096];
  } answer{};
  const ssize_t size = ::recv(netlink, &answer, sizeof answer, 0);  // the kernel has answered within send(2)
  if (size < static_cast<ssize_t>(sizeof answer.header + sizeof answer.socket) ||
      answer.header.nlmsg_type != SOCK_DIAG_BY_FAMILY || answer.socket.idiag_state != TCP_LISTEN) {
    return std::nullopt;
  }
  return answer.socket.idiag_inode;
}

bool AreAllListeners(std::uint16_t port, const std::set<ino_t>& inodes) {
  bool any = false;
  for (const char* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    const auto table = ReadFile(path, kMaxTable);
    if (!table.ok()) continue;
    for (const std::string_view line : Split(*table, '\n')) {
      const auto inode = ListenerIn(line, port);
      if (inode && !inodes.contains(*inode)) return false;
      any = any || inode;
    }
  }
  return any;
}

}  // namespace rune::sandbox
