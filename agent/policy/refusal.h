#pragma once
/// What policy says to one request.

#include <optional>
#include <string>
#include <vector>

namespace rune::agent {

/// A refusal, with the way out.
struct Refusal {
  std::string message;  ///< "BLOCKED by policy: command 'rm' is not in allowed_commands"
  std::string what;     ///< "exec", "read", "write", "connect"
  std::string target;   ///< "rm", "/etc/shadow", "example.com:443"
  std::string allow;    ///< The policy line that would allow it: `allowed_commands = ["rm"]`. Empty: nothing would.
  std::vector<std::string> entries;  ///< What Allow() adds to that list.
};

/// The verdict on one request. Without a refusal and without a question it may run.
struct Verdict {
  std::optional<Refusal> refusal;   ///< Policy says no (allowlist mode, denied paths in every mode but unrestricted).
  std::optional<Refusal> question;  ///< Confirm mode: a person may allow it.
  bool allowed() const { return !refusal && !question; }
};

}  // namespace rune::agent
