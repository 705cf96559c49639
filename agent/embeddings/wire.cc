#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "agent/embeddings/embedder.h"
#include "agent/http/url.h"
#include "agent/json/json.h"
#include "agent/providers/access.h"
#include "sandbox/base/encoding.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

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

/// Where the vectors are in an answer.
struct Places {
  std::string_view list;
  std::string_view numbers;  ///< The member of an element; empty: the element itself.
};
Places PlacesOf(EmbeddingWire wire) {
  switch (wire) {
    case EmbeddingWire::kOpenAi:
      return {"data", "embedding"};
    case EmbeddingWire::kGemini:
      return {"embeddings", "values"};
    case EmbeddingWire::kOllama:
      return {"embeddings", ""};
  }
  std::abort();
}

std::vector<std::string> NamesOfProviders() {
  std::vector<std::string> names;
  for (const Provider& provider : Providers()) {
    if (provider.embeddings) names.emplace_back(provider.name);
  }
  return names;
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
  const Provider* const known = FindProvider(config.provider);
  if (known == nullptr || !known->embeddings) {
    std::vector<std::string> names = NamesOfProviders();
    const std::string last = std::move(names.back());
    names.pop_back();
    return Error::Invalid("embeddings.provider: expected " + Join(names, ", ") + " or " + last + ", found '" +
                          OneLine(config.provider, 40) + "'");
  }
  const EmbeddingDefaults& defaults = *known->embeddings;
  const std::string_view usual = defaults.base_url.empty() ? known->base_url : defaults.base_url;
  EmbeddingEndpoint endpoint{.wire = defaults.wire, .provider = std::string(known->name)};
  endpoint.model = config.model.empty() ? defaults.model : config.model;
  RUNE_ASSIGN_OR_RETURN(endpoint.base_url,
                        ReadBaseUrl(config.base_url.empty() ? usual : config.base_url, "embeddings.base_url"));
  RUNE_ASSIGN_OR_RETURN(endpoint.api_key, ReadKey(config.api_key.Reveal(), "embeddings.api_key"));
  if (endpoint.api_key.empty() && known->entry == Entry::kKey && config.base_url.empty()) {
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
  if (!endpoint.api_key.empty()) {
    request.headers.push_back(KeyLine(endpoint.provider, FindProvider(endpoint.provider)->wire, endpoint.api_key));
  }
  return request;
}

Result<std::vector<Vector>> DecodeEmbeddings(EmbeddingWire wire, std::string_view body, std::size_t count) {
  const auto document = json::Document::Parse(body, "embeddings");
  if (!document.ok()) return Error{ErrorKind::kProtocol, document.error().message};
  const Places places = PlacesOf(wire);
  const json::View items = document->root()[places.list];
  if (items.size() != count) {
    return Malformed(std::to_string(items.size()) + " vectors for " + std::to_string(count) + " texts");
  }
  std::vector<Vector> vectors(count);
  for (std::size_t i = 0; i < count; ++i) {
    // OpenAI's items say which text they are of; compatible servers do not all keep the order.
    const auto index = items[i]["index"].integer();
    const std::size_t place = index && *index >= 0 ? static_cast<std::size_t>(*index) : i;
    if (place >= count || !vectors[place].empty()) return Malformed("two vectors for one text");
    RUNE_ASSIGN_OR_RETURN(vectors[place], ReadVector(places.numbers.empty() ? items[i] : items[i][places.numbers]));
  }
  const bool same = std::all_of(vectors.begin(), vectors.end(),
                                [&](const Vector& vector) { return vector.size() == vectors.front().size(); });
  if (!same) return Malformed("vectors of two sizes");
  return vectors;
}

}  // namespace rune::agent
