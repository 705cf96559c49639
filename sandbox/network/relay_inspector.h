#pragma once
/// Looks at what a client says about itself before it is believed: TLS server name, HTTP hosts. Pure.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/denial.h"
#include "sandbox/network/http_requests.h"
#include "sandbox/network/tls_hellos.h"

namespace rune::sandbox {

struct InspectorRules {
  std::uint16_t port = 0;                              ///< 443: TLS only. 80: HTTP only.
  std::function<bool(const std::string& name)> allow;  ///< Called once for each name.
};

class ClientInspector {
 public:
  enum class State : std::uint8_t {
    kUndecided,  ///< More bytes are needed; nothing has passed.
    kTls,        ///< An allowed hello has passed; the server may ask for another one.
    kHttp,       ///< Each request is looked at.
    kOpen,       ///< All may pass: what follows need not be fed any more.
    kRefused,    ///< what(), detail() and wanted().
  };
  explicit ClientInspector(InspectorRules rules);

  State Feed(std::string_view bytes);
  /// What the server sends, before it is given to the client: some of what the client says counts only by its answer.
  State HearServer(std::string_view bytes);
  /// The client sends nothing more.
  State End();
  /// The client has had its time.
  State Expire();
  /// What may go on to the server and has not been taken yet.
  std::string TakePassed();

  State state() const { return state_; }
  bool has_bytes() const { return !first_.empty(); }
  DeniedAct what() const { return what_; }  ///< kTls or kHttp.
  const std::string& detail() const { return detail_; }
  /// The name that was asked for and is not allowed. Empty: it was not a name that was refused.
  const std::string& wanted() const { return wanted_; }

 private:
  bool AllowsName(const std::string& name);
  bool AllowsRequest(const std::string& host, std::uint16_t port);
  void Decide(std::string_view bytes);
  void FeedHttp(std::string_view bytes);
  void LookAtHttp(HttpRequests::State state);
  void LookAtTls(TlsHellos::State state);
  void Open(std::string bytes);
  void Refuse(DeniedAct what, std::string detail);

  InspectorRules rules_;
  State state_ = State::kUndecided;
  bool tls_possible_;
  std::string first_;  ///< Everything so far, while undecided.
  std::string passed_;
  HttpRequests http_;
  std::optional<TlsHellos> tls_;  ///< Of kTls.
  DeniedAct what_ = DeniedAct::kTls;
  std::string detail_;
  std::string wanted_;
};

}  // namespace rune::sandbox
