#include "agent/record/ref.h"

#include <openssl/sha.h>

#include "sandbox/base/encoding.h"

namespace rune::agent {
namespace {

constexpr std::string_view kPrefix = "sha256:";
constexpr std::size_t kPromptDigestBytes = 8;

}  // namespace

std::string Sha256(std::string_view bytes) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

Result<std::string> RefOf(std::string_view answer, const CanonicalForm& form) {
  RUNE_ASSIGN_OR_RETURN(const std::string canonical, Canonicalize(answer, form));
  return std::string(kPrefix) + HexEncode(Sha256(canonical));
}

bool IsRef(std::string_view text) {
  return text.size() == kPrefix.size() + 2 * SHA256_DIGEST_LENGTH && text.starts_with(kPrefix) &&
         text.find_first_not_of("0123456789abcdef", kPrefix.size()) == std::string_view::npos;
}

std::string PromptDigest(std::string_view prompt) {
  return HexEncode(std::string_view(Sha256(prompt)).substr(0, kPromptDigestBytes));
}

}  // namespace rune::agent
