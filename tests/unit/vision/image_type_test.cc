#include "agent/vision/image_type.h"

#include <gtest/gtest.h>

#include "tests/unit/vision/pictures.h"

namespace rune::agent {
namespace {

std::string ErrorOf(std::string bytes) {
  const auto image = MakeImage(std::move(bytes), "x.png");
  return image.ok() ? "(no error)" : image.error().message;
}

TEST(ImageTypeTest, IsToldFromTheBytesAndNotFromTheName) {
  EXPECT_EQ(ImageTypeOf(Png()), "image/png");
  EXPECT_EQ(ImageTypeOf(Jpeg()), "image/jpeg");
  EXPECT_EQ(ImageTypeOf("GIF87a"), "image/gif");
  EXPECT_EQ(ImageTypeOf(Gif()), "image/gif");
  EXPECT_EQ(ImageTypeOf(Webp()), "image/webp");
  for (const char* other : {"", "\x89PNG", "\xFF\xD8", "GIF88a", "RIFF", "RIFF....WAVE", "#!/bin/sh"}) {
    EXPECT_EQ(ImageTypeOf(other), "") << other;
  }
  EXPECT_EQ(MakeImage(Jpeg(), "lies.png")->media_type, "image/jpeg");
}

TEST(ImageTypeTest, ARefusalSaysInOneLineWhatToDo) {
  EXPECT_EQ(ErrorOf(""), "x.png: is empty");
  EXPECT_EQ(ErrorOf("<svg xmlns=''/>"), "x.png: SVG is no picture that models take; convert it to PNG");
  EXPECT_EQ(ErrorOf("\xEF\xBB\xBF<?xml version='1.0'?>\n<!-- a <b> -->\n<!DOCTYPE svg>\n<svg>"),
            "x.png: SVG is no picture that models take; convert it to PNG");
  EXPECT_EQ(ErrorOf(std::string("\0\0\0\x18"
                                "ftypheic\0\0\0\0",
                                16)),
            "x.png: HEIC is no picture that models take; convert it to PNG");
  EXPECT_EQ(ErrorOf(std::string("\0\0\0\x18"
                                "ftypavif",
                                12)),
            "x.png: AVIF is no picture that models take; convert it to PNG");
  EXPECT_EQ(ErrorOf("BM......"), "x.png: BMP is no picture that models take; convert it to PNG");
  EXPECT_EQ(ErrorOf("%PDF-1.7"), "x.png: PDF is no picture that models take; convert it to PNG");
  EXPECT_EQ(ErrorOf("hello"), "x.png: is no PNG, JPEG, GIF or WebP picture");
  EXPECT_EQ(ErrorOf("<html><svg>"), "x.png: is no PNG, JPEG, GIF or WebP picture");
}

TEST(ImageTypeTest, FiveMebibytesAreTheMost) {
  std::string bytes = Png();
  bytes.resize(kMaxImageBytes);
  EXPECT_TRUE(MakeImage(bytes, "x.png").ok());
  bytes.push_back('\0');
  EXPECT_EQ(ErrorOf(bytes), "x.png: is larger than 5 MiB");
}

}  // namespace
}  // namespace rune::agent
