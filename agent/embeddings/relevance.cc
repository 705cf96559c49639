#include "agent/embeddings/relevance.h"

#include "sandbox/base/list.h"
#include "sandbox/base/log.h"

namespace rune::agent {

Result<std::vector<std::size_t>> Relevance::MostRelevant(const std::string& question,
                                                         const std::vector<std::string>& texts, std::size_t k) {
  if (texts.empty() || question.empty() || k == 0) return std::vector<std::size_t>();
  std::vector<std::string> unknown;
  const auto need = [&](const std::string& text) {
    // Endpoints refuse empty texts.
    if (text.empty() || store_.Find(text) != nullptr) return;
    AddOnce(unknown, text);
  };
  need(question);
  for (const std::string& text : texts) need(text);
  if (!unknown.empty()) {
    RUNE_ASSIGN_OR_RETURN(std::vector<Vector> vectors, embedder_->Embed(unknown));
    for (std::size_t i = 0; i < unknown.size() && i < vectors.size(); ++i)
      store_.Add(unknown[i], std::move(vectors[i]));
    if (auto saved = store_.Save(); !saved.ok()) Log(LogLevel::kWarn, "embeddings.store: " + saved.error().message);
  }
  const Vector* const query = store_.Find(question);
  if (query == nullptr) return std::vector<std::size_t>();
  std::vector<const Vector*> candidates;
  candidates.reserve(texts.size());
  for (const std::string& text : texts) candidates.push_back(store_.Find(text));
  return NearestVectors(*query, candidates, k);
}

}  // namespace rune::agent
