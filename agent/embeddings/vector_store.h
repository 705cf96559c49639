#pragma once
/// Vectors of texts that were embedded before, in one file. It holds hashes of the texts, not the texts. Made for one
/// model: a store of another one, or of another dimension, is as good as empty, and is replaced at the next Save().
///
/// File: "RUNEVEC1", u32 length and text of the model's name, u32 dimension, u32 count, then per entry u64 hash and
/// `dimension` floats, then u64 checksum (FNV-1a) of all before; little endian.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/embeddings/embedder.h"
#include "sandbox/base/held_file.h"
#include "sandbox/base/result.h"

namespace rune::agent {

class VectorStore {
 public:
  static constexpr std::size_t kMostEntries = 2'000;  ///< The oldest go first.

  /// Reads `path`, and holds its place from now on; empty: in memory only. A file that is missing, or of another model,
  /// is an empty store; a damaged one is, too, with a warning in the log. What is no regular file is not used.
  VectorStore(const std::string& path, std::string model);

  /// Null when the text was not seen. Valid until the next Add().
  const Vector* Find(std::string_view text) const;
  /// Takes the vector of a text. One of another dimension than the others replaces them all.
  void Add(std::string_view text, Vector vector);
  std::size_t size() const { return entries_.size(); }

  /// Writes the file, mode 0600, in one step; nothing when it is up to date or there is no path.
  Result<void> Save();

 private:
  struct Entry {
    std::uint64_t hash = 0;
    Vector vector;
  };
  void Load(const std::string& path);
  bool Parse(std::string_view data);

  std::optional<HeldFile> file_;
  std::string model_;
  std::vector<Entry> entries_;                      // oldest first
  std::map<std::uint64_t, std::size_t> positions_;  // in entries_
  bool changed_ = false;
};

/// The `k` of `candidates` nearest to `query` by cosine, nearest first; of equals the earlier. Those of another
/// dimension are never near. Pure.
std::vector<std::size_t> NearestVectors(const Vector& query, const std::vector<const Vector*>& candidates,
                                        std::size_t k);

}  // namespace rune::agent
