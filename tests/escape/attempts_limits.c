// Layer limits: what a command takes of the machine, and what it leaves running. Each runs in a sandbox of its own,
// under the limits of its profile (profiles.py), because the limit may end the whole command: the outcome is then
// "limit".
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attempt.h"

enum { kMany = 300, kMegabyte = 1 << 20 };

// --- processes ---

static int end_children(int refused) {
  signal(SIGTERM, SIG_IGN);
  kill(0, SIGTERM);
  while (waitpid(-1, NULL, WNOHANG) > 0) {
  }
  return refused;
}

ATTEMPT(L01, limits, "starts 300 processes where 24 are allowed", "EAGAIN limit", .profile = "alone-pids") {
  setpgid(0, 0);
  for (int i = 0; i < kMany; ++i) {
    const pid_t pid = fork();
    if (pid < 0) return end_children(errno);
    if (pid == 0) {
      rest(3000);
      _exit(0);
    }
  }
  rest(400);  // where the tree is counted from time to time
  return end_children(0);
}
static void* sleeper(void* unused) {
  (void)unused;
  rest(3000);
  return NULL;
}
ATTEMPT(L02, limits, "starts 300 threads where 24 are allowed", "EAGAIN limit", .profile = "alone-pids") {
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 65536);
  for (int i = 0; i < kMany; ++i) {
    pthread_t thread;
    const int refused = pthread_create(&thread, &small, sleeper, NULL);
    if (refused != 0) return refused;
  }
  rest(400);
  return 0;
}
ATTEMPT(L03, limits, "starts 300 processes from processes that are gone", "EAGAIN limit", .profile = "alone-pids") {
  int count[2];
  if (pipe(count) != 0) return errno;
  for (int i = 0; i < kMany; ++i) {
    const pid_t pid = fork();
    if (pid < 0) return errno;
    if (pid == 0) {
      if (fork() == 0) {
        prctl(PR_SET_NAME, "sleeper");
        if (write(count[1], "x", 1) == 1) rest(5000);  // while all the others are made
      }
      _exit(0);
    }
    waitpid(pid, NULL, 0);
  }
  rest(400);
  close(count[1]);
  char all[kMany];
  ssize_t n = 0;
  for (ssize_t r; n < kMany && (r = read(count[0], all + n, (size_t)(kMany - n))) > 0;) n += r;
  return n == kMany ? 0 : EAGAIN;
}
ATTEMPT(L04, limits, "multiplies without end", "EAGAIN limit timeout", .profile = "alone-bomb", .judge = kByWitness,
        .outside = "it would take the machine with it") {
  for (const time_t end = time(NULL) + 2; time(NULL) < end;) {
    if (fork() < 0) rest(1);
  }
  return 0;
}

// --- memory: 64 MB are allowed ---

static int touch(size_t bytes, int flags) {
  char* memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return errno;
  for (size_t at = 0; at < bytes; at += 4096) {
    memory[at] = 1;
    if (at % (4 * kMegabyte) == 0) rest(1);  // so that who counts from time to time can keep up
  }
  return 0;
}
ATTEMPT(L10, limits, "takes 400 MB in one process", "ENOMEM SIGKILL SIGSEGV limit", .profile = "alone-memory") {
  return touch(400 * kMegabyte, MAP_PRIVATE);
}
ATTEMPT(L11, limits, "takes 400 MB of shared memory", "ENOMEM SIGKILL SIGBUS limit", .profile = "alone-memory") {
  return touch(400 * kMegabyte, MAP_SHARED);
}
ATTEMPT(L12, limits, "takes 400 MB in eight processes", "ENOMEM SIGKILL limit", .profile = "alone-memory") {
  pid_t pids[8];
  for (int i = 0; i < 8; ++i) {
    pids[i] = fork();
    if (pids[i] < 0) return errno;
    if (pids[i] == 0) {
      const int refused = touch(50 * kMegabyte, MAP_PRIVATE);
      rest(300);
      _exit(refused);
    }
  }
  int worked = 0;
  for (int i = 0; i < 8; ++i) {
    int status = 0;
    waitpid(pids[i], &status, 0);
    worked += WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  return worked == 8 ? 0 : ENOMEM;
}
ATTEMPT(L13, limits, "takes 400 MB in an orphan that left its session", "ENOMEM SIGKILL limit",
        .profile = "alone-memory") {
  int done[2];
  if (pipe(done) != 0) return errno;
  if (fork() == 0) {
    setsid();
    if (fork() == 0) {
      if (touch(400 * kMegabyte, MAP_PRIVATE) == 0 && write(done[1], "x", 1) == 1) rest(10);
    }
    _exit(0);
  }
  close(done[1]);
  char byte;
  return read(done[0], &byte, 1) == 1 ? 0 : ENOMEM;
}
ATTEMPT(L14, limits, "grows its heap past the limit by brk", "ENOMEM SIGKILL limit", .profile = "alone-memory") {
  for (int i = 0; i < 100; ++i) {
    char* block = sbrk(4 * kMegabyte);
    if (block == (char*)-1) return errno;
    memset(block, 1, 4 * kMegabyte);
    rest(1);
  }
  return 0;
}

// --- files, time, output, descriptors ---

static const char* scratch(void) { return getenv("TMPDIR") ? getenv("TMPDIR") : work(""); }

ATTEMPT(L20, limits, "writes 8 MB into a file where 1 MB is allowed", "SIGXFSZ EFBIG", .profile = "alone-file") {
  static char block[kMegabyte];
  const int fd = open(text("%s/big", scratch()), O_WRONLY | O_CREAT, 0644);
  for (int i = 0; i < 8; ++i) {
    const ssize_t n = write(fd, block, sizeof block);
    if (n < 0) return errno;
    if ((size_t)n < sizeof block) return EFBIG;
  }
  return 0;
}
ATTEMPT(L21, limits, "makes an 8 MB file by ftruncate", "SIGXFSZ EFBIG", .profile = "alone-file") {
  const int fd = open(text("%s/big", scratch()), O_WRONLY | O_CREAT, 0644);
  return fd < 0 ? errno : outcome(ftruncate(fd, 8 * kMegabyte));
}
ATTEMPT(L22, limits, "writes the file with the limit's signal ignored", "EFBIG", .profile = "alone-file") {
  signal(SIGXFSZ, SIG_IGN);
  const int fd = open(text("%s/big", scratch()), O_WRONLY | O_CREAT, 0644);
  return fd < 0 ? errno : outcome(pwrite(fd, "x", 1, 8 * kMegabyte));
}
ATTEMPT(L23, limits, "computes for 2 s where 1 s is allowed", "SIGXCPU SIGKILL limit", .profile = "alone-cpu") {
  while (clock() < 2 * CLOCKS_PER_SEC) {
  }
  return 0;
}
ATTEMPT(L24, limits, "computes with the limit's signal ignored", "SIGXCPU SIGKILL limit", .profile = "alone-cpu") {
  signal(SIGXCPU, SIG_IGN);
  while (clock() < 4 * CLOCKS_PER_SEC) {
  }
  return 0;
}
ATTEMPT(L25, limits, "takes 3 s where a third of a second is allowed, deaf to signals", "limit",
        .profile = "alone-wall") {
  for (int s = 1; s < 32; ++s) signal(s, SIG_IGN);
  rest(4500);  // past the grace that polite signals leave
  return 0;
}
ATTEMPT(L26, limits, "leaves a stopped process behind when its time is over", "limit", .profile = "alone-wall",
        .judge = kByWitness) {
  if (fork() == 0) {
    setsid();
    raise(SIGSTOP);
    _exit(0);
  }
  rest(800);
  return 0;
}
ATTEMPT(L27, limits, "prints 8 MB where 64 kB are allowed", "limit SIGPIPE", .profile = "alone-output") {
  static char block[kMegabyte];
  memset(block, '.', sizeof block);
  for (int i = 0; i < 8; ++i) {
    for (size_t at = 0; at < sizeof block;) {
      const ssize_t n = write(1, block + at, sizeof block - at);
      if (n < 0) return errno;
      at += (size_t)n;
    }
  }
  return outcome(write(1, "\n", 1));
}
// The parent of the one that started this attempt.
static int guardian(void) {
  char line[512] = {0};
  const int fd = open(text("/proc/%d/stat", getppid()), O_RDONLY);
  int pid = 0;
  if (fd < 0 || read(fd, line, sizeof line - 1) <= 0) return -1;
  const char* after = strrchr(line, ')');
  return after && sscanf(after, ") %*c %d", &pid) == 1 ? pid : -1;
}
ATTEMPT(L29, limits, "stops the guardian, which keeps the time", "EPERM ESRCH", .profile = "alone-wall",
        .outside = "there is no guardian") {
  const int pid = guardian();
  if (pid < 0 || kill(pid, SIGSTOP) != 0) return errno;
  return outcome(kill(pid, SIGCONT));
}
ATTEMPT(L28, limits, "opens more files than allowed", "EMFILE") {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  for (int i = 0; i < 1100; ++i) {
    if (open("/dev/null", O_RDONLY) < 0) return errno;
  }
  return 0;
}

// --- what is left when the command ends ---

static int sleep_long(void* unused) {
  (void)unused;
  rest(60000);
  _exit(0);
}
static int leave(void (*prepare)(void)) {
  const pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) {
    setsid();
    if (fork() != 0) _exit(0);
    if (prepare) prepare();
    sleep_long(NULL);
  }
  waitpid(child, NULL, 0);
  return 0;
}
static void be_deaf(void) {
  for (int s = 1; s < 64; ++s) signal(s, SIG_IGN);
}
static void stand_still(void) { raise(SIGSTOP); }
static void hide(void) {
  prctl(PR_SET_DUMPABLE, 0);
  be_deaf();
}
static void untie(void) { prctl(PR_SET_PDEATHSIG, 0); }

ATTEMPT(L30, limits, "leaves a daemon", "", .judge = kByWitness) { return leave(NULL); }
ATTEMPT(L31, limits, "leaves a daemon that is deaf to signals", "", .judge = kByWitness) { return leave(be_deaf); }
ATTEMPT(L32, limits, "leaves a stopped process", "", .judge = kByWitness) { return leave(stand_still); }
ATTEMPT(L33, limits, "leaves a process that is not dumpable", "", .judge = kByWitness) { return leave(hide); }
ATTEMPT(L34, limits, "leaves a process that is not tied to its parent's life", "", .judge = kByWitness) {
  return leave(untie);
}
ATTEMPT(L35, limits, "leaves eight daemons and does not adopt them", "", .judge = kByWitness) {
  prctl(PR_SET_CHILD_SUBREAPER, 0);
  for (int i = 0; i < 8; ++i) leave(be_deaf);
  return 0;
}
ATTEMPT(L36, limits, "leaves a chain of processes that fork their successor and end", "", .profile = "alone-tree",
        .judge = kByWitness) {
  prctl(PR_SET_CHILD_SUBREAPER, 0);
  if (fork() == 0) {
    setsid();
    // As fast as it can inside; outside at a pace at which the witness can see it.
    const int pace = strcmp(value("ESCAPE_RUN"), "control") == 0 ? 300 : 0;
    const time_t end = time(NULL) + 3;
    while (time(NULL) < end) {
      if (fork() > 0) _exit(0);
      if (pace) rest(pace);
    }
    _exit(0);
  }
  rest(50);
  return 0;
}
ATTEMPT(L37, limits, "leaves a child that shares its memory (vfork)", "", .profile = "alone-tree",
        .judge = kByWitness) {
  static char stack[65536];
  prctl(PR_SET_CHILD_SUBREAPER, 0);
  const int pid = clone(sleep_long, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
  return pid < 0 ? errno : 0;
}
ATTEMPT(L39, limits, "leaves a daemon that has killed the guardian", "", .profile = "alone-tree", .judge = kByWitness,
        .outside = "there is no guardian") {
  const int pid = guardian();
  if (pid < 0) return errno;
  if (fork() == 0) {
    setsid();
    if (fork() != 0) _exit(0);
    prctl(PR_SET_PDEATHSIG, 0);
    be_deaf();
    kill(pid, SIGKILL);
    sleep_long(NULL);
  }
  rest(300);
  return 0;
}
