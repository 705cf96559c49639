#pragma once
/// An HTTPS server on 127.0.0.1 for tests, with a certificate that it signs itself. One thread of its own.

#include <atomic>
#include <string>
#include <thread>

#include "sandbox/base/files.h"

namespace rune::test {

class TlsServer {
 public:
  /// `name` is what the certificate is for: "IP:127.0.0.1", "DNS:other.example".
  explicit TlsServer(const std::string& name);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }
  const std::string& certificate_file() const { return certificate_file_; }
  int handshakes() const { return handshakes_; }
  int requests() const { return requests_; }

 private:
  void Serve();
  void ServeConnection(int fd);

  rune::TempDir dir_;
  std::string certificate_file_;
  void* context_ = nullptr;  // SSL_CTX
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> handshakes_ = 0;
  std::atomic<int> requests_ = 0;
  std::thread thread_;
};

}  // namespace rune::test
