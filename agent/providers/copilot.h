#pragma once
/// GitHub Copilot: a GitHub token is exchanged for a session token that lasts about half an hour, which opens an API
/// that speaks three of our wires. None of it is documented by GitHub; what editors do is what works. All header values
/// come from Caps::headers, so that a configuration can follow a service that moves.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/http/client.h"
#include "agent/json/json.h"
#include "agent/providers/access.h"
#include "sandbox/base/secret.h"

namespace rune::agent {

struct CopilotHosts {
  std::string exchange;              ///< "https://api.github.com"
  std::string api;                   ///< Set: used whatever the exchange says.
  std::string usual_api;             ///< Where the exchange says nothing that can be believed.
  std::vector<std::string> domains;  ///< Under which an API may lie that the exchange names.
  std::string login;                 ///< "https://github.com": where device logins begin.
};
/// `base_url` may be empty (github.com), an API below githubcopilot.com, an address of this machine (then everything is
/// there), or a GitHub Enterprise host ("https://acme.ghe.com").
CopilotHosts CopilotHostsOf(const std::string& base_url);

struct CopilotSession {
  Secret token;
  std::string api;  ///< Checked; empty: none that can be believed.
  std::chrono::seconds refresh_in{0};
};
/// The answer of the exchange. kProtocol when there is no token in it.
Result<CopilotSession> ReadCopilotSession(const std::string& body, const std::vector<std::string>& domains);
/// `api` is https, with a plain host below one of `domains`, and nothing else.
bool IsTrustedApi(std::string_view api, const std::vector<std::string>& domains);
/// What /models says of `model`: its wire, window, pictures, effort. A model that is not listed changes nothing.
void ApplyCopilotModel(const json::View& models, std::string_view model, Caps& caps);

struct CopilotOptions {
  Secret token;  ///< ghu_, gho_, github_pat_, ghp_, or a session token ("tid=...").
  CopilotHosts hosts;
  std::string model;
  std::function<void(Caps&)> correct;  ///< Runs after `caps` was changed: the user's word counts most. May be empty.
  Deadlines deadlines;
  std::function<TimePoint()> now;  ///< Empty: Clock::now. A person's calendar is wrong too often to go by expires_at.
};

/// Exchanges at the first request and again before the token ends; at most one exchange is under way at a time. A
/// session that cannot be renewed is used until its end.
class CopilotAccess : public Access {
 public:
  CopilotAccess(EventLoop& loop, CopilotOptions options);
  ~CopilotAccess() override;
  CopilotAccess(const CopilotAccess&) = delete;
  CopilotAccess& operator=(const CopilotAccess&) = delete;

  std::optional<Failure> Open(const GrantRequest& request, Caps& caps, Grant& grant) override;
  bool Renew() override;

 private:
  std::optional<Failure> EnsureSession(const Caps& caps, TimePoint deadline);
  void StartExchange(const Caps& caps);
  void EndExchange(const HttpOutcome& outcome);
  Failure Refusal(const HttpOutcome& outcome) const;
  void LearnModel(Caps& caps, TimePoint deadline);
  void NameIntegration(Caps& caps) const;
  std::vector<std::string> SessionHeaders() const;
  std::string Api() const;
  TimePoint Now() const { return options_.now ? options_.now() : Clock::now(); }

  EventLoop& loop_;
  CopilotOptions options_;
  HttpClient http_;
  CopilotSession session_;
  TimePoint renew_at_{};
  TimePoint good_until_{};
  bool direct_ = false;  ///< The key opens the API itself; there is no exchange.
  bool model_known_ = false;
  std::optional<HttpClient::RequestId> exchange_;
  std::string exchange_body_;
  std::optional<Failure> failure_;  ///< Of the last exchange.
};

}  // namespace rune::agent
