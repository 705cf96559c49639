#pragma once
/// A GitHub token for Copilot through the device flow (RFC 8628): the person types a code into a page of GitHub's.

#include <functional>
#include <string>

#include "sandbox/base/event_loop.h"
#include "sandbox/base/result.h"
#include "sandbox/base/secret.h"

namespace rune::agent {

struct DeviceLogin {
  std::string host = "https://github.com";         ///< Or that of a GitHub Enterprise, or of a test.
  std::string client_id = "Iv1.b507a08c87ecfe98";  ///< The editors' app: tokens of other apps open less.
  Milliseconds patience{30'000};                   ///< With one answer.
  Milliseconds slow_down{5000};                    ///< Added to the interval when the server asks for it.
  /// Shows a person where to go and what to type there. Both are safe lines.
  std::function<void(const std::string& page, const std::string& code)> show;
};

/// Runs the loop until the person has agreed. kCancelled when interrupted, kDenied when the person refused,
/// kUnavailable and kProtocol for the rest, expiry included: one line that says what to do.
Result<Secret> LogInToCopilot(EventLoop& loop, const DeviceLogin& login);

}  // namespace rune::agent
