#include "agent/vision/image_loader.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/vision/image_type.h"
#include "sandbox/base/encoding.h"
#include "sandbox/base/files.h"
#include "tests/unit/http/loopback_server.h"
#include "tests/unit/vision/pictures.h"

namespace rune::agent {
namespace {

using test::LoopbackServer;
using test::Peer;
using test::SeenRequest;

class ImageLoaderTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = std::make_unique<TempDir>(TempDir::Create("/var/tmp", "vision-test-").value());
    Write("cat.png", Png());
    Write("a cat.png", Jpeg());
    Write("notes.txt", "hello");
    Write("drawing.svg", "<svg/>");
    Write("empty.png", "");
  }
  void Write(const std::string& name, const std::string& bytes) {
    ASSERT_TRUE(WriteFileAtomic(dir_->path() + "/" + name, bytes).ok());
  }
  ImageLoader Loader(PolicyMode mode = PolicyMode::kAllowlist) {
    policy_ = std::make_unique<Policy>(
        Policy::Create(config_, {.cwd = dir_->path(), .tmp_dir = "/var/tmp/none"}, mode).value());
    return {loop_, *policy_, {.cwd = dir_->path(), .home = dir_->path(), .max_images = 3}};
  }
  Result<IllustratedPrompt> Illustrate(const std::string& text, Author author = Author::kUser) {
    return Loader().Illustrate(text, {}, author);
  }
  std::string LoadError(const std::string& reference) {
    const auto image = Loader().Load(reference);
    return image.ok() ? "(no error)" : image.error().message;
  }

  EventLoop loop_;
  PolicyConfig config_;
  std::unique_ptr<TempDir> dir_;
  std::unique_ptr<Policy> policy_;
};

TEST_F(ImageLoaderTest, AFileIsNamedInManyWays) {
  for (const std::string& name :
       {std::string("cat.png"), std::string("./cat.png"), std::string("~/cat.png"), dir_->path() + "/cat.png"}) {
    const auto image = Loader().Load(name);
    ASSERT_TRUE(image.ok()) << image.error().message;
    EXPECT_EQ(image->media_type, "image/png");
    EXPECT_EQ(image->data, Png());
  }
}

TEST_F(ImageLoaderTest, WhatCannotBeShownIsRefusedInOneLine) {
  EXPECT_NE(LoadError("missing.png").find("missing.png: No such file"), std::string::npos);
  EXPECT_EQ(LoadError("empty.png"), "empty.png: is empty");
  EXPECT_EQ(LoadError("notes.txt"), "notes.txt: is no PNG, JPEG, GIF or WebP picture");
  EXPECT_EQ(LoadError("drawing.svg"), "drawing.svg: SVG is no picture that models take; convert it to PNG");
  EXPECT_NE(LoadError(".").find("Is a directory"), std::string::npos);
  ASSERT_EQ(::mkfifo((dir_->path() + "/pipe.png").c_str(), 0600), 0);
  EXPECT_NE(LoadError("pipe.png").find("is no regular file"), std::string::npos) << "and did not wait for a writer";
  Write("big.png", Png());
  ASSERT_EQ(::truncate((dir_->path() + "/big.png").c_str(), static_cast<off_t>(kMaxImageBytes) + 1), 0);
  EXPECT_EQ(LoadError("big.png"), "big.png: is larger than 5 MiB");
}

TEST_F(ImageLoaderTest, AnAtBeforeAPictureFileShowsIt) {
  const auto prompt = Illustrate("What is in @cat.png, and in (@\"a cat.png\")? @cat.png.");
  ASSERT_TRUE(prompt.ok()) << prompt.error().message;
  EXPECT_EQ(prompt->text, "What is in @cat.png, and in (@\"a cat.png\")? @cat.png.");
  ASSERT_EQ(prompt->images.size(), 3U);
  EXPECT_EQ(prompt->images[1].media_type, "image/jpeg");
}

TEST_F(ImageLoaderTest, AnyOtherAtStaysText) {
  for (const char* text : {"@sysadmin help", "@missing.png", "mail me@cat.png", "@notes.txt", "@.", "@", "a @ b"}) {
    const auto prompt = Illustrate(text);
    ASSERT_TRUE(prompt.ok()) << prompt.error().message;
    EXPECT_EQ(prompt->text, text);
    EXPECT_TRUE(prompt->images.empty()) << text;
  }
}

TEST_F(ImageLoaderTest, AnAtBeforeAPictureThatModelsDoNotTakeIsAnError) {
  EXPECT_EQ(Illustrate("see @drawing.svg").error().message,
            "drawing.svg: SVG is no picture that models take; convert it to PNG");
  EXPECT_EQ(Illustrate("see @empty.png").error().message, "empty.png: is empty");
}

TEST_F(ImageLoaderTest, ThereIsAMostOfPictures) {
  EXPECT_TRUE(Illustrate("@cat.png @cat.png @cat.png").ok());
  EXPECT_EQ(Illustrate("@cat.png @cat.png @cat.png @cat.png").error().message, "more than 3 pictures (max_images)");
  const Image image{"image/png", Png()};
  EXPECT_FALSE(Loader().Illustrate("@cat.png", {image, image, image}).ok()) << "attached ones count, too";
}

TEST_F(ImageLoaderTest, ADataUriIsTakenOutOfTheText) {
  const auto prompt = Illustrate("Is @data:image/png;base64," + Base64Encode(Png()) + " a cat?");
  ASSERT_TRUE(prompt.ok()) << prompt.error().message;
  EXPECT_EQ(prompt->text, "Is [picture 1] a cat?");
  EXPECT_EQ(prompt->images[0].data, Png());
}

TEST_F(ImageLoaderTest, APipedTextNamesOnlyWhatToolsMayRead) {
  EXPECT_TRUE(Illustrate("@cat.png", Author::kPiped).ok()) << "the working directory";
  auto other = TempDir::Create("/var/tmp", "vision-other-");
  ASSERT_TRUE(other.ok());
  ASSERT_TRUE(WriteFileAtomic(other->path() + "/secret.png", Png()).ok());
  const std::string text = "@" + other->path() + "/secret.png";
  EXPECT_TRUE(Illustrate(text, Author::kUser).ok()) << "the control: a person may";
  EXPECT_EQ(Illustrate(text, Author::kPiped).error().kind, ErrorKind::kDenied);
  ASSERT_EQ(::symlink((other->path() + "/secret.png").c_str(), (dir_->path() + "/link.png").c_str()), 0);
  EXPECT_EQ(Illustrate("@link.png", Author::kPiped).error().kind, ErrorKind::kDenied) << "links are followed first";
}

TEST_F(ImageLoaderTest, AUrlIsFetchedOnlyFromAnAllowedDomain) {
  LoopbackServer server(
      [](const SeenRequest&, Peer& peer) { peer.Reply(200, "Content-Type: text/plain\r\n", Webp()); });
  const std::string url = server.url() + "/cat";
  EXPECT_EQ(Loader().Load(url).error().kind, ErrorKind::kDenied);
  config_.allowed_domains = {"*"};
  EXPECT_EQ(Loader().Load(url).error().kind, ErrorKind::kDenied) << "an address has to be named";
  config_.allowed_domains = {"127.0.0.1:1"};
  EXPECT_EQ(Loader().Load(url).error().kind, ErrorKind::kDenied) << "another port";
  EXPECT_TRUE(server.seen().empty());
  config_.allowed_domains = {"127.0.0.1:" + std::to_string(server.port())};
  const auto image = Loader().Load(url);
  ASSERT_TRUE(image.ok()) << image.error().message;
  EXPECT_EQ(image->media_type, "image/webp") << "whatever the server calls it";
  EXPECT_EQ(image->data, Webp());
  ASSERT_EQ(server.seen().size(), 1U);
  EXPECT_EQ(server.seen()[0].head.find("Authorization"), std::string::npos);
}

TEST_F(ImageLoaderTest, AServerCannotLeadElsewhereNorSendTooMuch) {
  LoopbackServer server([](const SeenRequest& request, Peer& peer) {
    if (request.head.find("/moved") != std::string::npos) {
      peer.Reply(302, "Location: /cat\r\n", "");
    } else if (request.head.find("/large") != std::string::npos) {
      peer.Reply(200, "", Png() + std::string(kMaxImageBytes, 'x'));
    } else if (request.head.find("/page") != std::string::npos) {
      peer.Reply(200, "Content-Type: image/png\r\n", "<html>");
    } else if (request.head.find("/cut") != std::string::npos) {
      peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + Png());
      peer.Close();
    } else {
      peer.Reply(404, "", "");
    }
  });
  config_.allowed_domains = {"127.0.0.1:" + std::to_string(server.port())};
  EXPECT_NE(LoadError(server.url() + "/moved").find("redirects"), std::string::npos);
  EXPECT_NE(LoadError(server.url() + "/large").find("is larger than 5 MiB"), std::string::npos);
  EXPECT_NE(LoadError(server.url() + "/page").find("is no PNG"), std::string::npos);
  EXPECT_NE(LoadError(server.url() + "/cut"), "(no error)");
  EXPECT_NE(LoadError(server.url() + "/gone").find("the server answers 404"), std::string::npos);
  for (const SeenRequest& request : server.seen()) EXPECT_EQ(request.head.find("GET /cat"), std::string::npos);
}

TEST_F(ImageLoaderTest, AnInterruptionEndsTheWait) {
  LoopbackServer server([](const SeenRequest&, Peer&) {});
  config_.allowed_domains = {"127.0.0.1:" + std::to_string(server.port())};
  loop_.At(Clock::now() + Milliseconds(50), [this] { loop_.Interrupt(SIGINT); });
  EXPECT_EQ(Loader().Load(server.url() + "/slow").error().kind, ErrorKind::kCancelled);
}

}  // namespace
}  // namespace rune::agent
