#include "agent/http/network_settings.h"

#include <array>
#include <cstdlib>

#include "sandbox/base/files.h"
#include "sandbox/no_proxy.h"

namespace rune::agent {
namespace {

constexpr std::array<const char*, 4> kBundles{
    "/etc/ssl/certs/ca-certificates.crt",  // Debian, Ubuntu, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",    // Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",              // openSUSE
    "/etc/ssl/cert.pem",                   // the BSDs, OpenSSL's own default
};

}  // namespace

std::string ProcessEnv(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

Result<TrustStore> FindTrustStore(const EnvLookup& env) {
  struct Source {
    const char* variable;
    std::string TrustStore::* where;
  };
  constexpr std::array<Source, 3> kSources{{{"SSL_CERT_FILE", &TrustStore::file},
                                            {"CURL_CA_BUNDLE", &TrustStore::file},
                                            {"SSL_CERT_DIR", &TrustStore::directory}}};
  for (const Source& source : kSources) {
    const std::string path = env(source.variable);
    if (path.empty()) continue;
    if (!Exists(path))
      return Error::Invalid(std::string(source.variable) + " names " + path + ", which does not exist");
    TrustStore store;
    store.*source.where = path;
    return store;
  }
  for (const char* const bundle : kBundles) {
    if (Exists(bundle)) return TrustStore{bundle, ""};
  }
  return Error::Invalid(std::string("no certificate bundle at ") + kBundles[0] +
                        " or the other usual places: install ca-certificates or set SSL_CERT_FILE");
}

bool IsReachedDirectly(std::string_view host, const EnvLookup& env) {
  std::string list = env("no_proxy");
  if (list.empty()) list = env("NO_PROXY");
  return sandbox::NoProxy(list + ",localhost,127.0.0.0/8,::1").Covers(host);
}

}  // namespace rune::agent
