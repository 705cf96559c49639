#ifndef TESTS_ESCAPE_SOCKETS_H_
#define TESTS_ESCAPE_SOCKETS_H_
// What the attempts on the network share. Everything that leaves carries the attempt's id, by which the sinks outside
// know it. ESCAPE_PORT is the sinks' port, TCP and UDP, on every address of the machine.
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

struct target {
  struct sockaddr_storage address;
  socklen_t size;
};

// "127.0.0.1", "::1", "::ffff:127.0.0.1".
struct target target_of(const char* address, int port);
struct target sink_at(const char* address);  // with ESCAPE_PORT
struct target unix_target(const char* path, int abstract);

int make_socket(int family, int type, int protocol);  // like socket(2), close-on-exec
int send_id(int fd);                                  // send(2) of the id; 0 or errno
int connect_and_send(int fd, const struct target* to);
int stream_to(const char* address);                   // TCP: socket, connect, send
int datagram_to(const char* address);                 // UDP: socket, sendto
int only_socket(int family, int type, int protocol);  // 0 when there is one

// Talk with a server behind a name. The resolver is the machine's (ESCAPE_DNS_PORT).
struct target resolved(const char* name, int type, int port);  // RFC 1035; size 0 when there is no such address
int dial(const char* name, int port);                          // connected, or -1 and errno
int say(int fd, const void* data, size_t size);                // sends, and lets it arrive; 0 or errno
int say_text(int fd, const char* line);
int tell(const char* name, int port);  // just the label
// A TLS 1.2 hello (RFC 5246, RFC 6066) with up to two server names; the label is its session id.
size_t hello(unsigned char* out, const char* first, const char* second);
int greet(const char* name, int port, const char* first, const char* second);
int visit(const char* name);  // an HTTP request for the label

#endif
