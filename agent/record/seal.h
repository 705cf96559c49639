#pragma once
/// Authenticated encryption of records (AES-256-GCM, NIST SP 800-38D) under keys derived from a secret of the source
/// (HKDF-SHA256, RFC 5869). Deterministic: the nonce is a MAC of the content, so equal records give equal bytes and a
/// nonce is reused only for the very same content. The ref is associated data: a sealed record cannot be moved to
/// another ref.

#include <string>
#include <string_view>

#include "sandbox/base/result.h"

namespace rune::agent {

class Seal {
 public:
  /// `secret` must not be empty. kSystem when libcrypto fails.
  static Result<Seal> FromSecret(std::string_view secret);
  Seal(Seal&&) noexcept = default;
  Seal& operator=(Seal&&) noexcept = default;
  Seal(const Seal&) = delete;
  Seal& operator=(const Seal&) = delete;
  ~Seal();

  /// key id (4 bytes), nonce (12), ciphertext, tag (16).
  Result<std::string> Close(std::string_view plain, std::string_view ref) const;
  /// kDenied: sealed with another key. kProtocol: altered, cut short, or sealed for another ref.
  Result<std::string> Open(std::string_view sealed, std::string_view ref) const;

 private:
  Seal() = default;
  std::string key_;        // of the cipher
  std::string nonce_key_;  // of the MAC that gives the nonce
  std::string key_id_;     // tells another key from an altered record; derived, so it says nothing about the secret
};

}  // namespace rune::agent
