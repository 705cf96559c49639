// Not ways out, but what must still work inside, or the refusals of the others would show nothing.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attempt.h"
#include "sockets.h"

#define KEPT .profile = "network", .judge = kMustWork, .needs = "addresses"
ATTEMPT(K01, network, "reaches an allowed name by TLS", "", KEPT) { return greet("good.test", 443, "good.test", NULL); }
ATTEMPT(K02, network, "reaches an allowed name by HTTP", "", KEPT) { return visit("good.test"); }
ATTEMPT(K03, names, "reaches a name below an allowed suffix", "", KEPT) { return visit("a.b.ok.test"); }
ATTEMPT(K04, network, "reaches a server of its own on loopback", "", .profile = "network", .judge = kMustWork) {
  struct target at = target_of("127.0.0.1", 0);
  const int server = make_socket(AF_INET, SOCK_STREAM, 0);
  if (server < 0 || bind(server, (struct sockaddr*)&at.address, at.size) != 0 || listen(server, 1) != 0) return errno;
  if (getsockname(server, (struct sockaddr*)&at.address, &at.size) != 0) return errno;
  const pid_t pid = fork();
  if (pid == 0) {
    const int client = make_socket(AF_INET, SOCK_STREAM, 0);
    _exit(connect_and_send(client, &at));
  }
  const int accepted = accept(server, NULL, NULL);
  const int result = accepted < 0 ? errno : read_fd(accepted);
  waitpid(pid, NULL, 0);
  return result;
}
static void* nothing(void* unused) { return unused; }
ATTEMPT(K05, limits, "makes a hundred processes and a hundred threads, one after the other", "", .judge = kMustWork) {
  for (volatile int i = 0; i < 100; ++i) {  // vfork(2) leaves locals in doubt
    const pid_t pid = i % 2 ? fork() : vfork();
    if (pid < 0) return errno;
    if (pid == 0) _exit(0);
    waitpid(pid, NULL, 0);
    pthread_t thread;
    const int refused = pthread_create(&thread, NULL, nothing, NULL);
    if (refused) return refused;
    pthread_join(thread, NULL);
  }
  return 0;
}
ATTEMPT(K06, landlock, "makes, renames, links and removes what is its own", "", .judge = kMustWork,
        .needs = "landlock>=3") {
  const char *dir = work("mine"), *file = text("%s/a", dir), *other = text("%s/b", dir);
  if (mkdir(dir, 0755) != 0 || write_file(file, O_WRONLY | O_CREAT) != 0) return errno;
  if (rename(file, other) != 0 || link(other, file) != 0 || symlink("a", text("%s/c", dir)) != 0) return errno;
  if (chmod(file, 0600) != 0 || truncate(file, 1) != 0) return errno;
  return outcome(unlink(file));
}
ATTEMPT(K07, process, "signals and limits its own children", "", .judge = kMustWork) {
  const pid_t pid = fork();
  if (pid == 0) {
    pause();
    _exit(1);
  }
  int status = 0;
  if (kill(pid, SIGTERM) != 0 || waitpid(pid, &status, 0) != pid) return errno;
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM ? 0 : EINVAL;
}
ATTEMPT(K08, process, "runs a shell with a pipe and a background job", "", .judge = kMustWork) {
  return shell("echo text | (cat; sleep 0.01 & wait) | grep -q text");
}
