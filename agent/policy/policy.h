#pragma once
/// What the user wrote ([policy]) turned into decisions about tool calls and into confinements for the kernel.
/// The text checks give friendly messages and approvals; the Confinement is what holds.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/config.h"
#include "sandbox/base/result.h"
#include "sandbox/confinement.h"

namespace rune::agent {

/// Where the run happens. All paths absolute.
struct Places {
  std::string cwd;               ///< Working directory of the tools.
  std::string home;              ///< The user's home; empty when there is none. Never granted as a whole.
  std::string tmp_dir;           ///< The sandbox's private directory.
  bool tmp_is_private = false;   ///< tmp_dir is seen as /tmp by the tools.
  std::vector<std::string> readable;  ///< Granted for reading besides the policy (build inputs).
};

/// A refusal, with the way out.
struct Refusal {
  std::string message;   ///< "BLOCKED by policy: command 'rm' is not in allowed_commands"
  std::string what;      ///< "exec", "read", "write", "connect"
  std::string target;    ///< "rm", "/etc/shadow", "example.com:443"
  std::string allow;     ///< The policy line that would allow it: `allowed_commands = ["rm"]`. Empty: nothing would.
};

/// The verdict on one request. Without a refusal and without a question it may run.
struct Verdict {
  std::optional<Refusal> refusal;   ///< Policy says no (allowlist mode, denied paths in every mode but unrestricted).
  std::optional<Refusal> question;  ///< Confirm mode: a person may allow it.
  bool allowed() const { return !refusal && !question; }
};

/// How execute_cmd will run a command line.
struct CommandPlan {
  std::vector<std::string> argv;      ///< The words themselves when it is one simple command, else {"/bin/sh", "-c", text}.
  std::vector<std::string> programs;  ///< The names found in it, in order, without repetition.
  bool understood = false;            ///< False: something in it is beyond static analysis ($(...) as command name, eval, ...).
};

class Policy {
 public:
  /// kInvalidInput on a malformed domain, unknown syscall name, relative denied path outside cwd, ...
  static Result<Policy> Create(const PolicyConfig& config, const Places& places, PolicyMode default_mode);

  PolicyMode mode() const { return mode_; }
  const PolicyConfig& config() const { return config_; }
  const Places& places() const { return places_; }

  /// Parses a command line by the shell grammar (POSIX.1-2017, 2.10). Pure.
  static CommandPlan PlanCommand(const std::string& command_line);

  Verdict CheckCommand(const std::string& command_line, const CommandPlan& plan) const;
  Verdict CheckRead(const std::string& path) const;   ///< `path` normalised, absolute.
  Verdict CheckWrite(const std::string& path) const;
  Verdict CheckUrl(const std::string& url) const;

  /// The confinement of file tools: no program can be executed.
  sandbox::Confinement ForFiles() const;
  /// The confinement of a command line: exactly the allowed programs (and those of `approved`, when a person said yes)
  /// can be executed. `needs_shell` adds /bin/sh.
  sandbox::Confinement ForCommand(const CommandPlan& plan, bool approved) const;
  /// The confinement of fetch_url.
  sandbox::Confinement ForFetch() const;

  /// Adds an approval for the rest of the session ("always").
  void Allow(const Refusal& refusal);

  /// True when "*" is among the allowed domains.
  bool network_open() const;

 private:
  Policy() = default;
  PolicyMode mode_ = PolicyMode::kAllowlist;
  PolicyConfig config_;
  Places places_;
};

}  // namespace rune::agent
