#include "tests/unit/guard/guarded_run.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "sandbox/layers/seccomp.h"

namespace rune::sandbox {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);

void SendFd(int socket, int fd) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  ::sendmsg(socket, &message, 0);
}

UniqueFd ReceiveFd(int socket) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  int fd = -1;
  if (::recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&message) != nullptr) {
    std::memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
  }
  return UniqueFd(fd);
}

[[noreturn]] void RunChild(const BpfProgram& program, int tell, int output, const std::function<int()>& act) {
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const int listener = InstallSeccompWithListener(program);
  if (listener < 0) ::_exit(250);
  SendFd(tell, listener);
  ::close(listener);
  ::close(tell);
  ::_exit(act());
}

int StatusOf(pid_t child) {
  int status = 0;
  RetryOnEintr([&] { return ::waitpid(child, &status, 0); });
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

void Collect(EventLoop& loop, int fd, std::string& output, bool& ended) {
  loop.Watch(fd, POLLIN, [&loop, fd, &output, &ended](short) {
    std::array<char, 4096> chunk;
    const ssize_t n = ::read(fd, chunk.data(), chunk.size());
    if (n > 0) return static_cast<void>(output.append(chunk.data(), static_cast<std::size_t>(n)));
    ended = true;
    loop.Unwatch(fd);
  });
}

}  // namespace

HelloServer::HelloServer(const std::string& address) : address_(address) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in local = InetAddress(address, 0);
  socklen_t size = sizeof local;
  ::bind(listener_, reinterpret_cast<sockaddr*>(&local), sizeof local);
  ::listen(listener_, 512);
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&local), &size);
  port_ = ntohs(local.sin_port);
  thread_ = std::thread([this] { Serve(); });
}

HelloServer::~HelloServer() {
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
}

int HelloServer::connections() {
  // Served in order: once one of ours is answered, all before it are counted.
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in inet = InetAddress(address_, port_);
  ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&inet), sizeof inet);
  ::shutdown(fd.get(), SHUT_WR);
  char byte = 0;
  while (::recv(fd.get(), &byte, 1, 0) > 0) continue;
  return connections_ - ++own_;
}

void HelloServer::Serve() {
  constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
  for (;;) {
    const UniqueFd client(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
    if (!client.valid()) return;
    ++connections_;
    std::string request;
    std::array<char, 4096> chunk;
    while (request.find("\r\n\r\n") == std::string::npos) {
      const ssize_t n = ::recv(client.get(), chunk.data(), chunk.size(), 0);
      if (n <= 0) break;
      request.append(chunk.data(), static_cast<std::size_t>(n));
    }
    if (!request.empty()) ::send(client.get(), kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
  }
}

bool GuardedResult::Denied(DeniedAct what, const std::string& target_prefix) const {
  return std::any_of(report.denials.begin(), report.denials.end(), [&](const Denial& denial) {
    return denial.what == what && denial.target.starts_with(target_prefix);
  });
}

Remedy GuardedResult::RemedyFor(DeniedAct what, const std::string& target_prefix) const {
  for (const Denial& denial : report.denials) {
    if (denial.what == what && denial.target.starts_with(target_prefix)) return denial.remedy;
  }
  return {};
}

std::string WhyNoGuardHere() {
  static const std::string why = WhyNoGuard();
  return why;
}

GuardedResult RunGuarded(const GuardedSetup& setup, const std::function<int()>& act) {
  GuardedResult result;
  const auto program =
      CompileSeccomp({.network = Network::kGuarded, .notify = SeccompPolicy::Notify::kDenials, .unheld = setup.unheld});
  const auto rules = DomainAllowlist::Parse(setup.rules);
  auto output = MakePipe();
  int pair[2];
  if (!program.ok() || !rules.ok() || !output.ok() || ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return result;
  }
  UniqueFd told(pair[0]);
  UniqueFd tell(pair[1]);
  const pid_t child = ::fork();
  if (child == 0) RunChild(*program, tell.get(), output->write.get(), act);
  tell.Reset();
  output->write.Reset();

  EventLoop loop;
  ResolverConfig config = ReadResolverConfig("nameserver 127.0.0.1\n", "");
  config.hosts = setup.hosts;
  Resolver resolver(loop, config);
  GuardOptions options;
  options.rules = &*rules;
  options.files = &setup.files;
  const HeldTrees trees(setup.files);
  options.trees = &trees;
  options.tool_uid = ::geteuid();
  options.tool_gid = ::getegid();
  options.ports_held = setup.ports_held;
  options.may_execute = setup.may_execute;
  options.watch_only = setup.watch_only;
  NetworkGuard guard(loop, resolver, std::move(options));
  UniqueFd listener = ReceiveFd(told.get());
  if (listener.valid()) guard.Serve(std::move(listener));

  // Both ends: a command that is gone may have left descendants that still write.
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  bool exited = false;
  bool silent = false;
  loop.Watch(process.get(), POLLIN, [&](short) {
    exited = true;
    loop.Unwatch(process.get());
  });
  Collect(loop, output->read.get(), result.output, silent);
  const auto ended = loop.RunUntil([&] { return exited && silent; }, Clock::now() + kPatience);
  if (ended != EventLoop::Wake::kDone) ::kill(child, SIGKILL);
  result.status = StatusOf(child);
  if (ended != EventLoop::Wake::kDone) result.status = -1;
  guard.AddTo(result.report);
  return result;
}

GuardedResult RunGuarded(const GuardedSetup& setup, const std::vector<std::string>& argv) {
  return RunGuarded(setup, [&] {
    std::vector<char*> pointers;
    for (const std::string& argument : argv) pointers.push_back(const_cast<char*>(argument.c_str()));
    pointers.push_back(nullptr);
    ::execvp(pointers[0], pointers.data());
    return 127;
  });
}

int RunBare(const std::function<int()>& act) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(act());
  return StatusOf(child);
}

sockaddr_in InetAddress(const std::string& address, std::uint16_t port) {
  sockaddr_in inet{};
  inet.sin_family = AF_INET;
  inet.sin_port = htons(port);
  ::inet_pton(AF_INET, address.c_str(), &inet.sin_addr);
  return inet;
}

int ConnectTo(const std::string& address, std::uint16_t port) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return errno;
  const sockaddr_in inet = InetAddress(address, port);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&inet), sizeof inet) == 0 ? 0 : errno;
}

std::string LookUp(const std::string& name) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int err = ::getaddrinfo(name.c_str(), "80", &hints, &found)) return "error " + std::to_string(err);
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(found->ai_addr)->sin_addr, text.data(), text.size());
  ::freeaddrinfo(found);
  return text.data();
}

}  // namespace rune::sandbox
