// escape_attempt --list             every attempt as a line of JSON
// escape_attempt --run ID...        each in a process of its own; a line {"id":..,"result":..} for each
// escape_attempt --one ID           this one, in this process: exit status 0 when it worked
// escape_attempt --victim STATE     something to attack: waits, notes every signal in the file STATE
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attempt.h"

extern const struct attempt __start_attempts[], __stop_attempts[];

static const struct attempt* current;

// Shared with the child that acts.
struct result {
  int done;
  int code;
  char reason[200];
};
static struct result* result;

int absent(const char* reason) {
  snprintf(result->reason, sizeof result->reason, "%s", reason);
  return kAbsent;
}

int outcome(long returned) { return returned < 0 ? errno : 0; }

const char* value(const char* name) {
  const char* found = getenv(name);
  return found ? found : "";
}
int number(const char* name) { return atoi(value(name)); }
const char* id(void) { return current->id; }
const char* label(void) { return text("%s-%s", id(), value("ESCAPE_RUN")); }

const char* text(const char* format, ...) {
  char* out = NULL;
  va_list arguments;
  va_start(arguments, format);
  if (vasprintf(&out, format, arguments) < 0) abort();
  va_end(arguments);
  return out;
}
const char* outside(const char* name) { return text("%s/%s/%s", value("ESCAPE_OUTSIDE"), id(), name); }
const char* work(const char* name) { return text("%s/%s/%s", value("ESCAPE_WORK"), id(), name); }
int victim(void) { return number(text("ESCAPE_VICTIM_%s", id())); }

int read_fd(int fd) {
  char byte;
  const ssize_t n = read(fd, &byte, 1);
  if (n < 0) return errno;
  return n == 1 ? 0 : ENODATA;
}
int read_file(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  return fd < 0 ? errno : read_fd(fd);
}
int write_file(const char* path, int flags) {
  const int fd = open(path, flags | O_CLOEXEC, 0644);
  return fd < 0 ? errno : outcome(write(fd, id(), strlen(id())));
}

static int status_code(int status) {
  if (WIFSIGNALED(status)) return 1000 + WTERMSIG(status);
  return WEXITSTATUS(status) == 0 ? 0 : 2000 + WEXITSTATUS(status);
}

int run_child(int (*act)(void)) {
  const pid_t pid = fork();
  if (pid < 0) return errno;
  if (pid == 0) _exit(act() & 0xff);
  int status = 0;
  if (waitpid(pid, &status, 0) < 0) return errno;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int shell(const char* command) {
  setenv("OUT", outside(""), 1);
  setenv("WORK", work(""), 1);
  setenv("LABEL", label(), 1);
  const int silent = open("/dev/null", O_RDWR | O_CLOEXEC);
  dup2(silent, 0);
  dup2(silent, 1);
  dup2(silent, 2);
  execl("/bin/sh", "sh", "-c", command, (char*)NULL);
  return errno;
}

void rest(int milliseconds) {
  const struct timespec time = {milliseconds / 1000, (milliseconds % 1000) * 1000000L};
  nanosleep(&time, NULL);
}

static long now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void act_in_child(void) {
  prctl(PR_SET_NAME, text("esc-%s", label()));
  signal(SIGPIPE, SIG_DFL);
  result->code = current->act();
  result->done = 1;
  _exit(0);
}

// The name of an outcome: "worked", "EACCES", "SIGSYS", "exit 3", "timeout", "absent: ...".
static const char* name_of(int code) {
  if (code == 0) return "worked";
  if (code == kAbsent) return text("absent: %s", result->reason);
  if (code >= 2000) return text("exit %d", code - 2000);
  if (code >= 1000) return text("SIG%s", sigabbrev_np(code - 1000));
  const char* name = strerrorname_np(code);
  return name ? name : text("errno %d", code);
}

static void run(const struct attempt* attempt) {
  // Milliseconds; an attempt that only computes must not be ended by us.
  const int limit = attempt->profile && strcmp(attempt->profile, "alone-cpu") == 0 ? 60000 : 15000;
  current = attempt;
  memset(result, 0, sizeof *result);
  fflush(stdout);
  const pid_t pid = fork();
  if (pid == 0) act_in_child();
  const char* name = "fork failed";
  if (pid > 0) {
    int status = 0;
    const long end = now_ms() + limit;
    pid_t waited = 0;
    for (int pause = 1; (waited = waitpid(pid, &status, WNOHANG)) == 0 && now_ms() < end;
         pause = pause < 20 ? pause + 1 : 20)
      rest(pause / 2 + 1);
    if (waited == 0) {
      kill(pid, SIGKILL);
      waitpid(pid, &status, 0);
      name = "timeout";
    } else {
      name = name_of(result->done ? result->code : status_code(status));
    }
  }
  printf("{\"id\":\"%s\",\"result\":\"%s\"}\n", attempt->id, name);
  fflush(stdout);
}

static void print_text(const char* key, const char* text_value) {
  printf(",\"%s\":\"", key);
  for (const char* c = text_value ? text_value : ""; *c; ++c) printf(*c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
  printf("\"");
}

static int list(void) {
  static const char* const judges[] = {"result", "effect", "work", "witness"};
  for (const struct attempt* a = __start_attempts; a < __stop_attempts; ++a) {
    printf("{\"victim\":%d", a->victim);
    print_text("id", a->id);
    print_text("layer", a->layer);
    print_text("what", a->what);
    print_text("refused", a->refused);
    print_text("judge", judges[a->judge]);
    print_text("profile", a->profile ? a->profile : "tool");
    print_text("needs", a->needs);
    print_text("outside", a->outside);
    printf("}\n");
  }
  return 0;
}

static const struct attempt* find(const char* wanted) {
  for (const struct attempt* a = __start_attempts; a < __stop_attempts; ++a) {
    if (strcmp(a->id, wanted) == 0) return a;
  }
  fprintf(stderr, "escape_attempt: no attempt %s\n", wanted);
  exit(2);
}

// What process_vm_writev(2) and the like would change; its address is in the state file.
static volatile char canary[16] = "untouched";
static int state_file;

static void note(int signal_number) {
  char line[] = "signal 00\n";
  line[7] = (char)('0' + signal_number / 10);
  line[8] = (char)('0' + signal_number % 10);
  if (write(state_file, line, sizeof line - 1) < 0) _exit(1);
}

static int be_victim(const char* path) {
  state_file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
  if (state_file < 0) return 1;
  for (int s = 1; s < 64; ++s) {
    if (s != SIGKILL && s != SIGSTOP && s != SIGSEGV && s != SIGBUS) signal(s, note);
  }
  dprintf(state_file, "canary at %p\n", (const void*)canary);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  while (1) pause();
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "--list") == 0) return list();
  if (argc == 3 && strcmp(argv[1], "--victim") == 0) return be_victim(argv[2]);
  result = mmap(NULL, sizeof *result, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (result == MAP_FAILED) return 2;
  if (argc == 3 && strcmp(argv[1], "--one") == 0) {
    current = find(argv[2]);
    const int code = current->act();
    printf("{\"id\":\"%s\",\"result\":\"%s\"}\n", argv[2], name_of(code));
    return code == 0 ? 0 : 1;
  }
  if (argc < 3 || strcmp(argv[1], "--run") != 0) {
    fputs("usage: escape_attempt --list | --run ID... | --one ID | --victim STATE\n", stderr);
    return 2;
  }
  for (int i = 2; i < argc; ++i) run(find(argv[i]));
  return 0;
}
