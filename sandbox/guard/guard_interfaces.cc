#include "sandbox/guard/guard_interfaces.h"

#include <net/if_arp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <string_view>

namespace rune::sandbox {
namespace {

constexpr char kName[] = "lo";
constexpr int kIndex = 1;
constexpr int kMtu = 65536;
constexpr int kQueue = 1000;
constexpr std::uint32_t kSocketRequest = 0x89;  // linux/sockios.h, the second byte

template <typename T>
std::span<char> BytesOf(T& value) {
  return {reinterpret_cast<char*>(&value), sizeof value};
}

void SetAddress(sockaddr& out, std::uint32_t value) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(value);
  std::memcpy(&out, &address, sizeof out);
}

/// What is said of loopback. 0 or an errno; ENOTTY for what is no question about an interface.
int Answer(std::uint32_t request, ifreq& out) {
  switch (request) {
    case SIOCGIFFLAGS:
      out.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
      return 0;
    case SIOCGIFADDR:
    case SIOCGIFDSTADDR:
      SetAddress(out.ifr_addr, INADDR_LOOPBACK);
      return 0;
    case SIOCGIFBRDADDR:
      SetAddress(out.ifr_addr, INADDR_ANY);
      return 0;
    case SIOCGIFNETMASK:
      SetAddress(out.ifr_addr, 0xff000000);
      return 0;
    case SIOCGIFMETRIC:
      out.ifr_metric = 0;
      return 0;
    case SIOCGIFMTU:
      out.ifr_mtu = kMtu;
      return 0;
    case SIOCGIFHWADDR:
      out.ifr_hwaddr = {};
      out.ifr_hwaddr.sa_family = ARPHRD_LOOPBACK;
      return 0;
    case SIOCGIFINDEX:
      out.ifr_ifindex = kIndex;
      return 0;
    case SIOCGIFTXQLEN:
      out.ifr_qlen = kQueue;
      return 0;
    case SIOCGIFMAP:
      out.ifr_map = {};
      return 0;
    default:
      return ENOTTY;
  }
}

/// Refused as the kernel refuses it.
bool IsSetting(std::uint32_t request) {
  constexpr std::uint32_t kSettings[] = {SIOCSIFFLAGS,  SIOCSIFADDR, SIOCSIFDSTADDR, SIOCSIFBRDADDR, SIOCSIFNETMASK,
                                         SIOCSIFMETRIC, SIOCSIFMTU,  SIOCSIFHWADDR,  SIOCSIFNAME,    SIOCSIFTXQLEN,
                                         SIOCSIFMAP,    SIOCADDRT,   SIOCDELRT,      SIOCSARP,       SIOCDARP};
  return std::find(std::begin(kSettings), std::end(kSettings), request) != std::end(kSettings);
}

}  // namespace

bool GuardInterfaces::Knows(const SystemCall& call) {
  const auto request = static_cast<std::uint32_t>(call.arguments[1]);
  return ((request >> 8) & 0xff) == kSocketRequest && request != FIOSETOWN && request != SIOCSPGRP;
}

void GuardInterfaces::Ask(const SystemCall& call) {
  Tracee tracee(call.tid);
  ino_t inode = 0;
  if (const int err = tracee.SocketInode(call.Int(0), inode)) {
    return state_.FailLook(call, err == ENOTSOCK ? ENOTTY : err);
  }
  if (!tracee.Pin(state_.calls, call.id)) return state_.FailLook(call, EACCES);
  const auto request = static_cast<std::uint32_t>(call.arguments[1]);
  if (IsSetting(request)) return state_.calls.Fail(call.id, EPERM);
  const int err =
      request == SIOCGIFCONF ? List(tracee, call.arguments[2]) : Describe(tracee, request, call.arguments[2]);
  if (err != 0) return state_.FailLook(call, err);
  state_.calls.Return(call.id, 0);
}

/// Without a buffer only the size that is needed.
int GuardInterfaces::List(Tracee& tracee, std::uint64_t address) const {
  ifconf list{};
  if (const int err = tracee.Read(address, BytesOf(list))) return err;
  ifreq loopback{};
  std::memcpy(loopback.ifr_name, kName, sizeof kName);
  SetAddress(loopback.ifr_addr, INADDR_LOOPBACK);
  const bool fits = list.ifc_buf == nullptr || list.ifc_len >= static_cast<int>(sizeof loopback);
  if (list.ifc_buf != nullptr && fits) {
    const auto to = reinterpret_cast<std::uintptr_t>(list.ifc_buf);
    if (const int err = tracee.Write(to, BytesOf(loopback))) return err;
  }
  list.ifc_len = fits ? static_cast<int>(sizeof loopback) : 0;
  return tracee.Write(address, BytesOf(list));
}

int GuardInterfaces::Describe(Tracee& tracee, std::uint32_t request, std::uint64_t address) const {
  ifreq asked{};
  if (request != SIOCGIFNAME && Answer(request, asked) != 0) return ENOTTY;
  if (const int err = tracee.Read(address, BytesOf(asked))) return err;
  if (request == SIOCGIFNAME) {
    if (asked.ifr_ifindex != kIndex) return ENODEV;
    std::memcpy(asked.ifr_name, kName, sizeof kName);
  } else {
    const std::string_view name(asked.ifr_name, ::strnlen(asked.ifr_name, sizeof asked.ifr_name));
    if (name != kName) return ENODEV;
    Answer(request, asked);
  }
  return tracee.Write(address, BytesOf(asked));
}

}  // namespace rune::sandbox
