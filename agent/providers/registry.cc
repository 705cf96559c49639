#include "agent/providers/registry.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "agent/http/url.h"
#include "agent/providers/cassette.h"
#include "agent/providers/copilot.h"
#include "agent/providers/fallback.h"
#include "agent/providers/provider_table.h"
#include "sandbox/base/named_file.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::size_t kMaxCassette = 64u << 20;

Result<const Provider*> NamedProvider(const std::string& name) {
  if (const Provider* const provider = FindProvider(name)) return provider;
  std::vector<std::string> names;
  for (const Provider& provider : Providers()) names.emplace_back(provider.name);
  const auto nearest = Nearest(name, names);
  return Error::Invalid("unknown provider '" + OneLine(name, 40) + "'" +
                        (nearest ? " (did you mean '" + *nearest + "'?)" : "") +
                        ": for any OpenAI-compatible service use provider = \"openai\" and its base_url");
}

bool LiesAt(const Provider& provider, const UrlParts& url) {
  return (!provider.host.empty() && IsUnder(url.host, provider.host)) ||
         (!provider.port.empty() && url.port == provider.port);
}

Result<const Provider*> ChooseProvider(const FallbackProvider& choice) {
  if (!choice.provider.empty()) return NamedProvider(choice.provider);
  const UrlParts url = SplitUrl(Trim(choice.base_url));
  for (const Provider& provider : Providers()) {
    if (LiesAt(provider, url)) return &provider;
  }
  for (const Provider& provider : Providers()) {
    // What a login gives, GitHub's tokens, are keys of other services, too.
    if (provider.entry == Entry::kLogin && !choice.base_url.empty()) continue;
    const auto& prefixes = provider.key_prefixes;
    const bool known = std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view prefix) {
      return choice.api_key.Reveal().starts_with(prefix);
    });
    if (known) return &provider;
  }
  return &Providers().front();
}

/// What `base_url` and the provider's own make of it, without a slash at the end.
Result<std::string> ChooseBaseUrl(const FallbackProvider& choice, const Provider& provider) {
  if (choice.base_url.empty()) {
    const bool compatible = choice.wire == WireName(Wire::kOpenAiChat);
    return std::string(provider.base_url).append(compatible ? provider.openai_path : "");
  }
  RUNE_ASSIGN_OR_RETURN(std::string url, ReadBaseUrl(choice.base_url, "base_url"));
  // People give the address that other clients of these services want. Of an unknown one nothing can be guessed.
  const UrlParts parts = SplitUrl(url);
  const bool known = &provider != &Providers().front() || parts.host == provider.host;
  if (known && parts.path.empty()) url += SplitUrl(provider.base_url).path;
  return url;
}

Result<void> ApplyOverrides(Caps& caps, const std::string& wire, const JsonTable& overrides) {
  if (!wire.empty()) {
    RUNE_ASSIGN_OR_RETURN(caps.wire, ReadWire(wire, "wire"));
  }
  return overrides.empty() ? Ok() : OverrideCaps(caps, overrides.root());
}

Result<HttpModelOptions> Choose(EventLoop& loop, const FallbackProvider& choice, const Config& config,
                                const JsonTable& overrides) {
  HttpModelOptions options;
  RUNE_ASSIGN_OR_RETURN(options.api_key, ReadKey(choice.api_key.Reveal(), "api_key"));
  RUNE_ASSIGN_OR_RETURN(const Provider* const provider, ChooseProvider(choice));
  if (provider->entry == Entry::kRecording)
    return Error::Invalid("provider cassette plays a recording: it has no endpoint");
  RUNE_ASSIGN_OR_RETURN(const std::string base_url, ChooseBaseUrl(choice, *provider));
  const bool is_local = !base_url.empty() && IsLoopback(SplitUrl(base_url));
  if (options.api_key.empty() && provider->entry != Entry::kOpen && !is_local) {
    return Error::Invalid("no key for provider " + std::string(provider->name) +
                          ": set RUNE_API_KEY or api_key, or base_url to a local server");
  }
  options.endpoint = {.provider = std::string(provider->name),
                      .base_url = base_url,
                      .model = choice.model.empty() ? std::string(provider->model) : choice.model};
  options.caps = LookUpCaps(provider->name, base_url, options.endpoint.model);
  options.caps.wire = WireAt(*provider, base_url);
  RUNE_RETURN_IF_ERROR(ApplyOverrides(options.caps, choice.wire, overrides));
  options.deadlines = config.deadlines;
  options.retry = config.retry;
  if (provider->entry == Entry::kLogin) {
    const auto correct = [wire = choice.wire, overrides](Caps& caps) {
      // Checked above.
      if (!ApplyOverrides(caps, wire, overrides).ok()) std::abort();
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
    auto read = ReadNamed(loop, config.cassette, kMaxCassette);
    if (!read.ok()) {
      const bool stopped = read.error().kind == ErrorKind::kCancelled;
      return Error{stopped ? ErrorKind::kCancelled : ErrorKind::kInvalidInput, "cassette: " + read.error().message};
    }
    text = std::move(read).value();
  }
  RUNE_ASSIGN_OR_RETURN(Cassette cassette, Cassette::Parse(text, config.cassette.empty() ? "demo" : config.cassette));
  return std::unique_ptr<ModelClient>(std::make_unique<CassettePlayer>(loop, std::move(cassette)));
}

}  // namespace

Result<HttpModelOptions> ChooseEndpoint(EventLoop& loop, const Config& config) {
  return Choose(loop,
                {.provider = config.provider,
                 .model = config.model,
                 .base_url = config.base_url,
                 .api_key = config.api_key,
                 .wire = config.wire},
                config, config.caps);
}

Result<std::unique_ptr<ModelClient>> MakeModelClient(EventLoop& loop, const Config& config) {
  const Provider* const named = FindProvider(config.provider);
  const bool plays = named != nullptr && named->entry == Entry::kRecording;
  auto client = plays ? MakeCassettePlayer(loop, config) : MakeHttpClient(loop, config);
  if (!client.ok() || config.record.empty()) return client;
  return CassetteRecorder::Create(std::move(client).value(), config.record);
}

}  // namespace rune::agent
