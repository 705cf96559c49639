#include "agent/providers/provider_table.h"

#include <array>

#include "sandbox/base/text.h"

namespace rune::agent {

std::span<const Provider> Providers() {
  static const std::array<Provider, 7> providers{{
      {.name = "openai",
       .base_url = "https://api.openai.com/v1",
       .model = "gpt-4o",
       .host = "api.openai.com",
       .embeddings = {{EmbeddingWire::kOpenAi, "text-embedding-3-small"}}},
      {.name = "openrouter",
       .base_url = "https://openrouter.ai/api/v1",
       .model = "openai/gpt-4o",
       .key_prefixes = {"sk-or-"},
       .host = "openrouter.ai",
       .key_header = "Authorization: Bearer "},
      {.name = "gemini",
       .base_url = "https://generativelanguage.googleapis.com/v1beta",
       .model = "gemini-2.5-flash",
       .wire = Wire::kGeminiNative,
       .openai_path = "/openai",
       .key_prefixes = {"AIza"},
       .host = "generativelanguage.googleapis.com",
       .embeddings = {{EmbeddingWire::kGemini, "gemini-embedding-001"}}},
      {.name = "anthropic",
       .base_url = "https://api.anthropic.com/v1",
       .model = "claude-sonnet-4-5",
       .wire = Wire::kAnthropicMessages,
       .key_prefixes = {"sk-ant-"},
       .host = "api.anthropic.com"},
      {.name = "ollama",
       .entry = Entry::kOpen,
       .base_url = "http://localhost:11434/v1",
       .model = "llama3.1",
       .port = "11434",
       .loads_models = true,
       .embeddings = {{EmbeddingWire::kOllama, "nomic-embed-text", "http://localhost:11434"}}},
      {.name = "github-copilot",
       .entry = Entry::kLogin,
       .model = "gpt-4.1",
       .key_prefixes = {"ghu_", "gho_", "github_pat_", "ghp_", "tid="},
       .host = "githubcopilot.com"},
      {.name = "cassette", .entry = Entry::kRecording},
  }};
  return providers;
}

const Provider* FindProvider(std::string_view name) {
  for (const Provider& provider : Providers()) {
    if (provider.name == name) return &provider;
  }
  return nullptr;
}

Wire WireAt(const Provider& provider, std::string_view base_url) {
  const bool compatible =
      !provider.openai_path.empty() && ToLower(base_url).find(provider.openai_path) != std::string::npos;
  return compatible ? Wire::kOpenAiChat : provider.wire;
}

}  // namespace rune::agent
