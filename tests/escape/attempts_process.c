// Other processes, identity, capabilities, signals, secrets. Victims belong to the caller: the same user where the
// command keeps its user.
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attempt.h"

static const char* of_victim(const char* name) { return text("/proc/%d/%s", victim(), name); }
static const char* of_caller(const char* name) { return text("/proc/%s/%s", value("ESCAPE_CALLER"), name); }

// --- what /proc tells about others ---

ATTEMPT(P01, process, "reads the environment of another process", "EACCES EPERM ENOENT", .victim = 1) {
  return read_file(of_victim("environ"));
}
ATTEMPT(P02, process, "reads the memory map of another process", "EACCES EPERM ENOENT", .victim = 1) {
  return read_file(of_victim("maps"));
}
ATTEMPT(P03, process, "writes the memory of another process", "EACCES EPERM ENOENT", .victim = 1, .judge = kByEffect) {
  const int fd = open(of_victim("mem"), O_RDWR);
  if (fd < 0) return errno;
  const off_t address = (off_t)strtoul(value(text("ESCAPE_CANARY_%s", id())), NULL, 16);
  return outcome(pwrite(fd, "escaped!", 8, address));
}
ATTEMPT(P04, process, "reads a file outside through the root of another process", "EACCES EPERM ENOENT", .victim = 1) {
  return read_file(text("/proc/%d/root%s", victim(), outside("secret")));
}
ATTEMPT(P05, process, "lists the working directory of another process", "EACCES EPERM ENOENT", .victim = 1) {
  return opendir(of_victim("cwd/")) ? 0 : errno;
}
ATTEMPT(P06, process, "opens a descriptor of another process", "EACCES EPERM ENOENT", .victim = 1) {
  return outcome(open(of_victim("fd/3"), O_WRONLY));
}
ATTEMPT(P07, process, "lists the descriptors of another process", "EACCES EPERM ENOENT", .victim = 1) {
  char target[256];
  return readlink(of_victim("fd/3"), target, sizeof target) < 0 ? errno : 0;
}
ATTEMPT(P08, process, "asks where another process is in the kernel", "EACCES EPERM ENOENT", .victim = 1) {
  return read_file(of_victim("syscall"));
}
ATTEMPT(P09, process, "reads the environment of the first process", "EACCES EPERM") {
  return read_file("/proc/1/environ");
}
ATTEMPT(P10, process, "reads the environment of who called the sandbox", "EACCES EPERM") {
  return read_file(of_caller("environ"));
}
ATTEMPT(P11, process, "reads the memory of who called the sandbox", "EACCES EPERM") {
  return outcome(open(of_caller("mem"), O_RDONLY));
}
ATTEMPT(P12, process, "opens the memory of the guardian", "EACCES EPERM") {
  // Every ancestor: one of them is the guardian.
  int refused = EACCES;
  for (int pid = getppid(), depth = 0; pid > 0 && depth < 8; ++depth) {
    char line[512] = {0};
    const int fd = open(text("/proc/%d/stat", pid), O_RDONLY);
    if (fd < 0 || read(fd, line, sizeof line - 1) <= 0) break;
    close(fd);
    if (depth > 0) {  // not the one that started this attempt: it is the command itself
      if (open(text("/proc/%d/mem", pid), O_RDONLY) >= 0) return 0;
      refused = errno;
    }
    const char* after = strrchr(line, ')');
    if (!after || sscanf(after, ") %*c %d", &pid) != 1) break;
  }
  return refused;
}

// --- steering others ---

static int signalled(long result) { return outcome(result); }

ATTEMPT(P20, process, "signals another process", "EPERM ESRCH", .victim = 1, .judge = kByEffect) {
  return signalled(kill(victim(), SIGUSR1));
}
ATTEMPT(P21, process, "signals everybody", "EPERM ESRCH", .victim = 1, .judge = kByEffect) {
  return signalled(kill(-1, SIGURG));
}
ATTEMPT(P22, process, "signals the process group of another", "EPERM ESRCH", .victim = 1, .judge = kByEffect) {
  return signalled(kill(-victim(), SIGUSR1));
}
ATTEMPT(P23, process, "signals a thread of another", "EPERM ESRCH", .victim = 1, .judge = kByEffect) {
  return signalled(syscall(SYS_tgkill, victim(), victim(), SIGUSR1));
}
ATTEMPT(P24, process, "signals a thread by the old call", "EPERM ESRCH", .victim = 1, .judge = kByEffect) {
  return signalled(syscall(SYS_tkill, victim(), SIGUSR1));
}
ATTEMPT(P25, process, "queues a signal to another", "EPERM ESRCH", .victim = 1, .judge = kByEffect) {
  siginfo_t info = {.si_code = SI_QUEUE};
  return signalled(syscall(SYS_rt_sigqueueinfo, victim(), SIGUSR1, &info));
}
ATTEMPT(P26, process, "queues a signal to a thread of another", "EPERM ESRCH", .victim = 1, .judge = kByEffect) {
  siginfo_t info = {.si_code = SI_QUEUE};
  return signalled(syscall(SYS_rt_tgsigqueueinfo, victim(), victim(), SIGUSR1, &info));
}
ATTEMPT(P27, process, "signals another by a pidfd", "EPERM ESRCH", .victim = 1, .judge = kByEffect) {
  const long fd = syscall(SYS_pidfd_open, victim(), 0);
  return fd < 0 ? errno : signalled(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, NULL, 0));
}
ATTEMPT(P28, process, "has the kernel signal another when a pipe becomes readable", "EPERM", .victim = 1,
        .judge = kByWitness) {
  int ends[2];
  if (pipe(ends) != 0) return errno;
  if (fcntl(ends[0], F_SETOWN, victim()) != 0) return errno;
  fcntl(ends[0], F_SETSIG, SIGUSR1);
  fcntl(ends[0], F_SETFL, O_ASYNC | O_NONBLOCK);
  return write(ends[1], "x", 1) == 1 ? 0 : errno;
}
ATTEMPT(P29, process, "signals who called the sandbox", "EPERM ESRCH") {
  return outcome(kill(number("ESCAPE_CALLER"), 0));
}
ATTEMPT(P30, process, "signals the guardian", "EPERM ESRCH") {
  // The parent of the one that started this attempt.
  char line[512] = {0};
  const int fd = open(text("/proc/%d/stat", getppid()), O_RDONLY);
  int pid = 0;
  if (fd < 0 || read(fd, line, sizeof line - 1) <= 0) return errno;
  const char* after = strrchr(line, ')');
  if (!after || sscanf(after, ") %*c %d", &pid) != 1) return ESRCH;
  return outcome(kill(pid, 0));
}
ATTEMPT(P31, process, "limits another process", "EPERM ESRCH", .victim = 1, .judge = kByEffect) {
  const struct rlimit limit = {77, 77};
  return outcome(syscall(SYS_prlimit64, victim(), RLIMIT_NOFILE, &limit, NULL));
}
ATTEMPT(P32, process, "moves another process to one processor", "EPERM ESRCH", .victim = 1) {
  const unsigned long mask = 1;
  return outcome(syscall(SYS_sched_setaffinity, victim(), sizeof mask, &mask));
}
ATTEMPT(P33, process, "changes how another process is scheduled", "EPERM ESRCH", .victim = 1, .judge = kByEffect) {
  const struct sched_param parameter = {0};
  return outcome(syscall(SYS_sched_setscheduler, victim(), SCHED_IDLE, &parameter));
}
ATTEMPT(P34, process, "slows another process down", "EPERM ESRCH", .victim = 1, .judge = kByEffect) {
  return outcome(syscall(SYS_setpriority, PRIO_PROCESS, victim(), 15));
}
ATTEMPT(P35, process, "slows the process group of another down", "EPERM ESRCH", .victim = 1, .judge = kByEffect) {
  return outcome(syscall(SYS_setpriority, PRIO_PGRP, victim(), 15));
}
ATTEMPT(P36, process, "changes the disk priority of another process", "EPERM ESRCH", .victim = 1, .judge = kByEffect) {
  return outcome(syscall(SYS_ioprio_set, 1, victim(), 3 << 13));
}
ATTEMPT(P37, process, "changes how another process is scheduled by sched_setattr", "EPERM ESRCH", .victim = 1,
        .judge = kByEffect) {
  unsigned attributes[14] = {56, SCHED_IDLE};
  return outcome(syscall(SYS_sched_setattr, victim(), attributes, 0));
}
ATTEMPT(P38, process, "traces another process", "EPERM", .victim = 1) {
  const int result = outcome(ptrace(PTRACE_SEIZE, victim(), 0, 0));
  return result;
}
ATTEMPT(P39, process, "reads the memory of another process", "EPERM", .victim = 1) {
  char buffer[8];
  struct iovec here = {buffer, 8};
  struct iovec there = {(void*)strtoul(value(text("ESCAPE_CANARY_%s", id())), NULL, 16), 8};
  return outcome(process_vm_readv(victim(), &here, 1, &there, 1, 0));
}
ATTEMPT(P40, process, "writes the memory of another process by process_vm_writev", "EPERM", .victim = 1,
        .judge = kByEffect) {
  char buffer[] = "escaped!";
  struct iovec here = {buffer, 8};
  struct iovec there = {(void*)strtoul(value(text("ESCAPE_CANARY_%s", id())), NULL, 16), 8};
  return outcome(process_vm_writev(victim(), &here, 1, &there, 1, 0));
}
ATTEMPT(P41, process, "takes a descriptor of another process", "EPERM ESRCH", .victim = 1) {
  const long fd = syscall(SYS_pidfd_open, victim(), 0);
  return fd < 0 ? errno : outcome(syscall(SYS_pidfd_getfd, fd, 3, 0));
}
ATTEMPT(P42, process, "compares itself with another process", "EPERM", .victim = 1) {
  return outcome(syscall(SYS_kcmp, getpid(), victim(), 1 /* memory */, 0, 0));
}
ATTEMPT(P43, process, "advises the kernel on another's memory", "EPERM ESRCH", .victim = 1) {
  const long fd = syscall(SYS_pidfd_open, victim(), 0);
  struct iovec there = {(void*)4096, 4096};
  const long n = fd < 0 ? -1 : syscall(SYS_process_madvise, fd, &there, 1, 20 /* cold */, 0);
  return n >= 0 || errno == ENOMEM ? 0 : errno;
}
ATTEMPT(P44, process, "moves another's pages", "EPERM", .victim = 1) {
  return outcome(syscall(SYS_move_pages, victim(), 0, NULL, NULL, NULL, 0));
}
ATTEMPT(P45, process, "moves all pages of another", "EPERM", .victim = 1) {
  const unsigned long node = 1;
  return outcome(syscall(SYS_migrate_pages, victim(), 2, &node, &node));
}
ATTEMPT(P46, process, "counts what another process does", "EPERM EACCES", .victim = 1) {
  unsigned attributes[32] = {1 /* software */, 128, 1 /* task clock */};
  attributes[10] = 1 << 5 | 1 << 6;
  return outcome(syscall(SYS_perf_event_open, attributes, victim(), -1, -1, 0));
}
ATTEMPT(P47, process, "reaps another's memory", "EPERM ENOSYS", .victim = 1) {
  const long fd = syscall(SYS_pidfd_open, victim(), 0);
  const long result = syscall(448, fd, 0);
  // The kernel answers so itself: of a process that is not dying, and of what is no process.
  return result >= 0 || errno == EINVAL || errno == EBADF ? 0 : errno;
}

// --- identity ---

static unsigned long long status_number(const char* key, int base) {
  char line[4096] = {0};
  const int fd = open("/proc/self/status", O_RDONLY);
  if (fd < 0 || read(fd, line, sizeof line - 1) < 0) return ~0ULL;
  const char* found = strstr(line, key);
  return found ? strtoull(found + strlen(key), NULL, base) : ~0ULL;
}

ATTEMPT(P60, process, "has a capability", "EPERM") {
  return status_number("CapEff:", 16) || status_number("CapPrm:", 16) ? 0 : EPERM;
}
ATTEMPT(P61, process, "could get a capability back (bounding set)", "EPERM") {
  return status_number("CapBnd:", 16) || status_number("CapAmb:", 16) || status_number("CapInh:", 16) ? 0 : EPERM;
}
ATTEMPT(P62, process, "may gain privileges by executing (no_new_privs is off)", "EPERM") {
  return status_number("NoNewPrivs:", 10) == 1 ? EPERM : 0;
}
ATTEMPT(P63, process, "runs without a filter", "EPERM") { return status_number("Seccomp:", 10) == 2 ? EPERM : 0; }
ATTEMPT(P64, process, "becomes another user", "EPERM EINVAL") { return outcome(syscall(SYS_setresuid, 1, 1, 1)); }
ATTEMPT(P65, process, "becomes another group", "EPERM EINVAL") { return outcome(syscall(SYS_setresgid, 1, 1, 1)); }
ATTEMPT(P66, process, "joins another group", "EPERM EINVAL") {
  const gid_t group = 1;
  return outcome(syscall(SYS_setgroups, 1, &group));
}
ATTEMPT(P67, process, "raises all capabilities", "EPERM") {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  memset(data, 0, sizeof data);
  data[0].effective = data[0].permitted = 1 << CAP_CHOWN;
  return outcome(syscall(SYS_capset, &header, data));
}
ATTEMPT(P68, process, "raises an ambient capability", "EPERM") {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) != 0) return errno;
  data[0].inheritable |= 1 << CAP_CHOWN;
  syscall(SYS_capset, &header, data);
  return outcome(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
}
ATTEMPT(P69, process, "unlocks its secure bits", "EPERM") { return outcome(prctl(PR_SET_SECUREBITS, 0, 0, 0, 0)); }
ATTEMPT(P70, process, "gains a user by a set-user-id program", "exit EACCES", .judge = kByResult) {
  // The program tells by its exit status whether its effective user differs from its real one.
  const char* path = text("%s/suid", value("ESCAPE_PROGRAMS"));
  execl(path, path, "--one", "P71", (char*)NULL);
  return errno;
}
ATTEMPT(P71, process, "runs with an effective user that is not its real one (a part of P70)", "EPERM",
        .outside = "P70 runs it") {
  return geteuid() != getuid() ? 0 : EPERM;
}
ATTEMPT(P72, process, "gains a capability by a program that carries one", "exit EACCES EPERM") {
  const char* path = text("%s/filecap", value("ESCAPE_PROGRAMS"));
  execl(path, path, "--one", "P60", (char*)NULL);
  return errno;
}
ATTEMPT(P73, process, "becomes root by sudo", "exit", .needs = "sudo") { return shell("sudo -n true"); }
ATTEMPT(P74, process, "speeds itself up", "EPERM EACCES") { return outcome(setpriority(PRIO_PROCESS, 0, -5)); }
ATTEMPT(P75, process, "asks for real-time scheduling", "EPERM") {
  const struct sched_param parameter = {1};
  return outcome(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &parameter));
}
ATTEMPT(P76, process, "raises its hard limits", "EPERM") {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_max += 1;
  return outcome(setrlimit(RLIMIT_NOFILE, &limit));
}

// --- secrets ---

ATTEMPT(S01, process, "finds the caller's key in its environment", "ENOENT") {
  return getenv("ESCAPE_SECRET_KEY") ? 0 : ENOENT;
}
ATTEMPT(S02, process, "finds variables that steer loaders and interpreters", "ENOENT") {
  static const char* const names[] = {"LD_PRELOAD",   "LD_LIBRARY_PATH", "BASH_ENV",   "ENV", "PYTHONSTARTUP",
                                      "NODE_OPTIONS", "GIT_SSH_COMMAND", "http_proxy", NULL};
  for (const char* const* name = names; *name; ++name) {
    if (getenv(*name)) return 0;
  }
  return ENOENT;
}
ATTEMPT(S03, process, "finds a descriptor that the caller had open", "EBADF") {
  for (int fd = 3; fd < 4096; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0) return 0;
  }
  return EBADF;
}
ATTEMPT(S04, process, "reads through a directory that the caller had open", "EBADF ENOENT EACCES") {
  for (int fd = 3; fd < 64; ++fd) {
    const int file = openat(fd, text("%s/secret", id()), O_RDONLY);
    if (file >= 0) return read_fd(file);
  }
  return errno;
}
ATTEMPT(S05, process, "leaves its memory in a core file", "EPERM") {
  const pid_t pid = fork();
  if (pid == 0) {
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_CORE, &limit);
    if (chdir(work("")) != 0) _exit(1);
    abort();
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFSIGNALED(status) && WCOREDUMP(status) ? 0 : EPERM;
}
