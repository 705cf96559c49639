// The caller's terminal: the sandbox is started on one, as a person would. "typed-by-the-user" stands in its input.
// Judged from the other side: what stands in the input afterwards, modes, size, who may open it.
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "attempt.h"

// The first of the three streams that answers to the act.
static int on_streams(int (*act)(int fd)) {
  int refused = ENOTTY;
  for (int fd = 0; fd < 3; ++fd) {
    const int result = act(fd);
    if (result == 0) return 0;
    if (result != ENOTTY) refused = result;
  }
  return refused;
}
static int open_tty(const char* path) { return open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC); }

static int type_in(int fd) {
  char byte = 'x';
  return outcome(ioctl(fd, TIOCSTI, &byte));
}
ATTEMPT(T01, process, "types into the caller's terminal (TIOCSTI)", "EPERM ENOTTY", .profile = "alone-terminal",
        .judge = kByEffect) {
  return on_streams(type_in);
}
static int type_in_raw(int fd) {
  char byte = 'x';
  return outcome(syscall(SYS_ioctl, fd, 0x5a5a5a5a00000000UL | TIOCSTI, &byte));
}
ATTEMPT(T02, process, "types into it with garbage above the request", "EPERM ENOTTY", .profile = "alone-terminal",
        .judge = kByEffect) {
  return on_streams(type_in_raw);
}
static int paste(int fd) {
  char request[8] = {2};
  return outcome(ioctl(fd, TIOCLINUX, request));
}
ATTEMPT(T03, process, "pastes a selection into a console (TIOCLINUX)", "EPERM ENOTTY", .profile = "alone-terminal") {
  return on_streams(paste);
}
static int discipline(int fd) {
  int number_ = 0;
  return outcome(ioctl(fd, TIOCSETD, &number_));
}
ATTEMPT(T04, process, "sets the line discipline (TIOCSETD)", "EPERM ENOTTY", .profile = "alone-terminal") {
  return on_streams(discipline);
}
static int console(int fd) { return outcome(ioctl(fd, TIOCCONS)); }
ATTEMPT(T05, process, "takes the console's output (TIOCCONS)", "EPERM ENOTTY EBUSY", .profile = "alone-terminal") {
  return on_streams(console);
}
static int steal(int fd) { return outcome(ioctl(fd, TIOCSCTTY, 1)); }
ATTEMPT(T06, process, "makes it its own controlling terminal", "EPERM ENOTTY", .profile = "alone-terminal") {
  setsid();
  return on_streams(steal);
}
ATTEMPT(T07, process, "opens /dev/tty", "EACCES ENXIO", .profile = "alone-terminal") {
  return outcome(open_tty("/dev/tty"));
}
ATTEMPT(T08, process, "opens the terminal by its path", "EACCES ENOENT", .profile = "alone-terminal") {
  return outcome(open_tty(value("ESCAPE_TTY")));
}
ATTEMPT(T09, process, "opens it through /proc/self/fd", "EACCES ENXIO", .profile = "alone-terminal") {
  for (int fd = 0; fd < 3; ++fd) {
    if (!isatty(fd)) continue;
    return outcome(open_tty(text("/proc/self/fd/%d", fd)));
  }
  return ENXIO;
}
static int take_input(int fd) {
  if (!isatty(fd)) return ENOTTY;
  if (getpgrp() != tcgetpgrp(fd)) signal(SIGTTIN, SIG_IGN);
  fcntl(fd, F_SETFL, O_NONBLOCK);
  return read_fd(fd);
}
ATTEMPT(T10, process, "reads what the user types from its standard input", "ENOTTY", .profile = "alone-terminal",
        .judge = kByEffect) {
  return take_input(0);
}
ATTEMPT(T11, process, "reads what the user types from its standard output", "ENOTTY EBADF EIO",
        .profile = "alone-terminal", .judge = kByEffect) {
  return take_input(1);
}
ATTEMPT(T12, process, "reads what the user types from its standard error", "ENOTTY EBADF EIO",
        .profile = "alone-terminal", .judge = kByEffect) {
  return take_input(2);
}
static int no_echo(int fd) {
  struct termios modes;
  if (tcgetattr(fd, &modes) != 0) return errno;
  signal(SIGTTOU, SIG_IGN);
  modes.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
  return outcome(tcsetattr(fd, TCSANOW, &modes));
}
ATTEMPT(T13, process, "changes its modes", "ENOTTY EPERM EIO", .profile = "alone-terminal", .judge = kByEffect) {
  return on_streams(no_echo);
}
static int resize(int fd) {
  const struct winsize size = {11, 22, 0, 0};
  return outcome(ioctl(fd, TIOCSWINSZ, &size));
}
ATTEMPT(T14, process, "changes its size, which signals the caller", "ENOTTY EPERM", .profile = "alone-terminal",
        .judge = kByEffect) {
  return on_streams(resize);
}
static int lock_it(int fd) { return outcome(ioctl(fd, TIOCEXCL)); }
ATTEMPT(T15, process, "locks it, so that nobody else can open it", "ENOTTY EPERM", .profile = "alone-terminal",
        .judge = kByEffect) {
  return on_streams(lock_it);
}
static int drop_input(int fd) {
  signal(SIGTTOU, SIG_IGN);
  return outcome(tcflush(fd, TCIFLUSH));
}
ATTEMPT(T16, process, "throws away what the user typed", "ENOTTY EPERM EIO", .profile = "alone-terminal",
        .judge = kByEffect) {
  return on_streams(drop_input);
}
static int foreground(int fd) {
  signal(SIGTTOU, SIG_IGN);
  const pid_t group = getpgrp();
  return outcome(ioctl(fd, TIOCSPGRP, &group));
}
ATTEMPT(T17, process, "puts itself into its foreground", "ENOTTY EPERM", .profile = "alone-terminal") {
  setpgid(0, 0);
  return on_streams(foreground);
}
ATTEMPT(T18, process, "opens the terminal of somebody else", "EACCES EPERM ENOENT", .profile = "alone-terminal") {
  for (int i = 0; i < 64; ++i) {
    const char* path = text("/dev/pts/%d", i);
    if (strcmp(path, value("ESCAPE_TTY")) == 0 || access(path, F_OK) != 0) continue;
    if (open_tty(path) >= 0) return 0;
    if (errno != ENOENT) return errno;
  }
  return ENOENT;
}
