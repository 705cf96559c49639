#pragma once
/// Follows both sides of a TLS connection from its first ClientHello on until no other one can follow in the clear: a
/// server may ask for a second one (HelloRetryRequest, RFC 8446 4.1.4), and believes that one. Pure.

#include <cstdint>
#include <string>
#include <string_view>

namespace rune::sandbox {

class TlsHellos {
 public:
  enum class State : std::uint8_t {
    kReading,
    kOver,     ///< All may pass: what follows need not be fed any more.
    kRefused,  ///< `reason()`. Nothing more may pass.
  };
  /// `name`: of the first hello, normalised.
  explicit TlsHellos(std::string name);

  /// What the client sends after its first hello. Records pass when they are whole; a hello only with the same name.
  State FeedClient(std::string_view bytes);
  /// What the server sends, before it is given to the client.
  State FeedServer(std::string_view bytes);
  /// What may go on to the server and has not been taken yet.
  std::string TakePassed();

  State state() const { return state_; }
  const std::string& reason() const { return reason_; }
  /// The name of the second hello, where it is another one.
  const std::string& other() const { return other_; }

 private:
  enum class Answer : std::uint8_t { kUnknown, kHello, kRetry };
  static Answer ReadAnswer(std::string_view bytes);
  bool PassHello();
  void End();
  void Refuse(std::string reason);

  std::string name_;
  State state_ = State::kReading;
  std::string held_;    ///< Of the client: a record that is not whole.
  std::string answer_;  ///< Of the server: all so far.
  bool retry_ = false;  ///< It asked for a second hello.
  std::string passed_;
  std::string reason_;
  std::string other_;
};

}  // namespace rune::sandbox
