#pragma once
/// What a policy would do with one path, host or command line, and which line of it decides.

#include <string>
#include <vector>

#include "agent/policy/policy.h"

namespace rune::agent {

struct Decision {
  enum class Answer : std::uint8_t { kAllowed, kAsked, kRefused };
  std::string act;  ///< "read /etc/hosts", "run ls", "connect a.test:443": one safe line, as is the reason.
  Answer answer = Answer::kRefused;
  std::string because;  ///< "'/usr' of allowed_paths_ro (its default)", or what would allow it.
};

/// `subject` is a path when it looks like one or is there, a host (with or without a port, or a URL) when it looks like
/// one and is no program, else a command line: then its programs and redirections are decided about one by one.
/// By the lists also in unrestricted mode, for the kernel goes by them.
std::vector<Decision> Why(const Policy& policy, const std::string& subject);

}  // namespace rune::agent
