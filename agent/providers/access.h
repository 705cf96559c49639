#pragma once
/// What a request needs besides the wire format: where it goes, and the headers that let it in.

#include <optional>
#include <string>
#include <vector>

#include "agent/config/config.h"
#include "agent/conversation/message.h"
#include "agent/http/client.h"
#include "agent/providers/failure.h"
#include "agent/wires/caps.h"
#include "sandbox/base/event_loop.h"
#include "sandbox/base/result.h"
#include "sandbox/base/secret.h"

namespace rune::agent {

struct Grant {
  std::string base_url;
  std::string models_url;            ///< Where the service lists its models.
  std::vector<std::string> headers;  ///< "Name: value", those with the key among them.
};

struct GrantRequest {
  const std::vector<Message>& history;  ///< That it is about: some services bill by who spoke last.
  TimePoint deadline = kNever;
  bool learn_model = true;  ///< False: what the model takes does not matter to who asks.
};

/// For the small documents on the way in (tokens, lists of models): they come sooner than an answer, so that without a
/// word of the user's the client's own patience will do.
HttpTimeouts TimeoutsOf(const Deadlines& deadlines);

/// A key as it may stand in a header line: without the blanks and line ends around it that files of secrets have.
/// kInvalidInput that names `setting`, and not the key, for what could end the line.
Result<Secret> ReadKey(std::string_view text, const std::string& setting);
/// The header line with the key, as the provider, or else the wire, wants it: Authorization, x-api-key, x-goog-api-key.
std::string KeyLine(std::string_view provider, Wire wire, const Secret& key);

class Access {
 public:
  virtual ~Access() = default;
  /// May run the loop to ask for a token, and may learn more about the model: `caps` is changed then.
  virtual std::optional<Failure> Open(const GrantRequest& request, Caps& caps, Grant& grant) = 0;
  /// The server refused what Open() gave. False: there is nothing else to try.
  virtual bool Renew() = 0;
};

/// A key that is sent as it is (KeyLine()).
class KeyAccess : public Access {
 public:
  /// `key` may be empty: then no such header is sent.
  KeyAccess(Endpoint endpoint, Secret key) : endpoint_(std::move(endpoint)), key_(std::move(key)) {}
  std::optional<Failure> Open(const GrantRequest& request, Caps& caps, Grant& grant) override;
  bool Renew() override { return false; }

 private:
  Endpoint endpoint_;
  Secret key_;
};

}  // namespace rune::agent
