#include "agent/providers/registry.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "agent/providers/cassette.h"
#include "agent/providers/http_model_client.h"
#include "sandbox/base/files.h"
#include "sandbox/base/log.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

struct Provider {
  std::string_view name;
  std::string_view base_url;
  std::string_view model;
  std::string_view key_prefix;  ///< That gives its keys away; empty: none.
  std::string_view url_part;    ///< That gives its base URL away.
  bool needs_key = true;
};
constexpr std::string_view kCopilot = "github-copilot";
constexpr std::string_view kCassette = "cassette";
constexpr std::array<Provider, 5> kProviders{{
    {"openai", "https://api.openai.com/v1", "gpt-4o", "", "api.openai.com"},
    {"openrouter", "https://openrouter.ai/api/v1", "openai/gpt-4o", "sk-or-", "openrouter.ai"},
    {"gemini", "https://generativelanguage.googleapis.com/v1beta/openai", "gemini-2.5-flash", "AIza",
     "generativelanguage.googleapis.com"},
    {"anthropic", "https://api.anthropic.com/v1", "claude-sonnet-4-5", "sk-ant-", "api.anthropic.com"},
    {"ollama", "http://localhost:11434/v1", "llama3.1", "", ":11434", false},
}};

bool IsCopilot(const Config& config) {
  if (!config.provider.empty()) return config.provider == kCopilot;
  if (config.base_url.find("githubcopilot") != std::string::npos) return true;
  if (!config.base_url.empty()) return false;  // GitHub tokens are keys of other services, too
  constexpr std::array<std::string_view, 4> kPrefixes{"ghu_", "ghp_", "gho_", "github_pat_"};
  return std::any_of(kPrefixes.begin(), kPrefixes.end(),
                     [&](std::string_view prefix) { return config.api_key.starts_with(prefix); });
}

Result<Provider> ChooseProvider(const Config& config) {
  const auto named = [](std::string_view name) {
    return std::find_if(kProviders.begin(), kProviders.end(),
                        [name](const Provider& provider) { return provider.name == name; });
  };
  if (!config.provider.empty()) {
    if (const auto* const found = named(config.provider); found != kProviders.end()) return *found;
    std::vector<std::string> names{std::string(kCassette), std::string(kCopilot)};
    for (const Provider& provider : kProviders) names.emplace_back(provider.name);
    const auto nearest = Nearest(config.provider, names);
    return Error::Invalid("unknown provider '" + OneLine(config.provider, 40) + "'" +
                          (nearest ? " (did you mean '" + *nearest + "'?)" : "") +
                          ": for any OpenAI-compatible service use provider = \"openai\" and its base_url");
  }
  for (const Provider& provider : kProviders) {
    if (!provider.key_prefix.empty() && config.api_key.starts_with(provider.key_prefix)) return provider;
  }
  for (const Provider& provider : kProviders) {
    if (config.base_url.find(provider.url_part) != std::string::npos) return provider;
  }
  return kProviders.front();
}

/// Of "http://host:port/path": "host:port".
std::string_view Authority(std::string_view url) {
  url.remove_prefix(std::min(url.size(), url.find("://") + 3));
  return url.substr(0, url.find('/'));
}

bool IsLoopback(std::string_view url) {
  const std::string_view host = Authority(url);
  return host == "localhost" || host.starts_with("localhost:") || host.starts_with("127.") || host.starts_with("[::1]");
}

/// What `base_url` and the provider's own make of it, without a slash at the end.
Result<std::string> ChooseBaseUrl(const Config& config, const Provider& provider) {
  std::string url(config.base_url.empty() ? provider.base_url : Trim(config.base_url));
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    return Error::Invalid("base_url: '" + OneLine(url, 80) + "' is no http:// or https:// URL");
  }
  while (url.ends_with('/')) url.pop_back();
  // Ollama users give the address that its other clients want.
  if (provider.name == "ollama" && url.ends_with(Authority(url))) url += "/v1";
  return url;
}

/// A key ends up in a header line: what could end that line is refused, and the newline that a secret's file ends with
/// is taken off.
Result<std::string> CleanKey(const std::string& key) {
  std::string clean(Trim(key));
  const bool printable = std::all_of(clean.begin(), clean.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!printable) return Error::Invalid("api_key: holds a blank or a character that no key has");
  return clean;
}

Result<std::unique_ptr<ModelClient>> MakeHttpClient(EventLoop& loop, const Config& config) {
  if (IsCopilot(config)) {
    return Error::Invalid(
        "provider github-copilot is not built in yet: set base_url to an OpenAI-compatible service that takes this "
        "key, and provider = \"openai\"");
  }
  RUNE_ASSIGN_OR_RETURN(const Provider provider, ChooseProvider(config));
  RUNE_ASSIGN_OR_RETURN(const std::string base_url, ChooseBaseUrl(config, provider));
  RUNE_ASSIGN_OR_RETURN(const std::string key, CleanKey(config.api_key));
  if (key.empty() && provider.needs_key && !IsLoopback(base_url)) {
    return Error::Invalid("no key for provider " + std::string(provider.name) +
                          ": set RUNE_API_KEY or api_key, or base_url to a local server");
  }
  HttpModelOptions options;
  options.endpoint = {.provider = std::string(provider.name),
                      .base_url = base_url,
                      .model = config.model.empty() ? std::string(provider.model) : config.model};
  options.api_key = key;
  if (base_url == kProviders.front().base_url) options.dialect.max_tokens_field = "max_completion_tokens";
  options.deadlines = config.deadlines;
  options.retry = config.retry;
  return std::unique_ptr<ModelClient>(std::make_unique<HttpModelClient>(loop, std::move(options)));
}

Result<std::unique_ptr<ModelClient>> MakeCassettePlayer(EventLoop& loop, const Config& config) {
  std::string text(DemoCassette());
  if (!config.cassette.empty()) {
    auto read = ReadFile(config.cassette);
    if (!read.ok()) return Error::Invalid("cassette: " + read.error().message);
    text = std::move(read).value();
  }
  RUNE_ASSIGN_OR_RETURN(Cassette cassette, Cassette::Parse(text, config.cassette.empty() ? "demo" : config.cassette));
  return std::unique_ptr<ModelClient>(std::make_unique<CassettePlayer>(loop, std::move(cassette)));
}

}  // namespace

Result<std::unique_ptr<ModelClient>> MakeModelClient(EventLoop& loop, const Config& config) {
  AddSecret(Trim(config.api_key));
  auto client = config.provider == kCassette ? MakeCassettePlayer(loop, config) : MakeHttpClient(loop, config);
  if (!client.ok() || config.record.empty()) return client;
  return CassetteRecorder::Create(std::move(client).value(), config.record);
}

}  // namespace rune::agent
