// What a run with namespaces of its own does not even see, and denied names that are not there yet.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attempt.h"

ATTEMPT(J01, process, "reads the command line of another process", "ENOENT", .victim = 1, .needs = "own pids") {
  return read_file(text("/proc/%d/cmdline", victim()));
}
ATTEMPT(J02, process, "asks whether another process is there", "ENOENT", .victim = 1, .needs = "own pids") {
  return outcome(access(text("/proc/%d", victim()), F_OK));
}
ATTEMPT(J03, process, "reads how much memory another process has", "ENOENT", .victim = 1, .needs = "own pids") {
  return read_file(text("/proc/%d/statm", victim()));
}
ATTEMPT(J04, network, "reads which addresses this machine talks to", "ENOENT", .needs = "own pids") {
  FILE* table = fopen("/proc/net/tcp", "re");
  if (table == NULL) return errno;
  // The run has sockets of its own; the sinks' are the machine's.
  char sink[16];
  snprintf(sink, sizeof sink, ":%04X ", (unsigned)number("ESCAPE_PORT"));
  char line[256];
  int sockets = 0;
  while (fgets(line, sizeof line, table) != NULL) sockets += strstr(line, sink) != NULL;
  fclose(table);
  return sockets > 0 ? 0 : ENOENT;
}
ATTEMPT(J10, landlock, "makes a denied file that is not there yet", "EACCES", .profile = "deny", .judge = kByEffect,
        .needs = "landlock") {
  return outcome(open(work("deploy.key"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}
ATTEMPT(J11, landlock, "makes the directory of a denied file that is not there yet", "EACCES", .profile = "deny",
        .judge = kByEffect, .needs = "landlock") {
  return outcome(mkdir(work("later"), 0700));
}
