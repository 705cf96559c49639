#include <algorithm>
#include <array>
#include <cmath>

#include "agent/embeddings/embedder.h"
#include "agent/http/url.h"
#include "agent/json/json.h"
#include "sandbox/base/encoding.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

struct Provider {
  std::string_view name;
  EmbeddingWire wire;
  std::string_view base_url;
  std::string_view model;
  bool needs_key;
};
constexpr std::array<Provider, 3> kProviders{
    {{"openai", EmbeddingWire::kOpenAi, "https://api.openai.com/v1", "text-embedding-3-small", true},
     {"gemini", EmbeddingWire::kGemini, "https://generativelanguage.googleapis.com/v1beta", "gemini-embedding-001",
      true},
     {"ollama", EmbeddingWire::kOllama, "http://localhost:11434", "nomic-embed-text", false}}};

constexpr std::size_t kMostDimensions = 16'384;

Error Malformed(const std::string& what) { return {ErrorKind::kProtocol, "embeddings: " + what}; }

void WriteTexts(json::Writer& writer, const std::vector<std::string>& texts) {
  writer.BeginArray();
  for (const std::string& text : texts) writer.String(text);
  writer.EndArray();
}

std::string GeminiBody(const std::string& model, const std::vector<std::string>& texts) {
  json::Writer writer;
  writer.BeginObject().Key("requests").BeginArray();
  for (const std::string& text : texts) {
    writer.BeginObject().Member("model", "models/" + model).Key("content").BeginObject();
    writer.Key("parts").BeginArray().BeginObject().Member("text", text).EndObject().EndArray();
    writer.EndObject().EndObject();
  }
  return writer.EndArray().EndObject().Take();
}

json::View NumbersOf(EmbeddingWire wire, const json::View& item) {
  switch (wire) {
    case EmbeddingWire::kOpenAi:
      return item["embedding"];
    case EmbeddingWire::kGemini:
      return item["values"];
    case EmbeddingWire::kOllama:
      return item;
  }
  return {};
}

Result<Vector> ReadVector(const json::View& numbers) {
  Vector vector;
  if (numbers.size() == 0 || numbers.size() > kMostDimensions) return Malformed("a vector without numbers");
  vector.reserve(numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto number = numbers[i].number();
    if (!number) return Malformed("a vector that is not all numbers");
    vector.push_back(static_cast<float>(*number));
  }
  if (!Normalize(vector)) return Malformed("a vector without a direction");
  return vector;
}

}  // namespace

bool Normalize(Vector& vector) {
  double square = 0;
  for (const float x : vector) square += static_cast<double>(x) * static_cast<double>(x);
  const double length = std::sqrt(square);
  if (!(length > 0) || !std::isfinite(length)) return false;
  for (float& x : vector) x = static_cast<float>(static_cast<double>(x) / length);
  return true;
}

Result<EmbeddingEndpoint> ChooseEmbeddings(const EmbeddingsConfig& config) {
  const auto* const known = std::find_if(kProviders.begin(), kProviders.end(),
                                         [&](const Provider& provider) { return provider.name == config.provider; });
  if (known == kProviders.end()) {
    return Error::Invalid("embeddings.provider: expected openai, gemini or ollama, found '" +
                          OneLine(config.provider, 40) + "'");
  }
  EmbeddingEndpoint endpoint;
  endpoint.wire = known->wire;
  endpoint.provider = known->name;
  endpoint.model = config.model.empty() ? known->model : config.model;
  endpoint.base_url = config.base_url.empty() ? known->base_url : Trim(config.base_url);
  endpoint.api_key = Trim(config.api_key.Reveal());
  while (endpoint.base_url.ends_with('/')) endpoint.base_url.pop_back();
  const UrlParts url = SplitUrl(endpoint.base_url);
  if ((url.scheme != "http" && url.scheme != "https") || url.host.empty()) {
    return Error::Invalid("embeddings.base_url: '" + OneLine(endpoint.base_url, 80) +
                          "' is no http:// or https:// URL");
  }
  const bool printable =
      std::all_of(endpoint.api_key.begin(), endpoint.api_key.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!printable) return Error::Invalid("embeddings.api_key: holds a blank or a character that no key has");
  if (endpoint.api_key.empty() && known->needs_key && config.base_url.empty()) {
    return Error::Invalid("embeddings.api_key: " + endpoint.provider + " needs a key (RUNE_EMBEDDINGS_API_KEY)");
  }
  return endpoint;
}

HttpRequest EncodeEmbeddings(const EmbeddingEndpoint& endpoint, const std::vector<std::string>& texts) {
  HttpRequest request;
  request.headers = {"Content-Type: application/json", "Accept: application/json"};
  json::Writer writer;
  switch (endpoint.wire) {
    case EmbeddingWire::kOpenAi:
      request.url = endpoint.base_url + "/embeddings";
      writer.BeginObject().Member("model", endpoint.model).Key("input");
      WriteTexts(writer, texts);
      request.body = writer.Member("encoding_format", "float").EndObject().Take();
      break;
    case EmbeddingWire::kGemini:
      request.url = endpoint.base_url + "/models/" + PercentEncode(endpoint.model) + ":batchEmbedContents";
      request.body = GeminiBody(endpoint.model, texts);
      break;
    case EmbeddingWire::kOllama:
      request.url = endpoint.base_url + "/api/embed";
      writer.BeginObject().Member("model", endpoint.model).Key("input");
      WriteTexts(writer, texts);
      request.body = writer.EndObject().Take();
      break;
  }
  if (endpoint.api_key.empty()) return request;
  request.headers.push_back(endpoint.wire == EmbeddingWire::kGemini ? "x-goog-api-key: " + endpoint.api_key
                                                                    : "Authorization: Bearer " + endpoint.api_key);
  return request;
}

Result<std::vector<Vector>> DecodeEmbeddings(EmbeddingWire wire, std::string_view body, std::size_t count) {
  const auto document = json::Document::Parse(body, "embeddings");
  if (!document.ok()) return Error{ErrorKind::kProtocol, document.error().message};
  const json::View items = document->root()[wire == EmbeddingWire::kOpenAi ? "data" : "embeddings"];
  if (items.size() != count) {
    return Malformed(std::to_string(items.size()) + " vectors for " + std::to_string(count) + " texts");
  }
  std::vector<Vector> vectors(count);
  for (std::size_t i = 0; i < count; ++i) {
    // OpenAI's items say which text they are of; compatible servers do not all keep the order.
    const auto index = wire == EmbeddingWire::kOpenAi ? items[i]["index"].integer() : std::nullopt;
    const std::size_t place = index && *index >= 0 ? static_cast<std::size_t>(*index) : i;
    if (place >= count || !vectors[place].empty()) return Malformed("two vectors for one text");
    RUNE_ASSIGN_OR_RETURN(vectors[place], ReadVector(NumbersOf(wire, items[i])));
  }
  const bool same = std::all_of(vectors.begin(), vectors.end(),
                                [&](const Vector& vector) { return vector.size() == vectors.front().size(); });
  if (!same) return Malformed("vectors of two sizes");
  return vectors;
}

}  // namespace rune::agent
