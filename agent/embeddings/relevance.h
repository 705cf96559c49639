#pragma once
/// Which of some texts matter most for a question: of the earlier turns, when a conversation is compacted.

#include <memory>
#include <string>
#include <vector>

#include "agent/embeddings/embedder.h"
#include "agent/embeddings/vector_store.h"
#include "sandbox/base/result.h"

namespace rune::agent {

class Relevance {
 public:
  /// `store_path` empty: vectors are kept in memory only.
  Relevance(std::unique_ptr<Embedder> embedder, const std::string& store_path)
      : embedder_(std::move(embedder)), store_(store_path, embedder_->name()) {}

  /// The `k` of `texts` nearest in meaning to `question`, nearest first. Only texts that were never seen are sent.
  /// Errors as Embedder::Embed(); an unwritable store is a warning.
  Result<std::vector<std::size_t>> MostRelevant(const std::string& question, const std::vector<std::string>& texts,
                                                std::size_t k);

 private:
  std::unique_ptr<Embedder> embedder_;
  VectorStore store_;
};

}  // namespace rune::agent
