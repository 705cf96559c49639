#pragma once
/// An HTTP server on 127.0.0.1 for tests, able to misbehave. One thread of its own; requests are answered in order.

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace rune::test {

struct SeenRequest {
  std::string head;  ///< Request line and headers, as they came.
  std::string body;
  int connection = 0;  ///< 1 for the first one accepted.
  int number = 0;      ///< 1 for the first request.
};

/// The server's end of one connection. Sending nothing leaves the client waiting.
class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}
  void Send(std::string_view bytes) const;
  /// A whole response, with Content-Length.
  void Reply(int status, const std::string& headers, const std::string& body) const;
  void ReplyJson(int status, const std::string& body) const {
    Reply(status, "Content-Type: application/json\r\n", body);
  }
  void ReplyEvents(const std::string& events) const { Reply(200, "Content-Type: text/event-stream\r\n", events); }
  void Close();
  void Reset();  ///< Closes with RST (SO_LINGER 0).
  bool closed() const { return closed_; }

 private:
  int fd_;
  bool closed_ = false;
};

class LoopbackServer {
 public:
  using Responder = std::function<void(const SeenRequest& request, Peer& peer)>;
  explicit LoopbackServer(Responder responder);
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int port() const { return port_; }
  std::vector<SeenRequest> seen();
  /// Waits until the client has closed `count` connections; false when it has not after two seconds.
  bool ClientCloses(int count);

 private:
  struct Connection {
    int fd = -1;
    int number = 0;
  };
  void Serve();
  bool ServeOne(Connection& connection);

  Responder responder_;
  int listener_ = -1;
  int stop_ = -1;
  int port_ = 0;
  std::mutex mutex_;
  std::vector<SeenRequest> seen_;
  int closed_by_client_ = 0;
  std::condition_variable closing_;
  std::thread thread_;
};

/// A port of 127.0.0.1 on which nothing listens.
int UnusedPort();

}  // namespace rune::test
