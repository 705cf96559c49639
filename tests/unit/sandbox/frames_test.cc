#include "sandbox/protocol/frames.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace rune::sandbox {
namespace {

Confinement SomeConfinement() {
  Confinement confinement;
  confinement.files = {
      .read = {"/usr"}, .execute = {"/bin/sh"}, .write = {"/tmp", ""}, .list_only = {"/usr/bin"}, .denied = {"/x"}};
  confinement.denied_syscalls = {"ptrace"};
  confinement.enforcement = Enforcement::kRequire;
  confinement.required = {Layer::kLandlock};
  return confinement;
}

/// The body of an encoded frame: after the length and the type.
std::string BodyOf(const std::string& encoded) { return encoded.substr(5); }

TEST(ProtocolTest, AFrameComesBackAsItWasSent) {
  EXPECT_EQ(Decode<DefineFrame>(BodyOf(Encode(DefineFrame{7, SomeConfinement()})))->confinement, SomeConfinement());
  DoneFrame done;
  done.id = 9;
  done.report.exit_code = 3;
  done.report.limit = LimitHit::kMemory;
  done.report.denials = {{.by = DeniedBy::kLandlock,
                          .what = DeniedAct::kExec,
                          .target = "/bin/rm",
                          .remedy = {Grant::kExecute, {"/bin/rm"}},
                          .count = 3}};
  const auto back = Decode<DoneFrame>(BodyOf(Encode(done)));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->report.exit_code, 3);
  EXPECT_EQ(back->report.limit, LimitHit::kMemory);
  const Denial& denial = back->report.denials.at(0);
  EXPECT_EQ(denial.by, DeniedBy::kLandlock);
  EXPECT_EQ(denial.what, DeniedAct::kExec);
  EXPECT_EQ(denial.target, "/bin/rm");
  EXPECT_EQ(denial.remedy, (Remedy{Grant::kExecute, {"/bin/rm"}}));
  EXPECT_EQ(denial.count, 3U);
}

TEST(ProtocolTest, ANumberThatNoDenialHasIsRefused) {
  const auto decodes = [](const Denial& denial) {
    DoneFrame done;
    done.report.denials = {denial};
    return Decode<DoneFrame>(BodyOf(Encode(done))).ok();
  };
  EXPECT_TRUE(decodes({}));
  EXPECT_TRUE(decodes({.by = DeniedBy::kPolicy, .what = DeniedAct::kSyscall, .remedy = {Grant::kUpload, {}}}));
  for (const int number : {100, 255}) {
    EXPECT_FALSE(decodes({.by = static_cast<DeniedBy>(number)})) << number;
    EXPECT_FALSE(decodes({.what = static_cast<DeniedAct>(number)})) << number;
    EXPECT_FALSE(decodes({.remedy = {static_cast<Grant>(number), {}}})) << number;
  }
}

TEST(ProtocolTest, ACutOrPaddedBodyIsRefused) {
  const std::string body = BodyOf(Encode(DefineFrame{7, SomeConfinement()}));
  for (std::size_t n = 0; n < body.size(); ++n) EXPECT_FALSE(Decode<DefineFrame>(body.substr(0, n)).ok()) << n;
  EXPECT_FALSE(Decode<DefineFrame>(body + "x").ok());
}

TEST(ProtocolTest, DescriptorsStayWithTheirFrame) {
  int sockets[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
  const UniqueFd sender(sockets[0]);
  const UniqueFd receiver(sockets[1]);
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const UniqueFd zero(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(SendFrame(sender.get(), Encode(LaunchFrame{1, 0, {}}), {null.get(), null.get(), null.get()}).ok());
  ASSERT_TRUE(SendFrame(sender.get(), Encode(KillFrame{1, KillReason::kCancelled, 0})).ok());
  ASSERT_TRUE(SendFrame(sender.get(), Encode(LaunchFrame{2, 0, {}}), {zero.get(), zero.get(), zero.get()}).ok());
  FrameReader reader;
  Frame frame;
  std::vector<std::size_t> counts;
  std::vector<dev_t> devices;
  while (counts.size() < 3) {
    ASSERT_TRUE(reader.Receive(receiver.get()));
    for (auto next = reader.Next(frame); next.ok() && *next; next = reader.Next(frame)) {
      counts.push_back(frame.fds.size());
      if (frame.fds.empty()) continue;
      struct stat info{};
      ASSERT_EQ(::fstat(frame.fds[0].get(), &info), 0);
      devices.push_back(info.st_rdev);
    }
  }
  EXPECT_EQ(counts, (std::vector<std::size_t>{3, 0, 3}));
  ASSERT_EQ(devices.size(), 2U);
  EXPECT_NE(devices[0], devices[1]);
}

TEST(ProtocolTest, AnAbsurdLengthIsRefused) {
  int sockets[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
  const UniqueFd sender(sockets[0]);
  const UniqueFd receiver(sockets[1]);
  ASSERT_EQ(::write(sender.get(), "\xff\xff\xff\xff", 4), 4);
  FrameReader reader;
  ASSERT_TRUE(reader.Receive(receiver.get()));
  Frame frame;
  EXPECT_FALSE(reader.Next(frame).ok());
}

}  // namespace
}  // namespace rune::sandbox
