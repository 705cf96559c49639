// Layer network: out, without names. In front of the sinks on loopback and on foreign addresses, which the environment
// lays on the loopback device so that nothing leaves the machine.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_alg.h>
#include <linux/netlink.h>
#include <linux/vm_sockets.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attempt.h"
#include "sockets.h"

static int send_to(int fd, const struct target* to, int flags) {
  if (fd < 0) return errno;
  return outcome(
      sendto(fd, label(), strlen(label()), flags | MSG_NOSIGNAL, (const struct sockaddr*)&to->address, to->size));
}
int datagram_to(const char* address) {
  const struct target to = sink_at(address);
  return send_to(make_socket(to.address.ss_family, SOCK_DGRAM, 0), &to, 0);
}

#define REFUSED "EACCES EPERM ECONNREFUSED ENETUNREACH EHOSTUNREACH EADDRNOTAVAIL ECONNRESET EPIPE"

// --- TCP ---

ATTEMPT(N01, network, "connects to a service on loopback", REFUSED, .judge = kByEffect) {
  return stream_to("127.0.0.1");
}
ATTEMPT(N02, network, "connects to loopback by IPv6", REFUSED, .judge = kByEffect) { return stream_to("::1"); }
ATTEMPT(N03, network, "connects to loopback by an IPv4-mapped address", REFUSED, .judge = kByEffect) {
  return stream_to("::ffff:127.0.0.1");
}
ATTEMPT(N04, network, "connects to loopback as 0.0.0.0", REFUSED, .judge = kByEffect) { return stream_to("0.0.0.0"); }
ATTEMPT(N05, network, "connects to loopback as ::", REFUSED, .judge = kByEffect) { return stream_to("::"); }
ATTEMPT(N06, network, "connects to another address of loopback", REFUSED, .judge = kByEffect) {
  return stream_to("127.9.8.7");
}
ATTEMPT(N07, network, "connects to the cloud's metadata service", REFUSED, .judge = kByEffect, .needs = "addresses") {
  return stream_to("169.254.169.254");
}
ATTEMPT(N08, network, "connects to a private address", REFUSED, .judge = kByEffect, .needs = "addresses") {
  return stream_to("10.1.2.3");
}
ATTEMPT(N09, network, "connects to a public address", REFUSED, .judge = kByEffect, .needs = "addresses") {
  return stream_to("93.184.215.14");
}
ATTEMPT(N10, network, "connects to a unique local IPv6 address", REFUSED, .judge = kByEffect, .needs = "ipv6") {
  return stream_to("fd00:ec2::254");
}
ATTEMPT(N11, network, "connects without waiting, and sends when it is connected", REFUSED, .judge = kByWitness) {
  const struct target to = sink_at("127.0.0.1");
  const int fd = make_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno;
  if (connect(fd, (const struct sockaddr*)&to.address, to.size) != 0 && errno != EINPROGRESS) return errno;
  struct pollfd ready = {fd, POLLOUT, 0};
  if (poll(&ready, 1, 1000) != 1) return EACCES;
  return send_id(fd);
}
ATTEMPT(N12, network, "connects by a shell", "exit", .judge = kByEffect) {
  return shell("exec bash -c \"echo -n $LABEL >/dev/tcp/127.1/$ESCAPE_PORT\"");
}
ATTEMPT(N13, network, "connects in a child of a child", REFUSED, .judge = kByEffect) {
  const pid_t pid = fork();
  if (pid == 0) {
    const pid_t inner = fork();
    if (inner == 0) _exit(stream_to("127.0.0.1"));
    int status = 0;
    waitpid(inner, &status, 0);
    _exit(WEXITSTATUS(status));
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WEXITSTATUS(status);
}
static void* connect_in_thread(void* address) { return (void*)(intptr_t)stream_to(address); }
ATTEMPT(N14, network, "connects in a thread", REFUSED, .judge = kByEffect) {
  pthread_t thread;
  void* result = NULL;
  const int refused = pthread_create(&thread, NULL, connect_in_thread, (void*)(intptr_t)"127.0.0.1");
  if (refused) return refused;
  pthread_join(thread, &result);
  return (int)(intptr_t)result;
}
ATTEMPT(N15, network, "connects a duplicate of the socket", REFUSED, .judge = kByEffect) {
  const struct target to = sink_at("127.0.0.1");
  const int fd = make_socket(AF_INET, SOCK_STREAM, 0);
  return fd < 0 ? errno : connect_and_send(dup(fd), &to);
}
ATTEMPT(N16, network, "connects with a longer address than there is", REFUSED " EINVAL", .judge = kByEffect) {
  struct target to = sink_at("127.0.0.1");
  to.size = sizeof to.address;
  return connect_and_send(make_socket(AF_INET, SOCK_STREAM, 0), &to);
}
ATTEMPT(N17, network, "sends with the connection (MSG_FASTOPEN) by sendto", REFUSED " EOPNOTSUPP", .judge = kByEffect) {
  const struct target to = sink_at("127.0.0.1");
  return send_to(make_socket(AF_INET, SOCK_STREAM, 0), &to, MSG_FASTOPEN);
}
static int send_message(int fd, const struct target* to, int flags, int many) {
  if (fd < 0) return errno;
  struct iovec part = {(void*)(intptr_t)label(), strlen(label())};
  struct mmsghdr message = {
      .msg_hdr = {
          .msg_name = (void*)(intptr_t)&to->address, .msg_namelen = to->size, .msg_iov = &part, .msg_iovlen = 1}};
  if (!many) return outcome(sendmsg(fd, &message.msg_hdr, flags | MSG_NOSIGNAL));
  return outcome(sendmmsg(fd, &message, 1, flags | MSG_NOSIGNAL));
}
ATTEMPT(N18, network, "sends with the connection by sendmsg", REFUSED " EOPNOTSUPP", .judge = kByEffect) {
  const struct target to = sink_at("127.0.0.1");
  return send_message(make_socket(AF_INET, SOCK_STREAM, 0), &to, MSG_FASTOPEN, 0);
}
ATTEMPT(N19, network, "sends with the connection by sendmmsg", REFUSED " EOPNOTSUPP", .judge = kByEffect) {
  const struct target to = sink_at("127.0.0.1");
  return send_message(make_socket(AF_INET, SOCK_STREAM, 0), &to, MSG_FASTOPEN, 1);
}
ATTEMPT(N20, network, "connects later (TCP_FASTOPEN_CONNECT)", REFUSED " EOPNOTSUPP", .judge = kByEffect) {
  const struct target to = sink_at("127.0.0.1");
  const int fd = make_socket(AF_INET, SOCK_STREAM, 0), one = 1;
  if (fd >= 0 && setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof one) != 0) return errno;
  return connect_and_send(fd, &to);
}
ATTEMPT(N21, network, "connects by multipath TCP", REFUSED " EPROTONOSUPPORT", .judge = kByEffect) {
  const struct target to = sink_at("127.0.0.1");
  return connect_and_send(make_socket(AF_INET, SOCK_STREAM, 262), &to);
}
ATTEMPT(N22, network, "disconnects (AF_UNSPEC) and connects elsewhere", REFUSED " EAFNOSUPPORT", .judge = kByEffect) {
  const struct target to = sink_at("127.0.0.1");
  const int fd = make_socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
  if (fd < 0 || connect(fd, &nowhere, sizeof nowhere) != 0) return errno;
  return connect_and_send(fd, &to);
}
ATTEMPT(N23, network, "connects from a privileged source port", REFUSED, .judge = kByEffect) {
  const struct target to = sink_at("127.0.0.1"), from = target_of("127.0.0.1", 0);
  const int fd = make_socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || bind(fd, (const struct sockaddr*)&from.address, from.size) != 0) return errno;
  return connect_and_send(fd, &to);
}

// --- UDP ---

ATTEMPT(N30, network, "sends a datagram to loopback", REFUSED, .judge = kByWitness) { return datagram_to("127.0.0.1"); }
ATTEMPT(N31, network, "sends a datagram to loopback by IPv6", REFUSED, .judge = kByWitness) {
  return datagram_to("::1");
}
ATTEMPT(N32, network, "sends a datagram to a public address", REFUSED, .judge = kByWitness, .needs = "addresses") {
  return datagram_to("93.184.215.14");
}
ATTEMPT(N33, network, "sends a datagram to the metadata service", REFUSED, .judge = kByWitness, .needs = "addresses") {
  return datagram_to("169.254.169.254");
}
ATTEMPT(N34, network, "connects a datagram socket and sends", REFUSED, .judge = kByWitness) {
  const struct target to = sink_at("127.0.0.1");
  return connect_and_send(make_socket(AF_INET, SOCK_DGRAM, 0), &to);
}
ATTEMPT(N35, network, "sends a datagram by sendmsg", REFUSED, .judge = kByWitness) {
  const struct target to = sink_at("127.0.0.1");
  return send_message(make_socket(AF_INET, SOCK_DGRAM, 0), &to, 0, 0);
}
ATTEMPT(N36, network, "sends a datagram by sendmmsg", REFUSED, .judge = kByWitness) {
  const struct target to = sink_at("127.0.0.1");
  return send_message(make_socket(AF_INET, SOCK_DGRAM, 0), &to, 0, 1);
}
ATTEMPT(N37, network, "sends a datagram whose control data names an interface", REFUSED, .judge = kByWitness) {
  const struct target to = sink_at("127.0.0.1");
  const int fd = make_socket(AF_INET, SOCK_DGRAM, 0);
  char control[CMSG_SPACE(sizeof(struct in_pktinfo))] = {0};
  struct iovec part = {(void*)(intptr_t)label(), strlen(label())};
  struct msghdr message = {(void*)(intptr_t)&to.address, to.size, &part, 1, control, sizeof control, 0};
  struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = IPPROTO_IP, header->cmsg_type = IP_PKTINFO,
  header->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
  struct in_pktinfo info = {.ipi_ifindex = 1};
  memcpy(CMSG_DATA(header), &info, sizeof info);
  return fd < 0 ? errno : outcome(sendmsg(fd, &message, MSG_NOSIGNAL));
}
ATTEMPT(N38, network, "sends UDP-Lite", REFUSED " EPROTONOSUPPORT") {
  return only_socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE);
}
ATTEMPT(N39, network, "broadcasts", REFUSED, .judge = kByWitness) {
  const struct target to = sink_at("127.255.255.255");
  const int fd = make_socket(AF_INET, SOCK_DGRAM, 0), one = 1;
  if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof one);
  return send_to(fd, &to, 0);
}

// --- other protocols and families ---

#define NO_FAMILY "EAFNOSUPPORT EPROTONOSUPPORT EACCES EPERM ESOCKTNOSUPPORT"
ATTEMPT(N40, network, "makes a raw socket", NO_FAMILY) { return only_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP); }
ATTEMPT(N41, network, "makes a raw IPv6 socket", NO_FAMILY) { return only_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6); }
ATTEMPT(N42, network, "pings by a datagram socket", NO_FAMILY) {
  return only_socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
}
ATTEMPT(N43, network, "makes a packet socket", NO_FAMILY) { return only_socket(AF_PACKET, SOCK_RAW, 0x300); }
ATTEMPT(N44, network, "talks to the kernel by netlink", NO_FAMILY) {
  return only_socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);
}
ATTEMPT(N45, network, "hears the kernel's device events", NO_FAMILY) {
  return only_socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT);
}
ATTEMPT(N46, network, "asks for the sockets of the machine (sock_diag)", NO_FAMILY) {
  return only_socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
}
ATTEMPT(N47, network, "talks to the hypervisor (vsock)", NO_FAMILY) { return only_socket(AF_VSOCK, SOCK_STREAM, 0); }
ATTEMPT(N48, network, "uses the kernel's ciphers (AF_ALG)", NO_FAMILY) {
  return only_socket(AF_ALG, SOCK_SEQPACKET, 0);
}
ATTEMPT(N49, network, "makes an express data path socket", NO_FAMILY) { return only_socket(44, SOCK_RAW, 0); }
ATTEMPT(N50, network, "makes sockets of seldom families", NO_FAMILY) {
  static const int families[] = {AF_BLUETOOTH, AF_CAN,        AF_TIPC,  AF_RDS,        AF_APPLETALK,
                                 AF_X25,       AF_KEY,        AF_PPPOX, AF_NFC,        AF_KCM,
                                 43 /* SMC */, 45 /* MCTP */, AF_LLC,   AF_IEEE802154, AF_PHONET};
  int last = 0;
  for (size_t i = 0; i < sizeof families / sizeof *families; ++i) {
    for (int type = SOCK_STREAM; type <= SOCK_SEQPACKET; ++type) {
      last = only_socket(families[i], type, 0);
      if (last == 0) return 0;
    }
  }
  return last;
}
ATTEMPT(N51, network, "makes an SCTP or DCCP socket", NO_FAMILY) {
  const int sctp = only_socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
  return sctp == 0 ? 0 : only_socket(AF_INET, 6 /* DCCP */, 33);
}
ATTEMPT(N52, network, "makes a socket with garbage above the family", NO_FAMILY) {
  return outcome(syscall(SYS_socket, 0x5a5a5a5a00000000UL | AF_PACKET, SOCK_RAW, 0));
}
ATTEMPT(N53, network, "makes a packet socket in the obsolete way", NO_FAMILY) {
  return only_socket(AF_INET, SOCK_PACKET, 0x300);
}
