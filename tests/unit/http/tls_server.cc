#include "tests/unit/http/tls_server.h"

#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace rune::test {
namespace {

TempDir MakeDir() {
  auto dir = TempDir::Create("/tmp", "rune-tls-test");
  if (!dir.ok()) std::abort();
  return std::move(dir).value();
}

/// A certificate for `name`, which is its own authority.
X509* SelfSigned(EVP_PKEY* key, const std::string& name) {
  X509* const certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* const subject = X509_get_subject_name(certificate);
  const unsigned char word[] = "rune test";
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, word, -1, -1, 0);
  X509_set_issuer_name(certificate, subject);
  X509_EXTENSION* const names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name.c_str());
  X509_add_ext(certificate, names, -1);
  X509_EXTENSION_free(names);
  X509_sign(certificate, key, EVP_sha256());
  return certificate;
}

}  // namespace

TlsServer::TlsServer(const std::string& name) : dir_(MakeDir()) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = SelfSigned(key, name);
  certificate_file_ = dir_.path() + "/ca.pem";
  FILE* const file = std::fopen(certificate_file_.c_str(), "we");
  if (file == nullptr || PEM_write_X509(file, certificate) != 1) std::abort();
  std::fclose(file);
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_use_certificate(context, certificate);
  SSL_CTX_use_PrivateKey(context, key);
  X509_free(certificate);
  EVP_PKEY_free(key);
  context_ = context;

  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 8) != 0) std::abort();
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Serve(); });
}

TlsServer::~TlsServer() {
  stopping_ = true;
  thread_.join();
  ::close(listener_);
  SSL_CTX_free(static_cast<SSL_CTX*>(context_));
}

void TlsServer::Serve() {
  while (!stopping_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (::poll(&waiting, 1, 10) <= 0) continue;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    ServeConnection(fd);
    ::close(fd);
  }
}

void TlsServer::ServeConnection(int fd) {
  const std::unique_ptr<SSL, void (*)(SSL*)> tls(SSL_new(static_cast<SSL_CTX*>(context_)), SSL_free);
  SSL_set_fd(tls.get(), fd);
  if (SSL_accept(tls.get()) != 1) return;
  ++handshakes_;
  std::string head;
  while (!stopping_) {
    pollfd waiting{fd, POLLIN, 0};
    if (SSL_pending(tls.get()) == 0 && ::poll(&waiting, 1, 10) <= 0) continue;
    char buffer[4096];
    const int got = SSL_read(tls.get(), buffer, sizeof buffer);
    if (got <= 0) return;
    head.append(buffer, static_cast<std::size_t>(got));
    if (!head.ends_with("\r\n\r\n")) continue;
    ++requests_;
    head.clear();
    constexpr std::string_view kReply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    SSL_write(tls.get(), kReply.data(), static_cast<int>(kReply.size()));
  }
}

}  // namespace rune::test
