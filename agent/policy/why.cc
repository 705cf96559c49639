#include "agent/policy/why.h"

#include <algorithm>

#include "agent/policy/domain.h"
#include "sandbox/base/files.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"
#include "sandbox/program.h"

namespace rune::agent {
namespace {

using Entries = std::vector<std::string>;

class Reader {
 public:
  explicit Reader(const Policy& policy) : policy_(policy), config_(policy.config()) {}

  Decision Read(const std::string& path) const { return Decide("read " + path, policy_.CheckRead(path), ReadBy(path)); }
  Decision Write(const std::string& path) const {
    return Decide("write " + path, policy_.CheckWrite(path), Entry("allowed_paths_rw", config_.allowed_paths_rw, path));
  }
  Decision Connect(const Url& url) const {
    return Decide("connect " + HostAndPort(url), policy_.CheckUrl(url.text), DomainOf(url));
  }
  Decision Run(const std::string& program) const {
    return Decide("run " + program, policy_.CheckCommand(program, Policy::PlanCommand(program)), ProgramOf(program));
  }
  std::vector<Decision> Command(const std::string& line) const;

  std::string Path(const std::string& entry) const {
    return NormalizePath(ExpandHome(entry, policy_.places().home), policy_.places().cwd);
  }

 private:
  Decision Decide(const std::string& act, const Verdict& verdict, const std::string& by) const {
    Decision decision{.act = OneLine(act, 400)};
    if (verdict.allowed()) {
      decision.answer = Decision::Answer::kAllowed;
      decision.because = by.empty() ? "what every tool may do" : by;
      return decision;
    }
    const Refusal refusal = policy_.WithWayOut(verdict.refusal ? *verdict.refusal : *verdict.question);
    if (!verdict.refusal) decision.answer = Decision::Answer::kAsked;
    decision.because = OneLine(refusal.message, 400) + "; " + refusal.way_out;
    return decision;
  }

  /// The entry of a list that `takes` it, and where it stands.
  template <typename F>
  std::string EntryThat(std::string_view key, const Entries& list, F takes) const {
    const auto entry = std::find_if(list.begin(), list.end(), takes);
    if (entry == list.end()) return "";
    std::string place = "its default";
    if (const auto found = config_.origins.find(key); found != config_.origins.end()) {
      for (const PolicyOrigin& origin : found->second) place = origin.place;
    }
    return "'" + OneLine(*entry) + "' of " + std::string(key) + " (" + place + ")";
  }
  std::string Entry(std::string_view key, const Entries& list, const std::string& path) const {
    return EntryThat(key, list, [&](const std::string& entry) { return IsBelow(path, Path(entry)); });
  }

  std::string ReadBy(const std::string& path) const {
    if (auto by = Entry("allowed_paths_ro", config_.allowed_paths_ro, path); !by.empty()) return by;
    if (auto by = Entry("allowed_paths_rw", config_.allowed_paths_rw, path); !by.empty()) return by;
    return IsBelow(path, policy_.places().cwd) ? "the working directory" : "";
  }

  std::string DomainOf(const Url& url) const {
    return EntryThat("allowed_domains", config_.allowed_domains, [&](const std::string& entry) {
      const auto rules = sandbox::DomainAllowlist::Parse({entry});
      return rules.ok() && (rules->every() || IsListed(*rules, url));
    });
  }

  std::string ProgramOf(const std::string& program) const {
    const auto path_of = [](const std::string& name) {
      return name.find('/') == std::string::npos ? sandbox::FindProgram(name) : name;
    };
    const std::string path = path_of(program);
    const std::string by = EntryThat("allowed_commands", config_.allowed_commands, [&](const std::string& entry) {
      return entry == "*" || entry == program || (!path.empty() && path_of(entry) == path);
    });
    return by.empty() || path.empty() ? by : by + ", the file " + path;
  }

  const Policy& policy_;
  const PolicyConfig& config_;
};

std::vector<Decision> Reader::Command(const std::string& line) const {
  const CommandPlan plan = Policy::PlanCommand(line);
  std::vector<Decision> decisions;
  for (const std::string& program : plan.programs) decisions.push_back(Run(program));
  for (const std::string& name : plan.writes) {
    const std::string path = policy_.ResolvePath(name);
    const CommandPlan redirection{.understood = true, .writes = {path}};
    decisions.push_back(Decide("write " + path, policy_.CheckCommand(line, redirection),
                               Entry("allowed_paths_rw", config_.allowed_paths_rw, path)));
  }
  // The whole, where it is more than its parts: what cannot be read from the text, builtins, an empty list.
  const bool parts = std::all_of(decisions.begin(), decisions.end(),
                                 [](const Decision& d) { return d.answer == Decision::Answer::kAllowed; });
  if (decisions.empty() || (parts && !plan.understood)) {
    decisions.push_back(Decide("execute_cmd " + line, policy_.CheckCommand(line, plan), ""));
  }
  return decisions;
}

Result<Url> HostIn(const std::string& subject) {
  if (subject.find("://") != std::string::npos) return ParseUrl(subject);
  const auto place = sandbox::ParseHostPort(subject);
  if (!place.ok()) return place.error();
  return ParseUrl((place->port == 80 ? "http://" : "https://") + subject);
}

}  // namespace

std::vector<Decision> Why(const Policy& policy, const std::string& subject) {
  const Reader reader(policy);
  const std::string path = policy.ResolvePath(subject);
  const bool names_path =
      subject.starts_with('/') || subject.starts_with('~') || subject.starts_with("./") || subject.starts_with("../");
  if (names_path ? subject.find(' ') == std::string::npos || Exists(path) : Exists(path)) {
    std::vector<Decision> decisions{reader.Read(path), reader.Write(path)};
    if (!sandbox::ProgramFiles(path).ok()) return decisions;
    decisions.push_back(reader.Run(path));
    return decisions;
  }
  const bool program = !sandbox::FindProgram(subject).empty();
  if (const auto url = HostIn(subject); url.ok() && !program && subject.find_first_of(".:") != std::string::npos) {
    return {reader.Connect(*url)};
  }
  return reader.Command(subject);
}

}  // namespace rune::agent
