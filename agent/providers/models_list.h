#pragma once
/// What an endpoint offers.

#include <cstdint>
#include <string>
#include <vector>

#include "agent/providers/http_model_client.h"
#include "sandbox/base/event_loop.h"
#include "sandbox/base/result.h"

namespace rune::agent {

struct ListedModel {
  std::string id;             ///< One safe line.
  std::uint64_t context = 0;  ///< Tokens that it takes in; 0: the list does not say.
  std::uint64_t output = 0;   ///< Longest answer; 0: the list does not say.
};

/// Takes the lists of OpenAI and those like it, OpenRouter, vLLM, llama.cpp, Groq, Mistral, GitHub Copilot, Anthropic,
/// Gemini (those that generate text) and Ollama. Sorted by id. kProtocol when it is no such list.
Result<std::vector<ListedModel>> ReadModelList(const std::string& body);

/// Asks, page by page where the list has pages, twenty at most. Where the list does not tell a window, the table of
/// capabilities may. The error is one line that says what to change: kUnavailable, kProtocol, kCancelled or
/// kInvalidInput (the key).
Result<std::vector<ListedModel>> ListModels(EventLoop& loop, const HttpModelOptions& options);

}  // namespace rune::agent
