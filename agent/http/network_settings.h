#pragma once
/// What the environment says about certificates and proxies. libcurl itself reads the proxy variables but, unlike the
/// curl program, none of those for certificates.

#include <functional>
#include <string>
#include <string_view>

#include "sandbox/base/result.h"

namespace rune::agent {

/// Looks up an environment variable; empty when unset.
using EnvLookup = std::function<std::string(const char* name)>;
std::string ProcessEnv(const char* name);

/// Where the trusted certificates are; one of the two is set.
struct TrustStore {
  std::string file;
  std::string directory;
  const std::string& path() const { return file.empty() ? directory : file; }
};

/// SSL_CERT_FILE, CURL_CA_BUNDLE, SSL_CERT_DIR, else the first of the places where distributions put the bundle.
/// kInvalidInput naming the file that is not there.
Result<TrustStore> FindTrustStore(const EnvLookup& env = ProcessEnv);

/// Whether `host` is reached without a proxy: because no_proxy (NO_PROXY when unset) names it, or because it is this
/// machine, which no proxy could reach.
bool IsReachedDirectly(std::string_view host, const EnvLookup& env = ProcessEnv);

}  // namespace rune::agent
