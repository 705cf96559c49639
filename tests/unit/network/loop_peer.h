#pragma once
/// TCP peers on the test's own loop: what they got, and how their connection ended.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/address.h"
#include "sandbox/base/event_loop.h"
#include "sandbox/base/unique_fd.h"

namespace rune::sandbox::test {

/// Of this process, the one used for counting included.
std::size_t OpenDescriptors();

/// Two ends of one TCP connection on 127.0.0.1, not blocking.
std::pair<UniqueFd, UniqueFd> TcpPair();

class LoopPeer {
 public:
  LoopPeer(EventLoop& loop, UniqueFd fd);
  ~LoopPeer();
  LoopPeer(const LoopPeer&) = delete;
  LoopPeer& operator=(const LoopPeer&) = delete;

  void Send(std::string_view bytes);
  void End();    ///< Half-close, after what waits to be sent.
  void Reset();  ///< Closes with a reset.
  void Close();
  void StopReading();
  void GoOnReading();

  const std::string& received() const { return received_; }
  std::size_t unsent() const { return out_.size(); }
  bool ended() const { return ended_; }    ///< An orderly end.
  bool broken() const { return broken_; }  ///< A reset.
  int fd() const { return fd_.get(); }
  std::function<void(LoopPeer&)> on_data;

 private:
  void OnEvent();
  void Watch();
  bool Write();

  EventLoop& loop_;
  UniqueFd fd_;
  std::string out_;
  std::string received_;
  bool ending_ = false;
  bool reading_ = true;
  bool ended_ = false;
  bool broken_ = false;
};

class LoopServer {
 public:
  /// `address` with any free port, or `port`. Not valid: the address is not there, or the port is taken.
  LoopServer(EventLoop& loop, const std::string& address, std::uint16_t port = 0, int backlog = 256);
  ~LoopServer();
  LoopServer(const LoopServer&) = delete;
  LoopServer& operator=(const LoopServer&) = delete;

  bool valid() const { return port_ != 0; }
  std::uint16_t port() const { return port_; }
  const std::vector<std::unique_ptr<LoopPeer>>& peers() const { return peers_; }
  void StopAccepting();
  std::function<void(LoopPeer&)> on_accept;

 private:
  EventLoop& loop_;
  UniqueFd fd_;
  std::uint16_t port_ = 0;
  std::vector<std::unique_ptr<LoopPeer>> peers_;
};

}  // namespace rune::sandbox::test
