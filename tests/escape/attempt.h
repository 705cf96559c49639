#ifndef TESTS_ESCAPE_ATTEMPT_H_
#define TESTS_ESCAPE_ATTEMPT_H_
// One attempt to get out: its name, the layer that must stop it, and the act itself. The program escape_attempt runs
// any number of them, each in a process of its own, in whatever confinement it was started; run.py starts it inside and
// outside of one, looks at what happened outside, and judges. Nothing here is ever the judge of its own success alone.
//
// An act returns 0 when it worked, or the errno that refused it. What it may touch is named by the environment:
//   ESCAPE_OUTSIDE   a directory that no flag grants; below it one directory per attempt, named by its id
//   ESCAPE_WORK      a directory that may be written, likewise
//   ESCAPE_...       ports, processes and files of the environment (see run.py)

#include <errno.h>
#include <stddef.h>

enum { kWorked = 0, kAbsent = -1 };  // kAbsent: use absent()

// Who says whether it worked.
enum judge {
  kByResult,   // the act's result, which nothing outside can show; the witness may only add to it
  kByEffect,   // both; outside of a confinement the witness must have seen it
  kMustWork,   // not a way out: it must work inside, too
  kByWitness,  // the witness alone: the act may succeed inside, on something that is not the outside
};

struct attempt {
  const char* id;
  const char* layer;    // limits, network, seccomp, landlock, names, or process (identity, signals, terminal, secrets)
  const char* what;     // "reads a file outside"
  const char* refused;  // outcomes that are a refusal, by name, separated by spaces: "EACCES EXDEV", "SIGSYS", "exit"
  int (*act)(void);
  enum judge judge;
  const char* profile;  // which flags of rune-sandbox; default: tool
  const char* needs;    // what an environment must have for the attempt to mean anything: "landlock>=6", "user", "root"
  const char* outside;  // why there is no control outside: it would hurt the machine
  int victim;           // wants a process of its own to attack
};

#define ATTEMPT(ID, LAYER, WHAT, REFUSED, ...)                                                                  \
  static int act_##ID(void);                                                                                    \
  _Pragma("GCC diagnostic push")                                                                                \
      _Pragma("GCC diagnostic ignored \"-Wmissing-field-initializers\"") static const struct attempt entry_##ID \
      __attribute__((section("attempts"), used, aligned(16))) = {                                               \
          .id = #ID, .layer = #LAYER, .what = WHAT, .refused = REFUSED, .act = act_##ID, ##__VA_ARGS__};        \
  _Pragma("GCC diagnostic pop") static int act_##ID(void)

// kAbsent with the reason: the kernel, or the environment, has nothing that could be attempted.
int absent(const char* reason);
// errno of a failed call, 0 of one that did not fail.
int outcome(long result);

const char* value(const char* name);  // of the environment; "" when there is none
int number(const char* name);
const char* id(void);                   // of the attempt that runs
const char* label(void);                // id and run, "N01-owner": what the sinks outside know it by
const char* outside(const char* name);  // $ESCAPE_OUTSIDE/ID/name
const char* work(const char* name);     // $ESCAPE_WORK/ID/name
const char* text(const char* format, ...) __attribute__((format(printf, 1, 2)));  // never freed
int victim(void);  // the process that belongs to this attempt

int read_file(const char* path);  // opens and reads a byte
int read_fd(int fd);
int write_file(const char* path, int flags);  // opens with `flags` and writes the id
int shell(const char* command);               // $OUT, $WORK and $ID are set; 0 when it exits with 0
int run_child(int (*act)(void));              // act in a child; its result
void rest(int milliseconds);

#endif
