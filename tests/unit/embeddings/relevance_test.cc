#include "agent/embeddings/relevance.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "sandbox/base/files.h"

namespace rune::agent {
namespace {

/// Counts letters: texts with the same letters are near each other.
class LetterEmbedder : public Embedder {
 public:
  explicit LetterEmbedder(std::vector<std::string>& asked) : asked_(asked) {}
  Result<std::vector<Vector>> Embed(const std::vector<std::string>& texts) override {
    if (fails) return Error{ErrorKind::kUnavailable, "embeddings: nobody there"};
    asked_.insert(asked_.end(), texts.begin(), texts.end());
    std::vector<Vector> vectors;
    for (const std::string& text : texts) {
      Vector vector(27, 0.01F);
      for (const char c : text) vector[c >= 'a' && c <= 'z' ? static_cast<std::size_t>(c - 'a') : 26] += 1;
      Normalize(vector);
      vectors.push_back(std::move(vector));
    }
    return vectors;
  }
  std::string name() const override { return "test/letters"; }
  bool fails = false;

 private:
  std::vector<std::string>& asked_;
};

using Indices = std::vector<std::size_t>;

TEST(RelevanceTest, PicksWhatIsNearest) {
  std::vector<std::string> asked;
  Relevance relevance(std::make_unique<LetterEmbedder>(asked), "");
  const std::vector<std::string> texts{"zzz", "deploy the harbour", "", "harbour lights", "qqq"};
  EXPECT_EQ(*relevance.MostRelevant("the harbour", texts, 2), (Indices{1, 3}));
  EXPECT_EQ(asked.size(), 5U) << "an empty text is not sent";
  EXPECT_TRUE(relevance.MostRelevant("", texts, 2)->empty());
  EXPECT_TRUE(relevance.MostRelevant("the harbour", {}, 2)->empty());
  EXPECT_TRUE(relevance.MostRelevant("the harbour", texts, 0)->empty());
}

TEST(RelevanceTest, SendsEachTextOnceInALifetimeOfTheStore) {
  auto dir = TempDir::Create("/var/tmp", "relevance-");
  ASSERT_TRUE(dir.ok());
  std::vector<std::string> asked;
  {
    Relevance relevance(std::make_unique<LetterEmbedder>(asked), dir->path() + "/vectors");
    ASSERT_TRUE(relevance.MostRelevant("a", {"ab", "cd", "ab"}, 1).ok());
    ASSERT_TRUE(relevance.MostRelevant("b", {"ab", "cd"}, 1).ok());
  }
  EXPECT_EQ(asked, (std::vector<std::string>{"a", "ab", "cd", "b"}));
  Relevance later(std::make_unique<LetterEmbedder>(asked), dir->path() + "/vectors");
  EXPECT_EQ(*later.MostRelevant("a", {"cd", "ab"}, 1), Indices{1});
  EXPECT_EQ(asked.size(), 4U);
}

TEST(RelevanceTest, AnEndpointThatFailsIsAnError) {
  std::vector<std::string> asked;
  auto embedder = std::make_unique<LetterEmbedder>(asked);
  embedder->fails = true;
  Relevance relevance(std::move(embedder), "");
  EXPECT_EQ(relevance.MostRelevant("a", {"b"}, 1).error().kind, ErrorKind::kUnavailable);
}

}  // namespace
}  // namespace rune::agent
