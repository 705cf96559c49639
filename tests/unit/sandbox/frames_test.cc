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
  done.report.denials = {{"landlock", "exec", "/bin/rm"}};
  const auto back = Decode<DoneFrame>(BodyOf(Encode(done)));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->report.exit_code, 3);
  EXPECT_EQ(back->report.limit, LimitHit::kMemory);
  EXPECT_EQ(back->report.denials.at(0).target, "/bin/rm");
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
