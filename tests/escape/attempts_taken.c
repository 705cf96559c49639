// Layer limits: what is taken in a way that no process shows. Processor time of children that nobody waits for, memory
// that the kernel holds for sockets, disk space in many files, without a name, or reserved.
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attempt.h"

enum { kMegabyte = 1 << 20 };

static const char* scratch(void) { return getenv("TMPDIR") ? getenv("TMPDIR") : work(""); }

// --- processor time: 1 s is allowed ---

static int compute_in_children(int children, clock_t each) {
  for (int i = 0; i < children; ++i) {
    const pid_t pid = fork();
    if (pid < 0) return errno;
    if (pid == 0) {
      while (clock() < each) {
      }
      _exit(0);
    }
    waitpid(pid, NULL, 0);  // of one that is ignored: until it is gone
  }
  return 0;
}
ATTEMPT(L50, limits, "computes for 4 s in children that nobody waits for", "SIGXCPU SIGKILL limit",
        .profile = "alone-cpu") {
  signal(SIGCHLD, SIG_IGN);
  return compute_in_children(10, 4 * CLOCKS_PER_SEC / 10);
}
ATTEMPT(L51, limits, "computes for 4 s in 1,000 children of 4 ms", "SIGXCPU SIGKILL limit", .profile = "alone-cpu") {
  return compute_in_children(1000, CLOCKS_PER_SEC / 250);
}

// --- memory: 64 MB are allowed ---

// 240 MB or more that were sent and are not read.
static int fill_sockets(int pairs, int buffer) {
  static char block[65536];
  size_t sent = 0;
  for (int i = 0; i < pairs; ++i) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0) return errno;
    for (int end = 0; end < 2; ++end) {
      if (buffer > 0) setsockopt(ends[end], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
      for (ssize_t n; (n = send(ends[end], block, sizeof block, MSG_NOSIGNAL)) > 0;) sent += (size_t)n;
    }
    rest(2);  // so that who counts from time to time can keep up
  }
  rest(300);
  return sent > (size_t)100 * kMegabyte ? 0 : ENOBUFS;
}
ATTEMPT(L52, limits, "leaves 100 MB unread in sockets where 64 MB of memory are allowed",
        "ENOBUFS ENOMEM SIGKILL limit", .profile = "alone-memory") {
  return fill_sockets(480, 0);
}
ATTEMPT(L53, limits, "leaves 100 MB unread in few sockets with large buffers", "ENOBUFS ENOMEM SIGKILL limit",
        .profile = "alone-memory") {
  return fill_sockets(60, 4 * kMegabyte);
}

// --- disk: 24 MB are allowed ---

static int fill(int fd, int reserve) {
  static char block[kMegabyte];
  memset(block, 'x', sizeof block);
  if (fd < 0) return errno;
  if (reserve) return posix_fallocate(fd, 0, 4 * kMegabyte);
  for (int i = 0; i < 4; ++i) {
    if (write(fd, block, sizeof block) != (ssize_t)sizeof block) return errno;
  }
  return 0;
}
static int fill_files(const char* directory, int keep, int reserve) {
  for (int i = 0; i < 20; ++i) {
    const char* path = text("%s/part-%d", directory, i);
    const int fd = open(path, O_WRONLY | O_CREAT, 0644);
    if (!keep) unlink(path);
    const int refused = fill(fd, reserve);
    if (refused != 0) return refused;
    rest(100);
    if (keep) close(fd);
  }
  rest(1500);
  return 0;
}
ATTEMPT(L54, limits, "writes 80 MB into many files where 24 MB are allowed", "limit", .profile = "alone-disk") {
  return fill_files(scratch(), 1, 0);
}
ATTEMPT(L55, limits, "writes 80 MB into files of its private directory that have no name any more", "limit",
        .profile = "alone-disk") {
  return fill_files(scratch(), 0, 0);
}
ATTEMPT(L57, limits, "reserves 80 MB without writing a byte", "limit", .profile = "alone-disk") {
  return fill_files(scratch(), 1, 1);
}
ATTEMPT(L58, limits, "writes 80 MB into nameless files and shows nobody its descriptors", "limit",
        .profile = "alone-disk") {
  prctl(PR_SET_DUMPABLE, 0);
  return fill_files(scratch(), 0, 0);
}
