#pragma once
/// What policy says to one request.

#include <cstdint>
#include <optional>
#include <string>

#include "sandbox/denial.h"

namespace rune::agent {

/// A refusal, with the way out.
struct Refusal {
  std::string message;  ///< "BLOCKED by policy: command 'rm' is not in allowed_commands"
  sandbox::DeniedAct what = sandbox::DeniedAct::kExec;
  std::string target;      ///< "rm", "/etc/shadow" (the very path), "example.com:443"
  sandbox::Remedy remedy;  ///< What Policy::Allow() adds.
  std::string way_out;     ///< What a person can do, in words: Policy::WithWayOut().
  std::string directory;   ///< Of the file that `remedy` opens; empty: there is none that could be opened instead.
  std::string line;        ///< The key of [policy] with the remedy in it; empty: there is none.
  sandbox::DeniedBy by = sandbox::DeniedBy::kPolicy;
  std::uint32_t count = 1;  ///< How often.
  bool secret = false;      ///< What was asked for holds keys, or is the address of a cloud's metadata.
};

/// The verdict on one request. Without a refusal and without a question it may run.
struct Verdict {
  std::optional<Refusal> refusal;   ///< Policy says no (allowlist mode, denied paths in every mode but unrestricted).
  std::optional<Refusal> question;  ///< Confirm mode: a person may allow it.
  bool allowed() const { return !refusal && !question; }
};

}  // namespace rune::agent
