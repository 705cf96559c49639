#pragma once
/// Text to vectors, by somebody else's model. Nothing is sent unless the user named an endpoint ([embeddings]); what is
/// sent is text alone, to that endpoint alone, with its own key.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/config.h"
#include "agent/http/client.h"
#include "agent/providers/provider_table.h"
#include "sandbox/base/event_loop.h"
#include "sandbox/base/result.h"
#include "sandbox/base/secret.h"

namespace rune::agent {

/// Of length 1, so that the cosine of two is their product.
using Vector = std::vector<float>;

struct EmbeddingEndpoint {
  EmbeddingWire wire = EmbeddingWire::kOpenAi;
  std::string provider;  ///< "openai"
  std::string base_url;  ///< Without a slash at the end.
  std::string model;
  Secret api_key;  ///< May be empty.
};

/// Fills in the provider's defaults. kInvalidInput: no such provider, no URL, a key that is missing or none.
Result<EmbeddingEndpoint> ChooseEmbeddings(const EmbeddingsConfig& config);
/// The request for `texts`. Pure.
HttpRequest EncodeEmbeddings(const EmbeddingEndpoint& endpoint, const std::vector<std::string>& texts);
/// One vector per text, in their order. kProtocol: anything else. Pure.
Result<std::vector<Vector>> DecodeEmbeddings(EmbeddingWire wire, std::string_view body, std::size_t count);
/// Brings `vector` to length 1; false when it has none (zero, infinite, empty).
bool Normalize(Vector& vector);

class Embedder {
 public:
  virtual ~Embedder() = default;
  /// One vector per text. kUnavailable, kProtocol, kCancelled: one line.
  virtual Result<std::vector<Vector>> Embed(const std::vector<std::string>& texts) = 0;
  /// "<provider>/<model>": vectors of different names cannot be compared.
  virtual std::string name() const = 0;
};

/// Asks the endpoint, 64 texts at a time, on the loop (borrowed).
class HttpEmbedder : public Embedder {
 public:
  HttpEmbedder(EventLoop& loop, EmbeddingEndpoint endpoint)
      : loop_(loop), client_(loop), endpoint_(std::move(endpoint)) {}
  Result<std::vector<Vector>> Embed(const std::vector<std::string>& texts) override;
  std::string name() const override { return endpoint_.provider + "/" + endpoint_.model; }

 private:
  Result<std::vector<Vector>> EmbedBatch(const std::vector<std::string>& texts);

  EventLoop& loop_;
  HttpClient client_;
  EmbeddingEndpoint endpoint_;
};

}  // namespace rune::agent
