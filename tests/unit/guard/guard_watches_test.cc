/// inotify(7) of a guarded command: what it may read it may watch.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/base/files.h"
#include "tests/unit/guard/guarded_run.h"

namespace rune::sandbox {
namespace {

class GuardedWatches : public testing::Test {
 protected:
  void SetUp() override {
    if (!WhyNoGuardHere().empty()) GTEST_SKIP() << WhyNoGuardHere();
    setup_.files.write = {in_.path()};
    setup_.files.denied = {in_.path() + "/denied"};
    ::mkdir((in_.path() + "/denied").c_str(), 0700);
    Touch(out_.path() + "/file");
  }
  int Run(const std::function<int()>& act) { return RunGuarded(setup_, act).status; }
  static int Add(int watch, const std::string& path) {
    return Errno(::inotify_add_watch(watch, path.c_str(), IN_CREATE | IN_MODIFY));
  }
  static bool Hears(int watch) {
    pollfd ready{watch, POLLIN, 0};
    return ::poll(&ready, 1, 2'000) == 1;
  }
  static void Touch(const std::string& path) { ::close(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)); }

  GuardedSetup setup_;
  TempDir in_ = std::move(TempDir::Create("/tmp", "guard-in-")).value();
  TempDir out_ = std::move(TempDir::Create("/tmp", "guard-out-")).value();
};

TEST_F(GuardedWatches, HearWhatHappensInTheirTrees) {
  EXPECT_EQ(Run([&] {
              const int watch = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
              if (watch < 0) return errno;
              if (const int err = Add(watch, in_.path())) return err;
              char event[4096];
              if (::read(watch, event, sizeof event) >= 0 || errno != EAGAIN) return 200;
              Touch(in_.path() + "/new");
              if (!Hears(watch) || ::read(watch, event, sizeof event) <= 0) return 201;
              const auto* const first = reinterpret_cast<const inotify_event*>(event);
              return std::string(first->name) == "new" && (first->mask & IN_CREATE) != 0 ? 0 : 202;
            }),
            0);
}

TEST_F(GuardedWatches, AreToldApartAndTakenBack) {
  EXPECT_EQ(Run([&] {
              const int one = ::inotify_init1(IN_NONBLOCK);
              const int two = ::inotify_init1(IN_NONBLOCK);
              ::mkdir((in_.path() + "/two").c_str(), 0700);
              const int watch = ::inotify_add_watch(one, in_.path().c_str(), IN_CREATE);
              if (watch < 0 || Add(two, in_.path() + "/two") != 0) return 200;
              Touch(in_.path() + "/two/x");
              pollfd ready{one, POLLIN, 0};
              if (!Hears(two) || ::poll(&ready, 1, 0) != 0) return 201;
              if (::inotify_rm_watch(one, watch) != 0) return errno;
              Touch(in_.path() + "/y");
              char event[4096];
              if (::read(one, event, sizeof event) <= 0) return 202;  // IN_IGNORED
              return ::poll(&ready, 1, 50) == 0 ? 0 : 203;
            }),
            0);
}

TEST_F(GuardedWatches, AreRefusedElsewhere) {
  const auto watch = [&](const std::string& path) {
    return [path] {
      const int fd = ::inotify_init1(0);
      return fd < 0 ? errno : Add(fd, path);
    };
  };
  for (const std::string& path : {out_.path(), out_.path() + "/file", in_.path() + "/denied", in_.path() + "/.."}) {
    EXPECT_EQ(RunBare(watch(path)), 0) << path;
    EXPECT_EQ(Run(watch(path)), EACCES) << path;
  }
  EXPECT_EQ(::symlink(out_.path().c_str(), (in_.path() + "/link").c_str()), 0);
  EXPECT_EQ(Run(watch(in_.path() + "/link")), EACCES);
  EXPECT_EQ(Run(watch(in_.path() + "/none")), ENOENT);
  EXPECT_EQ(Run([&] { return Add(0, in_.path()); }), EINVAL);
  EXPECT_EQ(Run([&] { return Add(999, in_.path()); }), EBADF);
  EXPECT_EQ(Run([] { return Errno(::inotify_init1(1)); }), EINVAL);
}

TEST_F(GuardedWatches, AreManyOneAfterTheOtherAndFewAtOnce) {
  EXPECT_EQ(Run([&] {
              for (int i = 0; i < 200; ++i) {
                const int fd = ::inotify_init1(IN_CLOEXEC);
                if (fd < 0) return errno;
                if (const int err = Add(fd, in_.path())) return err;
                ::close(fd);
              }
              int made = 0;
              while (::inotify_init1(0) >= 0) ++made;
              return errno == EMFILE && made >= 32 ? 0 : 200;
            }),
            0);
}

}  // namespace
}  // namespace rune::sandbox
