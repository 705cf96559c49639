#pragma once
/// Several providers behind one client: the next one is asked when those before it have failed.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/conversation/model.h"

namespace rune::agent {

/// Changes over only where nothing is lost or done twice: after the retries of the current provider, before any text of
/// the answer was delivered, and before any tool ran for the prompt at hand. Never goes back.
class FallbackClient : public ModelClient {
 public:
  /// `clients` has at least one, in the order in which they are asked.
  explicit FallbackClient(std::vector<std::unique_ptr<ModelClient>> clients) : clients_(std::move(clients)) {}

  ModelOutcome Complete(const ModelRequest& request, const TextSink& on_text) override;
  std::string provider() const override { return current().provider(); }
  std::string model() const override { return current().model(); }
  std::vector<std::string> MayAnswer(const std::vector<Message>& messages) const override;
  std::uint64_t context_window() const override { return current().context_window(); }
  std::string PictureProblem(const std::vector<Part>& prompt) const override {
    return current().PictureProblem(prompt);
  }

 private:
  ModelClient& current() const { return *clients_[at_]; }

  std::vector<std::unique_ptr<ModelClient>> clients_;
  std::size_t at_ = 0;
};

}  // namespace rune::agent
