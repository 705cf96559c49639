#include <gtest/gtest.h>

#include "agent/vision/image_loader.h"
#include "agent/vision/image_type.h"
#include "sandbox/base/encoding.h"
#include "tests/unit/vision/pictures.h"

namespace rune::agent {
namespace {

std::vector<std::string> NamesIn(const std::string& text) {
  std::vector<std::string> names;
  for (const ImageReference& reference : FindImageReferences(text)) names.push_back(reference.name);
  return names;
}
using Names = std::vector<std::string>;

TEST(ReferencesTest, AreWordsThatBeginWithAnAt) {
  EXPECT_EQ(NamesIn("@a.png"), Names{"a.png"});
  EXPECT_EQ(NamesIn("compare @a.png and\n@dir/b.jpg"), (Names{"a.png", "dir/b.jpg"}));
  EXPECT_EQ(NamesIn("(@a.png)"), Names{"a.png)"}) << "what ends the name is decided by what there is";
  EXPECT_EQ(NamesIn("@\"a b.png\" @'c d.png'"), (Names{"a b.png", "c d.png"}));
  EXPECT_EQ(NamesIn("@https://example.com/a.png?x=@y"), Names{"https://example.com/a.png?x=@y"});
}

TEST(ReferencesTest, AreNotAddressesNorLoneSigns) {
  for (const char* text : {"", "@", "a @ b", "me@example.com", "x@a.png", "@\"open", "@''", "@\"a\nb\""}) {
    const Names names = NamesIn(text);
    EXPECT_TRUE(names.empty() || names == Names{"\"open"}) << text;
  }
}

TEST(ReferencesTest, SayWhereTheyAre) {
  const std::string text = "see @\"a b.png\" now";
  const auto found = FindImageReferences(text);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(text.substr(found[0].begin, found[0].end - found[0].begin), "@\"a b.png\"");
}

TEST(DataUriTest, HoldsAPicture) {
  const auto image = DecodeDataUri("data:image/jpeg;base64," + Base64Encode(Png()));
  ASSERT_TRUE(image.ok()) << image.error().message;
  EXPECT_EQ(image->data, Png());
  EXPECT_EQ(image->media_type, "image/png") << "by its bytes";
}

TEST(DataUriTest, OrIsRefused) {
  for (const std::string& uri :
       {std::string("data:image/png,abc"), std::string("data:image/png;base64"), std::string("data:image/png;base64,"),
        std::string("data:image/png;base64,***="), std::string("data:image/png;base64,aGVsbG8="),
        std::string("data:image/png;base64,aGVsbG8"), std::string("data:image/png;base64,aGVsb_8=")}) {
    EXPECT_FALSE(DecodeDataUri(uri).ok()) << uri;
  }
  const auto large = DecodeDataUri("data:image/png;base64," + std::string(kMaxImageBytes * 2, 'A'));
  EXPECT_EQ(large.error().message, "data: URI: is larger than 5 MiB");
}

}  // namespace
}  // namespace rune::agent
