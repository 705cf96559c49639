#ifndef TESTS_ESCAPE_SOCKETS_H_
#define TESTS_ESCAPE_SOCKETS_H_
// What the attempts on the network share. Everything that leaves carries the attempt's id, by which the sinks outside
// know it. ESCAPE_PORT is the sinks' port, TCP and UDP, on every address of the machine.
#include <netinet/in.h>
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

#endif
