#include "sandbox/guardian/audit.h"

#include <algorithm>
#include <set>

#include "sandbox/base/paths.h"
#include "sandbox/base/quoted.h"
#include "sandbox/base/text.h"
#include "sandbox/domain_allowlist.h"
#include "sandbox/program.h"

namespace rune::sandbox {
namespace {

/// By its name when that leads to the same file, else by its path.
std::string CommandEntry(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  const auto real = RealPath(path);
  return real && RealPath(FindProgram(name)) == real ? name : path;
}

/// A string that TOML and YAML read alike. Names of programs and hosts have no control characters; what has is not
/// something to put into a policy unseen.
std::string Quoted(const std::string& text) { return QuoteToml(OneLine(text, 4096)); }

std::string List(const std::set<std::string>& entries) {
  std::string out = "[";
  for (const std::string& entry : entries) out += (out.size() > 1 ? ", " : "") + Quoted(entry);
  return out + "]";
}

}  // namespace

std::string AuditText(const Report& report, const std::string& program) {
  std::set<std::string> commands{CommandEntry(program)};
  for (const std::string& path : report.programs) commands.insert(CommandEntry(path));
  std::set<std::string> domains;
  for (const Egress& egress : report.egress) {
    // A name that was only looked up counts: without it the command would have been told that there is no such name.
    const bool connected = std::any_of(report.egress.begin(), report.egress.end(), [&](const Egress& other) {
      return other.target == egress.target && other.connections > 0;
    });
    if (egress.connections == 0 && connected) continue;
    if (auto entry = EntryFor(egress.target, egress.port)) domains.insert(*std::move(entry));
  }
  std::string flags;
  for (const std::string& domain : domains) flags += " --allow-domain " + domain;
  return "# rune.toml\n[policy]\nallowed_commands = " + List(commands) + "\nallowed_domains = " + List(domains) +
         "\n\n# pipeline\nsource:\n  policy:\n    allowed_commands: " + List(commands) +
         "\n    allowed_domains: " + List(domains) +
         "\n\n# by hand, with every installed program: rune-sandbox --system" + flags + " -- " +
         OneLine(program, 4096) + "\n# its largest process had " + std::to_string(report.max_rss_kb / 1024) + " MiB\n";
}

}  // namespace rune::sandbox
