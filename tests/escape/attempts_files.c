// Layer landlock: files that are not granted. The fixture below $OUT/ID: secret (text), public (writable by its modes),
// dir/ (likewise), empty/, fifo.
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "attempt.h"

// --- reading ---

ATTEMPT(F01, landlock, "reads a file outside", "EACCES") { return read_file(outside("secret")); }

ATTEMPT(F02, landlock, "reads it through a symbolic link made in the writable directory", "EACCES") {
  if (symlink(outside("secret"), work("mine")) != 0) return errno;
  return read_file(work("mine"));
}

ATTEMPT(F03, landlock, "reads it through dots from the writable directory", "EACCES") {
  return read_file(text("%s/../outside/%s/secret", value("ESCAPE_WORK"), id()));
}

ATTEMPT(F04, landlock, "changes into the directory, then reads by a relative name", "EACCES") {
  if (chdir(outside("")) != 0) return errno;
  return read_file("secret");
}

ATTEMPT(F05, landlock, "reads it through /proc/self/root", "EACCES") {
  return read_file(text("/proc/self/root%s", outside("secret")));
}

ATTEMPT(F06, landlock, "reads it through /proc/self/cwd after changing there", "EACCES") {
  if (chdir(outside("")) != 0) return errno;
  return read_file("/proc/self/cwd/secret");
}

ATTEMPT(F07, landlock, "reads it relative to an O_PATH descriptor of its directory", "EACCES") {
  const int dir = open(outside(""), O_PATH | O_DIRECTORY);
  if (dir < 0) return errno;
  const int fd = openat(dir, "secret", O_RDONLY);
  return fd < 0 ? errno : read_fd(fd);
}

ATTEMPT(F08, landlock, "opens it by O_PATH and again through /proc/self/fd", "EACCES") {
  const int fd = open(outside("secret"), O_PATH);
  if (fd < 0) return errno;
  return read_file(text("/proc/self/fd/%d", fd));
}

ATTEMPT(F09, landlock, "reads it through /dev/fd", "EACCES ENOENT") {
  const int fd = open(outside("secret"), O_PATH);
  if (fd < 0) return errno;
  return read_file(text("/dev/fd/%d", fd));
}

ATTEMPT(F10, landlock, "reads it through /proc/thread-self/root", "EACCES") {
  return read_file(text("/proc/thread-self/root%s", outside("secret")));
}

ATTEMPT(F11, landlock, "opens it by openat2 with RESOLVE_IN_ROOT", "EACCES ENOSYS") {
  struct {
    unsigned long long flags, mode, resolve;
  } how = {O_RDONLY, 0, 0x10};
  const int root = open("/", O_PATH | O_DIRECTORY);
  const long fd = syscall(SYS_openat2, root, outside("secret"), &how, sizeof how);
  return fd < 0 ? errno : read_fd((int)fd);
}

ATTEMPT(F12, landlock, "lists a directory outside", "EACCES") {
  DIR* dir = opendir(outside(""));
  return dir ? 0 : errno;
}

ATTEMPT(F13, landlock, "watches a directory outside for names", "EACCES EPERM ENOSYS") {
  const int watch = inotify_init1(0);
  return watch < 0 ? errno : outcome(inotify_add_watch(watch, outside(""), IN_CREATE));
}

ATTEMPT(F14, landlock, "executes a program outside", "EACCES", .needs = "landlock") {
  execl(text("%s/program", value("ESCAPE_OUTSIDE")), "program", "--list", (char*)NULL);
  return errno;
}

ATTEMPT(F15, landlock, "hands a file outside to an allowed program by name", "exit") {
  return shell("cat \"$OUT/secret\"");
}

ATTEMPT(F16, landlock, "reads /etc/passwd where no flag grants it", "EACCES", .profile = "bare", .needs = "landlock") {
  return read_file("/etc/passwd");
}

ATTEMPT(F17, landlock, "reads /etc/shadow", "EACCES") { return read_file("/etc/shadow"); }
ATTEMPT(F18, landlock, "reads /etc/gshadow through dots", "EACCES") { return read_file("/etc/../etc/./gshadow"); }

ATTEMPT(F19, landlock, "reads the private ssh key of the caller", "EACCES") {
  return read_file(text("%s/.ssh/id_ed25519", value("ESCAPE_HOME")));
}
ATTEMPT(F20, landlock, "lists the home of the caller", "EACCES") { return opendir(value("ESCAPE_HOME")) ? 0 : errno; }

// --- changing what is there ---

ATTEMPT(F21, landlock, "writes into a file outside", "EACCES", .judge = kByEffect) {
  return write_file(outside("public"), O_WRONLY);
}
ATTEMPT(F22, landlock, "appends to a file outside", "EACCES", .judge = kByEffect) {
  return write_file(outside("public"), O_WRONLY | O_APPEND);
}
ATTEMPT(F23, landlock, "truncates a file outside on opening", "EACCES", .judge = kByEffect) {
  return outcome(open(outside("public"), O_RDONLY | O_TRUNC));
}
ATTEMPT(F24, landlock, "truncates a file outside by truncate(2)", "EACCES", .judge = kByEffect) {
  return outcome(truncate(outside("public"), 1));
}
ATTEMPT(F25, landlock, "creates a file outside", "EACCES", .judge = kByEffect) {
  return write_file(outside("dir/new"), O_WRONLY | O_CREAT | O_EXCL);
}
ATTEMPT(F26, landlock, "removes a file outside", "EACCES", .judge = kByEffect) {
  return outcome(unlink(outside("dir/file")));
}
ATTEMPT(F27, landlock, "makes a directory outside", "EACCES", .judge = kByEffect) {
  return outcome(mkdir(outside("dir/new"), 0755));
}
ATTEMPT(F28, landlock, "removes a directory outside", "EACCES", .judge = kByEffect) {
  return outcome(rmdir(outside("dir/empty")));
}
ATTEMPT(F29, landlock, "makes a fifo outside", "EACCES", .judge = kByEffect) {
  return outcome(mkfifo(outside("dir/new"), 0644));
}
ATTEMPT(F30, landlock, "makes a symbolic link outside", "EACCES", .judge = kByEffect) {
  return outcome(symlink("/etc/passwd", outside("dir/new")));
}
ATTEMPT(F31, landlock, "binds a unix socket outside", "EACCES EPERM", .judge = kByEffect) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%.107s", outside("dir/s"));
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  return fd < 0 ? errno : outcome(bind(fd, (struct sockaddr*)&address, sizeof address));
}
ATTEMPT(F32, landlock, "makes an unnamed file outside (O_TMPFILE)", "EACCES") {
  return outcome(open(outside("dir"), O_TMPFILE | O_RDWR, 0644));
}
ATTEMPT(F33, landlock, "links an unnamed file of its own to the outside", "EACCES EXDEV", .judge = kByEffect) {
  const int fd = open(work(""), O_TMPFILE | O_RDWR, 0644);
  if (fd < 0) return errno;
  return outcome(linkat(AT_FDCWD, text("/proc/self/fd/%d", fd), AT_FDCWD, outside("dir/new"), AT_SYMLINK_FOLLOW));
}
ATTEMPT(F34, landlock, "hard-links a file outside into the writable directory", "EACCES EXDEV", .judge = kByEffect) {
  return outcome(link(outside("public"), work("hard")));
}
ATTEMPT(F35, landlock, "hard-links an O_PATH descriptor through /proc/self/fd", "EACCES EXDEV", .judge = kByEffect) {
  const int fd = open(outside("public"), O_PATH);
  if (fd < 0) return errno;
  return outcome(linkat(AT_FDCWD, text("/proc/self/fd/%d", fd), AT_FDCWD, work("hard"), AT_SYMLINK_FOLLOW));
}
ATTEMPT(F36, landlock, "hard-links an O_PATH descriptor by AT_EMPTY_PATH", "EACCES EXDEV ENOENT", .judge = kByEffect) {
  const int fd = open(outside("public"), O_PATH);
  if (fd < 0) return errno;
  return outcome(linkat(fd, "", AT_FDCWD, work("hard"), AT_EMPTY_PATH));
}
ATTEMPT(F37, landlock, "moves a file outside into the writable directory", "EACCES EXDEV", .judge = kByEffect) {
  return outcome(rename(outside("dir/file"), work("moved")));
}
ATTEMPT(F38, landlock, "moves a file of its own to the outside", "EACCES EXDEV", .judge = kByEffect) {
  write_file(work("mine"), O_WRONLY | O_CREAT);
  return outcome(rename(work("mine"), outside("dir/new")));
}
ATTEMPT(F39, landlock, "exchanges a file of its own with one outside", "EACCES EXDEV", .judge = kByEffect) {
  write_file(work("mine"), O_WRONLY | O_CREAT);
  return outcome(renameat2(AT_FDCWD, work("mine"), AT_FDCWD, outside("dir/file"), RENAME_EXCHANGE));
}
ATTEMPT(F40, landlock, "moves a directory outside within the outside", "EACCES EXDEV", .judge = kByEffect) {
  return outcome(rename(outside("dir/empty"), outside("dir/other")));
}
ATTEMPT(F41, landlock, "writes through a link that stood in the writable directory before", "EACCES",
        .judge = kByEffect) {
  return write_file(work("out"), O_WRONLY | O_APPEND);
}
ATTEMPT(F42, landlock, "opens a fifo outside for writing", "EACCES") {
  return outcome(open(outside("fifo"), O_RDWR | O_NONBLOCK));
}

// --- what is only true of it: modes, owners, times, attributes ---

ATTEMPT(F43, landlock, "changes the mode of a file outside", "EPERM EACCES", .judge = kByEffect) {
  return outcome(chmod(outside("public"), 0604));
}
ATTEMPT(F44, landlock, "changes the mode through an O_PATH descriptor and /proc/self/fd", "EPERM EACCES",
        .judge = kByEffect) {
  const int fd = open(outside("public"), O_PATH);
  return fd < 0 ? errno : outcome(chmod(text("/proc/self/fd/%d", fd), 0604));
}
ATTEMPT(F45, landlock, "changes the mode by fchmodat2 with AT_EMPTY_PATH", "EPERM EACCES ENOSYS", .judge = kByEffect) {
  const int fd = open(outside("public"), O_PATH);
  return fd < 0 ? errno : outcome(syscall(452, fd, "", 0604, AT_EMPTY_PATH));
}
ATTEMPT(F46, landlock, "changes the owner of a file outside", "EPERM EACCES", .judge = kByEffect) {
  rest(5);
  return outcome(chown(outside("public"), getuid(), getgid()));
}
ATTEMPT(F47, landlock, "changes the times of a file outside", "EPERM EACCES", .judge = kByEffect) {
  const struct timespec times[2] = {{1000, 0}, {1000, 0}};
  return outcome(utimensat(AT_FDCWD, outside("public"), times, 0));
}
ATTEMPT(F48, landlock, "changes the times through an O_PATH descriptor", "EPERM EACCES EBADF", .judge = kByEffect) {
  const struct timespec times[2] = {{1000, 0}, {1000, 0}};
  const int fd = open(outside("public"), O_PATH);
  return fd < 0 ? errno : outcome(utimensat(AT_FDCWD, text("/proc/self/fd/%d", fd), times, 0));
}
ATTEMPT(F49, landlock, "sets an extended attribute of a file outside", "EPERM EACCES", .judge = kByEffect) {
  return outcome(syscall(SYS_setxattr, outside("public"), "user.escape", "1", 1, 0));
}
ATTEMPT(F50, landlock, "removes an extended attribute of a file outside", "EPERM EACCES", .judge = kByEffect) {
  return outcome(syscall(SYS_removexattr, outside("public"), "user.fixture"));
}
ATTEMPT(F51, landlock, "sets an extended attribute by setxattrat", "EPERM EACCES ENOSYS", .judge = kByEffect) {
  struct {
    unsigned long long value;
    unsigned size, flags;
  } arguments = {(unsigned long long)(size_t)"1", 1, 0};
  const long r = syscall(463, AT_FDCWD, outside("public"), 0, "user.escape", &arguments, sizeof arguments);
  return r < 0 ? errno : 0;
}
ATTEMPT(F52, landlock, "changes the mode of a directory outside", "EPERM EACCES", .judge = kByEffect) {
  return outcome(chmod(outside("dir"), 0700));
}
ATTEMPT(F53, landlock, "changes attributes by file_setattr", "EPERM EACCES ENOSYS EOPNOTSUPP") {
  struct {
    unsigned long long flags;
    unsigned extent, count, project, cow;
  } attributes = {0x80 /* no atime */, 0, 0, 0, 0};
  const long r = syscall(469, AT_FDCWD, outside("public"), &attributes, sizeof attributes, 0);
  return r < 0 ? errno : 0;
}
