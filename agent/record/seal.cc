#include "agent/record/seal.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <array>
#include <memory>

namespace rune::agent {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kKeyIdBytes = 4;
constexpr std::string_view kInfo = "rune record v1";

struct Free {
  void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Free>;

const unsigned char* Bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
int Length(std::string_view text) { return static_cast<int>(text.size()); }
Error CryptoError(const char* what) { return {ErrorKind::kSystem, std::string("libcrypto: ") + what + " failed"}; }

Result<std::string> DeriveKeys(std::string_view secret, std::size_t bytes) {
  const std::unique_ptr<EVP_KDF, Free> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  const std::unique_ptr<EVP_KDF_CTX, Free> context(kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
  if (!context) return CryptoError("HKDF");
  std::string digest = "SHA256";
  std::string input(secret);
  std::string info(kInfo);
  const std::array<OSSL_PARAM, 4> params{
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, input.data(), input.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()), OSSL_PARAM_construct_end()};
  std::string keys(bytes, '\0');
  const bool derived = EVP_KDF_derive(context.get(), Bytes(keys), keys.size(), params.data()) == 1;
  OPENSSL_cleanse(input.data(), input.size());
  if (!derived) return CryptoError("HKDF");
  return keys;
}

std::string NonceFor(const std::string& key, std::string_view plain, std::string_view ref) {
  std::string message(ref);
  message += '\0';
  message += plain;
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned int length = 0;
  HMAC(EVP_sha256(), key.data(), Length(key), Bytes(message), message.size(), mac.data(), &length);
  return {reinterpret_cast<const char*>(mac.data()), kNonceBytes};
}

}  // namespace

Result<Seal> Seal::FromSecret(std::string_view secret) {
  if (secret.empty()) return Error::Invalid("a seal needs a secret");
  RUNE_ASSIGN_OR_RETURN(std::string keys, DeriveKeys(secret, 2 * kKeyBytes + kKeyIdBytes));
  Seal seal;
  seal.key_ = keys.substr(0, kKeyBytes);
  seal.nonce_key_ = keys.substr(kKeyBytes, kKeyBytes);
  seal.key_id_ = keys.substr(2 * kKeyBytes);
  OPENSSL_cleanse(keys.data(), keys.size());
  return seal;
}

Seal::~Seal() {
  OPENSSL_cleanse(key_.data(), key_.size());
  OPENSSL_cleanse(nonce_key_.data(), nonce_key_.size());
}

Result<std::string> Seal::Close(std::string_view plain, std::string_view ref) const {
  const std::string nonce = NonceFor(nonce_key_, plain, ref);
  const CipherContext context(EVP_CIPHER_CTX_new());
  std::string cipher(plain.size(), '\0');
  std::string tag(kTagBytes, '\0');
  int length = 0;
  const bool done =
      context &&
      EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, Bytes(std::string_view(key_)),
                         Bytes(std::string_view(nonce))) == 1 &&
      EVP_EncryptUpdate(context.get(), nullptr, &length, Bytes(ref), Length(ref)) == 1 &&
      EVP_EncryptUpdate(context.get(), Bytes(cipher), &length, Bytes(plain), Length(plain)) == 1 &&
      EVP_EncryptFinal_ex(context.get(), nullptr, &length) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, static_cast<int>(kTagBytes), tag.data()) == 1;
  if (!done) return CryptoError("AES-256-GCM");
  return key_id_ + nonce + cipher + tag;
}

Result<std::string> Seal::Open(std::string_view sealed, std::string_view ref) const {
  const Error altered{ErrorKind::kProtocol, "the record was altered, or belongs to another version"};
  if (sealed.size() < kKeyIdBytes + kNonceBytes + kTagBytes) return altered;
  if (sealed.substr(0, kKeyIdBytes) != key_id_) {
    return Error{ErrorKind::kDenied, "the record was written with another key"};
  }
  const std::string_view nonce = sealed.substr(kKeyIdBytes, kNonceBytes);
  const std::string_view cipher =
      sealed.substr(kKeyIdBytes + kNonceBytes, sealed.size() - kKeyIdBytes - kNonceBytes - kTagBytes);
  std::string tag(sealed.substr(sealed.size() - kTagBytes));
  const CipherContext context(EVP_CIPHER_CTX_new());
  std::string plain(cipher.size(), '\0');
  int length = 0;
  const bool ready = context && EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr,
                                                   Bytes(std::string_view(key_)), Bytes(nonce)) == 1;
  if (!ready) return CryptoError("AES-256-GCM");
  const bool authentic =
      EVP_DecryptUpdate(context.get(), nullptr, &length, Bytes(ref), Length(ref)) == 1 &&
      EVP_DecryptUpdate(context.get(), Bytes(plain), &length, Bytes(cipher), Length(cipher)) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, static_cast<int>(kTagBytes), tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), nullptr, &length) == 1;
  if (!authentic) return altered;
  return plain;
}

}  // namespace rune::agent
