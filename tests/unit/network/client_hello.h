#pragma once
/// What OpenSSL 3.0 says first to a server (TLS 1.3 and 1.2 offered), captured from `openssl s_client`, with other
/// names.

#include <string>
#include <vector>

namespace rune::sandbox::test {

/// Without a server name.
std::string ClientHello();
/// With one server_name extension that holds these names.
std::string ClientHello(const std::vector<std::string>& names);
/// What may follow it at once: so many records of application data, 10,000 bytes each.
std::string EarlyData(int records);

}  // namespace rune::sandbox::test
