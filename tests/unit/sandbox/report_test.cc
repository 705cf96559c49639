#include "sandbox/report.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cerrno>

namespace rune::sandbox {
namespace {

TEST(ReportTest, SaysHowACommandEnded) {
  const struct {
    Report report;
    const char* words;
    bool exited;
  } rows[] = {
      {{.exit_code = 0}, "", true},
      {{.exit_code = 3}, "exit code 3", true},
      {{.signal = SIGKILL}, "killed by signal 9 (Killed)", false},
      {{.signal = SIGKILL, .limit = LimitHit::kWall, .wall_us = 2'004'000}, "killed: wall clock limit of 2 s", false},
      {{.limit = LimitHit::kWall, .wall_us = 250'900}, "killed: wall clock limit of 250 ms", false},
      {{.exit_code = 1, .limit = LimitHit::kMemory}, "killed: memory limit", false},
      {{.signal = SIGKILL, .limit = LimitHit::kDisk}, "killed: disk limit", false},
      {{.signal = SIGXFSZ, .limit = LimitHit::kFileSize}, "killed: file size limit", false},
      {{.signal = SIGTERM, .cancelled = true}, "cancelled", false},
      {{.exit_code = 0, .cancelled = true}, "cancelled", false},
      {{.guardian_lost = true}, "the sandbox was lost; the call was stopped", false},
      {{.setup_error = "exec: Permission denied",
        .setup_errno = EACCES,
        .denials = {{.by = DeniedBy::kLandlock, .what = DeniedAct::kExec}}},
       "could not run: Permission denied (Landlock): the program is not among the allowed commands",
       false},
      {{.setup_error = "exec: Permission denied",
        .setup_errno = EACCES,
        .denials = {{.by = DeniedBy::kIdentity, .what = DeniedAct::kExec}}},
       "could not run: exec: Permission denied",  // the file's own mode: no list would help
       false},
      {{.setup_error = "exec: No such file or directory", .setup_errno = ENOENT},
       "could not run: command not found",
       false},
      {{.setup_error = "chdir: No such file or directory", .setup_errno = ENOENT},
       "could not run: chdir: No such file or directory",
       false},
      {{}, "ended without an exit code", false},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(EndText(row.report), row.words);
    EXPECT_EQ(Exited(row.report), row.exited) << row.words;
  }
}

}  // namespace
}  // namespace rune::sandbox
