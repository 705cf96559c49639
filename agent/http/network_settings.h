#pragma once
/// What the environment says about certificates and proxies. libcurl itself reads the proxy variables but, unlike the
/// curl program, none of those for certificates.

#include <functional>
#include <string>

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

/// The no_proxy list (NO_PROXY when unset) plus the loopback names and ranges, which no proxy could reach.
std::string NoProxyList(const EnvLookup& env = ProcessEnv);

}  // namespace rune::agent
