#pragma once
/// The services that are known by name, one row each: for whoever chooses an endpoint, asks a person for one, or tells
/// of them. docs/providers.md shows the table. What their models understand is in agent/wires/caps.json.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "agent/wires/wire.h"

namespace rune::agent {

/// What opens a service.
enum class Entry : std::uint8_t {
  kKey,        ///< A key that the service gives out.
  kOpen,       ///< Nothing; a key may be given.
  kLogin,      ///< A token that a login on a page gives (copilot_login.h).
  kRecording,  ///< It is no service: a recording is played.
};

enum class EmbeddingWire : std::uint8_t {
  kOpenAi,  ///< POST {base}/embeddings
  kGemini,  ///< POST {base}/models/{model}:batchEmbedContents
  kOllama,  ///< POST {base}/api/embed
};

/// What a service turns text into vectors with.
struct EmbeddingDefaults {
  EmbeddingWire wire = EmbeddingWire::kOpenAi;
  std::string_view model;
  std::string_view base_url = "";  ///< Empty: Provider::base_url.
};

struct Provider {
  std::string_view name;  ///< As `provider` names it.
  Entry entry = Entry::kKey;
  std::string_view base_url = "";  ///< Empty: the key tells.
  std::string_view model = "";     ///< Asked when no other is named.
  Wire wire = Wire::kOpenAiChat;
  std::string_view openai_path = "";  ///< Where it speaks openai-chat too, behind base_url; empty: nowhere.
  std::vector<std::string_view> key_prefixes = {};  ///< That give its keys away.
  std::string_view host = "";                       ///< That gives its base URL away, as do those below it; or empty.
  std::string_view port = "";                       ///< The same, of what runs on any host; or empty.
  std::string_view key_header = "";                 ///< What the key stands behind; empty: as the wire has it.
  bool loads_models = false;                        ///< On demand: the first byte may take minutes.
  std::optional<EmbeddingDefaults> embeddings = {};
};

/// In the order in which a person is offered them. The first is for whatever nobody knows.
std::span<const Provider> Providers();
/// Null: there is none of that name.
const Provider* FindProvider(std::string_view name);
/// What is spoken at `base_url`: the provider's wire, or openai-chat where its compatible API is.
Wire WireAt(const Provider& provider, std::string_view base_url);

}  // namespace rune::agent
