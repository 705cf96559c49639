#include "sandbox/protocol/connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <optional>

namespace rune::sandbox {
namespace {

using namespace std::chrono_literals;

class ConnectionTest : public testing::Test {
 protected:
  void SetUp() override {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    guardian_.Reset(pair[1]);
    connection_.emplace(loop_, UniqueFd(pair[0]),
                        Connection::Answers{.defined = [this](DefinedFrame frame) { defined_ = std::move(frame); },
                                            .done = [this](DoneFrame frame) { done_ = std::move(frame); },
                                            .lost =
                                                [this] {
                                                  ++lost_;
                                                  connection_.reset();
                                                }});
  }
  bool Wait(const std::function<bool()>& condition) {
    return loop_.RunUntil(condition, Clock::now() + 5s) == EventLoop::Wake::kDone;
  }
  EventLoop loop_;
  UniqueFd guardian_;
  std::optional<Connection> connection_;
  std::optional<DefinedFrame> defined_;
  std::optional<DoneFrame> done_;
  int lost_ = 0;
};

TEST_F(ConnectionTest, SaysWhatAGuardianUnderstandsAndHearsWhatItAnswers) {
  ASSERT_TRUE(connection_->Define({7, {}}).ok());
  ASSERT_TRUE(connection_->Launch({.id = 9, .policy = 7, .command = {.argv = {"true"}}}, {0, 1, 2}).ok());
  FrameReader reader;
  ASSERT_TRUE(reader.Receive(guardian_.get()));
  Frame frame;
  ASSERT_TRUE(*reader.Next(frame));
  EXPECT_EQ(Decode<DefineFrame>(frame.body)->policy, 7U);
  ASSERT_TRUE(*reader.Next(frame) || (reader.Receive(guardian_.get()) && *reader.Next(frame)));
  EXPECT_EQ(Decode<LaunchFrame>(frame.body)->id, 9U);
  EXPECT_EQ(frame.fds.size(), 3U);

  ASSERT_TRUE(SendFrame(guardian_.get(), Encode(DefinedFrame{.policy = 7})).ok());
  ASSERT_TRUE(SendFrame(guardian_.get(), Encode(DoneFrame{.id = 9})).ok());
  EXPECT_TRUE(Wait([&] { return done_.has_value(); }));
  EXPECT_EQ(defined_->policy, 7U);
  EXPECT_EQ(done_->id, 9U);
  EXPECT_EQ(lost_, 0);
}

TEST_F(ConnectionTest, TheEndOfTheGuardianIsHeardOnce) {
  ASSERT_TRUE(SendFrame(guardian_.get(), Encode(DoneFrame{.id = 9})).ok());
  guardian_.Reset();
  EXPECT_TRUE(Wait([&] { return lost_ > 0; }));
  EXPECT_TRUE(done_.has_value()) << "what it had said before counts";
  EXPECT_EQ(lost_, 1);
}

TEST_F(ConnectionTest, WhoHearsAnAnswerMayRunTheLoopUntilTheGuardianIsLost) {
  int heard = 0;
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  guardian_.Reset(pair[1]);
  connection_.emplace(loop_, UniqueFd(pair[0]),
                      Connection::Answers{.defined = [](DefinedFrame) {},
                                          .done =
                                              [&](DoneFrame) {
                                                ++heard;
                                                guardian_.Reset();
                                                EXPECT_TRUE(Wait([&] { return lost_ > 0; }));
                                              },
                                          .lost =
                                              [this] {
                                                ++lost_;
                                                connection_.reset();
                                              }});
  ASSERT_TRUE(SendFrame(guardian_.get(), Encode(DoneFrame{.id = 9}) + Encode(DoneFrame{.id = 10})).ok());
  EXPECT_TRUE(Wait([&] { return heard > 0; }));
  EXPECT_EQ(lost_, 1);
  EXPECT_FALSE(connection_.has_value());
}

TEST_F(ConnectionTest, WhatNoGuardianSaysEndsTheConversation) {
  for (const std::string& nonsense :
       {EncodeBye(), Encode(DefineFrame{}), std::string("\xff\xff\xff\xff"),
        Encode(DoneFrame{}).replace(4, 1, 1, static_cast<char>(FrameType::kDefined)), std::string("\1\0\0\0\x7f", 5)}) {
    ASSERT_TRUE(SendFrame(guardian_.get(), nonsense).ok());
    EXPECT_TRUE(Wait([&] { return lost_ > 0; }));
    EXPECT_EQ(lost_, 1);
    lost_ = 0;
    SetUp();
  }
}

TEST_F(ConnectionTest, WhatCannotBeSaidIsAnErrorAndALossThatTheLoopTells) {
  ::shutdown(guardian_.get(), SHUT_RD);
  EXPECT_FALSE(connection_->Kill({9, KillReason::kCancelled, 0}).ok());
  EXPECT_EQ(lost_, 0) << "never from inside";
  EXPECT_TRUE(Wait([&] { return lost_ > 0; }));
  EXPECT_EQ(lost_, 1);
}

}  // namespace
}  // namespace rune::sandbox
