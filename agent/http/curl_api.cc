#include "agent/http/curl_api.h"

#include <dlfcn.h>
#include <stdlib.h>

#include <string>

namespace rune::agent {
namespace {

constexpr const char* kLibrary = "libcurl.so.4";  // the ABI of every libcurl since 7.16

Result<CurlApi> LoadNow() {
  // Some of what libcurl links brings GnuTLS along, which would test itself on loading: 1 MB and 0.7 million
  // instructions for protocols that are switched off here.
  ::setenv("GNUTLS_NO_IMPLICIT_INIT", "1", 0);
  // Lazily: most of the 30 libraries behind it are never called.
  void* const library = ::dlopen(kLibrary, RTLD_LAZY | RTLD_LOCAL);  // never closed: OpenSSL's exit handlers live in it
  if (library == nullptr) {
    const char* const why = ::dlerror();
    return Error{ErrorKind::kUnavailable,
                 std::string("cannot load ") + kLibrary + " (install libcurl4): " + (why == nullptr ? "" : why)};
  }
  CurlApi api;
#define RUNE_CURL_FIND(name)                                                                   \
  api.name = reinterpret_cast<decltype(api.name)>(::dlsym(library, "curl_" #name));            \
  if (api.name == nullptr) {                                                                   \
    return Error{ErrorKind::kUnavailable, std::string(kLibrary) + " has no curl_" #name "()"}; \
  }
  RUNE_CURL_FUNCTIONS(RUNE_CURL_FIND)
#undef RUNE_CURL_FIND
  if (api.global_init(CURL_GLOBAL_SSL) != CURLE_OK) {
    return Error{ErrorKind::kUnavailable, std::string(kLibrary) + " cannot be initialised"};
  }
  return api;
}

}  // namespace

Result<const CurlApi*> CurlApi::Load() {
  static const Result<CurlApi> loaded = LoadNow();
  if (!loaded.ok()) return loaded.error();
  return &loaded.value();
}

}  // namespace rune::agent
