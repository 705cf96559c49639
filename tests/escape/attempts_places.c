// Layer landlock: places that a policy closes inside what it grants, programs that are not on its list, devices, and
// what is writable by others' habit (/tmp, /dev/shm, home, the working directory, hooks).
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "attempt.h"

// --- denied inside granted: $WORK/ID/closed, with a file `gold` ---

ATTEMPT(D01, landlock, "reads a denied file inside the writable directory", "EACCES", .profile = "deny",
        .needs = "landlock") {
  return read_file(work("closed/gold"));
}
ATTEMPT(D02, landlock, "reads it through a symbolic link that stood there", "EACCES", .profile = "deny",
        .needs = "landlock") {
  return read_file(work("link"));
}
ATTEMPT(D03, landlock, "moves the denied directory away and reads there", "EACCES EXDEV", .profile = "deny",
        .needs = "landlock", .judge = kByEffect) {
  if (rename(work("closed"), work("opened")) != 0) return errno;
  return read_file(work("opened/gold"));
}
ATTEMPT(D04, landlock, "hard-links a denied file to an open place", "EACCES EXDEV", .profile = "deny",
        .needs = "landlock", .judge = kByEffect) {
  if (link(work("closed/gold"), work("hard")) != 0) return errno;
  return read_file(work("hard"));
}
ATTEMPT(D05, landlock, "writes a denied file inside the writable directory", "EACCES", .profile = "deny",
        .needs = "landlock", .judge = kByEffect) {
  return write_file(work("closed/gold"), O_WRONLY | O_APPEND);
}
ATTEMPT(D06, landlock, "puts a hook into the repository, where hooks are denied", "EACCES", .profile = "deny",
        .needs = "landlock", .judge = kByEffect) {
  return write_file(work(".git/hooks/pre-commit"), O_WRONLY | O_CREAT);
}
ATTEMPT(D07, landlock, "creates a configuration that is denied and does not exist yet", "EACCES", .profile = "deny",
        .needs = "landlock", .judge = kByEffect) {
  if (mkdir(work(".rune"), 0755) != 0) return errno;
  return write_file(work(".rune/rune.toml"), O_WRONLY | O_CREAT);
}
ATTEMPT(D08, landlock, "swaps the directory above a denied one", "EACCES EXDEV EBUSY", .profile = "deny",
        .needs = "landlock", .judge = kByEffect) {
  return outcome(rename(work(".git"), work("old.git")));
}
ATTEMPT(D09, landlock, "removes a denied file", "EACCES", .profile = "deny", .needs = "landlock", .judge = kByEffect) {
  return outcome(unlink(work("closed/gold")));
}
ATTEMPT(D10, landlock, "changes the mode of a denied file", "EACCES EPERM", .profile = "deny", .needs = "landlock",
        .judge = kByEffect) {
  return outcome(chmod(work("closed/gold"), 0600));
}

// --- where only reading is granted: $WORK by --ro ---

ATTEMPT(D11, landlock, "writes into a directory that may only be read", "EACCES", .profile = "readonly",
        .judge = kByEffect, .needs = "landlock") {
  return write_file(work("new"), O_WRONLY | O_CREAT);
}
ATTEMPT(D12, landlock, "truncates a file that may only be read", "EACCES", .profile = "readonly", .judge = kByEffect,
        .needs = "landlock" /* 3 */) {
  return outcome(truncate(work("text"), 1));
}
ATTEMPT(D13, landlock, "writes into the home of the caller", "EACCES", .judge = kByEffect) {
  return write_file(text("%s/new-%s", value("ESCAPE_HOME"), id()), O_WRONLY | O_CREAT);
}
ATTEMPT(D14, landlock, "leaves a file in the machine's /tmp", "EACCES", .judge = kByWitness, .needs = "landlock") {
  return write_file(text("/tmp/escape-%s-%s", value("ESCAPE_TOKEN"), id()), O_WRONLY | O_CREAT);
}
ATTEMPT(D15, landlock, "leaves a file in the machine's /dev/shm", "EACCES", .judge = kByWitness, .needs = "landlock") {
  return write_file(text("/dev/shm/escape-%s-%s", value("ESCAPE_TOKEN"), id()), O_WRONLY | O_CREAT);
}
ATTEMPT(D16, landlock, "leaves a file in /var/tmp", "EACCES", .judge = kByEffect, .needs = "landlock") {
  return write_file(text("/var/tmp/escape-%s-%s", value("ESCAPE_TOKEN"), id()), O_WRONLY | O_CREAT);
}
ATTEMPT(D17, landlock, "writes into /etc", "EACCES", .judge = kByEffect) {
  return write_file(text("/etc/escape-%s-%s", value("ESCAPE_TOKEN"), id()), O_WRONLY | O_CREAT);
}
ATTEMPT(D18, landlock, "reads what another call of the user left in its private directory", "EACCES ENOENT") {
  return read_file(value("ESCAPE_OTHER_TMP"));
}

// --- programs: /bin/sh and this program are allowed, nothing else ---

static int program_ran(const char* command) {
  // Judged by the file that the program makes.
  return shell(command);
}

ATTEMPT(X01, landlock, "executes a program that is not on the list", "exit", .profile = "list", .judge = kByEffect,
        .needs = "landlock") {
  return program_ran("/usr/bin/touch \"$WORK/mark\"");
}
ATTEMPT(X02, landlock, "executes it through another name", "exit", .profile = "list", .judge = kByEffect,
        .needs = "landlock") {
  return program_ran("\"$WORK/touch-link\" \"$WORK/mark\"");
}
ATTEMPT(X03, landlock, "gives it to the dynamic loader", "exit", .profile = "list", .judge = kByEffect,
        .needs = "landlock") {
  return program_ran(
      "for l in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1; do [ -e $l ] && exec $l /usr/bin/touch "
      "\"$WORK/mark\"; done; exit 1");
}
ATTEMPT(X04, landlock, "gives a copy of it in the writable directory to the dynamic loader", "exit", .profile = "list",
        .judge = kByEffect, .needs = "landlock") {
  return program_ran(
      "for l in /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1; do [ -e $l ] && exec $l \"$WORK/touch-copy\" "
      "\"$WORK/mark\"; done; exit 1");
}
ATTEMPT(X05, landlock, "executes a copy of it in the writable directory", "exit", .profile = "list", .judge = kByEffect,
        .needs = "landlock") {
  return program_ran("\"$WORK/touch-copy\" \"$WORK/mark\"");
}
ATTEMPT(X06, landlock, "executes a program in the writable directory", "EACCES", .needs = "landlock") {
  execl(work("program"), "program", "--list", (char*)NULL);
  return errno;
}
ATTEMPT(X07, landlock, "executes a script in the writable directory", "EACCES", .needs = "landlock") {
  execl(work("script"), "script", (char*)NULL);
  return errno;
}
ATTEMPT(X08, landlock, "executes an O_PATH descriptor of a program outside (execveat)", "EACCES", .needs = "landlock") {
  const int fd = open(text("%s/program", value("ESCAPE_OUTSIDE")), O_PATH);
  char* argv[] = {(char*)"program", (char*)"--list", NULL};
  if (fd < 0) return errno;
  syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
  return errno;
}
ATTEMPT(X09, seccomp, "executes a program that has no path (memfd_create)", "ENOSYS EPERM") {
  const int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  const int to = (int)syscall(SYS_memfd_create, "x", 1U /* MFD_CLOEXEC */);
  if (to < 0) return errno;
  char buffer[65536];
  ssize_t n;
  while ((n = read(from, buffer, sizeof buffer)) > 0) {
    if (write(to, buffer, (size_t)n) != n) return errno;
  }
  char* argv[] = {(char*)"x", (char*)"--list", NULL};
  syscall(SYS_execveat, to, "", argv, environ, AT_EMPTY_PATH);
  return errno;
}
ATTEMPT(X10, landlock, "reads a program that is not on the list, to load it by hand", "EACCES", .profile = "list",
        .needs = "landlock") {
  return read_file("/usr/bin/touch");
}
ATTEMPT(X11, landlock, "sets the set-user-id bit on a copy", "EPERM EACCES", .judge = kByEffect) {
  return outcome(chmod(work("program"), 04755));
}
ATTEMPT(X12, landlock, "creates a set-user-id file at once", "EPERM EACCES", .judge = kByEffect) {
  return outcome(open(work("suid"), O_CREAT | O_WRONLY, 04755));
}
ATTEMPT(X13, landlock, "sets the set-group-id bit through a descriptor", "EPERM EACCES", .judge = kByEffect) {
  const int fd = open(work("program"), O_RDONLY);
  return fd < 0 ? errno : outcome(fchmod(fd, 02755));
}

// --- devices and the kernel's own files ---

static int any_device(const char* const* paths) {
  int refused = absent("no such device here");
  for (; *paths; ++paths) {
    const int fd = open(*paths, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0) return 0;
    if (errno != ENOENT) refused = errno;
  }
  return refused;
}

ATTEMPT(V01, landlock, "reads physical memory", "EACCES EPERM") {
  return any_device((const char* const[]){"/dev/mem", "/dev/kmem", "/dev/port", "/proc/kcore", NULL});
}
ATTEMPT(V02, landlock, "reads the kernel's messages", "EACCES EPERM") {
  return any_device((const char* const[]){"/dev/kmsg", "/proc/kmsg", NULL});
}
ATTEMPT(V03, landlock, "reads a disk", "EACCES EPERM") {
  return any_device((const char* const[]){"/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/loop0", "/dev/xvda", NULL});
}
ATTEMPT(V04, landlock, "opens FUSE", "EACCES EPERM") { return any_device((const char* const[]){"/dev/fuse", NULL}); }
ATTEMPT(V05, landlock, "opens a TUN device", "EACCES EPERM") {
  return any_device((const char* const[]){"/dev/net/tun", NULL});
}
ATTEMPT(V06, landlock, "opens KVM or vhost", "EACCES EPERM") {
  return any_device((const char* const[]){"/dev/kvm", "/dev/vhost-net", "/dev/vhost-vsock", "/dev/vsock", NULL});
}
ATTEMPT(V07, landlock, "opens /dev/userfaultfd", "EACCES EPERM") {
  return any_device((const char* const[]){"/dev/userfaultfd", NULL});
}
ATTEMPT(V08, landlock, "makes a block device", "EPERM EACCES", .judge = kByEffect) {
  return outcome(mknod(work("b"), S_IFBLK | 0600, makedev(8, 0)));
}
ATTEMPT(V09, landlock, "makes a character device", "EPERM EACCES", .judge = kByEffect) {
  return outcome(mknod(work("c"), S_IFCHR | 0600, makedev(1, 1)));
}
ATTEMPT(V10, landlock, "opens sysrq", "EACCES EPERM EROFS") { return outcome(open("/proc/sysrq-trigger", O_WRONLY)); }
ATTEMPT(V11, landlock, "opens a kernel setting for writing", "EACCES EPERM EROFS") {
  return outcome(open("/proc/sys/kernel/core_pattern", O_WRONLY));
}
ATTEMPT(V12, landlock, "opens a network setting for writing", "EACCES EPERM EROFS") {
  return outcome(open("/proc/sys/net/ipv4/ip_forward", O_WRONLY));
}
ATTEMPT(V13, landlock, "lists the kernel's debugging files", "EACCES EPERM ENOENT", .needs = "landlock") {
  return opendir("/sys/kernel/debug") ? 0 : errno;
}
ATTEMPT(V14, landlock, "lists the firmware's tables", "EACCES EPERM", .needs = "landlock") {
  return opendir("/sys/firmware") ? 0 : errno;
}
ATTEMPT(V15, landlock, "makes itself the last victim of a memory shortage", "EACCES EPERM", .needs = "landlock") {
  return write_file("/proc/self/oom_score_adj", O_WRONLY) == EINVAL ? 0 : errno;
}
ATTEMPT(V16, landlock, "makes or joins a control group", "EACCES EPERM EROFS ENOENT") {
  static const char* const roots[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/pids",
                                      "/sys/fs/cgroup/memory"};
  int refused = absent("no control group is mounted here");
  for (size_t i = 0; i < sizeof roots / sizeof *roots; ++i) {
    const int fd = open(text("%s/cgroup.procs", roots[i]), O_WRONLY);
    if (fd >= 0) return 0;
    if (errno != ENOENT) refused = errno;
  }
  return refused;
}
