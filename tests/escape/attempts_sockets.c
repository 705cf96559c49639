// Layer network: options that change where packets go, servers that the outside could reach, unix sockets of others.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "attempt.h"
#include "sockets.h"

#define NO_OPTION "EPERM EACCES"

static int set_option(int type, int level, int name, const void* option, socklen_t size) {
  const int fd = make_socket(AF_INET, type, 0);
  return fd < 0 ? errno : outcome(setsockopt(fd, level, name, option, size));
}
static int set_number(int level, int name, int option) {
  return set_option(SOCK_STREAM, level, name, &option, sizeof option);
}

ATTEMPT(O01, network, "routes by the source (IP_OPTIONS)", NO_OPTION) {
  static const unsigned char route[] = {0x83, 7, 4, 127, 0, 0, 5, 0};
  return set_option(SOCK_STREAM, IPPROTO_IP, IP_OPTIONS, route, sizeof route);
}
ATTEMPT(O02, network, "writes headers itself (IP_HDRINCL)", NO_OPTION) {
  const int refused = set_number(IPPROTO_IP, IP_HDRINCL, 1);
  return refused == ENOPROTOOPT ? 0 : refused;  // what the option itself says of a stream
}
ATTEMPT(O03, network, "speaks from any address (IP_TRANSPARENT)", NO_OPTION) {
  return set_number(IPPROTO_IP, IP_TRANSPARENT, 1);
}
ATTEMPT(O04, network, "speaks from an address that is not here (IP_FREEBIND)", NO_OPTION) {
  return set_number(IPPROTO_IP, IP_FREEBIND, 1);
}
ATTEMPT(O05, network, "binds to a device", NO_OPTION) {
  return set_option(SOCK_STREAM, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
}
ATTEMPT(O06, network, "marks packets for other routes", NO_OPTION) { return set_number(SOL_SOCKET, SO_MARK, 1); }
ATTEMPT(O07, network, "repairs a connection that never was (TCP_REPAIR)", NO_OPTION) {
  return set_number(IPPROTO_TCP, TCP_REPAIR, 1);
}
ATTEMPT(O08, network, "puts another protocol on top (TCP_ULP)", NO_OPTION) {
  const int refused = set_option(SOCK_STREAM, IPPROTO_TCP, TCP_ULP, "tls", 4);
  // What the option itself says: before there is a connection, and where there is no such protocol.
  return refused == ENOTCONN || refused == ENOENT ? 0 : refused;
}
ATTEMPT(O09, network, "steers packets by a program (SO_ATTACH_REUSEPORT_CBPF)", NO_OPTION) {
  struct sock_filter code[] = {{BPF_RET | BPF_K, 0, 0, 0}};
  struct sock_fprog program = {1, code};
  const int fd = make_socket(AF_INET, SOCK_DGRAM, 0), one = 1;
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) != 0) return errno;
  return outcome(setsockopt(fd, SOL_SOCKET, 51, &program, sizeof program));
}
ATTEMPT(O10, network, "sets an option with garbage above its name", NO_OPTION) {
  const int fd = make_socket(AF_INET, SOCK_STREAM, 0);
  static const unsigned char route[] = {0x83, 7, 4, 127, 0, 0, 5, 0};
  if (fd < 0) return errno;
  return outcome(
      syscall(SYS_setsockopt, fd, 0x5a5a5a5a00000000UL, 0x5a5a5a5a00000000UL | IP_OPTIONS, route, sizeof route));
}
ATTEMPT(O11, network, "changes an interface", NO_OPTION " ENOTTY") {
  struct ifreq request;
  memset(&request, 0, sizeof request);
  strcpy(request.ifr_name, "lo");
  const int fd = make_socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request) != 0) return errno;
  return outcome(ioctl(fd, SIOCSIFFLAGS, &request));
}
ATTEMPT(O12, network, "routes IPv6 by a header of its own", NO_OPTION " EINVAL") {
  unsigned char route[24] = {0, 2, 2 /* type 2 */, 1};
  const int fd = make_socket(AF_INET6, SOCK_DGRAM, 0);
  return fd < 0 ? errno : outcome(setsockopt(fd, IPPROTO_IPV6, IPV6_RTHDR, route, sizeof route));
}

// --- being reached: the caller knocks at these ports, by TCP and UDP, until the attempts are over ---

static int reached_at(const struct target* at, int type, int port_known) {
  const int fd = make_socket(at->address.ss_family, type, 0), one = 1;
  if (fd < 0) return errno;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (port_known && bind(fd, (const struct sockaddr*)&at->address, at->size) != 0) return errno;
  if (type == SOCK_STREAM && listen(fd, 8) != 0) return errno;
  struct pollfd ready = {fd, POLLIN, 0};
  if (poll(&ready, 1, 400) != 1) return ETIMEDOUT;
  if (type == SOCK_DGRAM) return read_fd(fd);
  const int client = accept(fd, NULL, NULL);
  return client < 0 ? errno : read_fd(client);
}
static int knocked(const char* address, int offset, int type) {
  const struct target at = target_of(address, number("ESCAPE_KNOCK") + offset);
  return reached_at(&at, type, 1);
}
#define UNREACHED "EACCES EPERM ETIMEDOUT EADDRNOTAVAIL ECONNRESET ENODATA"
ATTEMPT(O20, network, "serves the outside on every address", UNREACHED) { return knocked("0.0.0.0", 0, SOCK_STREAM); }
ATTEMPT(O21, network, "serves the outside on loopback", UNREACHED) { return knocked("127.0.0.1", 1, SOCK_STREAM); }
ATTEMPT(O22, network, "serves the outside by IPv6", UNREACHED) { return knocked("::", 2, SOCK_STREAM); }
ATTEMPT(O23, network, "serves the outside on IPv6 loopback", UNREACHED) { return knocked("::1", 3, SOCK_STREAM); }
ATTEMPT(O24, network, "hears datagrams from outside", UNREACHED) { return knocked("0.0.0.0", 4, SOCK_DGRAM); }
ATTEMPT(O25, network, "hears datagrams on loopback", UNREACHED) { return knocked("127.0.0.1", 5, SOCK_DGRAM); }
ATTEMPT(O26, network, "serves without binding first, on any port", "EACCES EPERM EINVAL ECONNREFUSED",
        .judge = kByResult) {
  const int fd = make_socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || listen(fd, 1) != 0) return errno;
  struct sockaddr_in name;
  socklen_t size = sizeof name;
  if (getsockname(fd, (struct sockaddr*)&name, &size) != 0) return errno;
  // On every address of the machine, or on loopback alone?
  return name.sin_addr.s_addr == htonl(INADDR_ANY) ? 0 : EACCES;
}
// The groups of the device, as the kernel of whoever looks sees them.
static int is_member(const char* group) {
  char text_of_groups[8192] = {0};
  const int fd = open("/proc/self/net/igmp", O_RDONLY);
  if (fd < 0) return 0;
  const ssize_t n = read(fd, text_of_groups, sizeof text_of_groups - 1);
  close(fd);
  return n > 0 && strstr(text_of_groups, group) != NULL;
}
ATTEMPT(O27, network, "joins a multicast group", "EACCES EPERM ENODEV ENOPROTOOPT EOPNOTSUPP") {
  struct ip_mreqn request = {.imr_ifindex = 1};
  inet_pton(AF_INET, "224.9.8.7", &request.imr_multiaddr);
  const int fd = make_socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request) != 0) return errno;
  return is_member("070809E0") ? 0 : EACCES;  // a stand-in may say yes to everything
}

// --- unix sockets of the outside: Docker, D-Bus, agents of ssh and gpg look like these ---

#define NO_UNIX "EACCES EPERM ECONNREFUSED EPROTONOSUPPORT EPROTOTYPE"
static int unix_to(int type, const char* path, int abstract) {
  const struct target to = unix_target(path, abstract);
  return connect_and_send(make_socket(AF_UNIX, type, 0), &to);
}
static int unix_datagram_to(const char* path, int abstract) {
  const struct target to = unix_target(path, abstract);
  const int fd = make_socket(AF_UNIX, SOCK_DGRAM, 0);
  if (fd < 0) return errno;
  return outcome(sendto(fd, label(), strlen(label()), 0, (const struct sockaddr*)&to.address, to.size));
}
ATTEMPT(U01, network, "connects to a unix socket outside", NO_UNIX, .judge = kByEffect) {
  return unix_to(SOCK_STREAM, value("ESCAPE_UNIX_STREAM"), 0);
}
ATTEMPT(U02, network, "connects to a packet socket outside", NO_UNIX, .judge = kByEffect) {
  return unix_to(SOCK_SEQPACKET, value("ESCAPE_UNIX_PACKET"), 0);
}
ATTEMPT(U03, network, "sends a datagram to a unix socket outside, as to the system's log", NO_UNIX,
        .judge = kByEffect) {
  return unix_datagram_to(value("ESCAPE_UNIX_DATAGRAM"), 0);
}
ATTEMPT(U04, network, "connects to an abstract socket outside", NO_UNIX, .judge = kByEffect) {
  return unix_to(SOCK_STREAM, value("ESCAPE_ABSTRACT_STREAM"), 1);
}
ATTEMPT(U05, network, "sends a datagram to an abstract socket outside", NO_UNIX, .judge = kByEffect) {
  return unix_datagram_to(value("ESCAPE_ABSTRACT_DATAGRAM"), 1);
}
ATTEMPT(U06, network, "sends one end of a pair of datagram sockets there", NO_UNIX, .judge = kByEffect) {
  const struct target to = unix_target(value("ESCAPE_UNIX_DATAGRAM"), 0);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) != 0) return errno;
  return outcome(sendto(ends[0], label(), strlen(label()), 0, (const struct sockaddr*)&to.address, to.size));
}
ATTEMPT(U07, network, "connects to a unix socket through a link in the writable directory", NO_UNIX,
        .judge = kByEffect) {
  if (symlink(value("ESCAPE_UNIX_STREAM"), work("mine")) != 0) return errno;
  return unix_to(SOCK_STREAM, work("mine"), 0);
}
ATTEMPT(U08, network, "connects to a unix socket by a relative name", NO_UNIX, .judge = kByEffect) {
  if (chdir(value("ESCAPE_SOCKETS")) != 0) return errno;
  return unix_to(SOCK_STREAM, "stream", 0);
}
ATTEMPT(U09, network, "connects to a unix socket through /proc/self/root", NO_UNIX " ENAMETOOLONG",
        .judge = kByEffect) {
  return unix_to(SOCK_STREAM, text("/proc/self/root%s", value("ESCAPE_UNIX_STREAM")), 0);
}
ATTEMPT(U10, network, "connects to a unix socket through a descriptor of its directory", NO_UNIX, .judge = kByEffect) {
  const int dir = open(value("ESCAPE_SOCKETS"), O_PATH);
  return dir < 0 ? errno : unix_to(SOCK_STREAM, text("/proc/self/fd/%d/stream", dir), 0);
}
ATTEMPT(U11, network, "hands a datagram over by sendmmsg", NO_UNIX, .judge = kByEffect) {
  const struct target to = unix_target(value("ESCAPE_UNIX_DATAGRAM"), 0);
  const int fd = make_socket(AF_UNIX, SOCK_DGRAM, 0);
  struct iovec part = {(void*)(intptr_t)label(), strlen(label())};
  struct mmsghdr message = {
      .msg_hdr = {.msg_name = (void*)(intptr_t)&to.address, .msg_namelen = to.size, .msg_iov = &part, .msg_iovlen = 1}};
  return fd < 0 ? errno : outcome(sendmmsg(fd, &message, 1, 0));
}
ATTEMPT(U13, network, "makes a unix socket where the policy denies socket(2)", "EPERM EACCES", .profile = "nosocket") {
  return only_socket(AF_UNIX, SOCK_STREAM, 0);
}
ATTEMPT(U12, network, "serves on an abstract socket that the outside connects to", "EACCES EPERM ETIMEDOUT",
        .judge = kByResult) {
  const struct target at = unix_target(text("%s-%s", value("ESCAPE_ABSTRACT_STREAM"), label()), 1);
  const int fd = make_socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0 || bind(fd, (const struct sockaddr*)&at.address, at.size) != 0 || listen(fd, 1) != 0) return errno;
  struct pollfd ready = {fd, POLLIN, 0};
  return poll(&ready, 1, 300) == 1 ? 0 : ETIMEDOUT;
}
