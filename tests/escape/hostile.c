// Commands that attack the network guard itself: escape_hostile ACT [SECONDS]. Run by hostile.py inside the sandbox,
// which watches from outside: the forbidden listener (ESCAPE_FORBIDDEN), the allowed one (ESCAPE_ALLOWED, an address
// that the policy names), and whether the sandbox ends, on time, with nothing left. Prints one line of JSON about what
// the command itself saw.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds = 2;
static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}
static in_port_t port_of(const char* name) {
  const char* text = getenv(name);
  return htons((uint16_t)atoi(text ? text : "0"));
}
static struct sockaddr_in local(in_port_t port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = port};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// --- an address that changes while the guard looks at it ---

static struct sockaddr_in shared;
static atomic_int over;
static in_port_t allowed, forbidden;

static void* flip(void* unused) {
  (void)unused;
  volatile in_port_t* port = &shared.sin_port;
  while (!atomic_load_explicit(&over, memory_order_relaxed)) {
    *port = allowed;
    *port = forbidden;
  }
  return NULL;
}

enum way { kConnect, kSendto, kSendmsg, kSendmmsg };

static int send_by(enum way way, int fd) {
  struct iovec part = {(void*)(intptr_t)"flip", 4};
  struct mmsghdr message = {
      .msg_hdr = {.msg_name = &shared, .msg_namelen = sizeof shared, .msg_iov = &part, .msg_iovlen = 1}};
  switch (way) {
    case kConnect:
      if (connect(fd, (struct sockaddr*)&shared, sizeof shared) != 0) return -1;
      return (int)send(fd, "flip", 4, MSG_NOSIGNAL);
    case kSendto:
      return (int)sendto(fd, "flip", 4, MSG_NOSIGNAL, (struct sockaddr*)&shared, sizeof shared);
    case kSendmsg:
      return (int)sendmsg(fd, &message.msg_hdr, MSG_NOSIGNAL);
    case kSendmmsg:
      return sendmmsg(fd, &message, 1, MSG_NOSIGNAL);
  }
  return -1;
}

static int race(enum way way, int flipping) {
  allowed = port_of("ESCAPE_ALLOWED");
  forbidden = port_of("ESCAPE_FORBIDDEN");
  shared = local(allowed);
  pthread_t threads[2];
  for (int i = 0; flipping && i < 2; ++i) pthread_create(&threads[i], NULL, flip, NULL);
  long tries = 0, passed = 0, refused = 0, unmade = 0;
  const struct linger reset = {1, 0};  // so that ports do not run out
  for (const double end = now() + seconds; now() < end; ++tries) {
    const int fd = socket(AF_INET, (way == kConnect ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      ++unmade;
      continue;
    }
    if (send_by(way, fd) > 0)
      ++passed;
    else
      ++refused;
    if (way == kConnect) setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
  }
  atomic_store(&over, 1);
  for (int i = 0; flipping && i < 2; ++i) pthread_join(threads[i], NULL);
  printf("{\"tries\":%ld,\"passed\":%ld,\"refused\":%ld,\"unmade\":%ld}\n", tries, passed, refused, unmade);
  return 0;
}

// --- more than it may be able to hold ---

static long connect_many(long count, in_port_t port) {
  const struct sockaddr_in to = local(port);
  long passed = 0;
  for (long i = 0; i < count; ++i) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) continue;
    passed += connect(fd, (const struct sockaddr*)&to, sizeof to) == 0;
    close(fd);
  }
  return passed;
}
// 10,000 connects from ten processes, all to what is closed.
static int flood(void) {
  for (int i = 0; i < 10; ++i) {
    if (fork() == 0) _exit(connect_many(1000, port_of("ESCAPE_FORBIDDEN")) > 0);
  }
  int status = 0, reached = 0;
  while (wait(&status) > 0) reached += WEXITSTATUS(status);
  printf("{\"tries\":10000,\"passed\":%d}\n", reached);
  return 0;
}
// Sockets that are closed again, used or not: the guard must notice.
static int churn(void) {
  const struct sockaddr_in to = local(port_of("ESCAPE_FORBIDDEN"));
  long made = 0, passed = 0;
  for (int i = 0; i < 4000; ++i) {
    const int fd = socket(AF_INET, i % 3 == 2 ? SOCK_DGRAM : SOCK_STREAM, 0);
    made += fd >= 0;
    if (i % 3 == 1) passed += connect(fd, (const struct sockaddr*)&to, sizeof to) == 0;
    close(fd);
  }
  printf("{\"tries\":4000,\"made\":%ld,\"passed\":%ld}\n", made, passed);
  return 0;
}
// Sockets that are never used or closed, until there is no descriptor left.
static int hoard(void) {
  long made = 0;
  for (int i = 0; i < 8; ++i) {
    if (fork() == 0) {
      while (socket(AF_INET, SOCK_STREAM, 0) >= 0) {
      }
      sleep((unsigned)seconds);
      _exit(0);
    }
  }
  while (socket(AF_INET, SOCK_STREAM, 0) >= 0) ++made;
  sleep((unsigned)seconds);
  printf("{\"made\":%ld}\n", made);
  return 0;
}
static void* connect_once(void* result) {
  *(long*)result = connect_many(3, port_of("ESCAPE_FORBIDDEN"));
  return NULL;
}
static int thousand_threads(void) {
  static pthread_t threads[1000];
  static long passed[1000];
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 65536);
  int made = 0;
  while (made < 1000 && pthread_create(&threads[made], &small, connect_once, &passed[made]) == 0) ++made;
  long reached = 0;
  for (int i = 0; i < made; ++i) {
    pthread_join(threads[i], NULL);
    reached += passed[i];
  }
  printf("{\"made\":%d,\"passed\":%ld}\n", made, reached);
  return 0;
}

// --- out of sight, out of step ---

static int hidden(void) {
  prctl(PR_SET_DUMPABLE, 0);
  printf("{\"passed\":%ld}\n", connect_many(100, port_of("ESCAPE_FORBIDDEN")));
  return 0;
}
static int by_vfork(void) {
  static volatile long passed;
  for (volatile int i = 0; i < 100; ++i) {
    const pid_t pid = vfork();
    if (pid == 0) {
      const struct sockaddr_in to = local(port_of("ESCAPE_FORBIDDEN"));
      const int fd = socket(AF_INET, SOCK_STREAM, 0);
      if (fd >= 0 && connect(fd, (const struct sockaddr*)&to, sizeof to) == 0) ++passed;
      close(fd);
      _exit(0);
    }
    waitpid(pid, NULL, 0);
  }
  printf("{\"passed\":%ld}\n", passed);
  return 0;
}
static void ignore(int number) { (void)number; }
// Signals arrive all the time, with and without restarting the call that they interrupt.
static int storm(void) {
  struct sigaction action = {.sa_handler = ignore};
  sigaction(SIGUSR1, &action, NULL);
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR2, &action, NULL);
  const pid_t target = getpid(), pid = fork();
  if (pid == 0) {
    for (const double end = now() + seconds; now() < end;) {
      kill(target, SIGUSR1);
      kill(target, SIGUSR2);
    }
    _exit(0);
  }
  long passed = 0, to_allowed = 0, tries = 0;
  for (const double end = now() + seconds; now() < end; ++tries) {
    passed += connect_many(1, port_of("ESCAPE_FORBIDDEN"));
    errno = 0;
    // A signal that comes in between refuses nothing: the connection goes on (connect(2)).
    to_allowed += connect_many(1, port_of("ESCAPE_ALLOWED")) == 1 || errno == EINTR;
  }
  waitpid(pid, NULL, 0);
  printf("{\"tries\":%ld,\"passed\":%ld,\"allowed\":%ld}\n", tries, passed, to_allowed);
  return 0;
}
// Killed while the guard holds a call of theirs.
static int killed(void) {
  long count = 0;
  for (const double end = now() + seconds; now() < end; ++count) {
    const pid_t pid = fork();
    if (pid == 0) {
      connect_many(1000, port_of(count % 2 ? "ESCAPE_FORBIDDEN" : "ESCAPE_ALLOWED"));
      _exit(0);
    }
    const struct timespec moment = {0, 200000 + count % 7 * 150000};
    nanosleep(&moment, NULL);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
  }
  printf("{\"killed\":%ld}\n", count);
  return 0;
}

int main(int argc, char** argv) {
  const char* act = argc > 1 ? argv[1] : "";
  if (argc > 2) seconds = atof(argv[2]);
  if (strcmp(act, "connect") == 0) return race(kConnect, 1);
  if (strcmp(act, "sendto") == 0) return race(kSendto, 1);
  if (strcmp(act, "sendmsg") == 0) return race(kSendmsg, 1);
  if (strcmp(act, "sendmmsg") == 0) return race(kSendmmsg, 1);
  if (strcmp(act, "steady") == 0) return race(kConnect, 0);
  if (strcmp(act, "flood") == 0) return flood();
  if (strcmp(act, "churn") == 0) return churn();
  if (strcmp(act, "hoard") == 0) return hoard();
  if (strcmp(act, "threads") == 0) return thousand_threads();
  if (strcmp(act, "hidden") == 0) return hidden();
  if (strcmp(act, "vfork") == 0) return by_vfork();
  if (strcmp(act, "storm") == 0) return storm();
  if (strcmp(act, "killed") == 0) return killed();
  fputs(
      "usage: escape_hostile "
      "connect|sendto|sendmsg|sendmmsg|steady|flood|churn|hoard|threads|hidden|vfork|storm|killed [SECONDS]\n",
      stderr);
  return 2;
}
