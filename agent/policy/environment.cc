// What commands find around them, and what a model is told of it.

#include "agent/policy/environment.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cstdlib>
#include <span>

#include "agent/policy/policy.h"
#include "sandbox/base/list.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/redaction.h"
#include "sandbox/base/text.h"
#include "sandbox/program.h"

namespace rune::agent {
namespace {

constexpr std::size_t kSurroundings = 500;
constexpr std::size_t kListBytes = 80;

std::string NameOf(const std::string& entry) { return entry.substr(0, entry.find('=')); }

void Put(std::vector<std::string>& env, const std::string& entry) {
  const std::string name = NameOf(entry) + "=";
  std::erase_if(env, [&](const std::string& known) { return known.starts_with(name); });
  env.push_back(entry);
}

bool IsName(const std::string& name) {
  const auto letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
  return !name.empty() && letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

/// "a b c and 4 more"
std::string Some(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string word = OneLine(words[i], 60);
    if (text.size() + word.size() > kListBytes) return text + " and " + std::to_string(words.size() - i) + " more";
    text += (text.empty() ? "" : " ") + word;
  }
  return text.empty() ? "nothing" : text;
}

}  // namespace

Result<void> CheckEnvironment(const std::vector<std::string>& entries) {
  for (const std::string& entry : entries) {
    const std::string name = NameOf(entry);
    const bool odd =
        std::any_of(entry.begin(), entry.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
    if (!IsName(name) || odd) return Error::Invalid("env: '" + OneLine(entry, 60) + "' is neither NAME nor NAME=value");
    if (NamesSecret(name)) return Error::Invalid("env: '" + name + "' holds a secret by its name; tools never get one");
  }
  return Ok();
}

std::string Policy::ToolPath() const {
  std::vector<std::string> dirs;
  for (const std::string& entry : config_.path) dirs.push_back(FromConfig(entry));
  for (const std::string_view dir : Split(sandbox::kToolPath, ':')) AddOnce(dirs, std::string(dir));
  // What may run by its path is found by its name: last, so that it hides nothing.
  for (const std::string& entry : config_.allowed_commands) {
    if (entry.starts_with('/')) AddOnce(dirs, ParentOf(NormalizePath(entry, "/")));
  }
  std::string path;
  for (const std::string& dir : dirs) {
    if (dir.find(':') == std::string::npos) path += (path.empty() ? "" : ":") + dir;
  }
  return path;
}

std::vector<std::string> Policy::Environment() const {
  // Programs neither wait for a person nor decorate their output.
  std::vector<std::string> env{"LANG=C.UTF-8", "TERM=dumb", "NO_COLOR=1", "PAGER=cat", "GIT_PAGER=cat",
                               "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=/bin/false", "SSH_ASKPASS_REQUIRE=never",
                               "GH_PROMPT_DISABLED=1", "DEBIAN_FRONTEND=noninteractive", "CI=true",
                               // A checkout belongs to whoever made it, seldom to the uid that a command has; what git
                               // runs because of it is confined like git itself (git-config(1), safe.directory).
                               "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"};
  const char* zone = ::getenv("TZ");
  if (zone != nullptr && *zone != '\0') env.push_back("TZ=" + OneLine(zone, 60));
  if (tool_path_ != sandbox::kToolPath) env.push_back("PATH=" + tool_path_);
  for (const std::string& entry : config_.env) {
    const char* value = entry.find('=') == std::string::npos ? ::getenv(entry.c_str()) : "";
    if (value != nullptr) Put(env, entry.find('=') == std::string::npos ? entry + "=" + value : entry);
  }
  return env;
}

std::string Policy::Surroundings() const {
  utsname system{};
  std::string kind = "Linux";
  if (::uname(&system) == 0) kind = std::string(system.sysname) + " " + system.machine;
  const bool private_place = places_.cwd == places_.tmp_dir;
  std::vector<std::string> writes{"/tmp"};
  for (const std::string& path : compiled().writable_trees) AddOnce(writes, path);
  std::vector<std::string> reads = places_.readable;
  if (Contains(compiled().files.read, places_.cwd)) AddOnce(reads, places_.cwd);
  for (const std::string& path : config_.allowed_paths_ro) AddOnce(reads, FromConfig(path));
  std::string text = "You are in " + OneLine(private_place ? "/tmp" : places_.cwd, 100) + " on " + kind +
                     "; command lines are run by /bin/sh (POSIX). Mode " + std::string(PolicyModeName(mode_)) +
                     ". You may run: " + (every_program() ? "every program" : Some(config_.allowed_commands)) +
                     ". Reach: " + (network_open() ? "every host" : Some(config_.allowed_domains)) +
                     ". Write: " + Some(writes) + ". Read: " + Some(reads) + ".";
  text.resize(Utf8Prefix(text, kSurroundings).size());
  return text;
}

std::string Policy::Notice() const {
  for (const std::string& entry : config_.denied_paths) {
    const std::string denied = FromConfig(entry);
    if (IsBelow(places_.cwd, denied) && IsBelowAny(places_.cwd, compiled().files.denied))
      return "the working directory cannot be read: denied_paths has '" + OneLine(entry, 100) + "'";
  }
  return "";
}

}  // namespace rune::agent
