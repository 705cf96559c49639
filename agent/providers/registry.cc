#include "agent/providers/registry.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "agent/http/url.h"
#include "agent/providers/cassette.h"
#include "agent/providers/copilot.h"
#include "agent/providers/fallback.h"
#include "sandbox/base/files.h"
#include "sandbox/base/log.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

struct Provider {
  std::string_view name;
  std::string_view base_url;
  std::string_view model;
  std::vector<std::string_view> key_prefixes;  ///< That give its keys away.
  std::string_view host;                       ///< That gives its base URL away, as do those below it.
  std::string_view port = "";                  ///< The same, of what runs on any host.
  bool needs_key = true;
};
constexpr std::string_view kCopilot = "github-copilot";
constexpr std::string_view kCassette = "cassette";

/// The first one is for whatever nobody knows.
const std::array<Provider, 6>& Providers() {
  static const std::array<Provider, 6> providers{{
      {"openai", "https://api.openai.com/v1", "gpt-4o", {}, "api.openai.com"},
      {"openrouter", "https://openrouter.ai/api/v1", "openai/gpt-4o", {"sk-or-"}, "openrouter.ai"},
      {"gemini",
       "https://generativelanguage.googleapis.com/v1beta",
       "gemini-2.5-flash",
       {"AIza"},
       "generativelanguage.googleapis.com"},
      {"anthropic", "https://api.anthropic.com/v1", "claude-sonnet-4-5", {"sk-ant-"}, "api.anthropic.com"},
      {"ollama", "http://localhost:11434/v1", "llama3.1", {}, "", "11434", false},
      {kCopilot, "", "gpt-4.1", {"ghu_", "gho_", "ghp_", "github_pat_", "tid="}, "githubcopilot.com"},
  }};
  return providers;
}

Result<const Provider*> NamedProvider(const std::string& name) {
  std::vector<std::string> names{std::string(kCassette)};
  for (const Provider& provider : Providers()) {
    if (provider.name == name) return &provider;
    names.emplace_back(provider.name);
  }
  const auto nearest = Nearest(name, names);
  return Error::Invalid("unknown provider '" + OneLine(name, 40) + "'" +
                        (nearest ? " (did you mean '" + *nearest + "'?)" : "") +
                        ": for any OpenAI-compatible service use provider = \"openai\" and its base_url");
}

Result<const Provider*> ChooseProvider(const FallbackProvider& choice) {
  if (!choice.provider.empty()) return NamedProvider(choice.provider);
  const UrlParts url = SplitUrl(Trim(choice.base_url));
  for (const Provider& provider : Providers()) {
    if (provider.host.empty() ? url.port == provider.port : IsUnder(url.host, provider.host)) return &provider;
  }
  for (const Provider& provider : Providers()) {
    // GitHub tokens are keys of other services, too.
    if (provider.name == kCopilot && !choice.base_url.empty()) continue;
    const auto& prefixes = provider.key_prefixes;
    const bool known = std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view prefix) {
      return choice.api_key.Reveal().starts_with(prefix);
    });
    if (known) return &provider;
  }
  return Providers().data();
}

/// What `base_url` and the provider's own make of it, without a slash at the end.
Result<std::string> ChooseBaseUrl(const FallbackProvider& choice, const Provider& provider) {
  std::string url(choice.base_url.empty() ? provider.base_url : Trim(choice.base_url));
  if (url.empty()) return url;
  const UrlParts parts = SplitUrl(url);
  if ((parts.scheme != "http" && parts.scheme != "https") || parts.host.empty()) {
    return Error::Invalid("base_url: '" + OneLine(url, 80) + "' is no http:// or https:// URL");
  }
  while (url.ends_with('/')) url.pop_back();
  // People give the address that other clients of these services want. Of an unknown one nothing can be guessed.
  const bool known = provider.name != "openai" || parts.host == provider.host;
  if (known && SplitUrl(url).path.empty()) url += SplitUrl(provider.base_url).path;
  if (provider.name == "gemini" && choice.base_url.empty() && choice.wire == WireName(Wire::kOpenAiChat)) {
    url += "/openai";
  }
  return url;
}

/// A key ends up in a header line: what could end that line is refused, and the newline that a secret's file ends with
/// is taken off.
Result<std::string> CleanKey(const Secret& key) {
  std::string clean(Trim(key.Reveal()));
  const bool printable = std::all_of(clean.begin(), clean.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!printable) return Error::Invalid("api_key: holds a blank or a character that no key has");
  return clean;
}

Result<void> ApplyOverrides(Caps& caps, const FallbackProvider& choice, const JsonTable& overrides) {
  if (!choice.wire.empty()) {
    RUNE_ASSIGN_OR_RETURN(caps.wire, ReadWire(choice.wire, "wire"));
  }
  return overrides.empty() ? Ok() : OverrideCaps(caps, overrides.root());
}

Result<HttpModelOptions> Choose(EventLoop& loop, const FallbackProvider& choice, const Config& config,
                                const JsonTable& overrides) {
  AddSecret(Trim(choice.api_key.Reveal()));
  RUNE_ASSIGN_OR_RETURN(const Provider* const provider, ChooseProvider(choice));
  RUNE_ASSIGN_OR_RETURN(const std::string base_url, ChooseBaseUrl(choice, *provider));
  HttpModelOptions options;
  RUNE_ASSIGN_OR_RETURN(options.api_key, CleanKey(choice.api_key));
  const bool is_local = !base_url.empty() && IsLoopback(SplitUrl(base_url));
  if (options.api_key.empty() && provider->needs_key && !is_local) {
    return Error::Invalid("no key for provider " + std::string(provider->name) +
                          ": set RUNE_API_KEY or api_key, or base_url to a local server");
  }
  options.endpoint = {.provider = std::string(provider->name),
                      .base_url = base_url,
                      .model = choice.model.empty() ? std::string(provider->model) : choice.model};
  options.caps = LookUpCaps(provider->name, base_url, options.endpoint.model);
  RUNE_RETURN_IF_ERROR(ApplyOverrides(options.caps, choice, overrides));
  options.deadlines = config.deadlines;
  options.retry = config.retry;
  if (provider->name == kCopilot) {
    const auto correct = [choice, overrides](Caps& caps) {
      // Checked above.
      if (!ApplyOverrides(caps, choice, overrides).ok()) std::abort();
    };
    options.access = std::make_shared<CopilotAccess>(loop, CopilotOptions{.token = options.api_key,
                                                                          .hosts = CopilotHostsOf(base_url),
                                                                          .model = options.endpoint.model,
                                                                          .correct = correct,
                                                                          .deadlines = config.deadlines});
  }
  return options;
}

Result<std::unique_ptr<ModelClient>> MakeHttpClient(EventLoop& loop, const Config& config) {
  RUNE_ASSIGN_OR_RETURN(HttpModelOptions first, ChooseEndpoint(loop, config));
  std::vector<std::unique_ptr<ModelClient>> clients;
  clients.push_back(std::make_unique<HttpModelClient>(loop, std::move(first)));
  for (std::size_t i = 0; i < config.fallback.size(); ++i) {
    auto next = Choose(loop, config.fallback[i], config, {});
    if (!next.ok()) return std::move(next).error().Wrap("fallback[" + std::to_string(i) + "]");
    clients.push_back(std::make_unique<HttpModelClient>(loop, std::move(next).value()));
  }
  if (clients.size() == 1) return std::move(clients.front());
  return std::unique_ptr<ModelClient>(std::make_unique<FallbackClient>(std::move(clients)));
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

Result<HttpModelOptions> ChooseEndpoint(EventLoop& loop, const Config& config) {
  if (config.provider == kCassette) return Error::Invalid("provider cassette plays a recording: it has no endpoint");
  return Choose(loop,
                {.provider = config.provider,
                 .model = config.model,
                 .base_url = config.base_url,
                 .api_key = config.api_key,
                 .wire = config.wire},
                config, config.caps);
}

Result<std::unique_ptr<ModelClient>> MakeModelClient(EventLoop& loop, const Config& config) {
  auto client = config.provider == kCassette ? MakeCassettePlayer(loop, config) : MakeHttpClient(loop, config);
  if (!client.ok() || config.record.empty()) return client;
  return CassetteRecorder::Create(std::move(client).value(), config.record);
}

}  // namespace rune::agent
