#include "agent/process.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "sandbox/base/encoding.h"
#include "sandbox/base/files.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/redaction.h"
#include "sandbox/base/text.h"

extern char** environ;

namespace rune::agent {
namespace {

#ifndef RUNE_LIBEXEC_DIR
#define RUNE_LIBEXEC_DIR "/usr/libexec/rune"
#endif

/// Of "[http://]user:password@proxy:3128", as it is written and as it is sent.
void LearnProxyPassword(std::string_view proxy) {
  if (const std::size_t scheme = proxy.find("://"); scheme != std::string_view::npos) proxy.remove_prefix(scheme + 3);
  const std::size_t at = proxy.rfind('@');
  if (at == std::string_view::npos) return;
  AddSecret(proxy.substr(0, at));
  if (const auto sent = PercentDecode(proxy.substr(0, at))) AddSecret(*sent);
}

/// Values that must never leave through an answer, a log or a record, though nobody gave them to us.
void LearnSecretsOfEnvironment() {
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string name(text.substr(0, equals));
    const std::string_view value = text.substr(equals + 1);
    // The path of a key file is no secret, and would blank out ordinary text; a key may well begin with "/".
    if (NamesSecret(name) && !(value.starts_with('/') && Exists(std::string(value)))) AddSecret(value);
    if (ToLower(name).ends_with("_proxy")) LearnProxyPassword(value);
  }
}

}  // namespace

void HardenProcess() {
  LearnSecretsOfEnvironment();
  // Not dumpable: no core file, no ptrace, and /proc/PID/{environ,mem,...} belong to root (proc(5)).
  ::prctl(PR_SET_DUMPABLE, 0);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
}

std::string HelperPath() {
  if (const char* dir = ::getenv("RUNE_LIBEXEC"); dir != nullptr && dir[0] == '/')
    return std::string(dir) + "/rune-sandbox";
  char self[4096];
  const ssize_t n = ::readlink("/proc/self/exe", self, sizeof self);
  if (n > 0) {
    const std::string path(self, static_cast<std::size_t>(n));
    const std::string beside = ParentOf(path) + "/rune-sandbox";
    if (Exists(beside)) return beside;
  }
  return RUNE_LIBEXEC_DIR "/rune-sandbox";
}

}  // namespace rune::agent
