#pragma once
/// One request on its way: the easy handle, its options and its callbacks. Used by HttpClient alone.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "agent/http/client.h"
#include "agent/http/curl_api.h"
#include "agent/http/network_settings.h"
#include "sandbox/base/result.h"

namespace rune::agent {

class Transfer {
 public:
  enum class Phase : std::uint8_t { kConnecting, kWaiting, kReceiving };

  Transfer(const CurlApi& api, HttpRequest request, HttpHandler handler);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  /// Makes a new easy handle with all options. kUnavailable when libcurl refuses one, kInvalidInput for the trust
  /// store.
  Result<void> Prepare();
  CURL* easy() const { return easy_; }
  const HttpHandler& handler() const { return handler_; }

  /// When the current phase, or the whole request, has taken too long.
  TimePoint due() const;
  /// What to call it when due() has passed.
  HttpFailure OverdueFailure(TimePoint now) const;

  /// The outcome that libcurl's `code` means.
  HttpOutcome Conclude(CURLcode code);
  HttpOutcome Conclude(HttpFailure failure, std::string detail);
  void Stop() { stopped_ = true; }
  bool stopped() const { return stopped_; }

 private:
  static std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* self);
  static int OnConnected(void* self, char* remote_ip, char* local_ip, int remote_port, int local_port);
  static curl_socket_t OpenSocket(void* self, curlsocktype purpose, struct curl_sockaddr* address);
  static int OnNote(CURL* easy, curl_infotype kind, char* data, std::size_t size, void* self);
  void TakeHeaderLine(std::string_view line);
  bool TakeBody(std::string_view bytes);
  void Enter(Phase phase);
  void Release();
  bool succeeded() const { return outcome_.status >= 200 && outcome_.status < 300; }

  const CurlApi& api_;
  HttpRequest request_;
  HttpHandler handler_;
  CURL* easy_ = nullptr;
  curl_slist* headers_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_{};
  HttpOutcome outcome_;
  Phase phase_ = Phase::kConnecting;
  TimePoint since_ = Clock::now();  // start of the phase, or the last byte while receiving
  bool announced_ = false;          // the headers are complete
  bool enough_ = false;             // the error body is as long as anyone wants it
  bool stopped_ = false;
};

}  // namespace rune::agent
