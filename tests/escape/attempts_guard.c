// Layers landlock and process: what Landlock lacks before ABI 3 and 6, or has no right for, so that the guard or the
// filter must hold it: truncation, signals, devices, flags of files, leases, and trees whose names lead elsewhere.
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/fsverity.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attempt.h"

// --- truncation ---

ATTEMPT(F70, landlock, "grows a file outside by truncate(2)", "EACCES", .judge = kByEffect) {
  return outcome(truncate(outside("public"), 100000));
}
ATTEMPT(F71, landlock, "truncates a file outside through a link that stood in the writable directory", "EACCES",
        .judge = kByEffect) {
  return outcome(truncate(work("out"), 1));
}
ATTEMPT(F72, landlock, "truncates a file outside by a descriptor that may only read", "EACCES EINVAL",
        .judge = kByEffect) {
  const int fd = open(outside("public"), O_PATH);
  return fd < 0 ? errno : outcome(truncate(text("/proc/self/fd/%d", fd), 1));
}
ATTEMPT(F73, landlock, "truncates a file outside on opening with access mode 3", "EACCES", .judge = kByEffect) {
  return outcome(open(outside("public"), O_ACCMODE | O_TRUNC));
}
ATTEMPT(F74, landlock, "truncates a file outside on opening it as if to create it", "EACCES", .judge = kByEffect) {
  return outcome(open(outside("public"), O_RDONLY | O_CREAT | O_TRUNC, 0644));
}
ATTEMPT(F75, landlock, "truncates a file outside from its directory", "EACCES", .judge = kByEffect) {
  const int fd = open(outside("dir"), O_PATH | O_DIRECTORY);
  return fd < 0 ? errno : outcome(openat(fd, "file", O_RDONLY | O_TRUNC));
}
ATTEMPT(F76, landlock, "truncates a file outside by openat2", "EACCES ENOSYS", .judge = kByEffect) {
  const struct {
    unsigned long long flags, mode, resolve;
  } how = {O_RDONLY | O_TRUNC, 0, 0};
  return outcome(syscall(437, AT_FDCWD, outside("public"), &how, sizeof how));
}
ATTEMPT(F77, landlock, "truncates a file outside while the name is swapped", "EACCES ENOENT", .judge = kByEffect) {
  write_file(work("mine"), O_WRONLY | O_CREAT);
  const pid_t child = fork();
  if (child == 0) {
    while (1) {
      unlink(work("name"));
      if (link(work("mine"), work("name")) != 0) _exit(1);
      unlink(work("name"));
      if (symlink(outside("public"), work("name")) != 0) _exit(1);
    }
  }
  rest(5);
  int last = EACCES;
  for (int i = 0; i < 500; ++i) {
    if (i % 10 == 0) rest(1);
    if (truncate(work("name"), i % 5 + 1) != 0) last = errno;
  }
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  unlink(work("name"));
  unlink(work("mine"));
  struct stat info;
  return stat(outside("public"), &info) == 0 && info.st_size != (long)strlen("public") ? 0 : last;
}
ATTEMPT(F78, landlock, "truncates a file of its own (must work)", "", .judge = kMustWork) {
  return outcome(truncate(work("text"), 2));
}

// --- signals ---

ATTEMPT(P80, process, "signals another process by its number as a thread", "EPERM ESRCH", .victim = 1,
        .judge = kByEffect) {
  siginfo_t info = {.si_code = SI_TKILL};
  return outcome(syscall(SYS_rt_tgsigqueueinfo, victim(), victim(), SIGUSR1, &info));
}
ATTEMPT(P81, process, "has the kernel signal another by F_SETOWN_EX", "EPERM ESRCH", .victim = 1, .judge = kByWitness) {
  int ends[2];
  if (pipe(ends) != 0) return errno;
  const struct {
    int type, pid;
  } owner = {1 /* F_OWNER_PID */, victim()};
  if (fcntl(ends[0], 15 /* F_SETOWN_EX */, &owner) != 0) return errno;
  fcntl(ends[0], 10 /* F_SETSIG */, SIGUSR1);
  fcntl(ends[0], F_SETFL, O_ASYNC | O_NONBLOCK);
  return write(ends[1], "x", 1) == 1 ? 0 : errno;
}
ATTEMPT(P82, process, "has the kernel signal the group of another when a pipe becomes readable", "EPERM ESRCH",
        .victim = 1, .judge = kByWitness) {
  int ends[2];
  if (pipe(ends) != 0) return errno;
  if (fcntl(ends[0], F_SETOWN, -victim()) != 0) return errno;
  fcntl(ends[0], 10 /* F_SETSIG */, SIGUSR1);
  fcntl(ends[0], F_SETFL, O_ASYNC | O_NONBLOCK);
  return write(ends[1], "x", 1) == 1 ? 0 : errno;
}
ATTEMPT(P84, process, "stops another process", "EPERM ESRCH", .victim = 1, .judge = kByEffect) {
  return outcome(kill(victim(), SIGTSTP));
}
ATTEMPT(P85, process, "signals another process with garbage above its number", "EPERM ESRCH", .victim = 1,
        .judge = kByEffect) {
  return outcome(syscall(SYS_kill, 0x5eed00000000 | victim(), SIGUSR1));
}
static int ends_child_by(int number, int (*send)(pid_t)) {
  const pid_t child = fork();
  if (child == 0) {
    while (1) pause();
  }
  const int result = send(child);
  if (result) kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  return result ? result : WIFSIGNALED(status) && WTERMSIG(status) == number ? 0 : EINVAL;
}
static int by_number(pid_t pid) { return outcome(kill(pid, SIGTERM)); }
static int by_group(pid_t pid) {
  setpgid(pid, pid);
  return outcome(kill(-pid, SIGTERM));
}
static int by_handle(pid_t pid) {
  const long fd = syscall(SYS_pidfd_open, pid, 0);
  return fd < 0 ? errno : outcome(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
}
ATTEMPT(P86, process, "ends a child of its own (must work)", "", .judge = kMustWork) {
  return ends_child_by(SIGTERM, by_number);
}
ATTEMPT(P87, process, "ends a group of its own (must work)", "", .judge = kMustWork) {
  return ends_child_by(SIGTERM, by_group);
}
ATTEMPT(P88, process, "ends a child of its own by a pidfd (must work)", "", .judge = kMustWork) {
  return ends_child_by(SIGTERM, by_handle);
}
ATTEMPT(P83, process, "signals itself (must work)", "", .judge = kMustWork) {
  return raise(SIGURG) == 0 && kill(getpid(), SIGURG) == 0 && kill(0, SIGURG) == 0 ? 0 : errno;
}

// --- devices, flags of files, leases ---

// To what it is: nothing of the machine changes, and its time of change tells whoever asks.
ATTEMPT(F80, landlock, "changes the mode of a device that it may write", "EPERM EACCES") {
  struct stat info;
  if (stat("/dev/null", &info) != 0) return errno;
  return outcome(chmod("/dev/null", info.st_mode & 07777));
}
ATTEMPT(F81, landlock, "changes the mode of a device by a descriptor", "EPERM EACCES") {
  struct stat info;
  const int fd = open("/dev/zero", O_RDWR);
  if (fd < 0 || fstat(fd, &info) != 0) return errno;
  return outcome(fchmod(fd, info.st_mode & 07777));
}
ATTEMPT(F82, landlock, "changes the times of a device that it may write", "EPERM EACCES") {
  struct stat info;
  if (stat("/dev/zero", &info) != 0) return errno;
  const struct timespec times[2] = {info.st_atim, info.st_mtim};
  return outcome(utimensat(AT_FDCWD, "/dev/zero", times, 0));
}
ATTEMPT(F83, landlock, "changes the flags of a file that it may only read", "EPERM EACCES EOPNOTSUPP",
        .profile = "readonly") {
  const int fd = open(work("text"), O_RDONLY);
  long flags = 0;
  if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0) return errno;
  flags ^= FS_NODUMP_FL;
  return outcome(ioctl(fd, FS_IOC_SETFLAGS, &flags));
}
ATTEMPT(F84, landlock, "changes the attributes of a file that it may only read", "EPERM EACCES EOPNOTSUPP",
        .profile = "readonly") {
  const int fd = open(work("text"), O_RDONLY);
  struct fsxattr attributes;
  if (fd < 0 || ioctl(fd, FS_IOC_FSGETXATTR, &attributes) != 0) return errno;
  return outcome(ioctl(fd, FS_IOC_FSSETXATTR, &attributes));
}
ATTEMPT(F85, landlock, "takes a lease on a file of its own that others open", "EPERM EACCES ENOENT") {
  write_file(work("leased"), O_WRONLY | O_CREAT);
  const int fd = open(work("leased"), O_RDWR);
  if (fd < 0) return errno;
  const int result = outcome(fcntl(fd, 1024 /* F_SETLEASE */, F_WRLCK));
  unlink(work("leased"));
  return result;
}
ATTEMPT(F86, landlock, "watches a directory that it may read", "EPERM EINVAL") {
  const int fd = open("/etc/ssl", O_RDONLY | O_DIRECTORY);
  return fd < 0 ? errno : outcome(fcntl(fd, 1026 /* F_NOTIFY */, 1 /* DN_ACCESS */));
}
ATTEMPT(F87, landlock, "seals a file that it may only read (fs-verity)", "EPERM EACCES ENOTTY EOPNOTSUPP",
        .profile = "readonly") {
  const int fd = open(work("text"), O_RDONLY);
  struct fsverity_enable_arg argument = {.version = 1, .hash_algorithm = 1, .block_size = 4096};
  return fd < 0 ? errno : outcome(ioctl(fd, FS_IOC_ENABLE_VERITY, &argument));
}

// --- a tree whose name leads elsewhere ---

// With a link to the outside where a writable directory was. What was made is taken away again, for the witness looks.
static int behind_link(int (*act)(void)) {
  if (mkdir(work("build"), 0755) != 0 || rename(work("build"), work("b2")) != 0) return errno;
  const int result = symlink(outside("dir"), work("build")) != 0 ? errno : act();
  unlink(work("build"));
  rmdir(work("b2"));
  return result;
}
static int change_mode(void) { return outcome(chmod(work("build/file"), 0604)); }
static int cut(void) { return outcome(truncate(work("build/file"), 1)); }
ATTEMPT(D40, landlock, "changes a mode outside by putting a link where a writable directory was", "EPERM EACCES",
        .judge = kByEffect) {
  return behind_link(change_mode);
}
ATTEMPT(D41, landlock, "truncates a file outside by putting a link where a writable directory was", "EPERM EACCES",
        .judge = kByEffect) {
  return behind_link(cut);
}
ATTEMPT(D42, landlock, "changes the mode of a file outside that it links into the writable directory",
        "EPERM EACCES EXDEV", .judge = kByEffect) {
  if (link(outside("public"), work("hard")) != 0) return errno;
  return outcome(chmod(work("hard"), 0604));
}
