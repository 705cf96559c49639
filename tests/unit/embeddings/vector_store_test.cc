#include "agent/embeddings/vector_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <limits>

#include "sandbox/base/files.h"

namespace rune::agent {
namespace {

Vector Unit(Vector vector) {
  EXPECT_TRUE(Normalize(vector));
  return vector;
}

class VectorStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = std::make_unique<TempDir>(TempDir::Create("/var/tmp", "vectors-").value());
    path_ = dir_->path() + "/deep/embeddings";
  }
  void Fill() {
    VectorStore store(path_, "p/m");
    store.Add("north", Unit({0, 1, 0}));
    store.Add("east", Unit({1, 0, 0}));
    ASSERT_TRUE(store.Save().ok());
  }
  std::size_t SizeOf(const std::string& model = "p/m") { return VectorStore(path_, model).size(); }

  std::unique_ptr<TempDir> dir_;
  std::string path_;
};

TEST_F(VectorStoreTest, KeepsVectorsInOneFileOfTheUser) {
  Fill();
  const VectorStore store(path_, "p/m");
  ASSERT_NE(store.Find("north"), nullptr);
  EXPECT_EQ(*store.Find("north"), (Vector{0, 1, 0}));
  EXPECT_EQ(store.Find("south"), nullptr);
  struct stat status{};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  EXPECT_EQ(ReadFile(path_)->find("north"), std::string::npos) << "no text is in it";
}

TEST_F(VectorStoreTest, IsNotWrittenWhenNothingChanged) {
  Fill();
  VectorStore store(path_, "p/m");
  ASSERT_TRUE(WriteFileAtomic(path_, "mark").ok());
  ASSERT_TRUE(store.Save().ok());
  EXPECT_EQ(*ReadFile(path_), "mark");
}

TEST_F(VectorStoreTest, OfAnotherModelIsEmptyAndReplaced) {
  Fill();
  EXPECT_EQ(SizeOf("p/other"), 0U);
  EXPECT_EQ(SizeOf(), 2U) << "looking does no harm";
  VectorStore other(path_, "p/other");
  other.Add("north", Unit({1, 1}));
  ASSERT_TRUE(other.Save().ok());
  EXPECT_EQ(SizeOf("p/other"), 1U);
  EXPECT_EQ(SizeOf(), 0U);
}

TEST_F(VectorStoreTest, AnotherDimensionReplacesAll) {
  Fill();
  VectorStore store(path_, "p/m");
  store.Add("up", Unit({1, 2, 3, 4}));
  EXPECT_EQ(store.size(), 1U);
  EXPECT_EQ(store.Find("north"), nullptr);
}

TEST_F(VectorStoreTest, ADamagedFileIsOneWarningAndAnEmptyStore) {
  Fill();
  const std::string good = *ReadFile(path_);
  for (std::size_t i = 0; i <= good.size(); ++i) {
    std::string bad = good.substr(0, i);
    if (i == good.size()) bad += "x";
    ASSERT_TRUE(WriteFileAtomic(path_, bad).ok());
    testing::internal::CaptureStderr();
    EXPECT_EQ(SizeOf(), 0U) << "cut at " << i;
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
  }
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x40);
    ASSERT_TRUE(WriteFileAtomic(path_, bad).ok());
    testing::internal::CaptureStderr();
    EXPECT_EQ(SizeOf(), 0U) << "changed at " << i;
    testing::internal::GetCapturedStderr();
  }
}

TEST_F(VectorStoreTest, IsWrittenWhereItWasFound) {
  VectorStore store(path_, "p/m");
  store.Add("north", Unit({0, 1}));
  const std::string place = dir_->path() + "/deep";
  ASSERT_TRUE(MakeDirs(dir_->path() + "/victim").ok());
  ASSERT_EQ(::rename(place.c_str(), (place + ".moved").c_str()), 0);
  ASSERT_EQ(::symlink("victim", place.c_str()), 0);
  EXPECT_TRUE(store.Save().ok());
  EXPECT_FALSE(Exists(dir_->path() + "/victim/embeddings"));
  EXPECT_EQ(VectorStore(place + ".moved/embeddings", "p/m").size(), 1U);
}

TEST_F(VectorStoreTest, ALinkOrAPipeInItsPlaceIsNotUsed) {
  Fill();
  for (const bool link : {false, true}) {
    const std::string planted = dir_->path() + "/planted";
    ASSERT_EQ(link ? ::symlink("deep/embeddings", planted.c_str()) : ::mkfifo(planted.c_str(), 0600), 0);
    testing::internal::CaptureStderr();
    VectorStore store(planted, "p/m");
    EXPECT_NE(testing::internal::GetCapturedStderr().find("is not used"), std::string::npos);
    EXPECT_EQ(store.size(), 0U);
    store.Add("north", Unit({0, 1}));
    EXPECT_TRUE(store.Save().ok());
    ::unlink(planted.c_str());
  }
  EXPECT_EQ(SizeOf(), 2U);
}

TEST_F(VectorStoreTest, WithoutAPathItLivesInMemory) {
  VectorStore store("", "p/m");
  store.Add("north", Unit({0, 1}));
  EXPECT_TRUE(store.Save().ok());
  EXPECT_NE(store.Find("north"), nullptr);
}

TEST_F(VectorStoreTest, TheOldestGoFirst) {
  VectorStore store(path_, "p/m");
  for (std::size_t i = 0; i < VectorStore::kMostEntries + 10; ++i) store.Add(std::to_string(i), {1});
  ASSERT_TRUE(store.Save().ok());
  const VectorStore read(path_, "p/m");
  EXPECT_EQ(read.size(), VectorStore::kMostEntries);
  EXPECT_EQ(read.Find("9"), nullptr);
  EXPECT_NE(read.Find("10"), nullptr);
}

TEST(NearestVectorsTest, OrdersByAngle) {
  const Vector north = Unit({0, 1});
  const Vector east = Unit({1, 0});
  const Vector northeast = Unit({5, 5});
  const Vector south = Unit({0, -1});
  const Vector other = Unit({0, 1, 0});
  const std::vector<const Vector*> all{&south, &east, nullptr, &northeast, &north, &other, &north};
  EXPECT_EQ(NearestVectors(north, all, 3), (std::vector<std::size_t>{4, 6, 3}));
  EXPECT_EQ(NearestVectors(north, all, 99), (std::vector<std::size_t>{4, 6, 3, 1, 0}));
  EXPECT_TRUE(NearestVectors(north, {}, 3).empty());
}

TEST(NormalizeTest, GivesLengthOneOrRefuses) {
  Vector vector{3, 4};
  ASSERT_TRUE(Normalize(vector));
  EXPECT_EQ(vector, (Vector{0.6F, 0.8F}));
  Vector zero{0, 0};
  Vector none;
  Vector infinite{std::numeric_limits<float>::infinity(), 1};
  EXPECT_FALSE(Normalize(zero));
  EXPECT_FALSE(Normalize(none));
  EXPECT_FALSE(Normalize(infinite));
}

}  // namespace
}  // namespace rune::agent
