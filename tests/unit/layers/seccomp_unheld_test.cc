/// What the filter does about rights that an old Landlock lacks.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>

#include "sandbox/layers/seccomp.h"
#include "sandbox/layers/seccomp_table.h"

namespace rune::sandbox {
namespace {

struct Case {
  int number;
  std::uint64_t args[4];
  std::uint32_t answer;
};

void ExpectAnswers(const SeccompPolicy& policy, const std::vector<Case>& cases) {
  const auto program = CompileSeccomp(policy);
  ASSERT_TRUE(program.ok());
  for (const Case& c : cases) {
    // The upper half is garbage that the kernel ignores.
    SyscallProbe probe{.nr = c.number};
    for (std::size_t i = 0; i < 4; ++i) probe.args[i] = c.args[i] | 0xdeadbeef00000000;
    EXPECT_EQ(EvaluateSeccomp(*program, probe), c.answer)
        << SyscallName(c.number) << " " << c.args[0] << " " << c.args[1] << " " << c.args[2];
  }
}

constexpr SeccompPolicy::Unheld kBoth{.truncation = true, .signals = true};
constexpr std::uint64_t kEverybody = 0xffffffff;

TEST(UnheldRights, AreAskedOfTheGuardWhereThereIsOne) {
  ExpectAnswers({.network = Network::kGuarded, .notify = SeccompPolicy::Notify::kDenials, .unheld = kBoth},
                {
                    {SYS_truncate, {1, 0}, kSeccompNotify},
                    {SYS_openat2, {0, 1, 0}, SeccompErrno(ENOSYS)},
                    {SYS_kill, {0, 9}, kSeccompAllow},
                    {SYS_kill, {1234, 9}, kSeccompNotify},
                    {SYS_kill, {kEverybody, 9}, kSeccompNotify},
                    {SYS_tkill, {1, 9}, kSeccompNotify},
                    {SYS_tgkill, {1, 1, 9}, kSeccompNotify},
                    {SYS_rt_sigqueueinfo, {1, 9}, kSeccompNotify},
                    {SYS_rt_tgsigqueueinfo, {1, 1, 9}, kSeccompNotify},
                    {SYS_pidfd_send_signal, {3, 9}, kSeccompNotify},
                    {SYS_fcntl, {0, F_SETOWN, 0}, kSeccompAllow},
                    {SYS_fcntl, {0, F_SETOWN, 1}, kSeccompNotify},
                    {SYS_fcntl, {0, F_SETOWN_EX, 1}, kSeccompNotify},
                    {SYS_fcntl, {0, F_SETLEASE, F_WRLCK}, kSeccompNotify},
                    {SYS_fcntl, {0, F_GETFL}, kSeccompAllow},
                });
}

TEST(UnheldRights, OfTruncationAreRefusedWhereFlagsSayThatNothingIsWritten) {
  for (const auto notify : {SeccompPolicy::Notify::kNothing, SeccompPolicy::Notify::kDenials}) {
    const std::uint32_t refused =
        notify == SeccompPolicy::Notify::kNothing ? SeccompErrno(EPERM) : std::uint32_t{kSeccompNotify};
    ExpectAnswers({.network = Network::kGuarded, .notify = notify, .unheld = kBoth},
                  {
                      {SYS_openat, {0, 1, O_RDONLY | O_TRUNC}, SeccompErrno(EACCES)},
                      {SYS_openat, {0, 1, O_RDONLY | O_CREAT | O_TRUNC | O_CLOEXEC}, SeccompErrno(EACCES)},
                      {SYS_openat, {0, 1, O_ACCMODE | O_TRUNC}, SeccompErrno(EACCES)},
                      {SYS_openat, {0, 1, O_RDONLY}, kSeccompAllow},
                      {SYS_openat, {0, 1, O_ACCMODE}, kSeccompAllow},
                      {SYS_openat, {0, 1, O_WRONLY | O_CREAT | O_TRUNC}, kSeccompAllow},
                      {SYS_openat, {0, 1, O_RDWR | O_TRUNC}, kSeccompAllow},
                      {SYS_openat, {0, 1, O_RDWR | O_CREAT, S_ISUID}, refused},
                  });
  }
#ifdef SYS_open
  ExpectAnswers({.unheld = kBoth}, {
                                       {SYS_open, {1, O_RDONLY | O_TRUNC}, SeccompErrno(EACCES)},
                                       {SYS_open, {1, O_WRONLY | O_TRUNC}, kSeccompAllow},
                                   });
#endif
}

TEST(UnheldRights, WithoutAGuardAreHeldAsFarAsRegistersSay) {
  ExpectAnswers({.unheld = kBoth, .out_of_reach = {77}}, {
                                                             {SYS_truncate, {1, 0}, SeccompErrno(EACCES)},
                                                             {SYS_kill, {77, 9}, SeccompErrno(EPERM)},
                                                             {SYS_kill, {78, 9}, kSeccompAllow},
                                                             {SYS_kill, {kEverybody, 9}, SeccompErrno(EPERM)},
                                                             {SYS_fcntl, {0, F_SETOWN, 77}, SeccompErrno(EPERM)},
                                                             {SYS_fcntl, {0, F_SETLEASE, F_WRLCK}, SeccompErrno(EPERM)},
                                                         });
}

TEST(UnheldRights, AreNobodysBusinessWhereLandlockHoldsThem) {
  ExpectAnswers({.network = Network::kGuarded, .notify = SeccompPolicy::Notify::kDenials, .out_of_reach = {77}},
                {
                    {SYS_truncate, {1, 0}, kSeccompAllow},
                    {SYS_openat, {0, 1, O_RDONLY | O_TRUNC}, kSeccompAllow},
                    {SYS_kill, {77, 9}, kSeccompAllow},
                    {SYS_tgkill, {1, 1, 9}, kSeccompAllow},
                    {SYS_fcntl, {0, F_SETOWN, 1}, kSeccompAllow},
                });
}

TEST(UnheldRights, ThatThePolicyDeniesAreNotGrantedByTheGuard) {
  ExpectAnswers({.network = Network::kGuarded,
                 .denied_syscalls = {"kill", "truncate"},
                 .notify = SeccompPolicy::Notify::kDenials,
                 .unheld = kBoth},
                {{SYS_kill, {1, 9}, SeccompErrno(EPERM)}, {SYS_truncate, {1, 9}, SeccompErrno(EPERM)}});
}

}  // namespace
}  // namespace rune::sandbox
