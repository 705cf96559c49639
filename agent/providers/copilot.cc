#include "agent/providers/copilot.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include "agent/http/fetch.h"
#include "agent/http/url.h"
#include "agent/wires/codec.h"
#include "sandbox/base/characters.h"
#include "sandbox/base/log.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::string_view kCopilotDomain = "githubcopilot.com";
constexpr std::string_view kIntegration = "Copilot-Integration-Id:";
constexpr std::string_view kApiVersion = "X-GitHub-Api-Version:";
/// The exchange has a version of its own.
constexpr std::string_view kExchangeVersion = "X-GitHub-Api-Version: 2025-04-01";
/// The only integration that GitHub tokens open the API with directly.
constexpr std::string_view kDirectIntegration = "Copilot-Integration-Id: copilot-developer-cli";
constexpr std::size_t kMaxBody = 1u << 20;
constexpr std::chrono::seconds kMargin{60};
constexpr std::chrono::seconds kDefaultRefresh{1500};
constexpr std::chrono::seconds kLongestRefresh{24 * 3600};

/// What it may serve a model on, the best first. Its base URL has no version, though one of the paths has.
struct Service {
  Wire wire;
  std::string_view version;
};
constexpr std::array<Service, 3> kServices{
    {{Wire::kOpenAiChat, ""}, {Wire::kOpenAiResponses, ""}, {Wire::kAnthropicMessages, "/v1"}}};

bool NamesHeader(std::string_view line, std::string_view name) {
  return ToLower(line.substr(0, name.size())) == ToLower(name);
}

/// Of "tid=1;exp=2;proxy-ep=proxy.individual.githubcopilot.com;...": the host of the API.
std::string ApiOfToken(std::string_view token) {
  for (const std::string_view field : Split(token, ';')) {
    constexpr std::string_view kName = "proxy-ep=proxy.";
    if (field.starts_with(kName)) return "https://api." + std::string(field.substr(kName.size()));
  }
  return {};
}

bool Lists(const json::View& list, std::string_view word) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i].string() == word) return true;
  }
  return false;
}

}  // namespace

CopilotHosts CopilotHostsOf(const std::string& base_url) {
  const std::string domain(kCopilotDomain);
  CopilotHosts hosts{.exchange = "https://api.github.com",
                     .api = "",
                     .usual_api = "https://api." + domain,
                     .domains = {domain, "github.com"},
                     .login = "https://github.com"};
  if (base_url.empty()) return hosts;
  const UrlParts url = SplitUrl(base_url);
  if (IsUnder(url.host, domain)) {
    hosts.api = base_url;
  } else if (IsLoopback(url)) {
    hosts.api = base_url;
    hosts.exchange = hosts.login = url.Origin();
  } else {
    hosts.exchange = "https://api." + url.Authority();
    hosts.usual_api = "https://copilot-api." + url.Authority();
    hosts.domains.push_back(url.host);
    hosts.login = "https://" + url.Authority();
  }
  return hosts;
}

bool IsTrustedApi(std::string_view api, const std::vector<std::string>& domains) {
  constexpr std::string_view kScheme = "https://";
  if (!api.starts_with(kScheme)) return false;
  std::string_view host = api.substr(kScheme.size());
  if (host.ends_with('/')) host.remove_suffix(1);
  const bool plain = All(host, [](char c) { return IsLower(c) || IsDigit(c) || c == '-' || c == '.'; });
  return plain && std::any_of(domains.begin(), domains.end(),
                              [host](const std::string& domain) { return IsUnder(host, domain); });
}

Result<CopilotSession> ReadCopilotSession(const std::string& body, const std::vector<std::string>& domains) {
  RUNE_ASSIGN_OR_RETURN(const json::Document document, json::Document::Parse(body, "answer"));
  const json::View root = document.root();
  CopilotSession session;
  auto read = ReadKey(root["token"].Text(), "token");
  if (!read.ok() || read->empty()) return Error{ErrorKind::kProtocol, "no token in the answer"};
  session.token = std::move(read).value();
  const std::string_view token = session.token.Reveal();
  const std::int64_t seconds = root["refresh_in"].integer().value_or(kDefaultRefresh.count());
  session.refresh_in = std::chrono::seconds(std::clamp<std::int64_t>(seconds, 1, kLongestRefresh.count()));
  for (const std::string& api : {root["endpoints"]["api"].Text(), ApiOfToken(token)}) {
    if (api.empty() || !session.api.empty()) continue;
    if (IsTrustedApi(api, domains)) {
      session.api = api;
    } else {
      Log(LogLevel::kWarn,
          "the address of Copilot's API that was given is not GitHub's, and not used: " + OneLine(api));
    }
  }
  return session;
}

void ApplyCopilotModel(const json::View& models, std::string_view model, Caps& caps) {
  const json::View list = models["data"];
  for (std::size_t i = 0; i < list.size(); ++i) {
    const json::View entry = list[i];
    if (entry["id"].string() != model) continue;
    const json::View paths = entry["supported_endpoints"];
    for (const Service& service : kServices) {
      if (paths.size() > 0 && !Lists(paths, std::string(service.version).append(FormatOf(service.wire).path))) continue;
      caps.wire = service.wire;
      break;
    }
    const json::View limits = entry["capabilities"]["limits"];
    for (const char* const name : {"max_context_window_tokens", "max_prompt_tokens"}) {
      const auto tokens = limits[name].integer();
      if (tokens && *tokens > 0) caps.context_window = static_cast<std::uint64_t>(*tokens);
    }
    const json::View supports = entry["capabilities"]["supports"];
    if (const auto vision = supports["vision"].boolean()) caps.images = *vision;
    const auto image = limits["vision"]["max_prompt_image_size"].integer();
    if (image && *image > 0) caps.max_image_bytes = static_cast<std::uint64_t>(*image);
    caps.thinking = supports["reasoning_effort"].size() > 0 || supports["adaptive_thinking"].boolean() == true;
    if (caps.wire == Wire::kAnthropicMessages) {
      caps.thinking_style = supports["adaptive_thinking"].boolean() == true ? "adaptive" : "budget";
      caps.default_max_tokens = static_cast<std::uint64_t>(
          std::clamp<std::int64_t>(limits["max_output_tokens"].integer().value_or(8192), 1, 16'384));
    }
    return;
  }
}

CopilotAccess::CopilotAccess(EventLoop& loop, CopilotOptions options)
    : loop_(loop), options_(std::move(options)), http_(loop) {
  if (!options_.token.Reveal().starts_with("tid=")) return;
  session_.token = options_.token;
  if (const std::string api = ApiOfToken(session_.token.Reveal()); IsTrustedApi(api, options_.hosts.domains))
    session_.api = api;
  direct_ = true;
}

CopilotAccess::~CopilotAccess() = default;

std::vector<std::string> CopilotAccess::SessionHeaders() const {
  return {std::string("Authorization: Bearer ").append(session_.token.Reveal())};
}

std::string CopilotAccess::Api() const {
  if (!options_.hosts.api.empty()) return options_.hosts.api;
  return session_.api.empty() ? options_.hosts.usual_api : session_.api;
}

std::optional<Failure> CopilotAccess::Open(const GrantRequest& request, Caps& caps, Grant& grant) {
  if (auto failure = EnsureSession(caps, request.deadline)) return failure;
  NameIntegration(caps);
  if (request.learn_model && !std::exchange(model_known_, true)) {
    LearnModel(caps, request.deadline);
    NameIntegration(caps);  // the user's own headers have replaced it
  }
  grant.base_url = Api();
  grant.models_url = JoinUrl(grant.base_url, "/models");
  for (const Service& service : kServices) {
    if (service.wire == caps.wire && !grant.base_url.ends_with(service.version)) grant.base_url += service.version;
  }
  grant.headers = SessionHeaders();
  const bool by_user = !request.history.empty() && request.history.back().role == Role::kUser;
  grant.headers.emplace_back(by_user ? "X-Initiator: user" : "X-Initiator: agent");
  const bool pictures = std::any_of(request.history.begin(), request.history.end(), HasImages);
  if (caps.images && pictures) grant.headers.emplace_back("Copilot-Vision-Request: true");
  return std::nullopt;
}

/// A GitHub token that opens the API itself does so for one integration only.
void CopilotAccess::NameIntegration(Caps& caps) const {
  if (!direct_ || session_.token.Reveal().starts_with("tid=")) return;
  std::erase_if(caps.headers, [](const std::string& line) { return NamesHeader(line, kIntegration); });
  caps.headers.emplace_back(kDirectIntegration);
}

bool CopilotAccess::Renew() {
  if (direct_) return false;
  session_ = {};
  renew_at_ = good_until_ = {};
  return true;
}

std::optional<Failure> CopilotAccess::EnsureSession(const Caps& caps, TimePoint deadline) {
  if (direct_ || (!session_.token.empty() && Now() < renew_at_)) return std::nullopt;
  if (!exchange_) StartExchange(caps);
  switch (loop_.RunUntil([this] { return !exchange_; }, deadline)) {
    case EventLoop::Wake::kDone:
      break;
    case EventLoop::Wake::kInterrupted:
      if (exchange_) http_.Cancel(*std::exchange(exchange_, std::nullopt));
      return Failure{.kind = ModelErrorKind::kCancelled, .message = "the run was interrupted"};
    case EventLoop::Wake::kDeadline:
      return Failure{.kind = ModelErrorKind::kDeadline, .message = "the run's time was up while asking for a token"};
  }
  if (!failure_ || direct_) return std::nullopt;
  if (!session_.token.empty() && Now() < good_until_) return std::nullopt;
  return failure_;
}

void CopilotAccess::StartExchange(const Caps& caps) {
  failure_.reset();
  exchange_body_.clear();
  HttpRequest request{.url = options_.hosts.exchange + "/copilot_internal/v2/token",
                      .headers = {std::string("Authorization: token ").append(options_.token.Reveal()),
                                  "Accept: application/json", std::string(kExchangeVersion)},
                      .body = std::nullopt,
                      .timeouts = TimeoutsOf(options_.deadlines)};
  for (const std::string& header : caps.headers) {
    if (!NamesHeader(header, kApiVersion)) request.headers.push_back(header);
  }
  exchange_ =
      http_.Start(std::move(request), {.on_headers = {},
                                       .on_body =
                                           [this](std::string_view bytes) {
                                             if (exchange_body_.size() < kMaxBody) exchange_body_ += bytes;
                                           },
                                       .on_done = [this](const HttpOutcome& outcome) { EndExchange(outcome); }});
}

void CopilotAccess::EndExchange(const HttpOutcome& outcome) {
  exchange_.reset();
  const bool succeeded = outcome.failure == HttpFailure::kNone && outcome.status >= 200 && outcome.status < 300;
  if (!succeeded) {
    const bool refused = outcome.status == 401 || outcome.status == 403 || outcome.status == 404;
    const std::string_view token = options_.token.Reveal();
    const bool may_open = token.starts_with("gho_") || token.starts_with("github_pat_");
    failure_ = Refusal(outcome);
    if (refused && may_open && failure_->remedy == Remedy::kNone) {
      Log(LogLevel::kInfo, failure_->message + "; trying the token itself");
      session_ = {.token = options_.token, .api = ""};
      direct_ = true;
    }
    return;
  }
  auto session = ReadCopilotSession(exchange_body_, options_.hosts.domains);
  WipeMemory(exchange_body_.data(), exchange_body_.size());
  if (!session.ok()) {
    failure_ = Failure{.kind = ModelErrorKind::kProtocol,
                       .remedy = Remedy::kRetry,
                       .max_attempts = 2,
                       .message = SplitUrl(options_.hosts.exchange).Authority() +
                                  " does not answer like GitHub when asked for a Copilot token: check base_url (" +
                                  OneLine(session.error().message) + ")"};
    return;
  }
  session_ = std::move(session).value();
  const auto margin = std::min(kMargin, session_.refresh_in / 10);
  good_until_ = Now() + session_.refresh_in;
  renew_at_ = good_until_ - margin;
}

Failure CopilotAccess::Refusal(const HttpOutcome& outcome) const {
  const Endpoint endpoint{.provider = "github-copilot",
                          .base_url = options_.hosts.exchange,
                          .model = options_.model,
                          .path = "/copilot_internal/v2/token"};
  Failure failure = ClassifyHttp(outcome, endpoint, static_cast<std::int64_t>(std::time(nullptr)));
  if (failure.remedy == Remedy::kRenew || failure.remedy == Remedy::kDegrade) failure.remedy = Remedy::kNone;
  if (failure.remedy == Remedy::kRetry || outcome.status < 400) return failure;
  failure.kind = ModelErrorKind::kAuth;
  const std::string host = SplitUrl(options_.hosts.exchange).Authority();
  std::string what = host + " gives no Copilot token (" + std::to_string(outcome.status) + "): ";
  if (options_.token.Reveal().starts_with("ghp_")) {
    what += "classic personal access tokens (ghp_) do not work with Copilot; log in with `rune init`";
  } else if (outcome.status == 404) {
    what += "this account, or this kind of token, has no access to Copilot";
  } else {
    what += "check api_key (RUNE_API_KEY), or log in anew with `rune init`";
  }
  std::string words;
  if (const auto document = json::Document::Parse(outcome.error_body); document.ok()) {
    const json::View root = document->root();
    const json::View details = root["error_details"];
    words = (details["message"].string() ? details : root)["message"].Text();
    if (const auto url = details["url"].string()) words += " " + std::string(*url);
  }
  failure.message = FailureLine(what, words);
  return failure;
}

void CopilotAccess::LearnModel(Caps& caps, TimePoint deadline) {
  HttpRequest request{.url = JoinUrl(Api(), "/models"),
                      .headers = SessionHeaders(),
                      .body = std::nullopt,
                      .timeouts = TimeoutsOf(options_.deadlines)};
  request.headers.insert(request.headers.end(), caps.headers.begin(), caps.headers.end());
  const Fetched fetched = Fetch(loop_, http_, std::move(request), deadline);
  auto models = json::Document::Parse(fetched.body, "models");
  if (!fetched.ok() || !models.ok()) {
    Log(LogLevel::kInfo, "Copilot's list of models cannot be had; assuming chat completions");
    return;
  }
  ApplyCopilotModel(models->root(), options_.model, caps);
  if (options_.correct) options_.correct(caps);
}

}  // namespace rune::agent
