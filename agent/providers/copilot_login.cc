#include "agent/providers/copilot_login.h"

#include <algorithm>
#include <ctime>

#include "agent/http/fetch.h"
#include "agent/http/url.h"
#include "agent/json/json.h"
#include "agent/providers/failure.h"
#include "sandbox/base/encoding.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

constexpr std::int64_t kUsualInterval = 5;  // RFC 8628, section 3.2
constexpr std::int64_t kLongestWait = 3600;

Error Interrupted() { return Error{ErrorKind::kCancelled, "the login was interrupted"}; }

class Flow {
 public:
  Flow(EventLoop& loop, const DeviceLogin& login) : loop_(loop), login_(login), http_(loop) {}

  Result<Secret> Run() {
    RUNE_ASSIGN_OR_RETURN(
        const json::Document start,
        Post("/login/device/code", "client_id=" + PercentEncode(login_.client_id) + "&scope=read%3Auser"));
    const json::View root = start.root();
    const Secret device(root["device_code"].string().value_or(""));
    const std::string code = root["user_code"].Text();
    if (device.empty() || code.empty()) return Broken("gives no code");
    login_.show(OneLine(root["verification_uri"].string().value_or(login_.host + "/login/device")), OneLine(code, 40));
    Milliseconds interval = SecondsAt(root["interval"], kUsualInterval);
    const TimePoint end = Clock::now() + SecondsAt(root["expires_in"], kLongestWait);
    const std::string form = "client_id=" + PercentEncode(login_.client_id) +
                             "&device_code=" + PercentEncode(device.Reveal()) +
                             "&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code";
    for (;;) {
      if (Clock::now() + interval > end) return Expired();
      if (loop_.RunUntil([] { return false; }, Clock::now() + interval) == EventLoop::Wake::kInterrupted) {
        return Interrupted();
      }
      RUNE_ASSIGN_OR_RETURN(const json::Document answer, Post("/login/oauth/access_token", form));
      if (const auto token = answer.root()["access_token"].string(); token && !token->empty()) {
        return Secret(*token);
      }
      const std::string error = answer.root()["error"].Text();
      if (error == "authorization_pending") continue;
      if (error == "expired_token") return Expired();
      if (error == "access_denied") return Error{ErrorKind::kDenied, "the login was refused on the page"};
      if (error != "slow_down") return Broken("does not finish the login: " + OneLine(error, 100));
      interval += login_.slow_down;
    }
  }

 private:
  static Milliseconds SecondsAt(const json::View& view, std::int64_t fallback) {
    return std::chrono::seconds(std::clamp<std::int64_t>(view.integer().value_or(fallback), 0, kLongestWait));
  }
  Error Broken(const std::string& what) const {
    return Error{ErrorKind::kProtocol, SplitUrl(login_.host).Authority() + " " + what + ": check the address"};
  }
  static Error Expired() {
    return Error{ErrorKind::kUnavailable, "the code has expired before it was entered: start again"};
  }

  Result<json::Document> Post(const std::string& path, std::string form) {
    HttpRequest request{.url = JoinUrl(login_.host, path),
                        .headers = {"Accept: application/json", "Content-Type: application/x-www-form-urlencoded"},
                        .body = std::move(form)};
    const Fetched fetched = Fetch(loop_, http_, std::move(request), Clock::now() + login_.patience);
    if (fetched.wake == EventLoop::Wake::kInterrupted) return Interrupted();
    if (fetched.wake == EventLoop::Wake::kDeadline) {
      return Error{ErrorKind::kUnavailable, SplitUrl(login_.host).Authority() + " does not answer in time"};
    }
    if (!fetched.ok()) {
      const Endpoint endpoint{"github-copilot", login_.host, "", path};
      const auto now = static_cast<std::int64_t>(std::time(nullptr));
      return Error{ErrorKind::kUnavailable, ClassifyHttp(fetched.outcome, endpoint, now).message};
    }
    auto document = json::Document::Parse(fetched.body, "answer");
    if (!document.ok()) return Broken("does not answer like GitHub");
    return document;
  }

  EventLoop& loop_;
  const DeviceLogin& login_;
  HttpClient http_;
};

}  // namespace

Result<Secret> LogInToCopilot(EventLoop& loop, const DeviceLogin& login) { return Flow(loop, login).Run(); }

}  // namespace rune::agent
